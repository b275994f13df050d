"""The stream of sales orders, as Singer has it: records, partitions, bookmarks, state."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_xstak_oms import bookmarks
from tap_xstak_oms.columns import SYNCED_AT
from tap_xstak_oms.errors import PartitionError, RunError, TapError
from tap_xstak_oms.progress import quieten_sdk
from tap_xstak_oms.records import Fitter, to_python
from tap_xstak_oms.settings import Partition
from tap_xstak_oms.sync import Sync

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk import Tap

    from tap_xstak_oms.client import XStakClient
    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.settings import Settings

STATE_INTERVAL_SECONDS = 5.0


@dataclass(frozen=True)
class Account:
    """What a stream needs to read: settings, the way to the API, and the time."""

    settings: Settings
    client: XStakClient
    clock: Clock


class SalesOrdersStream(Stream):
    """Sales orders; one partition for each order status and location."""

    name = "sales_orders"
    replication_key = SYNCED_AT
    # Records arrive fitted to the schema.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # State is written at the ends of partitions: in between there is nothing new to say.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self,
        tap: Tap,
        *,
        schema: dict[str, Any],
        primary_keys: Sequence[str],
        account: Account | None,
    ) -> None:
        """Declare the stream.

        Args:
            tap: The tap.
            schema: Its JSON schema.
            primary_keys: Its key, if it has one.
            account: Where orders come from; None where the tap only tells what it can.
        """
        super().__init__(tap, schema=schema)
        quieten_sdk(self.logger)
        self.primary_keys = primary_keys
        self._account = account
        self._sync: Sync | None = None
        self._state_written_at = float("-inf")

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        partitions = self._account.settings.partitions if self._account else ()
        return [dict(partition.context) for partition in partitions]

    @override
    def compare_start_date(self, value: str, start_date_value: str) -> str:
        # Where a read begins is decided in `bookmarks`.
        return value

    @override
    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        # `_synced_at` never lies ahead of the read that it tells of.
        return None

    @override
    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Read one partition; called for each in turn.

        A partition that fails is left as it was, and reported when all have been read.
        """
        if self._account is None or not context:
            return
        partition = Partition(context["_order_status"], context["_location_id"])
        sync = self._sync_of(partition, self._account)
        try:
            yield from map(to_python, sync.records(partition))
        except PartitionError as error:
            self.logger.error("%s", error)  # noqa: TRY400 - a person reads it
            if self._is_test:
                sync.close()
                raise
        except RunError:
            self._write_state()
            raise
        except GeneratorExit:
            sync.close()
            raise
        self._close_partition(partition, sync)

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the last state of the run, then tell what failed, if anything did.

        Raises:
            TapError: If any partition failed.
        """
        super().finalize_state_progress_markers(state)
        if state or self._sync is None:
            return
        self._sync.close()
        self._warn_if_all_empty(self._sync)
        failed = [read.error for read in self._sync.reads.values() if read.error]
        if failed:
            raise TapError(
                f"{len(failed)} of {len(self._sync.reads)} partitions failed. They keep their "
                "bookmarks, so that the next run reads them from where they were:\n"
                + "\n".join(failed),
            )

    @property
    def _is_test(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None

    def _sync_of(self, partition: Partition, account: Account) -> Sync:
        """The present sync; a new one where this partition was read already."""
        if self._sync is None or partition in self._sync.reads:
            full = self.replication_method == REPLICATION_FULL_TABLE
            states = self.stream_state.get("partitions", [])
            self._sync = Sync(
                account.settings,
                account.client,
                self._fitter(),
                account.clock,
                {} if full else bookmarks.from_states(states, SYNCED_AT),
            )
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

    def _close_partition(self, partition: Partition, sync: Sync) -> None:
        """Move the partition's bookmark, if it was read whole."""
        read = sync.reads[partition]
        state = self.get_context_state(partition.context)
        for passing in ("progress_markers", "starting_replication_value"):
            state.pop(passing, None)
        if self.replication_method == REPLICATION_FULL_TABLE:
            return
        if read.bookmark is not None:
            start = sync.start_of(partition)
            state.update(bookmarks.to_state(state, SYNCED_AT, read.bookmark, since=start))
        self._write_state_sometimes()

    def _write_state_sometimes(self) -> None:
        if self._account is None:
            return
        now = self._account.clock.monotonic()
        if now - self._state_written_at >= STATE_INTERVAL_SECONDS:
            self._state_written_at = now
            self._write_state()

    def _write_state(self) -> None:
        self._tap.state_writer.write_state(self.tap_state)

    def _warn_if_all_empty(self, sync: Sync) -> None:
        reads = sync.reads.values()
        if reads and all(read.error is None and read.orders == 0 for read in reads):
            self.logger.warning(
                "No partition held any order. If that is not so, check `location_ids`, "
                "`order_statuses`, `company_code`, `start_date` and `start_date_format`.",
            )

    def _warn_if_start_moved_back(self, settings: Settings, states: Sequence[Any]) -> None:
        earliest = bookmarks.earliest_read(states)
        if earliest is not None and settings.start_date < earliest:
            self.logger.warning(
                "`start_date` lies before %s, from where the state was read. Only a full refresh "
                "(a run without state) reads what is older.",
                bookmarks.to_text(earliest),
            )
