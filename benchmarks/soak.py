"""A million orders from a server with every fault at random; the tap is killed three times."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import TAP, discovered, write
from benchmarks.process import ROOT, BenchmarkError, environment
from benchmarks.server import START_DATE
from xstak_sandbox import Fault, Kind, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN, END = "<!-- soak -->", "<!-- /soak -->"
LOCATIONS = 20
KILLS_AFTER = (0.2, 0.45, 0.7)
"""The shares of the orders after which the tap is killed; each a little later, at random."""
RUNS_AT_MOST = 12
PAGE_SIZE = 100
KILLED = "killed"
SETTINGS = {"request_timeout_seconds": 5, "max_tries": 10}
TOKEN_KINDS = (Kind.SHORT_TOKEN, Kind.NO_ACCESS_TOKEN)
COSTLY_KINDS = (Kind.BOMB, Kind.FOREIGN_CODING)
"""Those that are not tried again: each costs its partition, which the next run reads."""
SLOW_KINDS = (Kind.HANG, Kind.DRIP)
CODES = (401, 403, 404, 408, 425, 429, 500, 502, 503, 504)
ONLY_PATIENT = {403, 404, 425}
"""Of these, those that are final without a `Retry-After`."""
MOST_FAULTS_EVERY = 500
"""Requests between two faults of one kind, at least."""
SAMPLE_EVERY = 2_000
"""Messages between two looks at the process."""


@dataclass(slots=True)
class Life:
    """One run of the tap.

    Attributes:
        end: Its exit code, or what ended it.
        records: That it wrote.
        megabytes: Its resident memory, look by look.
        threads: How many it had, look by look.
    """

    end: str = ""
    records: int = 0
    megabytes: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Its memory in the last fifth of its looks, by that in the second."""
        fifth = len(self.megabytes) // 5
        return median(self.megabytes[-fifth:]) / median(self.megabytes[fifth : 2 * fifth])


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it.

    Attributes:
        orders: That the server holds.
        lost: Of these, how many no record told of.
        wrong: Records of an order that the server has not, or has in another status.
        faults: How often each kind of fault struck.
        lives: The runs.
        seconds: From first to last.
    """

    orders: int
    lost: int
    wrong: int
    faults: Counter[Kind]
    lives: list[Life]
    seconds: float


def soak(orders: int, seed: int = 1) -> Soaked:
    """Read so many orders for each location, whatever happens.

    Raises:
        BenchmarkError: If no run ends well.
    """
    rng = random.Random(seed)  # noqa: S311 - faults are no secret
    world = World(locations=location_ids(LOCATIONS), orders_per_location=orders)
    pages = LOCATIONS * orders // PAGE_SIZE
    faults = list(_faults(rng, pages))
    with Sandbox(world, kept_pages=pages) as sandbox, tempfile.TemporaryDirectory() as name:
        expected = {
            order.id: order.status
            for location in world.locations
            for order in sandbox.orders(location=location)
        }
        soaking = _Soaking(sandbox, Path(name), expected)
        for fault in faults:
            sandbox.add_fault(fault)
        began = time.monotonic()
        lives = list(soaking.lives([share + rng.random() / 5 for share in KILLS_AFTER]))
        seconds = time.monotonic() - began
        struck = Counter(dict.fromkeys(Kind, 0))
        for fault in faults:
            struck[fault.kind] += sandbox.strikes(fault)
    lost = len(expected.keys() - soaking.met)
    return Soaked(len(expected), lost, soaking.wrong, struck, lives, seconds)


def _faults(rng: random.Random, pages: int) -> Iterator[Fault]:
    """Each kind, every so many requests; of statuses each code."""
    seldom = range(MOST_FAULTS_EVERY, max(pages // 5, 2 * MOST_FAULTS_EVERY))
    for code in CODES:
        patience = rng.choice([1, 2.5]) if code in ONLY_PATIENT else None
        every = rng.choice(seldom)
        yield Fault(Kind.STATUS, every=every, code=code, retry_after=patience, revokes=code == 401)
    for kind in TOKEN_KINDS:
        yield Fault(kind, every=rng.randint(2, 4), seconds=1.0)
    for kind in COSTLY_KINDS:
        yield Fault(kind, nth=rng.randint(1, pages))
    for kind in SLOW_KINDS:
        yield Fault(kind, every=4 * rng.choice(seldom))
    apart = {Kind.STATUS, *TOKEN_KINDS, *COSTLY_KINDS, *SLOW_KINDS}
    for kind in sorted(set(Kind) - apart):
        yield Fault(kind, every=rng.choice(seldom), seconds=0.5 if kind is Kind.LATENCY else None)


class _Soaking:
    """Runs of one tap, each with the state of the one before.

    Attributes:
        met: The ids of all orders that records told of.
        wrong: How many records told of an order as the server has it not.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, expected: dict[int | None, str]) -> None:
        self.met: set[int] = set()
        self.wrong = 0
        self._expected = expected
        self._folder = folder
        self._state: dict[str, Any] = {}
        self._config = write(folder / "config.json", sandbox.config(START_DATE, **SETTINGS))
        self._catalog = write(folder / "catalog.json", discovered(self._config))

    def lives(self, kills_after: list[float]) -> Iterator[Life]:
        """Run until a run ends well."""
        kills = [share * len(self._expected) for share in kills_after]
        for _ in range(RUNS_AT_MOST):
            life = self._live(kills.pop(0) if kills else None)
            yield life
            if life.end == "0":
                return
        raise BenchmarkError(f"no run of {RUNS_AT_MOST} ended well")

    def _live(self, kill_after: float | None) -> Life:
        life = Life()
        state = write(self._folder / "state.json", self._state)
        command = [TAP, "--config", self._config, "--catalog", self._catalog, "--state", state]
        with (
            (self._folder / "log").open("ab") as log,
            subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=log
            ) as process,
        ):
            for at, line in enumerate(process.stdout or ()):
                self._take(line, life)
                if at % SAMPLE_EVERY == 0:
                    _look(process.pid, life)
                if kill_after is not None and len(self.met) >= kill_after:
                    kill_after = None
                    life.end = KILLED
                    process.kill()
        life.end = life.end or str(process.returncode)
        return life

    def _take(self, line: bytes, life: Life) -> None:
        if not line.endswith(b"\n"):
            return  # cut off by the kill
        message = json.loads(line)
        if message["type"] == "STATE":
            self._state = message["value"]
        elif message["type"] == "RECORD":
            record = message["record"]
            life.records += 1
            self.met.add(record["id"])
            self.wrong += self._expected.get(record["id"]) != record["_order_status"]


