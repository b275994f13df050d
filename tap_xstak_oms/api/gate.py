"""The gate that every request passes: how many at once, how many per minute.

Token requests, discovery, retries and replays count like all others (promise P4).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from tap_xstak_oms.clock import Clock

MINUTE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 600.0
RETRY_AFTER = "Retry-After"
MAX_PER_MINUTE = "max_requests_per_minute"

logger = logging.getLogger("tap-xstak-oms")


class EndedError(Exception):
    """Nobody needs the request any more that a thread was about to send."""


class Wait(NamedTuple):
    """Why requests wait.

    Attributes:
        reason: The header or setting that makes them wait.
        seconds: How much longer.
    """

    reason: str
    seconds: float


class Gate:
    """Limits requests at once and per minute, and holds all of them during a pause.

    Thread-safe.

    Attributes:
        max_concurrent: Requests at once at most.
    """

    def __init__(self, *, max_concurrent: int, max_per_minute: int | None, clock: Clock) -> None:
        self.max_concurrent = max_concurrent
        self._places = threading.BoundedSemaphore(max_concurrent)
        self._max_per_minute = max_per_minute
        self._clock = clock
        # Guards all below: which request starts next is one decision.
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()
        self._closed_until = float("-inf")
        self._held = 0
        self._is_limit_told = False

    @contextmanager
    def request(self, ended: Event) -> Iterator[None]:
        """Wait for the turn of one request, then hold a place for it.

        Raises:
            EndedError: The event was set before its turn came.
        """
        with self._places:
            while not ended.is_set() and (delay := self._start()) > 0:
                self._hold(ended, delay)
            if ended.is_set():
                raise EndedError
            yield

    def pause(self, seconds: float) -> float:
        """Hold all requests for some seconds, `LONGEST_PAUSE_SECONDS` at most.

        Returns:
            The length of the pause.
        """
        seconds = min(seconds, LONGEST_PAUSE_SECONDS)
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)
        return seconds

    def wait(self) -> Wait | None:
        """What requests wait for now; None if they wait only for answers."""
        with self._lock:
            now = self._clock.monotonic()
            pause = self._closed_until - now
            minute = self._until_minute_has_room(now) if self._held else 0.0
        if max(pause, minute) <= 0:
            return None
        return Wait(RETRY_AFTER, pause) if pause >= minute else Wait(MAX_PER_MINUTE, minute)

    def _hold(self, ended: Event, delay: float) -> None:
        with self._lock:
            self._held += 1
        self._tell_limit()
        self._clock.wait(ended, delay)
        with self._lock:
            self._held -= 1

    def _tell_limit(self) -> None:
        """Log once, even without progress lines, why nothing seems to happen."""
        wait = self.wait()
        if wait and wait.reason == MAX_PER_MINUTE and not self._is_limit_told:
            self._is_limit_told = True
            logger.info(
                "Waiting %.0f s for `%s` (%d), and again when a minute is full.",
                wait.seconds,
                wait.reason,
                self._max_per_minute,
            )

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
