"""What a run asks of the place where its messages go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.sync.sync import PartitionRead


class Output(Protocol):
    """Where the messages of a run go."""

    @property
    def replication_key(self) -> str | None:
        """What bookmarks are of; None where they stay as they are."""

    @property
    def keeps_extra(self) -> bool | None:
        """Whether values without a column arrive, in `_extra`; None where no record does."""

    def flush(self) -> bool:
        """Hand all gathered records to the pipe; tells whether it could."""

    def state_of(self, partition: Partition) -> dict[str, Any]:
        """The writable state of a partition."""

    def write_state(self) -> None:
        """Write the STATE message."""

    def tell_read(self, partition: Partition, read: PartitionRead) -> None:
        """Take note of a read that has ended, before a STATE covers it."""
