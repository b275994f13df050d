"""The stream of sales orders, as Singer has it: records, partitions, bookmarks, state."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_xstak_oms.config.settings import DECIDE_WHAT_IS_THERE, Partition
from tap_xstak_oms.errors import PartitionError, TapError
from tap_xstak_oms.records.columns import SYNCED_AT, can_be_column
from tap_xstak_oms.records.fitter import Fitter, count_field, to_python
from tap_xstak_oms.singer.flattening import Flattening
from tap_xstak_oms.singer.maps import WordedMap
from tap_xstak_oms.singer.state import PartitionStates
from tap_xstak_oms.sync import bookmarks
from tap_xstak_oms.sync.progress import quieten_sdk
from tap_xstak_oms.sync.summary import NOTHING_READ, SUMMARY_PARTITIONS, is_all_empty, summary
from tap_xstak_oms.sync.sync import Account, Sync

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.mapper import StreamMap
    from singer_sdk.metrics import Counter

    from tap_xstak_oms.config.settings import Settings
    from tap_xstak_oms.singer.writer import LineWriter

STATE_INTERVAL_SECONDS = 5.0
_RECORD_START = b'{"type":"RECORD","stream":"sales_orders","record":'


class SalesOrdersStream(Stream):
    """Sales orders; one partition for each order status and location."""

    name = "sales_orders"
    replication_key = SYNCED_AT
    # Records arrive fitted to the schema.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # State is written where a partition ends: in between there is nothing new to say.
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
        quieten_sdk(self.logger)
        self.primary_keys = primary_keys
        self._account = account
        self._writer = writer
        self._partition_states: PartitionStates | None = None
        self._sync: Sync | None = None
        self._unclaimed: list[tuple[Partition, Sync]] = []
        self._worded_maps: list[StreamMap] | None = None
        self._unmapped: str | None = None
        self._state_written_at = float("-inf")
        self._counter: Counter | None = None

    @property
    @override
    def state_manager(self) -> PartitionStates:
        if self._partition_states is None:
            self._partition_states = PartitionStates(
                tap_name=self.tap_name,
                stream_name=self.name,
                tap_state=self.tap_state,
            )
        return self._partition_states

    @property
    @override
    def stream_maps(self) -> list[StreamMap]:
        maps = super().stream_maps
        if self._worded_maps is None:
            self._worded_maps = [
                # The SDK looks for one of this kind by its class.
                one if isinstance(one, RemoveRecordTransform) else WordedMap(one, self._note)
                for one in maps
            ]
        return self._worded_maps

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
        if self._account is None:
            return
        if not context:
            self._tell_of_empty_shard(self._account.settings)
            return
        partition = Partition(context["_order_status"], context["_location_id"])
        sync = self._sync_of(partition, self._account)
        emit = self._write_lines if self._is_plain else self._pass_on(sync.fitter)
        self._unmapped = None
        with self._in_order(sync):
            for records in sync.records(partition):
                yield from emit(records)
            if self._unmapped:
                sync.fail(partition, self._unmapped)
        self._unclaimed.append((partition, sync))
        self._write_state_if_due()

    @contextmanager
    def _in_order(self, sync: Sync) -> Iterator[None]:
        """Whatever ends a partition's read, leave no thread behind that is of no use."""
        try:
            yield
        except PartitionError as error:
            self.logger.error("%s", error)  # noqa: TRY400 - a person reads it
            if self._is_test:
                sync.close()
                raise
        except BaseException:
            sync.close()
            raise

    @cached_property
    def _is_all_selected(self) -> bool:
        return all(self.mask.values())

    @property
    def _is_plain(self) -> bool:
        """Whether records go out as they are: nothing of the SDK's is to be done to them."""
        return (
            not self._is_test
            and self._is_all_selected
            and not self.config.get("stream_maps")
            and not self.config.get("flattening_enabled")
        )

    def _write_lines(self, records: Sequence[bytes]) -> tuple[()]:
        """Write the messages of some records; gives nothing on to the SDK."""
        end = b',"time_extracted":"%b"}\n' % _now().encode()
        self._writer.write_lines(
            [piece for record in records for piece in (_RECORD_START, record, end)]
        )
        self.state_manager.is_flushed = False
        if self._counter is not None:
            self._counter.increment(len(records))
        return ()

    def _pass_on(self, fitter: Fitter) -> Callable[[Sequence[bytes]], Iterator[dict[str, Any]]]:
        """How records go to the SDK, which maps, flattens, selects or limits them."""
        if not self.config.get("flattening_enabled"):
            return partial(map, to_python)
        depth = self.config.get("flattening_max_depth", 0)
        flattening = Flattening(self.schema["properties"], depth, fitter.withheld)

        def as_python(records: Sequence[bytes]) -> Iterator[dict[str, Any]]:
            for record in map(to_python, records):
                for name in flattening.set_aside(record):
                    count_field(fitter.undeclared, name)
                yield record

        return as_python

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
        if state or self._sync is None:
            return
        self.write_out()
        failed = [read.error for read in self._sync.reads.values() if read.error]
        if failed:
            more = len(failed) - SUMMARY_PARTITIONS
            told = failed[:SUMMARY_PARTITIONS] + [f"... and {more} more, told above."] * (more > 0)
            raise TapError(
                f"{len(failed)} of {len(self._sync.reads)} partitions failed. They keep their "
                "bookmarks, so that the next run reads them from where they were:\n"
                + "\n".join(told),
            )

    def tell_summary(self) -> None:
        """Tell what came of the run, as far as it came; there is nothing more of it."""
        if self._sync is None:
            self.logger.info(NOTHING_READ)
            return
        self._sync.close()
        for line in summary(self._sync, is_full_table=self._is_full_table):
            self.logger.info("%s", line.text, extra=line.fields)
        if self._writer.is_broken_off:
            self.logger.warning(
                "The output was closed before all was written: of these bookmarks only those count "
                "that are in the last STATE."
            )
        self._warn_if_all_empty(self._sync)
        self._warn_of_unsettled(self._sync)
        self._tell_of_fields(self._sync.fitter)

    @property
    def _is_full_table(self) -> bool:
        return bool(self.replication_method == REPLICATION_FULL_TABLE)

    @property
    def _is_test(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None

    def _sync_of(self, partition: Partition, account: Account) -> Sync:
        """The present sync; a new one where this partition was read already."""
        if self._sync is None or partition in self._sync.reads:
            states = bookmarks.of_partitions(
                self.stream_state.get("partitions", []),
                set(account.settings.partitions),
            )
            last_read = {} if self._is_full_table else bookmarks.from_states(states, SYNCED_AT)
            self._sync = Sync(account, self._fitter(), last_read, idle=self._wait)
            self._warn_if_start_moved_back(account.settings, states)
        return self._sync

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

    def write_out(self) -> None:
        """Write what was gathered, and move the bookmarks of the partitions it was the end of."""
        self._writer.flush()
        # What a signal breaks off here is done again from its beginning, to the same end.
        while self._unclaimed and not self._writer.is_broken_off:
            self._claim(*self._unclaimed[0])
            del self._unclaimed[0]

    def _claim(self, partition: Partition, sync: Sync) -> None:
        """Count a partition as ended, and move its bookmark if it was read whole."""
        read = sync.reads[partition]
        read.has_ended = True
        if read.bookmark is not None and not self._is_full_table:
            state = self.get_context_state(partition.context)
            start = sync.start_of(partition)
            state.update(bookmarks.to_state(state, SYNCED_AT, read.bookmark, since=start))

    def _wait(self) -> None:
        """Let nobody wait for what is there already, while the server is waited for."""
        self.write_out()
        self._write_state_if_due()

    def _write_state_if_due(self) -> None:
        # Not at the end of each partition: of thousands of small ones that would slow the reader.
        if self._account is None:
            return
        now = self._account.clock.monotonic()
        if now - self._state_written_at >= STATE_INTERVAL_SECONDS:
            self._state_written_at = now
            self.write_out()
            self._tap.state_writer.write_state(self.tap_state)

    def _tell_of_empty_shard(self, settings: Settings) -> None:
        self.logger.info(
            "Shard %d of %d (`shard_index`, counted from 0, and `shard_count`) holds none of the "
            "locations: nothing to read.",
            settings.shard_index,
            settings.shard_count,
        )

    def _warn_if_all_empty(self, sync: Sync) -> None:
        if is_all_empty(sync):
            self.logger.warning(
                "No partition held any order. If that is not so, check %s.",
                DECIDE_WHAT_IS_THERE,
            )

    def _warn_of_unsettled(self, sync: Sync) -> None:
        for partition, read in sync.reads.items():
            if read.has_ended and read.error is None and not read.outcome.settled:
                self.logger.warning(
                    "In %d passes (`max_read_passes`) %s kept changing places. All that was seen "
                    "is emitted; the bookmark stays, so that the next run reads them again.",
                    read.outcome.passes,
                    partition,
                )

    def _tell_of_fields(self, fitter: Fitter) -> None:
        place = "in _extra" if fitter.keeps_extra else "dropped, for there is no _extra"
        for name, count in fitter.undeclared.items():
            self.logger.warning(
                "Field %s has no column: %d values are %s.%s",
                name,
                count,
                place,
                " Discover again (--discover) to give it one." if can_be_column(name) else "",
            )
        for name, count in fitter.misfits.items():
            self.logger.warning("Field %s: %d values did not fit, and are %s.", name, count, place)

    def _warn_if_start_moved_back(self, settings: Settings, states: Sequence[Any]) -> None:
        earliest = bookmarks.earliest_read(states)
        if earliest is not None and settings.start_date < earliest:
            self.logger.warning(
                "`start_date` lies before %s, from where the state was read. Only a full refresh "
                "(a run without state) reads what is older.",
                bookmarks.to_text(earliest),
            )


def _now() -> str:
    return datetime.now(UTC).isoformat()
