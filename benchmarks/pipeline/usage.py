"""What a whole command takes, and each process that it starts; read from /proc, so on Linux."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.process import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROC = Path("/proc")
POLL_SECONDS = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
CPU_FIELDS = slice(11, 15)
"""Of /proc/PID/stat behind the name: user and system time of a process and of its dead children."""
NAMES = {
    "run_shards.py": "run_shards.py",
    "bin/meltano": "Meltano",
    "plain_tap": "tap",
    "tap-xstak-oms": "tap",
    "source-xstak-oms": "tap",
    "target-": "loader",
    "dlt/load.py": "dlt",
    "multiprocessing": "dlt worker",
    "pyairbyte.py": "PyAirbyte",
}
"""What a process is called, by what its command line holds; the first that is there."""


@dataclass(slots=True)
class Usage:
    """What one process took.

    Attributes:
        cpu_seconds: User and system time.
        peak_mb: Its largest resident memory.
    """

    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What a whole command took.

    Attributes:
        seconds: From start to exit.
        cpu_seconds: Of all its processes.
        database_cpu_seconds: Of PostgreSQL's processes meanwhile.
        processes: Its processes, by name.
    """

    seconds: float
    cpu_seconds: float
    database_cpu_seconds: float
    processes: dict[str, list[Usage]] = field(default_factory=dict)


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str], *, folder: Path, port: int
) -> Ran:
    """Run a command to its good end.

    Args:
        command: What to run.
        environment: All of its environment.
        folder: Where it runs.
        port: That PostgreSQL listens on.

    Raises:
        BenchmarkError: If it failed.
    """
    with tempfile.TemporaryFile() as log:
        database = _database_seconds(port)
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        with _watching(process.pid) as watch:
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            tail = log.read().decode(errors="replace")[-3000:]
            raise BenchmarkError(f"{command} ended with {process.returncode}:\n{tail}")
    cpu_seconds = used.ru_utime + used.ru_stime
    return Ran(seconds, cpu_seconds, _database_seconds(port) - database, watch.by_name())


class _watching:  # noqa: N801 - it reads as what it does
    """Looks at a process and at all that descend from it, again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._seen: dict[int, tuple[str, Usage]] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def by_name(self) -> dict[str, list[Usage]]:
        """What each process took, by its name."""
        found: dict[str, list[Usage]] = defaultdict(list)
        for name, usage in self._seen.values():
            found[name].append(usage)
        return dict(found)

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            for pid in _family(self._pid):
                # It may end at any moment.
                with suppress(OSError, ValueError):
                    self._look(pid)

    def _look(self, pid: int) -> None:
        name = _name(pid)
        if name is not None:
            own = _cpu_fields(pid)[:2]
            self._seen[pid] = name, Usage(sum(own) / TICKS, _peak_mb(pid))


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _name(pid: int) -> str | None:
    words = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if words.startswith(("sh ", "bash ", "/bin/sh ", "/bin/bash ")):
        return None
    return next((name for part, name in NAMES.items() if part in words), None)


def _cpu_fields(pid: int) -> list[int]:
    text = (PROC / str(pid) / "stat").read_text()
    return [int(number) for number in text.rpartition(")")[2].split()[CPU_FIELDS]]


def _peak_mb(pid: int) -> float:
    text = (PROC / str(pid) / "status").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def _database_seconds(port: int) -> float:
    """The CPU time of the server on a port so far."""
    ticks = 0
    # The server itself last: it counts those of its processes that have ended meanwhile.
    for pid in reversed(_servers(port)):
        with suppress(OSError):
            ticks += sum(_cpu_fields(pid))
    return ticks / TICKS


def _servers(port: int) -> list[int]:
    wanted = f"-p\0{port}\0".encode()
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if wanted in (folder / "cmdline").read_bytes():
                    return list(_family(int(folder.name)))
    return []
