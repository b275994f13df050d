"""What a person sees during a run."""

from __future__ import annotations

import io
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tap_xstak_oms.sync.progress import SHOW_CURSOR, Figures, Progress
from tap_xstak_oms.wording import counted, duration
from tests.terminals import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.mark.parametrize("reason", ["Retry-After", "max_requests_per_minute"])
def test_a_wait_is_told_and_no_end_guessed(reason: str) -> None:
    """While nothing may be sent, the line says why and for how long, and guesses no ETA."""
    told = str(replace(HALF_WAY, waits_for=reason, wait_seconds=42.4, throttles=0))
    assert told.startswith(f"10 of 40 partitions, ETA unknown, waiting 42 s for `{reason}`; 3,000")
    assert "throttle" not in told


def test_lines_come_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """Away from a terminal a line comes every 15 s, with its figures for JSON logs."""
    caplog.set_level(logging.INFO)
    times = iter([0.0, 1.0, 15.0, 16.0, 30.0])
    progress = Progress(lambda: next(times))
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
        progress = Progress(lambda: next(times))

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
