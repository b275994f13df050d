"""The tap, telling at its end where its CPU time went: `profiled_tap FILE [--functions] ...`.

Without `--functions` by thread, which costs nothing; with it by function of the main thread, which
makes everything slower, calls most of all.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from pathlib import Path
from typing import Any

FUNCTIONS = 12


def main() -> None:
    """Run the tap with the arguments that are left."""
    file = Path(sys.argv.pop(1))
    by_function = "--functions" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--functions"]
    from tap_xstak_oms.cli import main as tap  # noqa: PLC0415 - its import is measured

    imported = time.process_time()
    before = time.thread_time()
    profile = cProfile.Profile()
    try:
        profile.runcall(tap) if by_function else tap()
    finally:
        on_main = time.thread_time() - before
        threads = {
            "start-up": imported,
            "main thread: fitting and writing": on_main,
            "workers: requests, inflating, splitting pages": time.process_time()
            - imported
            - on_main,
        }
        file.write_text(json.dumps(_functions(profile) if by_function else threads))


def _functions(profile: cProfile.Profile) -> dict[str, float]:
    """The functions that took most time themselves, in seconds."""
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # there is
    took = {_name(*where): own for where, (_, _, own, _, _) in stats.items()}
    most = sorted(took.items(), key=lambda item: -item[1])[:FUNCTIONS]
    return dict(most)


def _name(file: str, _line: int, function: str) -> str:
    return f"{Path(file).stem}.{function}" if file.endswith(".py") else function.strip("<>{}")


if __name__ == "__main__":
    main()
