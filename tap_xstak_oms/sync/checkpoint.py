"""When a bookmark moves, and when STATE is written.

A bookmark moves only when its partition was read whole and its records have left the process. STATE
is written after the records that it covers. Knows no Singer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_xstak_oms.sync import bookmarks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.sync.output import Output
    from tap_xstak_oms.sync.sync import PartitionRead

STATE_INTERVAL_SECONDS = 5.0
"""Writing STATE after each of thousands of small partitions would slow the reader."""


class Checkpoint:
    """The bookmarks of one run. Used by one thread, which signals interrupt."""

    def __init__(self, output: Output, monotonic: Callable[[], float]) -> None:
        """Begin with nothing to claim.

        Args:
            output: Flushes records, holds and writes the state.
            monotonic: The clock, in seconds.
        """
        self._output = output
        self._monotonic = monotonic
        self._ended: list[tuple[Partition, PartitionRead]] = []
        self._written_at = float("-inf")

    def end(self, partition: Partition, read: PartitionRead) -> None:
        """Note that a partition's read has ended, complete or not; its records may still wait."""
        self._ended.append((partition, read))
        self.write_if_due()

    def write_if_due(self) -> None:
        """Claim what has ended and write STATE, `STATE_INTERVAL_SECONDS` apart at least."""
        now = self._monotonic()
        if now - self._written_at >= STATE_INTERVAL_SECONDS:
            self._written_at = now
            self.claim()
            self._output.write_state()

    def claim(self) -> None:
        """Flush, then move the bookmarks of the partitions whose records are written."""
        if not self._output.flush():
            return
        # A signal may interrupt this at any line: to repeat it changes nothing.
        while self._ended:
            self._move_bookmark(*self._ended[0])
            del self._ended[0]

    def _move_bookmark(self, partition: Partition, read: PartitionRead) -> None:
        read.has_ended = True
        self._output.tell_read(partition, read)
        if read.bookmark is not None and self._output.moves_bookmarks:
            state = self._output.state_of(partition)
            state.update(bookmarks.to_state(state, read.bookmark, since=read.since))
