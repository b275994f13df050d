"""The figures of the whole way as a page for people."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.pipeline.race import IDLE_HEAT
from benchmarks.pipeline.routes import (
    CACHE,
    DLT,
    EXACT_DLT,
    FILES,
    MELTANO,
    PIPED,
    PLAIN,
    POSTGRES,
    PYAIRBYTE,
    SHARDS,
)
from benchmarks.pipeline.world import DAILY, FIRST, HOURLY, LATENCY_MS, LOCATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.pipeline.race import Heat, Results

BEGIN, END = "<!-- pipeline -->", "<!-- /pipeline -->"
DATABASE = [MELTANO, PIPED, SHARDS, DLT, EXACT_DLT, PLAIN]
"""Those who lead into PostgreSQL."""
AT_LEAST = {
    (MELTANO, DLT): 1.2,
    (PIPED, DLT): 1.5,
    (SHARDS, DLT): 1.4,
    (MELTANO, PLAIN): 3,
    (PIPED, PLAIN): 4,
}
"""How many times as fast as the other, in the first load."""
MOST_HOURLY_SECONDS = 1.5
CORES = (2, 4, 8)
HEAD = """\
Written by `./run bench pipeline`: whole commands, from start to exit, in turn, on one machine that
also runs the database and the API: {cores} cores ({machine}), {system}, Python {python}. The API
answers after {latency} ms. The first load reads {first:,} orders of 2.5 KB at {locations} locations
in two statuses; a day later {daily:,} of them are read again, of which {changed:.0%} are new or
changed; right after that, the {hourly:,} of the last day, of which none is. Medians of {rounds},
ratios within a round. After each run every order is compared with the API's: it is there once, with
its status, total, number of items, an Urdu name, and the time of its last change.

- **`meltano run`**: `meltano run tap-xstak-oms target-postgres` in this checkout, with a committed
  catalog and [meltano.yml](../meltano.yml) as it is.
- **piped**: the same tap and loader, with the same settings, in a pipe of the shell.
- **two shards**: `python3 orchestration/run_shards.py 2`.
- **dlt**: dlt 1.31 with the settings that were found to be the fastest: 16 extract workers, 2
  normalise workers, CSV, nested values as JSON, merge by key. It makes floats of decimals, and
  takes times without an offset for UTC.
- **dlt, exact decimals**: the same, with JSON read so that decimals keep their digits, as ours do.
- **plain SDK tap**: one page after another, as the SDK's template has it, into target-postgres with
  its own defaults.
