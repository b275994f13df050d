"""`./run bench`: how fast the tap is, beside what else one could use.

Without arguments all parts are measured but the two large ones, for half an hour or more, and their
figures in docs/performance.md are written anew; so are those of the pipeline, and of the soak,
where these are named.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from benchmarks import measurements, report, soak
from benchmarks.measurements import QUICK, Scale
from benchmarks.process import ROOT, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("speed", "partitions", "memory", "start-up", "profile")
PIPELINE = "pipeline"
SOAK = "soak"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "pipeline.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and tell it."""
    options = _parser().parse_args(arguments)
    parts = [part for part in options.parts or PARTS if part not in {PIPELINE, SOAK}]
    scale = QUICK if options.quick else Scale()
    try:
        if PIPELINE in options.parts:
            _pipeline(scale, keep=not options.quick)
        if SOAK in options.parts:
            text = soak.report(soak.soak(scale.soaked_orders))
            _tell(text, soak.BEGIN, soak.END, keep=not options.quick)
        if parts:
            text = report.write({part: _measure(part, scale) for part in parts}, scale)
            keep = not (options.quick or options.parts)
            _tell(text, report.BEGIN, report.END, keep=keep)
    except BenchmarkError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _pipeline(scale: Scale, *, keep: bool) -> None:
    """Measure the whole way; it needs more than the tap does: see its imports."""
    from benchmarks.pipeline import chart, race  # noqa: PLC0415 - other parts need none of it
    from benchmarks.pipeline import report as whole  # noqa: PLC0415 - same

    results = race.race(scale.pipeline_orders, scale.pipeline_rounds)
    _tell(whole.write(results), whole.BEGIN, whole.END, keep=keep)
    if keep:
        CHART.write_text(chart.draw(results), encoding="utf-8")


def _tell(text: str, begin: str, end: str, *, keep: bool) -> None:
    """Print what was found, and keep it between two marks of the page."""
    print(text)
    if keep:
        page = report.insert(PAGE.read_text(encoding="utf-8"), text, begin, end)
        PAGE.write_text(page, encoding="utf-8")


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
    named = f"of {', '.join((PIPELINE, SOAK, *PARTS))}"
    parser.add_argument("parts", nargs="*", metavar="PART", help=named)
    return parser


if __name__ == "__main__":
    sys.exit(main())
