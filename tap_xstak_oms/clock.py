"""All use of time in the tap, so that a test can replace it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """A source of time.

    Attributes:
        now: The wall clock, aware, UTC.
        monotonic: Seconds that never run backwards, for durations.
        wait: Waits until the event is set, or for some seconds.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[Event, float], object] = Event.wait
