"""The time of the sandbox's world, which only its owner moves."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class WorldClock:
    """A clock that stands still until it is moved, or runs with real time if so asked.

    Two kinds of movement differ on purpose: `advance` makes everything older, tokens included,
    while `tick` hurries the orders only, so that a world that moves with every request does not
    also kill a 300 second token after a few of them.

    Safe to use from several threads.

    Args:
        start: The aware time the world begins at.
        runs: Whether real time passes in the world as well.
        monotonic: Seconds of real time, from any origin.
    """

    def __init__(
        self,
        start: datetime,
        *,
        runs: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._runs = runs
        self._monotonic = monotonic
        self._born = monotonic()
        self._advanced = timedelta()
        self._ticked = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The world's present moment, in the zone the clock was started with."""
        with self._lock:
            moved = self._advanced + self._ticked
        return self._start + moved + (self._real_time() if self._runs else timedelta())

    def advance(self, by: timedelta) -> datetime:
        """Let time pass for everything and tell the new moment.

        Raises:
            ValueError: Time would run backwards.
        """
        _refuse_backwards(by)
        with self._lock:
            self._advanced += by
        return self.now()

    def tick(self, by: timedelta) -> datetime:
        """Let time pass for orders, but not for tokens, and tell the new moment.

        Raises:
            ValueError: Time would run backwards.
        """
        _refuse_backwards(by)
        with self._lock:
            self._ticked += by
        return self.now()

    def token_age(self) -> float:
        """Seconds by which tokens age: real ones and advanced ones, from any origin."""
        with self._lock:
            advanced = self._advanced
        return (advanced + self._real_time()).total_seconds()

    def _real_time(self) -> timedelta:
        return timedelta(seconds=self._monotonic() - self._born)


def _refuse_backwards(by: timedelta) -> None:
    if by < timedelta():
        raise ValueError("the world's time does not run backwards")
