"""The stream of reads: what the API announced, what came, and whether that was all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import SchemaMessage
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.records.columns import SYNCED_AT
from tap_xstak_oms.streams.base import XStakStream
from tap_xstak_oms.sync import reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.metrics import Counter

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.singer.writer import LineWriter
    from tap_xstak_oms.sync.sync import PartitionRead

logger = logging.getLogger("tap-xstak-oms")


class Orders(Protocol):
    """The stream whose reads are emitted."""

    @property
    def selected(self) -> bool:
        """Whether its records are emitted."""

    def read_alone(self) -> Iterator[tuple[Partition, PartitionRead]]:
        """Read all partitions and emit nothing."""

    def judge(self) -> None:
        """Fail if too many partitions did."""


class SalesOrderReadsStream(XStakStream):
    """The reads of partitions: what the API announced, what came, and whether that was all."""

    name = "sales_order_reads"
    replication_key = SYNCED_AT
    selected_by_default = False

    def __init__(self, tap: Tap, orders: Orders, writer: LineWriter) -> None:
        """Declare the stream.

        Args:
            tap: The tap.
            orders: The stream whose reads are emitted.
            writer: Where messages go.
        """
        super().__init__(tap, schema=reads.SCHEMA, primary_keys=reads.KEY, writer=writer)
        self._orders = orders
        self._version = tap.plugin_version
        self._written = 0
        self._has_schema = False

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        counter = super().get_record_counter(**options)
        # Those written among the orders, before the SDK came to this stream.
        counter.increment(self._written)
        return counter

    @override
    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Read and emit, if the stream of orders is not selected.

        If it is, the SDK gets nothing here: the record of a read is written as soon as the read has
        ended, among the orders, before a STATE covers it.
        """
        if self._orders.selected:
            return
        logger.info("Orders are read and not emitted: only %s is selected.", self.name)
        for partition, read in self._orders.read_alone():
            read.has_ended = True
            yield self._record(partition, read, emitted=0)

    def write(self, partition: Partition, read: PartitionRead) -> None:
        """Write the record of a read among the orders, and a SCHEMA before the first."""
        if not self._has_schema:
            self._has_schema = True
            self._write_schema()
        for message in self._messages(self._record(partition, read)):
            self._writer.write_message(message)
        self._written += 1

    def _write_schema(self) -> None:
        for stream_map in self.stream_maps:
            if not isinstance(stream_map, RemoveRecordTransform):
                self._writer.write_message(
                    SchemaMessage(
                        stream_map.stream_alias,
                        stream_map.transformed_schema,
                        stream_map.transformed_key_properties,
                        [SYNCED_AT],
                    )
                )

    def _record(self, partition: Partition, read: PartitionRead, **changes: int) -> dict[str, Any]:
        record = reads.read_record(partition, read, self._version) | changes
        selected = self.effective_schema["properties"]
        return {name: record[name] for name in record if name in selected}

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Fail if a record could not be mapped or, without orders, too many partitions failed.

        Raises:
            TapError: One of them is so.
        """
        super().finalize_state_progress_markers(state)
        if self._unmapped:
            raise TapError(f"{self.name}: {self._unmapped}.")
        if not self._orders.selected:
            self._orders.judge()
