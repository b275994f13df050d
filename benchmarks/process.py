"""One whole process, timed from outside."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
# They would make the same programs slower here than they are where they are installed.
_SLOW_PYTHON = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


class BenchmarkError(Exception):
    """Something did not work, so that its figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took.

    Attributes:
        orders: The records that it said it wrote.
        seconds: From start to exit.
        cpu_seconds: User and system time of the process.
        peak_mb: Its largest resident memory.
    """

    orders: int
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds


def run(command: Sequence[str], *, orders: int) -> Run:
    """Run a tap to its end, its output thrown away.

    Raises:
        BenchmarkError: If it failed or did not write so many orders.
    """
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=log
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()
    written = sum(_record_counts(lines))
    if process.returncode or orders != written:
        tail = "\n".join(lines[-5:])
        raise BenchmarkError(
            f"{command!r} ended with {process.returncode} after {written} orders, "
            f"not {orders}:\n{tail}"
        )
    return Run(written, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def environment() -> dict[str, str]:
    """The environment of what is measured."""
    return {name: value for name, value in os.environ.items() if name not in _SLOW_PYTHON}


def _record_counts(lines: Iterable[str]) -> Iterable[int]:
    for line in lines:
        if '"record_count"' in line:
            yield json.loads(line[line.index("{") :])["value"]
