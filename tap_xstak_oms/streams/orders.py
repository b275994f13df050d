"""The stream of sales orders."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.metrics import Status, Tag
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.records.columns import EXTRA, SYNCED_AT
from tap_xstak_oms.records.fitter import Fitter
from tap_xstak_oms.records.timestamps import time_in
from tap_xstak_oms.singer.emission import Mapped, Objects, direct_lines
from tap_xstak_oms.streams.base import XStakStream
from tap_xstak_oms.streams.reads import SalesOrderReadsStream
from tap_xstak_oms.sync import opening
from tap_xstak_oms.sync.run import Run
from tap_xstak_oms.sync.summary import NOTHING_READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.metrics import Counter, Timer

    from tap_xstak_oms.config.settings import Settings
    from tap_xstak_oms.records.selection import Selection
    from tap_xstak_oms.singer.emission import Record
    from tap_xstak_oms.singer.writer import LineWriter
    from tap_xstak_oms.sync.sync import Account, PartitionRead

logger = logging.getLogger("tap-xstak-oms")


class SalesOrdersStream(XStakStream):
    """Sales orders; one partition for each order status and location."""

    name = "sales_orders"
    replication_key = SYNCED_AT
    # The checkpoint writes state.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(  # noqa: PLR0913 - a stream is made of as much
        self,
        tap: Tap,
        *,
        schema: dict[str, Any],
        primary_keys: Sequence[str],
        selection: Selection,
        account: Account | None,
        writer: LineWriter,
    ) -> None:
        """Declare the stream.

        Args:
            tap: The tap.
            schema: Its JSON schema.
            primary_keys: Its key, if it has one.
            selection: What of an order is selected.
            account: Where orders come from; None where the tap only tells what it can.
            writer: Where messages go.
        """
        super().__init__(tap, schema=schema, primary_keys=primary_keys, writer=writer)
        self.reads = SalesOrderReadsStream(tap, self, writer)
        self._selection = selection
        self._account = account
        self._state_writer = tap.state_writer
        self._run: Run | None = None
        self._counter: Counter | None = None
        self._timer: Timer | None = None

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        # Kept, because records that do not pass through the SDK are counted as well.
        self._counter = super().get_record_counter(**options)
        return self._counter

    @override
    def get_sync_timer(self) -> Timer:
        self._timer = super().get_sync_timer()
        return self._timer

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        partitions = self._account.settings.partitions if self._account else ()
        return [dict(partition.context) for partition in partitions]

    @override
    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Read one partition; the SDK calls this for each in turn.

        A partition that fails keeps its bookmark. The run fails when all have been read.
        """
        self._meter_the_run()
        if self._account is None:
            return
        if not context:
            opening.tell_what_is_read(self._account.settings)
            return
        partition = Partition(context["_order_status"], context["_location_id"])
        run = self._run_of(partition, self._account)
        emit = self._emission(run.sync.fitter)
        self._unmapped = None
        with run.reading(partition, is_strict=self._is_test):
            for records in run.sync.records(partition):
                yield from emit(records)
            if self._unmapped:
                run.sync.fail(partition, self._unmapped)
        if run.sync.reads[partition].error and self._timer is not None:
            self._timer.tags[Tag.STATUS] = Status.FAILED

    def _meter_the_run(self) -> None:
        """Remove the SDK's context from its meters: their figures are those of the whole run."""
        for meter in (self._counter, self._timer):
            if meter is not None:
                meter.with_context(None)

    def read_alone(self) -> Iterator[tuple[Partition, PartitionRead]]:
        """Read all partitions; yield their reads, and emit no order."""
        if self._account is None:
            return
        for partition in self._account.settings.partitions:
            run = self._run_of(partition, self._account)
            with run.reading(partition):
                for _ in run.sync.records(partition):
                    pass
            yield partition, run.sync.reads[partition]

    def _emission(self, fitter: Fitter) -> Callable[[Sequence[bytes]], Iterable[Record]]:
        """How to emit some records: what it returns is left to the SDK."""
        flattens = bool(self.config.get("flattening_enabled"))
        depth = self.config.get("flattening_max_depth", 0) if flattens else 0
        objects = Objects(fitter, self.schema["properties"], flattening_depth=depth)
        if self._is_test:
            # The SDK counts records, and stops after some.
            return partial(map, objects.of)
        if flattens or self.config.get("stream_maps"):
            mapped = Mapped(objects, self._messages, self._writer.serialize_message, self._note)
            return partial(self._write, mapped.lines)
        return partial(self._write, direct_lines)

    def _write(
        self, lines: Callable[[Sequence[bytes]], list[bytes]], records: Sequence[bytes]
    ) -> tuple[()]:
        """Write and count records that the SDK does not see."""
        self._writer.write_lines(lines(records))
        self.state_manager.is_flushed = False
        if self._counter is not None:
            self._counter.increment(len(records))
        return ()

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Fail if too many partitions did.

        Raises:
            TapError: Too many failed.
        """
        super().finalize_state_progress_markers(state)
        if not state:
            self.judge()

    def judge(self) -> None:
        """Write what was gathered, and fail if too many partitions did.

        Raises:
            TapError: Too many failed.
        """
        if self._run is not None:
            self._run.judge()

    def conclude(self) -> None:
        """Write what was gathered; called once, whatever ended the run."""
        if self._run is not None:
            self._run.write_out()

    def tell_summary(self) -> None:
        """Log the result of the run, as far as it came; nothing more of it follows."""
        if self._run is None:
            logger.info(NOTHING_READ)
            return
        self._run.tell_summary(is_cut_off=self._writer.is_broken_off)

    def _run_of(self, partition: Partition, account: Account) -> Run:
        """The present run; a new one if this partition was read already."""
        if self._run is None or partition in self._run.sync.reads:
            fitter = self._fitter(account.settings)
            self._run = Run(account, fitter, self, self.stream_state.get("partitions", []))
        return self._run

    def _fitter(self, settings: Settings) -> Fitter:
        return Fitter(
            self.schema,
            key=self.primary_keys,
            selection=self._selection,
            times=dict.fromkeys(settings.timestamp_fields or (), time_in(settings.timezone)),
        )

    # What a run needs of its `Output`.

    @property
    def moves_bookmarks(self) -> bool:
        """Whether a complete read moves its bookmark."""
        return self.selected and self.replication_method != REPLICATION_FULL_TABLE

    @property
    def keeps_extra(self) -> bool | None:
        """Whether `_extra` arrives at the target; None if no order does."""
        if not self.selected:
            return None
        mapped = (one.transformed_schema.get("properties", {}) for one in self.stream_maps)
        return EXTRA in self.schema["properties"] and any(EXTRA in names for names in mapped)

    def flush(self) -> bool:
        """Write all gathered records to the pipe; return whether that worked."""
        self._writer.flush()
        return not self._writer.is_broken_off

    def state_of(self, partition: Partition) -> dict[str, Any]:
        """The writable state of a partition."""
        return self.get_context_state(partition.context)

    def write_state(self) -> None:
        """Write the STATE message."""
        self._state_writer.write_state(self.tap_state)

    def tell_read(self, partition: Partition, read: PartitionRead) -> None:
        """Note a read that has ended, before a STATE covers it."""
        if self.selected and self.reads.selected:
            self.reads.write(partition, read)
