"""One run: its partitions in order, its checkpoint, its display and its summary.

Knows no Singer: its output does.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.sync import bookmarks, opening
from tap_xstak_oms.sync.checkpoint import Checkpoint
from tap_xstak_oms.sync.progress import Progress
from tap_xstak_oms.sync.summary import Summary, judge
from tap_xstak_oms.sync.sync import Account, Sync

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.records.fitter import Fitter
    from tap_xstak_oms.sync.output import Output

logger = logging.getLogger("tap-xstak-oms")


class Run:
    """One run over the partitions. Used by one thread, which signals interrupt."""

    def __init__(
        self,
        account: Account,
        fitter: Fitter,
        output: Output,
        states: Sequence[Mapping[str, Any]],
    ) -> None:
        """Begin, and log what will be read.

        Args:
            account: Where orders come from.
            fitter: Makes records of orders.
            output: Where records go.
            states: The states of partitions, of this shard or not.
        """
        settings = account.settings
        ours = bookmarks.of_partitions(states, set(settings.partitions))
        opening.tell_what_is_read(settings)
        opening.warn_if_start_moved_back(ours, settings)
        self._settings = settings
        self._output = output
        self._checkpoint = Checkpoint(output, account.clock.monotonic)
        self.sync = Sync(
            account,
            fitter,
            bookmarks.from_states(ours) if output.moves_bookmarks else {},
            progress=Progress(account.clock.monotonic),
            idle=self._idle,
        )

    @contextmanager
    def reading(self, partition: Partition, *, is_strict: bool = False) -> Iterator[None]:
        """Read a partition inside; if it fails, log that, and let it keep its bookmark.

        Args:
            partition: The partition.
            is_strict: Whether its failure ends everything.
        """
        try:
            try:
                yield
            except PartitionError as error:
                logger.error("%s", error, extra=error.fields)  # noqa: TRY400 - a person reads it
                if is_strict:
                    raise
            self._checkpoint.end(partition, self.sync.reads[partition])
        except BaseException:
            # Leave no idle thread behind.
            self.sync.close()
            raise

    def _idle(self) -> None:
        """Write what is there while the reader waits for pages."""
        self._checkpoint.claim()
        self._checkpoint.write_if_due()

    def write_out(self) -> None:
        """Write what was gathered, and move the bookmarks that it completes."""
        self._checkpoint.claim()

    def judge(self) -> None:
        """Write what was gathered, and fail if too many partitions did."""
        self.write_out()
        judge(self.sync.reads, self._settings)

    def tell_summary(self, *, is_cut_off: bool) -> None:
        """Log the result of the run, as far as it came; nothing more follows."""
        self.sync.close()
        Summary(
            self.sync,
            moves_bookmarks=self._output.moves_bookmarks,
            keeps_extra=self._output.keeps_extra,
            is_cut_off=is_cut_off,
        ).tell()
