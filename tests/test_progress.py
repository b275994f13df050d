"""What a person sees during a run, and after it."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tap_xstak_oms.progress import Figures, Progress, in_words
from tests.support import EXECUTABLE, clock_of, config_for, run_tap, written
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World

if TYPE_CHECKING:
    from pathlib import Path

HALF_WAY = Figures(
    partitions_done=10,
    partitions=40,
    orders=3000,
    orders_announced=9800,
    requests=90,
    retries=2,
    pauses=1,
    seconds=60,
)


def test_a_line_tells_how_far_a_run_is() -> None:
    """Partitions, orders, speed, trouble and a guess of what is left are in one line."""
    assert str(HALF_WAY) == (
        "10 of 40 partitions, 3000 of 9800 orders announced so far, 50 orders/s, "
        "1.5 requests/s, 2 retries, 1 pauses, about 3 min left"
    )


def test_lines_come_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """Away from a terminal a line comes every 15 s, with its figures for JSON logs."""
    caplog.set_level(logging.INFO)
    times = iter([0.0, 1.0, 15.0, 16.0, 30.0])
    progress = Progress(lambda: HALF_WAY, lambda: next(times), logging.getLogger("test"))
    for _ in range(4):
        progress.tick()
    assert [record.message for record in caplog.records] == [str(HALF_WAY)] * 2
    assert caplog.records[0].__dict__["partitions_done"] == 10


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")]
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    """A person reads seconds, minutes or hours, as they fit."""
    assert in_words(seconds) == words


def test_a_run_ends_with_a_summary(caplog: pytest.LogCaptureFixture) -> None:
    """Orders, pages and the bookmark from and to are told for each partition."""
    caplog.set_level(logging.INFO)
    with Sandbox(World(locations=("1001",))) as sandbox:
        first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
        sandbox.clock.advance(timedelta(days=1))
        caplog.clear()
        run_tap(config_for(sandbox), state=first.state, clock=clock_of(sandbox))
    assert "of 2 of 2 partitions (0 failed) with " in caplog.text
    assert "pending, location 1001: " in caplog.text
    assert (
        "bookmark 2026-01-15T07:00:00.000000+00:00 -> 2026-01-16T07:00:00.000000+00:00"
        in caplog.text
    )


def test_a_failed_run_has_a_summary_too(caplog: pytest.LogCaptureFixture) -> None:
    """What failed is told first, with what becomes of it."""
    caplog.set_level(logging.INFO)
    fault = Fault(Kind.STATUS, code=404, location="1002", order_status="completed")
    with Sandbox(faults=[fault]) as sandbox:
        run_tap(config_for(sandbox, infer_schema=False), clock=clock_of(sandbox))
    lines = [record.message for record in caplog.records if "location" in record.message]
    told = [line for line in lines if ", location " in line]
    assert told[0] == (
        "completed, location 1002: 0 orders, 0 pages, bookmark stays none; failed, and read again "
        "by the next run"
    )
    assert len(told) == 4


def test_what_never_settles_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A server that shuffles its pages keeps the bookmark, is named, and does not fail the run."""
    quirks = Quirks(sort="shuffled_each")
    with Sandbox(World(locations=("1001",), orders_per_location=400), quirks=quirks) as sandbox:
        run = run_tap(config_for(sandbox, page_size=10), clock=clock_of(sandbox))
    assert run.error is None
    assert run.bookmarks[("completed", "1001")] is None
    assert "the completed orders of location 1001 kept changing places" in caplog.text
    assert "`max_read_passes`" in caplog.text


def test_a_terminal_shows_a_line_that_changes(tmp_path: Path) -> None:
    """On a terminal the display appears on stderr, and stdout stays as it is in a pipe."""
    with Sandbox(World(locations=("1001",)), latency=timedelta(milliseconds=400)) as sandbox:
        config = written(tmp_path, "config.json", config_for(sandbox))
        ours, theirs = pty.openpty()
        with (
            (tmp_path / "out.jsonl").open("wb") as stdout,
            subprocess.Popen(
                [EXECUTABLE, "--config", config],
                stdout=stdout,
                stderr=theirs,
                env={**os.environ, "TERM": "xterm"},
            ) as process,
        ):
            os.close(theirs)
            seen = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
    assert process.returncode == 0
    assert b"of 2 partitions" in seen
    assert b"orders announced so far" in seen
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert all(line.startswith(b'{"type":') for line in lines)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end has closed it
        return b""
