"""What a person sees of a run on a terminal and in JSON logs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.sync.progress import SHOW_CURSOR
from tests.support import EXECUTABLE, config_for, written
from tests.terminals import terminal
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def watched(folder: Path, sandbox: Sandbox, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A run, to be watched."""
    changes = {"infer_schema": False} | streams.pop("changes", {})
    config = written(folder, "config.json", config_for(sandbox, **changes))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"} | streams.pop("env", {})
    with subprocess.Popen(
        [EXECUTABLE, "--config", config], env=environment, text=False, **streams
    ) as process:
        try:
            yield process
        finally:
            process.kill()


SLOW = timedelta(milliseconds=400)
ONE = World(locations=("1001",))


def test_a_terminal_shows_how_far_a_run_is(tmp_path: Path) -> None:
    """On a terminal a bar and the figures change in place, and stdout holds messages alone."""
    with (
        Sandbox(ONE, latency=SLOW) as sandbox,
        terminal() as (theirs, shown),
        (tmp_path / "out.jsonl").open("wb") as stdout,
        watched(tmp_path, sandbox, stdout=stdout, stderr=theirs) as process,
    ):
        os.close(theirs)
        seen = b"".join(shown).decode()
    assert process.returncode == 0
    assert "━━━" in seen
    assert re.search(r"\d of 2 partitions, ETA \d+ s", seen)
    assert re.search(r"\d+ of \d+ orders announced so far, \d+ orders/s", seen)
    assert re.search(r"[\d.]+ requests/s\s", seen)
    assert seen.rindex(SHOW_CURSOR) < seen.index("Read 250 orders from 2 of 2 partitions")
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert all(line.startswith(b'{"type":') for line in lines)


def test_a_terminal_is_left_in_order_by_a_signal(tmp_path: Path) -> None:
    """SIGTERM ends the display, gives the cursor back, and the summary follows."""
    with (
        Sandbox(ONE, faults=[Fault(Kind.HANG, order_status="completed")]) as sandbox,
        terminal() as (theirs, shown),
        watched(tmp_path, sandbox, stdout=subprocess.DEVNULL, stderr=theirs) as process,
    ):
        os.close(theirs)
        seen = ""
        while "1 of 2 partitions" not in seen:
            seen += next(shown).decode()
        process.send_signal(signal.SIGTERM)
        seen += b"".join(shown).decode()
        assert process.wait() == 143
    assert seen.rindex(SHOW_CURSOR) < seen.index("1 interrupted")


WAITS = {
    "Retry-After": (Fault(Kind.STATUS, code=429, retry_after=40, order_status="completed"), {}),
    "max_requests_per_minute": (None, {"max_requests_per_minute": 2}),
}


@pytest.mark.parametrize("reason", WAITS)
def test_a_terminal_tells_what_is_waited_for(tmp_path: Path, reason: str) -> None:
    """While the server or a setting lets nothing be sent, the display says so, without an ETA."""
    fault, changes = WAITS[reason]
    with (
        Sandbox(ONE, faults=[fault] if fault else []) as sandbox,
        terminal() as (theirs, shown),
        watched(
            tmp_path, sandbox, stdout=subprocess.DEVNULL, stderr=theirs, changes=changes
        ) as process,
    ):
        os.close(theirs)
        seen = ""
        while "ETA unknown, waiting" not in seen:
            seen += next(shown).decode()
        process.kill()
    assert re.search(rf"\d of 2 partitions, ETA unknown, waiting \d+ s for `{reason}`", seen)


@pytest.mark.parametrize("case", ["stdout", "TERM=dumb"])
def test_where_a_display_would_be_torn_there_is_none(tmp_path: Path, case: str) -> None:
    """Records on the same terminal, or a terminal that cannot move its cursor: lines it is."""
    with (
        Sandbox(ONE, latency=SLOW) as sandbox,
        terminal() as (theirs, shown),
        watched(
            tmp_path,
            sandbox,
            stdout=theirs if case == "stdout" else subprocess.DEVNULL,
            stderr=theirs,
            env={} if case == "stdout" else {"TERM": "dumb"},
        ) as process,
    ):
        os.close(theirs)
        seen = b"".join(shown)
    assert process.returncode == 0
    assert b"orders announced so far" not in seen
    assert b"Read 250 orders" in seen
    assert b"\x1b" not in seen


def test_json_logs_hold_the_figures(tmp_path: Path) -> None:
    """With the SDK's structured logs each line of stderr is JSON, the summary's fields within."""
    formatter = {"()": "singer_sdk.logging.StructuredFormatter"}
    logs = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["err"]},
    }
    environment = {"SINGER_SDK_LOG_CONFIG": str(written(tmp_path, "logs.yaml", logs))}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": environment}
    with Sandbox(ONE) as sandbox, watched(tmp_path, sandbox, **pipes) as process:
        _, stderr = process.communicate()
    lines = [json.loads(line)["extra"] for line in stderr.splitlines()]
    [whole] = [line for line in lines if "partitions_failed" in line]
    assert (whole["orders"], whole["partitions"], whole["partitions_failed"]) == (250, 2, 0)
    told = [line for line in lines if "bookmark_to" in line]
    assert {line["order_status"] for line in told} == {"pending", "completed"}
    assert sum(line["orders"] for line in told) == 250
    assert sum(line["requests"] for line in told) == len(sandbox.journal.orders)
