"""The programs of the demonstration, a local XStak and Meltano, each ended with its block."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo-output"
LOG = OUTPUT / "meltano.log"
MELTANO = Path(sys.executable).with_name("meltano")
PIPELINE = ("run", "tap-xstak-oms", "target-jsonl")

_FAILURE_LINES = 15
_PATIENCE_SECONDS = 10
_LOG_LINE = re.compile(r"\S+ \[\w+ *\] (?P<program>\S+) +(?P<message>.+)")
_FOREIGN = ("MELTANO_", "TAP_XSTAK_OMS_", "TARGET_JSONL_")
"""Settings of other pipelines, which may be in the environment."""


class ProgramError(Exception):
    """A program did not do its work; the text says which, and what it said."""


@dataclass(frozen=True, slots=True)
class LocalXStak:
    """A local XStak that is up.

    Attributes:
        url: Its base.
    """

    url: str

    def advance(self, hours: int) -> None:
        """Let time pass."""
        self._ask("POST", "advance", json={"hours": hours})

    def last_start_date(self) -> datetime:
        """The `start_date` of the last request for orders."""
        entries = self._ask("GET", "journal")["entries"]
        [*_, last] = [dict(entry["query"]) for entry in entries if entry["endpoint"] == "orders"]
        return datetime.fromisoformat(last["start_date"])

    def _ask(self, method: str, name: str, json: object = None) -> Any:  # noqa: ANN401 - JSON
        url = f"{self.url}/_sandbox/{name}"
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between this machine and itself
            answer = session.request(method, url, json=json, timeout=_PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def local_xstak(**options: object) -> Iterator[LocalXStak]:
    """A local XStak; the options are those of `python -m xstak_sandbox`."""
    command = [sys.executable, "-m", "xstak_sandbox", "--port=0"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with _running(command) as process:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise ProgramError("The local XStak did not start: see above.")
        yield LocalXStak(url)


def meltano_run(settings: Mapping[str, str], watch: Callable[[str], None]) -> str:
    """One run of the pipeline from a local XStak into files in `OUTPUT`.

    Args:
        settings: The tap's, as environment variables.
        watch: Called with each thing that Meltano or one of its plugins says.

    Returns:
        What the tap says at its end of all that it read.

    Raises:
        ProgramError: It failed.
    """
    # No `.env` of a pipeline that is real has a say here.
    command = [str(MELTANO), f"--env-file={os.devnull}", "--environment=demo"]
    command += ["--log-level=info", "--log-format=uncolored", *PIPELINE]
    summary = ""
    with (
        LOG.open("a", buffering=1, encoding="utf-8") as log,
        _running(command, env=_environment(settings), stderr=subprocess.STDOUT) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            if said := _LOG_LINE.match(line):
                watch(f"{said['program']}: {said['message']}")
                summary = said["message"] if said["message"].startswith("Read ") else summary
    if process.returncode:
        raise ProgramError(_failure(process.returncode))
    return summary


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {
        **kept,
        **settings,
        # Its own memory of what was read: each demonstration begins at the beginning.
        "MELTANO_DATABASE_URI": f"sqlite:///{OUTPUT / 'meltano.db'}",
        "TARGET_JSONL_DESTINATION_PATH": str(OUTPUT),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), f"{kept.get('NO_PROXY', '')},127.0.0.1"),
    }


def _failure(code: int) -> str:
    end = LOG.read_text(encoding="utf-8").splitlines()[-_FAILURE_LINES:]
    log = LOG.relative_to(ROOT)
    return "\n".join([f"Meltano ended with exit code {code}. Its log, {log}, ends with:", *end])


@contextmanager
def _running(
    command: list[str], *, env: Mapping[str, str] | None = None, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program whose output is read here, and which ends with the block at the latest.

    It leads a process group of its own: so all that it started ends with it, and an interruption
    from the keyboard reaches it by this program alone.
    """
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and what it has started, by force where a request does not do."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_SECONDS)
