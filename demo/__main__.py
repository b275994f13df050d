"""`./run demo`: the story, told to whoever sits at this terminal."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

INTERRUPTED = 130
TERMINATED = 143


def main() -> int:
    """Tell the story; the exit code is 1 if it cannot be told to its end."""
    signal.signal(signal.SIGTERM, _end)
    try:
        return _tell()
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Nothing is left running.\n")
        return INTERRUPTED


def _end(_signal: int, _frame: object) -> NoReturn:
    # What this program has started ends on the way out.
    sys.exit(TERMINATED)


def _tell() -> int:
    # Loading takes half a second, in which one may change one's mind as well.
    from rich.console import Console  # noqa: PLC0415

    from demo.programs import ProgramError  # noqa: PLC0415
    from demo.story import tell  # noqa: PLC0415

    try:
        tell(Console(highlight=False))
    except ProgramError as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