- **PyAirbyte**: `source-xstak-oms` into its own cache, which is DuckDB.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One route in the table."""

    name: str
    into: str

    def heat(self, stage: str) -> Heat:
        """Where its figures are."""
        return self.name, self.into, stage


ROWS = [*(Row(name, POSTGRES) for name in DATABASE), Row(PYAIRBYTE, CACHE)]
FILE_ROWS = [Row(name, FILES) for name in (MELTANO, PIPED, DLT, PLAIN)]


def write(results: Results) -> str:
    """The text between the marks."""
    lines = [
        *_head(results),
        *_table(results),
        *_verdicts(results),
        *_processes(results),
        *_more_cores(results),
        *_files(results),
    ]
    return "\n".join(lines) + "\n"


def rate(results: Results, row: Row, stage: str = FIRST) -> float:
    """Orders a second."""
    return results.orders[stage] / results.seconds(row.heat(stage))


def _head(results: Results) -> Iterable[str]:
    return HEAD.format(
        cores=os.cpu_count(),
        machine=platform.machine(),
        system=platform.system(),
        python=platform.python_version(),
        latency=LATENCY_MS,
        locations=LOCATIONS,
        first=results.orders[FIRST],
        daily=results.orders[DAILY],
        hourly=results.orders[HOURLY],
        changed=results.changed,
        rounds=len(results.rounds),
    ).splitlines()


def _table(results: Results) -> Iterable[str]:
    yield ""
    yield "| into PostgreSQL | first load | orders/s | times dlt | times plain | daily | hourly |"
    yield "|---|---|---|---|---|---|---|"
    for row in ROWS:
        first = row.heat(FIRST)
        name = row.name if row.into == POSTGRES else f"{row.name} (into {row.into})"
        yield (
            f"| {name} | {results.seconds(first):.1f} s | {rate(results, row):,.0f} "
            f"| {results.ratio(first, Row(DLT, POSTGRES).heat(FIRST)):.2f} "
            f"| {results.ratio(first, Row(PLAIN, POSTGRES).heat(FIRST)):.2f} "
            f"| {results.seconds(row.heat(DAILY)):.1f} s "
            f"| {results.seconds(row.heat(HOURLY)):.1f} s |"
        )
    yield ""
    yield "![Orders a second of each, in the first load](pipeline.svg)"


def _verdicts(results: Results) -> Iterable[str]:
    yield ""
    for (name, other), least in AT_LEAST.items():
        found = results.ratio(Row(name, POSTGRES).heat(FIRST), Row(other, POSTGRES).heat(FIRST))
        verdict = "reached" if found >= least else "not reached"
        yield f"- {name} / {other}: **{found:.2f}** (at least {least:g}: {verdict})"
    for name in (MELTANO, PIPED, SHARDS):
        found = results.ratio(Row(name, POSTGRES).heat(FIRST), Row(EXACT_DLT, POSTGRES).heat(FIRST))
        yield f"- {name} / {EXACT_DLT}: **{found:.2f}**"
    beyond = results.beyond(Row(MELTANO, POSTGRES).heat(HOURLY), IDLE_HEAT)
    verdict = "reached" if beyond <= MOST_HOURLY_SECONDS else "not reached"
    hourly = results.seconds(Row(MELTANO, POSTGRES).heat(HOURLY))
    yield (
        f"- hourly run: {hourly:.1f} s; Meltano with a tap and a loader that do nothing: "
        f"{results.seconds(IDLE_HEAT):.1f} s. Beyond that: **{beyond:.1f} s** "
        f"(at most {MOST_HOURLY_SECONDS:g}: {verdict})"
    )


def _processes(results: Results) -> Iterable[str]:
    yield ""
    yield "CPU seconds and peak memory of the processes of the first load:"
    yield ""
    yield "| | in all | PostgreSQL | each process |"
    yield "|---|---|---|---|"
    for row in ROWS:
        runs = results.all(row.heat(FIRST))
        names = dict.fromkeys(name for ran in runs for name in ran.processes)
        told = "; ".join(_told(results, row.heat(FIRST), name) for name in names)
        yield (
            f"| {row.name} | {median(ran.cpu_seconds for ran in runs):.1f} s "
            f"| {median(ran.database_cpu_seconds for ran in runs):.1f} s | {told} |"
        )


def _told(results: Results, heat: Heat, name: str) -> str:
    """What the processes of a name took, together, and how large the largest was."""
    runs = [ran.processes[name] for ran in results.all(heat) if name in ran.processes]
    count = max(len(usages) for usages in runs)
    seconds = median(sum(usage.cpu_seconds for usage in usages) for usages in runs)
    peak = median(max(usage.peak_mb for usage in usages) for usages in runs)
    return f"{f'{count} x ' if count > 1 else ''}{name} {seconds:.1f} s, {peak:.0f} MB"


def _more_cores(results: Results) -> Iterable[str]:
    """What shards on more cores would take, by arithmetic."""
    heat = Row(MELTANO, POSTGRES).heat(FIRST)
    start = results.seconds(IDLE_HEAT)
    loader = _seconds_of(results, heat, "loader")
    database = median(ran.database_cpu_seconds for ran in results.all(heat))
    work = median(ran.cpu_seconds for ran in results.all(heat)) + database - start
    shards = {
        cores: start + max((loader + database) / cores, (work + start * (cores - 1)) / cores)
        for cores in CORES
    }
    told = ", ".join(f"{cores} shards on {cores} cores {s:.0f} s" for cores, s in shards.items())
    yield ""
    yield (
        f"By arithmetic from these figures, not measured: {told}. A shard takes Meltano's start "
        "and then its part of what the loader and PostgreSQL compute one after the other; all "
        "shards together need the CPU seconds of all processes, divided by the number of cores."
    )


def _seconds_of(results: Results, heat: Heat, name: str) -> float:
    runs = [ran.processes.get(name, []) for ran in results.all(heat)]
    return median(sum(usage.cpu_seconds for usage in usages) for usages in runs)


def _files(results: Results) -> Iterable[str]:
    yield ""
    yield "The first load into files of JSON lines (target-jsonl; dlt's `filesystem`):"
    yield ""
    yield "| into files | first load | orders/s | times dlt | CPU |"
    yield "|---|---|---|---|---|"
    for row in FILE_ROWS:
        heat = row.heat(FIRST)
        yield (
            f"| {row.name} | {results.seconds(heat):.1f} s | {rate(results, row):,.0f} "
            f"| {results.ratio(heat, Row(DLT, FILES).heat(FIRST)):.2f} "
            f"| {median(ran.cpu_seconds for ran in results.all(heat)):.1f} s |"
        )
