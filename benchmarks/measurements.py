"""What is measured. Each function gives figures; how they are told is the report's business."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contestants import all_contestants, direct
from benchmarks.process import ROOT, Run, environment, run
from benchmarks.server import Size, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.contestants import Contestant

NEEDED_BY_DISCOVERY = ("genson",)
"""What only discovery uses."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure.

    Attributes:
        rounds: How often each contestant runs.
        orders: For each of the 20 locations.
        plain_locations: How many of them the plain tap reads.
        latencies: Of the answers, in milliseconds.
        partitions: In the measurement of many partitions.
        more_orders: How many times the orders, in the measurement of memory.
        pipeline_orders: For each of the 20 locations, on the whole way.
        pipeline_rounds: How often each goes it.
        soaked_orders: For each of the 20 locations, in the soak.
    """

    rounds: int = 5
    orders: int = 5000
    plain_locations: int = 4
    latencies: Sequence[int] = (0, 50, 200)
    partitions: int = 10_000
    more_orders: int = 10
    pipeline_orders: int = 2000
    pipeline_rounds: int = 3
    soaked_orders: int = 50_000


QUICK = Scale(
    rounds=1,
    orders=500,
    latencies=(0, 50),
    partitions=400,
    pipeline_orders=100,
    pipeline_rounds=1,
    soaked_orders=5000,
)


@dataclass(slots=True)
class Race:
    """Contestants run in turn, several rounds.

    Attributes:
        rounds: The runs of each round, by contestant.
        ceiling: Requests a second that the server can answer, where that was measured.
    """

    rounds: list[dict[str, Run]] = field(default_factory=list)
    ceiling: float = 0.0

    def runs(self, name: str) -> list[Run]:
        """All runs of one."""
        return [runs[name] for runs in self.rounds]

    def ratio(self, name: str, other: str) -> float:
        """How many times as fast as the other it is: the median of the rounds."""
        return median(runs[name].rate / runs[other].rate for runs in self.rounds)


def speed(scale: Scale, latency_ms: int) -> Race:
    """All contestants on the same server."""
    size = Size(orders=scale.orders, latency_ms=latency_ms)
    with serving(size) as server, _folder() as folder:
        contestants = all_contestants(server, folder, scale.plain_locations)
        return Race(_run_in_turn(contestants, scale.rounds), server.ceiling)


@dataclass(frozen=True, slots=True)
class Partitions:
    """The same number of requests in many partitions and in few.

    Attributes:
        many: Milliseconds a request, by round, with one request a partition.
        few: The same in 40 partitions.
        partitions: How many are many.
        requests: How many pages there are in many, and in few.
    """

    many: list[float]
    few: list[float]
    partitions: int
    requests: tuple[int, int]

    @property
    def ratio(self) -> float:
        """What a request costs in many, by what it costs in few."""
        return median(many / few for many, few in zip(self.many, self.few, strict=True))


def many_partitions(scale: Scale) -> Partitions:
    """Small pages: in as many partitions as requests, and in 40."""
    wide = Size(locations=scale.partitions // 2, orders=4, page_size=2)
    narrow = Size(locations=20, orders=scale.partitions // 10, page_size=2)
    milliseconds: tuple[list[float], list[float]] = ([], [])
    with serving(wide) as many, serving(narrow) as few, _folder() as folder:
        servers = (many, few)
        contestants = [
            direct(server, _made(folder / str(index)), page_size=server.size.page_size)
            for index, server in enumerate(servers)
        ]
        for _ in range(scale.rounds):
            for contestant, server, taken in zip(contestants, servers, milliseconds, strict=True):
                taken.append(_run(contestant).seconds / server.pages * 1000)
        return Partitions(*milliseconds, scale.partitions, (many.pages, few.pages))


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak memory, in megabytes, by number of orders."""

    peaks: dict[int, float]

    @property
    def ratio(self) -> float:
        """The peak with the most orders by that with the fewest."""
        return self.peaks[max(self.peaks)] / self.peaks[min(self.peaks)]


def memory(scale: Scale) -> Memory:
    """Peaks with some orders, and with many times as many."""
    peaks = {}
    for orders in (scale.orders, scale.orders * scale.more_orders):
        with serving(Size(orders=orders)) as server, _folder() as folder:
            contestant = direct(server, folder)
            runs = [_run(contestant) for _ in range(min(scale.rounds, 3))]
            peaks[contestant.orders] = median(each.peak_mb for each in runs)
    return Memory(peaks)


@dataclass(frozen=True, slots=True)
class StartUp:
    """Seconds that imports take.

    Attributes:
        sdk: Of the SDK alone.
        ours: Of the tap, which imports the SDK.
        unused: Modules that a run with a catalog loads although it needs them not.
    """

    sdk: list[float]
    ours: list[float]
    unused: list[str]

    @property
    def added(self) -> float:
        """What our code adds: the median over pairs."""
        return median(ours - sdk for sdk, ours in zip(self.sdk, self.ours, strict=True))


def start_up(scale: Scale) -> StartUp:
    """Import the SDK, and the tap, in turn."""
    sdk, ours = [], []
    for _ in range(scale.rounds * 4):
        sdk.append(_import_seconds("singer_sdk"))
        ours.append(_import_seconds("tap_xstak_oms.tap"))
    return StartUp(sdk, ours, _loaded(NEEDED_BY_DISCOVERY))


def _import_seconds(module: str) -> float:
    """What the interpreter itself says of a module's import, in a process of its own."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    ended = _python(command)
    wanted = module.partition(".")[0]
    lines = [line.split("|") for line in ended.stderr.splitlines() if "|" in line]
    top = [line for line in lines if line[2].strip() in {wanted, module}]
    return sum(int(line[1]) for line in top) / 1_000_000


def _loaded(modules: Sequence[str]) -> list[str]:
    code = f"import sys, tap_xstak_oms.tap; print(*(set(sys.modules) & {set(modules)!r}))"
    return _python([sys.executable, "-c", code]).stdout.split()


def _python(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the CPU seconds of a run go.

    Attributes:
        threads: By kind of thread.
        functions: By function of the main thread, those that take most; the profiler's own cost
            included.
        orders: That the run wrote.
    """

    threads: dict[str, float]
    functions: dict[str, float]
    orders: int


def profile(scale: Scale) -> Profile:
    """Run our tap by its direct exit, and see."""
    with serving(Size(orders=scale.orders)) as server, _folder() as folder:
        contestant = direct(server, folder)
        by_thread = [_profiled(contestant, folder) for _ in range(scale.rounds)]
        threads = {name: median(run[name] for run in by_thread) for name in by_thread[0]}
        functions = _profiled(contestant, folder, "--functions")
        return Profile(threads, functions, contestant.orders)


def _profiled(contestant: Contestant, folder: Path, *options: str) -> dict[str, float]:
    file = folder / "profile.json"
    command = [sys.executable, "-m", "benchmarks.profiled_tap", str(file), *options]
    run([*command, *contestant.command[1:]], orders=contestant.orders)
    figures: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return figures


def _run_in_turn(contestants: Sequence[Contestant], rounds: int) -> list[dict[str, Run]]:
    return [{each.name: _run(each) for each in contestants} for _ in range(rounds)]


def _run(contestant: Contestant) -> Run:
    found = run(contestant.command, orders=contestant.orders)
    print(
        f"{contestant.name:22} {found.orders:8} orders {found.seconds:7.2f} s "
        f"{found.cpu_seconds:7.2f} s of CPU {found.peak_mb:6.0f} MB",
        file=sys.stderr,
        flush=True,
    )
    return found


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="xstak-bench-") as name:
        yield Path(name)
