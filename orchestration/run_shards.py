"""Run the shards of one machine at the same time, each a `meltano run` of its own.

python3 run_shards.py COUNT [ARGUMENT ...]

The arguments are those of `meltano run`; the default is tap-xstak-oms target-postgres. Shard N has
the state suffix shard-N, and the folder shard-N in MELTANO_SYS_DIR_ROOT, or in .meltano, for
Meltano's own files. Its lines begin with its name, unless they are JSON. A shard that fails runs
once more: if two loaders create the same table at the same time, one fails.

The exit code is 0 if all shards succeeded, and 1 if not. SIGTERM, SIGINT and SIGHUP are passed on;
the exit code is then 128 and the signal's number.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

PIPELINE = ["tap-xstak-oms", "target-postgres"]
TRIES = 2
HEAD_START_SECONDS = 1.0
"""Between the starts of two shards: the second usually finds the table that the first created."""


def main() -> int:
    """Run as many shards as the first argument says. Return the exit code."""
    count, *arguments = sys.argv[1:] or [""]
    if not count.isdecimal() or int(count) < 1:
        sys.exit(__doc__)
    if shutil.which("meltano") is None:
        sys.exit("meltano is not on the PATH.")
    return run([Shard(index, int(count), arguments or PIPELINE) for index in range(int(count))])


def run(shards: list[Shard]) -> int:
    """Run shards to their ends, and pass signals on to all. Return the exit code."""
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        for shard in shards:
            shard.stop(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    for shard in shards:
        shard.start()
    for shard in shards:
        shard.join()
    exit_code = conclude(shards)
    return 128 + signals[0] if signals else exit_code


def conclude(shards: list[Shard]) -> int:
    """Report which shards failed. Return the exit code."""
    failed = [shard.name for shard in shards if shard.exit_code]
    tell(f"{len(shards) - len(failed)} of {len(shards)} shards succeeded.")
    if failed:
        tell(f"Not done: {', '.join(failed)}. The next run resumes where it stopped.")
    return int(bool(failed))


class Shard(threading.Thread):
    """One shard, from its first try to the end of its last.

    Attributes:
        exit_code: The exit code of its last try.
    """

    def __init__(self, index: int, count: int, arguments: list[str]) -> None:
        super().__init__(name=f"shard-{index}")
        self.exit_code = 1
        self._delay = index * HEAD_START_SECONDS
        self._command = ["meltano", "run", f"--state-id-suffix={self.name}", *arguments]
        project = os.environ.get("MELTANO_PROJECT_ROOT", "")
        system = os.environ.get("MELTANO_SYS_DIR_ROOT") or Path(project, ".meltano")
        self._environment = {
            **os.environ,
            "TAP_XSTAK_OMS_SHARD_INDEX": str(index),
            "TAP_XSTAK_OMS_SHARD_COUNT": str(count),
            "MELTANO_SYS_DIR_ROOT": str(Path(system, self.name).absolute()),
        }
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Try until the shard succeeds, is out of tries, or is stopped."""
        self._stopped.wait(self._delay)
        for tries_left in reversed(range(TRIES)):
            process = self._begin()
            if process is None:
                return
            with process:
                for line in process.stdout or ():
                    tell(line.rstrip("\n"), self.name)
            self.exit_code = process.returncode
            if self.exit_code == 0 or self._stopped.is_set():
                return
            outlook = "It runs once more." if tries_left else "It does not run again."
            tell(f"Ended with exit code {self.exit_code}. {outlook}", self.name)

    def _begin(self) -> subprocess.Popen[str] | None:
        """Start a try, unless a signal came before."""
        with self._lock:
            if self._stopped.is_set():
                return None
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # Or Ctrl-C would reach it twice: from the terminal, and from us.
                start_new_session=True,
            )
            return self._process

    def stop(self, number: int) -> None:
        """Pass a signal on, and start no more tries."""
        with self._lock:
            self._stopped.set()
            if self._process is not None:
                self._process.send_signal(number)


def tell(line: str, name: str = "") -> None:
    """Write a line at once, so that the lines of several shards do not mix."""
    prefix = f"{name} | " if name and not line.startswith("{") else ""
    sys.stderr.write(f"{prefix}{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
