"""The figures as a page for people."""

from __future__ import annotations

import os
import platform
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import BARE, DIRECT, IN_FLIGHT, PLAIN, SDK_EXIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.measurements import Memory, Partitions, Profile, Race, Scale, StartUp

NAMES = (DIRECT, SDK_EXIT, BARE, PLAIN)
AT_LEAST: dict[int, dict[tuple[str, str], float]] = {
    0: {(DIRECT, PLAIN): 10, (DIRECT, BARE): 1, (SDK_EXIT, PLAIN): 3.5},
    50: {(DIRECT, PLAIN): 12, (DIRECT, BARE): 0.9},
    200: {(DIRECT, PLAIN): 12, (DIRECT, BARE): 0.9},
}
"""How many times as fast as the other, by latency."""
MOST_MB = 90
MOST_GROWTH = 1.15
MOST_PARTITION_COST = 1.1
MOST_IMPORT_SECONDS = 0.1

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
HEAD = """\
Written by `./run bench`. Whole processes, from start to exit, imports included; output thrown
away; {in_flight} requests in flight, pages of 100; {orders:,} orders of 2.3 KB at 20 locations in
two statuses. All run in turn against the sandbox, a process of its own with finished, compressed
pages. Medians of {rounds}, ratios within a round. One machine: {machine}, Python {python}.

- **ours**: as a pipeline runs it, with a catalog: records go out as they are.
- **ours, through the SDK**: a stream map that changes nothing makes each record pass through it.
- **bare script**: `requests`, orjson and {in_flight} threads, and no promise of anything: no order,
  state, retry, schema or exact decimals.
- **plain SDK tap**: as the SDK's template would have it, one page after another; it reads
  {plain_locations} of the 20 locations, for its time.
"""


def write(results: Mapping[str, Any], scale: Scale) -> str:
    """The page, with a chapter for each part that was measured."""
    tell: dict[str, Callable[[Any], Iterable[str]]] = {
        "speed": _speed,
        "partitions": _partitions,
        "memory": _memory,
        "start-up": _start_up,
        "profile": _profile,
    }
    lines = [*_head(scale)]
    for part, result in results.items():
        lines += tell[part](result)
    return "\n".join(lines) + "\n"


def _head(scale: Scale) -> Iterable[str]:
    return HEAD.format(
        orders=scale.orders * 20,
        rounds=scale.rounds,
        plain_locations=scale.plain_locations,
        in_flight=IN_FLIGHT,
        machine=f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}",
        python=platform.python_version(),
    ).splitlines()


def _speed(races: Mapping[int, Race]) -> Iterable[str]:
    yield from _title("Speed")
    yield "| latency | | orders/s | CPU s | peak MB | times the plain tap | times the bare script |"
    yield "|---|---|---|---|---|---|---|"
    for latency, race in races.items():
        for name in NAMES:
            runs = race.runs(name)
            yield (
                f"| {latency} ms | {name} | {median(run.rate for run in runs):,.0f} "
                f"| {median(run.cpu_seconds for run in runs):.1f} "
                f"| {median(run.peak_mb for run in runs):.0f} "
                f"| {race.ratio(name, PLAIN):.1f} | {race.ratio(name, BARE):.2f} |"
            )
    yield ""
    for latency, race in races.items():
        for (name, other), least in AT_LEAST.get(latency, {}).items():
            found = race.ratio(name, other)
            yield _verdict(f"{latency} ms: {name} / {other}", f"{found:.2f}", least, found >= least)
    yield ""
    yield from (
        f"The server's ceiling: {race.ceiling:,.0f} pages/s, as a few bare `http.client` readers "
        "get them."
        for race in races.values()
        if race.ceiling
    )


def _partitions(found: Partitions) -> Iterable[str]:
    yield from _title("Many partitions")
    yield (
        f"{found.requests[0]:,} requests in {found.partitions:,} partitions: "
        f"{median(found.many):.2f} ms each; {found.requests[1]:,} requests in 40: "
        f"{median(found.few):.2f} ms."
    )
    good = found.ratio <= MOST_PARTITION_COST
    yield ""
    yield _verdict("many / few", f"{found.ratio:.2f}", MOST_PARTITION_COST, good, "at most")


def _memory(found: Memory) -> Iterable[str]:
    yield from _title("Memory")
    yield "; ".join(f"{orders:,} orders: {peak:.0f} MB" for orders, peak in found.peaks.items())
    yield ""
    peak = found.peaks[min(found.peaks)]
    yield _verdict("peak", f"{peak:.0f} MB", MOST_MB, peak < MOST_MB, "below")
    yield _verdict(
        "growth", f"{found.ratio:.2f}", MOST_GROWTH, found.ratio <= MOST_GROWTH, "at most"
    )


def _start_up(found: StartUp) -> Iterable[str]:
    yield from _title("Start-up")
    yield (
        f"Importing the SDK takes {median(found.sdk):.2f} s, the tap with it "
        f"{median(found.ours):.2f} s."
    )
    if found.unused:
        yield f"Loaded although only discovery needs them: {', '.join(found.unused)}."
    good = found.added < MOST_IMPORT_SECONDS and not found.unused
    yield ""
    yield _verdict("added by ours", f"{found.added:.3f} s", MOST_IMPORT_SECONDS, good, "below")


def _profile(found: Profile) -> Iterable[str]:
    yield from _title("Where the time goes")
    yield f"Ours at 0 ms, {found.orders:,} orders, CPU seconds:"
    yield ""
    yield "| | s | microseconds an order |"
    yield "|---|---|---|"
    for name, seconds in found.threads.items():
        yield f"| {name} | {seconds:.2f} | {seconds / found.orders * 1e6:.1f} |"
    total = sum(found.functions.values())
    yield ""
    yield "The main thread's functions that take most, by share (a profiler's view):"
    yield ""
    yield from (f"- `{name}` {seconds / total:.0%}" for name, seconds in found.functions.items())


def insert(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Put figures where the page keeps them, between two marks."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}{end}{after}"


def _title(text: str) -> Iterable[str]:
    return ["", f"### {text}", ""]


def _verdict(what: str, found: str, bound: float, good: bool, word: str = "at least") -> str:  # noqa: FBT001 - the verdict itself
    return f"- {what}: **{found}** ({word} {bound:g}: {'reached' if good else 'not reached'})"
