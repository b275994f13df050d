"""What a person sees during a run."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.sync.progress import SHOW_CURSOR, Figures, Progress
from tap_xstak_oms.wording import counted, duration
from tests.support import EXECUTABLE, config_for, written
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HALF_WAY = Figures(
    partitions_done=10,
    partitions=40,
    share_done=0.25,
    orders=3000,
    orders_announced=9800,
    requests=90,
    retries=2,
    throttles=1,
    seconds=60,
)


def test_a_line_tells_how_far_a_run_is() -> None:
    """Partitions, a guess of what is left, orders, speed and trouble are in one line."""
    assert str(HALF_WAY) == (
        "10 of 40 partitions, ETA 3 min; 3,000 of 9,800 orders announced so far, "
        "50 orders/s; 1.5 requests/s, 2 retries, throttled 1 time by the server"
    )
    assert "ETA unknown" in str(replace(HALF_WAY, share_done=0))


def test_lines_come_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """Away from a terminal a line comes every 15 s, with its figures for JSON logs."""
    caplog.set_level(logging.INFO)
    times = iter([0.0, 1.0, 15.0, 16.0, 30.0])
    progress = Progress(lambda: next(times), logging.getLogger("test"))
    for _ in range(4):
        progress.tick(lambda: HALF_WAY)
    assert [record.message for record in caplog.records] == [str(HALF_WAY)] * 2
    assert caplog.records[0].__dict__["partitions_done"] == 10


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")]
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    """A person reads seconds, minutes or hours, as they fit."""
    assert duration(seconds) == words


def test_numbers_are_in_words() -> None:
    """One of something is not told as many."""
    assert [counted(number, "order") for number in (0, 1, 2)] == ["0 orders", "1 order", "2 orders"]
    assert counted(2, "retry", "retries") == "2 retries"


@contextmanager
def terminal() -> Iterator[tuple[int, Any]]:
    """A terminal: its own end, and what to read of all that is shown there, until it is closed."""
    ours, theirs = pty.openpty()

    def shown() -> Iterator[bytes]:
        while True:
            try:
                yield os.read(ours, 65536)
            except OSError:  # the other end has closed it
                return

    try:
        yield theirs, shown()
    finally:
        os.close(ours)


@contextmanager
def watched(folder: Path, sandbox: Sandbox, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A run, to be watched."""
    config = written(folder, "config.json", config_for(sandbox, infer_schema=False))
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


class Interrupting(float):
    """A number that does something when it is compared, as whoever draws it does."""

    act: Callable[[], object] = bool

    def __gt__(self, other: float) -> bool:
        self.act()
        return super().__gt__(other)


def test_a_signal_while_the_display_is_drawn_gets_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once the display is closed is on the terminal, though it is half drawn."""
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as (theirs, shown), os.fdopen(theirs, "w", buffering=1) as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        monkeypatch.setattr("sys.stdout", io.StringIO())
        share = Interrupting(0.5)
        times = iter([0.0, 1.0])
        figures = replace(HALF_WAY, share_done=share)
        progress = Progress(lambda: next(times), logging.getLogger("test"))

        def interrupt() -> None:
            share.act = bool
            progress.close()
            stderr.write("the last word\n")
            while not seen.endswith(b"the last word\r\n"):
                seen.extend(next(shown))

        seen = bytearray()
        share.act = interrupt
        progress.tick(lambda: figures)
    assert SHOW_CURSOR.encode() + b"the last word" in seen


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
