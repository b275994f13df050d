"""Never more at once, never more a minute, nothing during a pause."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.api.gate import LONGEST_PAUSE_SECONDS, Gate
from tap_xstak_oms.clock import Clock

if TYPE_CHECKING:
    import pytest


class FakeTime:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(monotonic=lambda: self.now, wait=self._wait)

    def _wait(self, _: threading.Event, seconds: float) -> None:
        self.now += seconds


def gate(time: FakeTime, at_once: int = 64, a_minute: int | None = None) -> Gate:
    """A gate in that time."""
    return Gate(max_concurrent=at_once, max_per_minute=a_minute, clock=time.clock)


@given(st.integers(1, 5), st.lists(st.floats(0, 40), min_size=1, max_size=40))
def test_no_minute_sees_more_than_the_limit(limit: int, gaps: list[float]) -> None:
    """Whenever requests come, any 60 seconds hold at most `max_requests_per_minute`."""
    time = FakeTime()
    polite = gate(time, a_minute=limit)
    starts = []
    for gap in gaps:
        time.now += gap
        with polite.request(threading.Event()):
            starts.append(time.now)
    for first, later in zip(starts, starts[limit:], strict=False):
        assert later - first >= 60 - 1e-6


def test_a_pause_holds_everybody() -> None:
    """During a pause nobody starts; after it everybody may."""
    time = FakeTime()
    polite = gate(time)
    polite.pause(30)
    polite.pause(10)
    with polite.request(threading.Event()):
        assert time.now == 30


def test_a_pause_is_bounded() -> None:
    """A server that asks for a day is given ten minutes."""
    time = FakeTime()
    assert gate(time).pause(86_400) == LONGEST_PAUSE_SECONDS


def test_a_pause_tells_that_it_is_waited_for() -> None:
    """From the moment that the server asks for it until it has passed."""
    time = FakeTime()
    polite = gate(time)
    assert polite.wait() is None
    polite.pause(30)
    time.now = 10
    assert polite.wait() == ("Retry-After", 20)
    time.now = 30
    assert polite.wait() is None


def test_a_full_minute_tells_that_it_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """Only while a request is held back, not while the last of the minute is under way."""
    caplog.set_level("INFO")
    time = FakeTime()
    waits = []

    def wait(_: threading.Event, seconds: float) -> None:
        waits.append(polite.wait())
        time.now += seconds

    polite = Gate(max_concurrent=9, max_per_minute=1, clock=replace(time.clock, wait=wait))
    for at in (0, 20, 65):
        time.now = max(time.now, at)
        with polite.request(threading.Event()):
            assert polite.wait() is None
    assert waits == [("max_requests_per_minute", 40), ("max_requests_per_minute", 55)]
    [line] = caplog.messages
    assert "Waiting 40 s for `max_requests_per_minute` (1)" in line


def test_no_more_requests_at_once_than_allowed() -> None:
    """A request that would be one too many waits until another has ended."""
    polite = gate(FakeTime(), at_once=2)
    inside, release = threading.Semaphore(0), threading.Event()

    def send(_: int) -> None:
        with polite.request(threading.Event()):
            inside.release()
            release.wait(30)

    with ThreadPoolExecutor(3) as threads:
        done = [threads.submit(send, number) for number in range(3)]
        assert inside.acquire(timeout=30)
        assert inside.acquire(timeout=30)
        assert not inside.acquire(timeout=0.05)
        release.set()
        assert inside.acquire(timeout=30)
        assert [future.result() for future in done] == [None] * 3
