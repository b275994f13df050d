"""What a person sees during a run, on stderr.

On a terminal a display that changes in place; elsewhere a plain log line now and then.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tap_xstak_oms.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from rich.console import Console, RenderableType

LINE_INTERVAL_SECONDS = 15.0
DISPLAY_INTERVAL_SECONDS = 0.25
BAR_WIDTH = 40
SHOW_CURSOR = "\x1b[?25h"

logger = logging.getLogger("tap-xstak-oms")


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a run is.

    Attributes:
        partitions_done: Partitions read or failed.
        partitions: All partitions.
        share_done: The share of all partitions that is done, from 0 to 1. A partition that is being
            read counts by its orders so far, out of those that the API announced.
        orders: Orders emitted.
        orders_announced: Orders that the API announced, in the partitions begun so far.
        requests: Requests sent, tokens and retries included.
        retries: Tries after the first.
        throttles: How often the server asked for patience.
        seconds: Since the run began.
        waits_for: The header or setting that holds all requests now.
        wait_seconds: How much longer.
    """

    partitions_done: int
    partitions: int
    share_done: float
    orders: int
    orders_announced: int
    requests: int
    retries: int
    throttles: int
    seconds: float
    waits_for: str | None = None
    wait_seconds: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """The ETA, as if all partitions were alike; None if unknown."""
        if not self.share_done or self.waits_for:
            return None
        return self.seconds / self.share_done * (1 - self.share_done)

    @property
    def place(self) -> str:
        """How far the run is, and its ETA."""
        left = self.seconds_left
        eta = "unknown" if left is None else duration(left)
        done = f"{self.partitions_done:,} of {counted(self.partitions, 'partition')}"
        return f"{done}, ETA {eta}{self._wait}"

    @property
    def _wait(self) -> str:
        if self.wait_seconds is None:
            return ""
        return f", waiting {duration(self.wait_seconds)} for `{self.waits_for}`"

    @property
    def harvest(self) -> str:
        """What came."""
        return (
            f"{self.orders:,} of {self.orders_announced:,} orders announced so far, "
            f"{self.orders / self._seconds:,.0f} orders/s"
        )

    @property
    def effort(self) -> str:
        """The requests that were needed."""
        return f"{self.requests / self._seconds:,.1f} requests/s{self.trouble}"

    @property
    def trouble(self) -> str:
        """Retries and throttles, to end a sentence with; empty if there were none."""
        retries = f", {counted(self.retries, 'retry', 'retries')}" if self.retries else ""
        times = counted(self.throttles, "time")
        return retries + (f", throttled {times} by the server" if self.throttles else "")

    def __str__(self) -> str:
        return f"{self.place}; {self.harvest}; {self.effort}"

    @property
    def _seconds(self) -> float:
        return max(self.seconds, 1e-3)


class Progress:
    """Shows how far a run is; `monotonic` is the clock, in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told_at = monotonic()
        self._display = _display()
        self._interval = DISPLAY_INTERVAL_SECONDS if self._display else LINE_INTERVAL_SECONDS

    def tick(self, current: Callable[[], Figures]) -> None:
        """Show the current figures if it is time to. Cheap: called often."""
        now = self._monotonic()
        if now - self._told_at < self._interval:
            return
        self._told_at = now
        figures = current()
        if self._display is not None:
            self._display.show(figures)
        else:
            logger.info("%s", figures, extra=asdict(figures))

    def close(self) -> None:
        """Restore the terminal; from now on progress is shown in log lines."""
        display, self._display = self._display, None
        self._interval = LINE_INTERVAL_SECONDS
        if display is not None:
            display.close()


def _display() -> _Display | None:
    """A display, if stderr is a terminal that can show one and no records go to it."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return None
    # Imported here: a run without a terminal does not need it.
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    return None if console.is_dumb_terminal else _Display(console)


class _Display:
    """A few lines at the bottom of a terminal, below the log lines."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live  # noqa: PLC0415 - as above

        self._stderr = sys.stderr
        self._handlers = [
            handler
            for handler in logging.getLogger().handlers
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
        ]
        # stdout is for messages only.
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False
        )
        self._live.start()
        # Log lines must go through the display, or they would break it.
        self._send_log_to(sys.stderr)

    def _send_log_to(self, stream: TextIO) -> None:
        for handler in self._handlers:
            handler.setStream(stream)

    def show(self, figures: Figures) -> None:
        self._live.update(_drawn(figures), refresh=True)

    def close(self) -> None:
        self._live.stop()
        self._send_log_to(self._stderr)
        # If a signal came in the middle of drawing, the display holds back what it still has to
        # write until the drawing goes on, and the process ends before that.
        self._stderr.write(SHOW_CURSOR)
        self._stderr.flush()


def _drawn(figures: Figures) -> RenderableType:
    from rich.progress_bar import ProgressBar  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    drawing = Table.grid()
    drawing.add_column(no_wrap=True, overflow="ellipsis")
    drawing.add_row(ProgressBar(total=1, completed=figures.share_done, width=BAR_WIDTH))
    for text in (figures.place, figures.harvest, figures.effort):
        drawing.add_row(Text(text))
    return drawing
