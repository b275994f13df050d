"""How often and how many at once: the one gate that every request passes.

Token requests, discovery, retries and replays count like any other (promise P4).
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from tap_xstak_oms.clock import Clock

MINUTE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 600.0


class EndedError(Exception):
    """Nobody waits any more for what a thread was waiting to do."""


class Gate:
    """Lets requests through: so many at once, so many a minute, none during a pause.

    Thread-safe.

    Attributes:
        max_concurrent: How many it lets through at once.
    """

    def __init__(self, *, max_concurrent: int, max_per_minute: int | None, clock: Clock) -> None:
        self.max_concurrent = max_concurrent
        self._places = threading.BoundedSemaphore(max_concurrent)
        self._max_per_minute = max_per_minute
        self._clock = clock
        # Guards the two below: who may start next is one decision.
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()
        self._closed_until = float("-inf")

    @contextmanager
    def request(self, ended: Event) -> Iterator[None]:
        """Hold a place for one request, having waited for its turn.

        Raises:
            EndedError: If the event was set before that.
        """
        with self._places:
            while (delay := self._start()) > 0:
                self._clock.wait(ended, delay)
                if ended.is_set():
                    raise EndedError
            yield

    def pause(self, seconds: float) -> float:
        """Let nobody through for so many seconds, at most `LONGEST_PAUSE_SECONDS`.

        Returns:
            The length of the pause.
        """
        seconds = min(seconds, LONGEST_PAUSE_SECONDS)
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)
        return seconds

    def _start(self) -> float:
        """Start a request now and return 0, or return the seconds to wait before asking again."""
        with self._lock:
            now = self._clock.monotonic()
            delay = max(self._closed_until - now, self._until_minute_has_room(now))
            if delay <= 0 and self._max_per_minute is not None:
                self._starts.append(now)
            return delay

    def _until_minute_has_room(self, now: float) -> float:
        while self._starts and self._starts[0] + MINUTE_SECONDS <= now:
            self._starts.popleft()
        if self._max_per_minute is None or len(self._starts) < self._max_per_minute:
            return 0.0
        return self._starts[0] + MINUTE_SECONDS - now
