"""What a person sees during a run, on stderr.

On a terminal one line that changes in place; otherwise a plain line now and then, which survives
every log format.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_INTERVAL_SECONDS = 15.0
DISPLAY_INTERVAL_SECONDS = 0.25

_SAYS_NOTHING = (
    # Said whatever the environment holds: the tap reads it by itself.
    "Skipping parse of env var settings",
    # Said of every end of a test, a good one included; of others the tap tells what happened.
    "An unhandled error occurred while syncing",
)


def quieten_sdk(logger: logging.Logger) -> None:
    """Leave out those of the SDK's lines that tell a person nothing."""
    logger.addFilter(_says_something)


def _says_something(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith(_SAYS_NOTHING)


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a run is.

    Attributes:
        partitions_done: Partitions read, or failed.
        partitions: All partitions.
        orders: Orders emitted.
        orders_announced: Orders that the API said there are, in the partitions begun so far.
        requests: Requests sent, tokens and retries included.
        retries: Tries after the first.
        pauses: How often the server asked everybody to wait.
        seconds: Since the run began.
    """

    partitions_done: int
    partitions: int
    orders: int
    orders_announced: int
    requests: int
    retries: int
    pauses: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """A guess, by partitions; None while there is nothing to guess from."""
        if not self.partitions_done:
            return None
        return self.seconds / self.partitions_done * (self.partitions - self.partitions_done)

    def __str__(self) -> str:
        seconds = max(self.seconds, 1e-3)
        left = self.seconds_left
        return (
            f"{self.partitions_done} of {self.partitions} partitions, "
            f"{self.orders} of {self.orders_announced} orders announced so far, "
            f"{self.orders / seconds:.0f} orders/s, {self.requests / seconds:.1f} requests/s, "
            f"{self.retries} retries, {self.pauses} pauses, "
            + ("no guess yet when it ends" if left is None else f"about {in_words(left)} left")
        )


class Progress:
    """Tells how far a run is, whenever it is asked whether there is something to tell."""

    def __init__(
        self,
        figures: Callable[[], Figures],
        monotonic: Callable[[], float],
        logger: logging.Logger,
    ) -> None:
        """Begin to tell.

        Args:
            figures: The present figures; asked for only when they are told.
            monotonic: The clock, in seconds.
            logger: Where plain lines go.
        """
        self._figures = figures
        self._monotonic = monotonic
        self._logger = logger
        self._told_at = monotonic()
        self._display = _Display() if sys.stderr.isatty() else None
        self._interval = DISPLAY_INTERVAL_SECONDS if self._display else LINE_INTERVAL_SECONDS

    def tick(self) -> None:
        """Tell, if it is time to. Cheap, and called often."""
        now = self._monotonic()
        if now - self._told_at < self._interval:
            return
        self._told_at = now
        figures = self._figures()
        if self._display is not None:
            self._display.show(figures)
        else:
            self._logger.info("%s", figures, extra=asdict(figures))

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._display is not None:
            self._display.close()
            self._display = None


class _Display:
    """One line at the bottom of a terminal, above which log lines go by."""

    def __init__(self) -> None:
        # Only who has a terminal pays for the import.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        stderr = sys.stderr
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._handlers = [
            handler
            for handler in logging.getLogger().handlers
            if isinstance(handler, logging.StreamHandler) and handler.stream is stderr
        ]
        self._live.start()
        # Log lines must go through the display, or they would tear it.
        self._redirect()

    def _redirect(self) -> None:
        for handler in self._handlers:
            handler.setStream(sys.stderr)

    def show(self, figures: Figures) -> None:
        self._live.update(str(figures), refresh=True)

    def close(self) -> None:
        self._live.stop()
        self._redirect()


def in_words(seconds: float) -> str:
    """A duration of so many seconds, of two digits or so."""
    if seconds < 90:  # noqa: PLR2004 - where a person changes the unit
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - same
