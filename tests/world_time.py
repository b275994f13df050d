"""Time that passes only while the tap waits: a test sees how long, without waiting itself."""

from __future__ import annotations

from datetime import UTC, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING

from tap_xstak_oms.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xstak_sandbox import Entry, Sandbox


class WorldTime:
    """The sandbox's time, for the tap. Thread-safe.

    Args:
        sandbox: Whose time.
        moves_world: Whether the sandbox's time passes too where the tap waits; else its orders
            stay as they are.
        on_wait: Called before each wait.

    Attributes:
        clock: What the tap is given.
        waits: The waits, in seconds.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        moves_world: bool = True,
        on_wait: Callable[[], object] = lambda: None,
    ) -> None:
        self.waits: list[float] = []
        self._sandbox = sandbox
        self._moves_world = moves_world
        self._on_wait = on_wait
        self._lock = Lock()
        self.clock = Clock(
            now=lambda: sandbox.clock.now().astimezone(UTC),
            monotonic=lambda: sum(self.waits),
            wait=self._wait,
        )

    def _wait(self, _: Event, seconds: float) -> None:
        self._on_wait()
        with self._lock:
            self.waits.append(seconds)
            if self._moves_world:
                self._sandbox.clock.advance(timedelta(seconds=seconds))


def gaps(entries: Sequence[Entry], step: int = 1) -> list[float]:
    """The world's seconds between each request and the one so many after it."""
    pairs = zip(entries, entries[step:], strict=False)
    return [(later.at_world - entry.at_world).total_seconds() for entry, later in pairs]
