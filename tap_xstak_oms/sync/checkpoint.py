"""When a bookmark may move, and when STATE is written.

A bookmark moves when its partition was read whole and its records have left the process, and at
no other time. STATE is written behind the records that it covers. Knows no Singer.
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
"""STATE at the end of each of thousands of small partitions would slow the reader."""


class Checkpoint:
    """The bookmarks of one run. Used by one thread, which signals interrupt."""

    def __init__(self, output: Output, monotonic: Callable[[], float]) -> None:
        """Begin with nothing to claim.

        Args:
            output: Flushes records, and holds and writes the state.
            monotonic: The clock, in seconds.
        """
        self._output = output
        self._monotonic = monotonic
        self._ended: list[tuple[Partition, PartitionRead]] = []
        self._written_at = float("-inf")

    def end(self, partition: Partition, read: PartitionRead) -> None:
        """Note that a partition's read has ended, well or not; its records may still wait."""
        self._ended.append((partition, read))
        self.write_if_due()

    def write_if_due(self) -> None:
        """Claim what has ended and write STATE, unless the last was written a moment ago."""
        now = self._monotonic()
        if now - self._written_at >= STATE_INTERVAL_SECONDS:
            self._written_at = now
            self.claim()
            self._output.write_state()

    def claim(self) -> None:
        """Flush, and move the bookmarks of the partitions whose records are written by now."""
        if not self._output.flush():
            return
        # What a signal interrupts here is done again from its beginning, to the same end.
        while self._ended:
            self._move_bookmark(*self._ended[0])
            del self._ended[0]

    def _move_bookmark(self, partition: Partition, read: PartitionRead) -> None:
        read.has_ended = True
        self._output.tell_read(partition, read)
        key = self._output.replication_key
        if read.bookmark is not None and key is not None:
            state = self._output.state_of(partition)
            state.update(bookmarks.to_state(state, key, read.bookmark, since=read.since))