def _look(pid: int, life: Life) -> None:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    life.megabytes.append(int(status.get("VmRSS", "0 kB").split()[0]) / 1024)
    life.threads.append(int(status["Threads"]))


def report(found: Soaked) -> str:
    """What came of it, as a part of a page."""
    struck = sum(found.faults.values())
    kinds = sum(1 for times in found.faults.values() if times)
    head = (
        f"{found.orders:,} orders of {LOCATIONS} locations in two statuses were read in "
        f"{found.seconds / 60:.0f} minutes by {len(found.lives)} runs of the tap, each with the "
        f"state of the one before; {struck:,} faults of {kinds} kinds struck at random. "
        f"**{found.lost} orders were lost; {found.wrong} records told of an order that was not "
        "there, or in another status.**"
    )
    lines = [
        head,
        "",
        "| run | ended | records | peak MB | memory at its end, by that near its begin | threads |",
        "|---|---|---|---|---|---|",
    ]
    for number, life in enumerate(found.lives, start=1):
        lines.append(
            f"| {number} | {_end(life)} | {life.records:,} | {max(life.megabytes):.0f} "
            f"| {life.growth:.2f} | {max(life.threads)} |"
        )
    unmet = [kind.value for kind, times in found.faults.items() if not times]
    if unmet:
        lines += ["", f"Never struck: {', '.join(unmet)}."]
    return "\n".join(lines) + "\n"


def _end(life: Life) -> str:
    return life.end if life.end == KILLED else f"with exit code {life.end}"
