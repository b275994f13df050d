"""The stream of sales orders: the SDK's hooks, and nothing else."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.metrics import Status, Tag
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.errors import PartitionError, TapError
from tap_xstak_oms.records.columns import EXTRA, SYNCED_AT
from tap_xstak_oms.records.fitter import Fitter
from tap_xstak_oms.singer.emission import Direct, ThroughSDK
from tap_xstak_oms.singer.maps import Expressions, WordedMap
from tap_xstak_oms.singer.state import PartitionStates
from tap_xstak_oms.sync import bookmarks, opening
from tap_xstak_oms.sync.checkpoint import Checkpoint
from tap_xstak_oms.sync.progress import Progress
from tap_xstak_oms.sync.summary import NOTHING_READ, Summary, judge
from tap_xstak_oms.sync.sync import Account, Sync

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.mapper import StreamMap
    from singer_sdk.metrics import Counter, Timer

    from tap_xstak_oms.singer.writer import LineWriter

logger = logging.getLogger("tap-xstak-oms")


class SalesOrdersStream(Stream):
    """Sales orders; one partition for each order status and location."""

    name = "sales_orders"
    replication_key = SYNCED_AT
    # Records arrive fitted to the schema.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The checkpoint writes state.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self,
        tap: Tap,
        *,
        schema: dict[str, Any],
        primary_keys: Sequence[str],
        account: Account | None,
        writer: LineWriter,
    ) -> None:
        """Declare the stream.

        Args:
            tap: The tap.
            schema: Its JSON schema.
            primary_keys: Its key, if it has one.
            account: Where orders come from; None where the tap only tells what it can.
            writer: Where messages go.
        """
        super().__init__(tap, schema=schema)
        self.primary_keys = primary_keys
        self._account = account
        self._writer = writer
        self._state_writer = tap.state_writer
        self._sync: Sync | None = None
        self._unmapped: str | None = None
        self._counter: Counter | None = None
        self._timer: Timer | None = None

    @cached_property
    @override
    def state_manager(self) -> PartitionStates:
        return PartitionStates(
            tap_name=self.tap_name, stream_name=self.name, tap_state=self.tap_state
        )

    @cached_property
    @override
    def stream_maps(self) -> list[StreamMap]:
        schema = self.effective_schema
        expressions = Expressions(self.config, self.name, schema, self.primary_keys)
        return [
            # The SDK looks for one of this kind by its class.
            one
            if isinstance(one, RemoveRecordTransform)
            else WordedMap(one, expressions.failing, self._note)
            for one in super().stream_maps
        ]

    def _note(self, failure: str) -> None:
        """Remember that an order of the partition could not be mapped."""
        self._unmapped = self._unmapped or failure
        if self._is_test:
            raise TapError(failure)

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        # Kept, because records that do not pass through the SDK are counted as well.
        self._counter = super().get_record_counter(**options)
        return self._counter

    @override
    def get_sync_timer(self) -> Timer:
        self._timer = super().get_sync_timer()
        return self._timer

    def _count_for_all_partitions(self) -> None:
        """Take back the context that the SDK gives its meters: their figures are of the run."""
        for meter in (self._counter, self._timer):
            if meter is not None:
                meter.with_context(None)

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        partitions = self._account.settings.partitions if self._account else ()
        return [dict(partition.context) for partition in partitions]

    @override
    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        # `_synced_at` never lies ahead of the read that it tells of.
        return None

    @override
    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Read one partition; called for each in turn.

        A partition that fails is left as it was, and reported when all have been read.
        """
        self._count_for_all_partitions()
        if self._account is None:
            return
        if not context:
            opening.tell_what_is_read(self._account.settings, logger)
            return
        partition = Partition(context["_order_status"], context["_location_id"])
        sync = self._sync_of(partition, self._account)
        emission = self._emission(sync.fitter)
        self._unmapped = None
        with self._in_order(sync):
            for records in sync.records(partition):
                yield from emission.emit(records)
            if self._unmapped:
                sync.fail(partition, self._unmapped)
        self._checkpoint.end(partition, sync.reads[partition])

    @contextmanager
    def _in_order(self, sync: Sync) -> Iterator[None]:
        """Whatever ends a partition's read, leave no thread behind that is of no use."""
        try:
            yield
        except PartitionError as error:
            logger.error("%s", error)  # noqa: TRY400 - a person reads it
            if self._timer is not None:
                self._timer.tags[Tag.STATUS] = Status.FAILED
            if self._is_test:
                sync.close()
                raise
        except BaseException:
            sync.close()
            raise

    def _emission(self, fitter: Fitter) -> Direct | ThroughSDK:
        flattens = bool(self.config.get("flattening_enabled"))
        is_plain = self._is_all_selected and not (flattens or self.config.get("stream_maps"))
        if is_plain and not self._is_test:
            return Direct(self._writer, self._count)
        depth = self.config.get("flattening_max_depth", 0) if flattens else 0
        return ThroughSDK(fitter, self.schema["properties"], flattening_depth=depth)

    def _count(self, records: int) -> None:
        """Count records that went past the SDK."""
        self.state_manager.is_flushed = False
        if self._counter is not None:
            self._counter.increment(records)

    @cached_property
    def _is_all_selected(self) -> bool:
        return all(self.mask.values())

    @override
    def _generate_record_messages(self, record: dict[str, Any]) -> Generator[RecordMessage]:
        if not self._is_all_selected:
            yield from super()._generate_record_messages(record)
            return
        # The SDK's own would visit every field, at every depth, to find that none is deselected.
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    time_extracted=datetime.now(UTC),
                )

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the last state of the run, and fail if anything did.

        Raises:
            TapError: If any partition failed.
        """
        super().finalize_state_progress_markers(state)
        if state or self._sync is None or self._account is None:
            return
        self._checkpoint.claim()
        judge(self._sync.reads, self._account.settings)

    def conclude(self) -> None:
        """Write what was gathered; called once, whatever ended the run."""
        if self._sync is not None:
            self._checkpoint.claim()

    def tell_summary(self) -> None:
        """Tell what came of the run, as far as it came; nothing more of it follows."""
        if self._sync is None:
            logger.info(NOTHING_READ)
            return
        self._sync.close()
        mapped = (one.transformed_schema.get("properties", {}) for one in self.stream_maps)
        Summary(
            self._sync,
            is_full_table=self._is_full_table,
            keeps_extra=self._sync.fitter.keeps_extra and any(EXTRA in names for names in mapped),
            is_cut_off=self._writer.is_broken_off,
        ).tell()

    @property
    def _is_full_table(self) -> bool:
        return bool(self.replication_method == REPLICATION_FULL_TABLE)

    @property
    def _is_test(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None

    def _sync_of(self, partition: Partition, account: Account) -> Sync:
        """The present sync; a new one where this partition was read already."""
        if self._sync is None or partition in self._sync.reads:
            self._sync = self._begin(account)
        return self._sync

    def _begin(self, account: Account) -> Sync:
        settings = account.settings
        states = bookmarks.of_partitions(
            self.stream_state.get("partitions", []), set(settings.partitions)
        )
        opening.tell_what_is_read(settings, logger)
        opening.warn_if_start_moved_back(states, settings, logger)
        self._checkpoint = Checkpoint(
            flush=self._flush,
            state_of=lambda partition: self.get_context_state(partition.context),
            write_state=lambda: self._state_writer.write_state(self.tap_state),
            monotonic=account.clock.monotonic,
            replication_key=None if self._is_full_table else SYNCED_AT,
        )
        return Sync(
            account,
            self._fitter(),
            {} if self._is_full_table else bookmarks.from_states(states, SYNCED_AT),
            progress=Progress(account.clock.monotonic, logger),
            idle=self._idle,
        )

    def _fitter(self) -> Fitter:
        mask = self.mask
        names = self.effective_schema.get("properties", {})
        deselected = [name for name in names if not mask["properties", name]]
        inside = {crumb[1] for crumb, chosen in mask.items() if len(crumb) > 2 and not chosen}  # noqa: PLR2004 - deeper than a column
        return Fitter(
            self.effective_schema,
            key=self.primary_keys,
            deselected=deselected,
            withheld=inside,
        )

    def _flush(self) -> bool:
        self._writer.flush()
        return not self._writer.is_broken_off

    def _idle(self) -> None:
        """Let nobody wait for what is there already, while the server is waited for."""
        self._checkpoint.claim()
        self._checkpoint.write_if_due()
