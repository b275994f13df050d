"""`./run bench`: how fast the tap is, beside what else one could use.

Without arguments everything is measured, for half an hour or more, and the figures of
docs/performance.md are written anew.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, Any

from benchmarks import measurements, report
from benchmarks.measurements import QUICK, Scale
from benchmarks.process import ROOT, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("speed", "partitions", "memory", "start-up", "profile")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and tell it."""
    options = _parser().parse_args(arguments)
    scale = QUICK if options.quick else Scale()
    try:
        results = {part: _measure(part, scale) for part in options.parts or PARTS}
        if options.into:
            target = shlex.split(options.into)
            results["pipeline"] = measurements.pipeline(scale, target)
    except BenchmarkError as problem:
        print(problem, file=sys.stderr)
        return 1
    text = report.write(results, scale)
    print(text)
    if not options.quick and not options.parts:
        page = ROOT / "docs" / "performance.md"
        page.write_text(report.insert(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


def _measure(part: str, scale: Scale) -> Any:  # noqa: ANN401 - each part has figures of its own
    print(f"-- {part}", file=sys.stderr, flush=True)
    if part == "speed":
        return {latency: measurements.speed(scale, latency) for latency in scale.latencies}
    measure = {
        "partitions": measurements.many_partitions,
        "memory": measurements.memory,
        "start-up": measurements.start_up,
        "profile": measurements.profile,
    }
    return measure[part](scale)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything, once")
    parser.add_argument("--into", metavar="COMMAND", help="a target, to measure a pipeline with")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
