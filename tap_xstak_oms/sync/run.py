"""One run: its partitions in order, its checkpoint, its display, and what is told of it.

Knows no Singer: the output that it is given does.
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
        *,
        replication_key: str,
    ) -> None:
        """Begin, and tell what will be read.

        Args:
            account: Where orders come from.
            fitter: Makes records of them.
            output: Where they go.
            states: The states of partitions, of this shard or not.
            replication_key: What their bookmarks must be of to count.
        """
        settings = account.settings
        ours = bookmarks.of_partitions(states, set(settings.partitions))
        opening.tell_what_is_read(settings, logger)
        opening.warn_if_start_moved_back(ours, settings, logger)
        self._settings = settings
        self._output = output
        self._checkpoint = Checkpoint(output, account.clock.monotonic)
        is_full = output.replication_key is None
        self.sync = Sync(
            account,
            fitter,
            {} if is_full else bookmarks.from_states(ours, replication_key),
            progress=Progress(account.clock.monotonic, logger),
            idle=self._idle,
        )

    @contextmanager
    def reading(self, partition: Partition, *, is_strict: bool = False) -> Iterator[None]:
        """Read a partition inside; one that fails is told, and keeps its bookmark.

        Args:
            partition: Which.
            is_strict: Whether a partition that fails ends everything.
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
            # Leave no thread behind that is of no use.
            self.sync.close()
            raise

    def _idle(self) -> None:
        """Hand on what is there already while pages are waited for."""
        self._checkpoint.claim()
        self._checkpoint.write_if_due()

    def write_out(self) -> None:
        """Write what was gathered, and move the bookmarks that it was the end of."""
        self._checkpoint.claim()

    def judge(self) -> None:
        """Fail if too many partitions did."""
        judge(self.sync.reads, self._settings)

    def tell_summary(self, *, is_cut_off: bool) -> None:
        """Tell what came of it, as far as it came; nothing more follows."""
        self.sync.close()
        Summary(
            self.sync,
            is_full_table=self._output.replication_key is None,
            keeps_extra=self._output.keeps_extra,
            is_cut_off=is_cut_off,
        ).tell()
