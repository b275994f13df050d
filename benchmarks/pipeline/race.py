"""All routes in turn, stage by stage, several rounds; what arrived is checked each time."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contestants import discovered, plain_catalog, write
from benchmarks.pipeline import arrivals
from benchmarks.pipeline.routes import FILES, IDLE, Setting, all_routes, idle
from benchmarks.pipeline.tools import installed
from benchmarks.pipeline.usage import measured
from benchmarks.pipeline.world import FIRST, HOURLY, world
from benchmarks.process import ROOT
from tests.end_to_end.postgresql import postgres_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.pipeline.routes import Command, Route
    from benchmarks.pipeline.usage import Ran
    from benchmarks.pipeline.world import Stage, World

Heat = tuple[str, str, str]
"""A route's name, where it leads, and the stage."""
IDLE_HEAT = (IDLE, "", HOURLY)
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'"


@dataclass(slots=True)
class Results:
    """What was measured.

    Attributes:
        orders: How many orders each stage reads.
        changed: The share of those of the daily run that are new or changed.
        rounds: What each took, in each round.
    """

    orders: dict[str, int]
    changed: float
    rounds: list[dict[Heat, Ran]] = field(default_factory=list)

    def all(self, heat: Heat) -> list[Ran]:
        """What one took, round by round."""
        return [each[heat] for each in self.rounds]

    def seconds(self, heat: Heat) -> float:
        """The median."""
        return median(ran.seconds for ran in self.all(heat))

    def ratio(self, heat: Heat, other: Heat) -> float:
        """How many times as fast as the other it is: the median of the rounds."""
        return median(each[other].seconds / each[heat].seconds for each in self.rounds)

    def beyond(self, heat: Heat, other: Heat) -> float:
        """How many seconds more it takes than the other: the median of the rounds."""
        return median(each[heat].seconds - each[other].seconds for each in self.rounds)


def race(orders: int, rounds: int) -> Results:
    """Measure all routes with so many orders at each location."""
    tools = installed(ROOT / ".run" / "bench")
    with (
        world(orders) as read,
        postgres_server(durable=True) as database,
        tempfile.TemporaryDirectory(prefix="xstak-bench-") as name,
    ):
        folder = Path(name)
        config = write(folder / "config.json", read.stages[0].server.config())
        catalog = discovered(config)
        setting = Setting(
            tools,
            database,
            read.timezone,
            write(folder / "catalog.json", catalog),
            write(folder / "plain.json", plain_catalog(catalog)),
        )
        routes = all_routes(setting)
        results = Results({stage.name: stage.read for stage in read.stages}, read.changed)
        for _ in range(rounds):
            results.rounds.append(_round(routes, read, folder / "round", database.port))
            for (schema,) in database.query(SCHEMAS):
                database.execute(f'DROP SCHEMA "{schema}" CASCADE')
    return results


def _round(routes: Sequence[Route], read: World, folder: Path, port: int) -> dict[Heat, Ran]:
    """Every route through its stages; files are only made anew, not updated."""
    found: dict[Heat, Ran] = {}
    try:
        for stage in read.stages:
            for index, route in enumerate(routes):
                if stage.name == FIRST or route.into != FILES:
                    heat = (route.name, route.into, stage.name)
                    found[heat] = _heat(route, stage, folder / str(index), port)
        nothing = _made(folder / "idle")
        found[IDLE_HEAT] = _run(idle(nothing), nothing, port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _heat(route: Route, stage: Stage, folder: Path, port: int) -> Ran:
    command = route.command(stage, _made(folder))
    ran = _run(command, folder, port)
    name = f"{route.name} into {route.into}, {stage.name}"
    arrivals.check(name, route.arrived(folder), stage.held)
    print(
        f"{name:48} {stage.read / ran.seconds:7.0f} orders/s {ran.seconds:7.2f} s "
        f"{ran.cpu_seconds:7.2f} s of CPU",
        file=sys.stderr,
        flush=True,
    )
    return ran


def _run(command: Command, folder: Path, port: int) -> Ran:
    return measured(command.words, command.environment, folder=folder, port=port)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
