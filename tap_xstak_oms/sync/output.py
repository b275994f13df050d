"""What a run needs of the place where its messages go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.sync.sync import PartitionRead


class Output(Protocol):
    """Where the messages of a run go."""

    @property
    def moves_bookmarks(self) -> bool:
        """Whether a complete read moves its bookmark."""

    @property
    def keeps_extra(self) -> bool | None:
        """Whether `_extra` arrives at the target; None if no order does."""

    def flush(self) -> bool:
        """Write all gathered records to the pipe; return whether that worked."""

    def state_of(self, partition: Partition) -> dict[str, Any]:
        """The writable state of a partition."""

    def write_state(self) -> None:
        """Write the STATE message."""

    def tell_read(self, partition: Partition, read: PartitionRead) -> None:
        """Note a read that has ended, before a STATE covers it."""
