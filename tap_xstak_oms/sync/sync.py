"""Read the partitions: fetch, fit, and count.

Knows no Singer: the stream makes messages and state of what comes from here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn

from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.reading.asking import PageParameterIgnoredError
from tap_xstak_oms.reading.passes import Outcome
from tap_xstak_oms.reading.reader import Reader
from tap_xstak_oms.records.fitter import OrderError, open_order
from tap_xstak_oms.sync import bookmarks, opening
from tap_xstak_oms.sync.keys import Keys
from tap_xstak_oms.sync.progress import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_xstak_oms.api.client import XStakClient
    from tap_xstak_oms.api.pages import Page
    from tap_xstak_oms.api.transport import Traffic
    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Partition, Settings
    from tap_xstak_oms.records.fitter import Fit, Fitter, Order
    from tap_xstak_oms.sync.progress import Progress


@dataclass(frozen=True)
class Account:
    """What a run reads from: the settings, the API and the clock."""

    settings: Settings
    client: XStakClient
    clock: Clock


@dataclass(slots=True)
class PartitionRead:
    """The read of one partition.

    Attributes:
        since: The start date asked for.
        asked_at: When the read was begun, by our clock.
        traffic: What was sent for it, tokens not included.
        outcome: What the reader found.
        began: When the read began, by the clock that bookmarks follow; None before the first
            answer.
        earns: The bookmark that it earns if it is read whole.
        orders: Orders emitted.
        extra_values: How many values had no column that takes them, by field.
        error: Why it failed, if it did.
        request_id: The server's ID of the failed request, if it gave one.
        ended_at: When it ended, complete or not, by our clock.
        has_ended: Whether it has ended, complete or failed, and all its records are written: the
            checkpoint sets it. False if it was interrupted.
    """

    since: datetime
    asked_at: datetime
    traffic: Traffic
    outcome: Outcome = field(default_factory=Outcome)
    began: datetime | None = None
    earns: datetime | None = None
    orders: int = 0
    extra_values: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    request_id: str | None = None
    ended_at: datetime | None = None
    has_ended: bool = False

    @property
    def share_done(self) -> float:
        """The share that is done, from 0 to 1, by the announced total."""
        if self.has_ended:
            return 1.0
        return min(1.0, self.orders / self.outcome.total) if self.outcome.total else 0.0

    @property
    def bookmark(self) -> datetime | None:
        """The bookmark that it earns; None if it failed, never settled or was empty."""
        complete = self.has_ended and self.error is None and self.outcome.settled
        return self.earns if complete and self.orders else None


class Sync:
    """Reads partitions in their order, each once.

    Args:
        account: What to read from.
        fitter: Makes records of orders.
        last_read: The bookmark of each partition that has one.
        progress: Shows how far the run is.
        idle: Called now and then while the reader waits for pages.
    """

    def __init__(
        self,
        account: Account,
        fitter: Fitter,
        last_read: Mapping[Partition, datetime],
        *,
        progress: Progress,
        idle: Callable[[], object],
    ) -> None:
        self.reads: dict[Partition, PartitionRead] = {}
        self._progress = progress
        self._settings = account.settings
        self.partitions = account.settings.partitions
        self._client = account.client
        self._clock = account.clock
        self.fitter = fitter
        self.keys = Keys(fitter)
        self.last_read = last_read
        self._idle = idle
        self._began_at = self._clock.now()
        self._began_counting = self._clock.monotonic()
        self._location_began: dict[str, datetime] = {}
        self._is_clock_told = False
        self._sources = {
            partition: self._client.pages(partition, self._start_of(partition))
            for partition in self.partitions
        }
        self._reader: Reader[Partition, Order, Page] = Reader(
            self.partitions,
            lambda partition, asked, accept, ended: self._sources[partition].fetch(
                asked, accept, ended
            ),
            lane=lambda partition: partition.location_id,
            orders=lambda page: list(map(open_order, page.orders)),
            identify=fitter.identify,
            max_in_flight=self._settings.max_concurrent_requests,
            max_passes=self._settings.max_read_passes,
            weigh=attrgetter("weight"),
            idle=self._wait,
        )

    def close(self) -> None:
        """End everything at once."""
        self._reader.close()
        self._progress.close()

    def _wait(self) -> None:
        self._progress.tick(self.figures)
        self._idle()

    def figures(self) -> Figures:
        """How far the run is."""
        reads = list(self.reads.values())
        traffic, wait = self._client.traffic, self._client.wait
        return Figures(
            partitions_done=sum(read.has_ended for read in reads),
            partitions=len(self.partitions),
            share_done=sum(read.share_done for read in reads) / len(self.partitions),
            orders=sum(read.orders for read in reads),
            orders_announced=sum(read.outcome.total for read in reads),
            requests=traffic.requests,
            retries=traffic.retries,
            throttles=traffic.throttles,
            seconds=self._clock.monotonic() - self._began_counting,
            waits_for=wait and wait.reason,
            wait_seconds=wait and wait.seconds,
        )

    def _start_of(self, partition: Partition) -> datetime:
        bookmark = self.last_read.get(partition)
        return bookmarks.read_from(bookmark, now=self._began_at, settings=self._settings)

    def records(self, partition: Partition) -> Iterator[list[bytes]]:
        """Read a partition.

        Yields:
            The records of a page, each a JSON object.

        Raises:
            PartitionError: The read failed, or an order cannot become a record; the other orders
                are emitted all the same.
            RunError: Nothing more can be read.
        """
        source = self._sources[partition]
        read = self.reads[partition] = PartitionRead(
            since=source.start, asked_at=self._clock.now(), traffic=source.traffic
        )
        try:
            yield from self._records(partition, read)
        except PageParameterIgnoredError as error:
            read.error = (
                f"Page {error.wanted} of {partition}: the server answers with page {error.told}, "
                "however the pages are counted. Check `page_parameter`."
            )
        except PartitionError as error:
            read.error, read.request_id = str(error), error.request_id
        finally:
            read.ended_at = self._clock.now()
            # It holds a page of orders.
            del self._sources[partition]
        if read.error:
            raise PartitionError(read.error, request_id=read.request_id) from None

    def fail(self, partition: Partition, why: str) -> NoReturn:
        """Count a partition as failed because of its records.

        Raises:
            PartitionError: Always.
        """
        read = self.reads[partition]
        read.error = f"Among {partition}: {why}."
        raise PartitionError(read.error)

    def _records(self, partition: Partition, read: PartitionRead) -> Iterator[list[bytes]]:
        reading = self._reader.read(partition)
        read.outcome = reading.outcome
        extra_before = _extra_values(self.fitter)
        fit: Fit | None = None
        for orders in reading:
            if fit is None:
                read.began = self._begin(partition, reading.first)
                read.earns = bookmarks.earned(
                    read.began,
                    chosen_at=self._began_at,
                    settings=self._settings,
                )
                fit = self.fitter.bind(
                    location_id=partition.location_id,
                    order_status=partition.order_status,
                    synced_at=bookmarks.to_text(read.began),
                )
            self.keys.meet(partition, reading.outcome.passes, orders)
            records = _fitted(orders, fit, partition, read)
            read.orders += len(records)
            read.extra_values = _extra_values(self.fitter) - extra_before
            self._progress.tick(self.figures)
            yield records

    def _begin(self, partition: Partition, first: Page) -> datetime:
        location = partition.location_id
        now = self._clock.now()
        began = bookmarks.read_began(
            self._server_time(first, now),
            now=now,
            after=self._location_began.get(location),
        )
        self._location_began[location] = began
        return began

    def _server_time(self, first: Page, now: datetime) -> datetime | None:
        """When the server answered, by its clock, if that can be right."""
        told = first.answered_at
        if told is None:
            return None
        is_possible = bookmarks.is_possible(told, settings=self._settings)
        if not self._is_clock_told and (not is_possible or bookmarks.is_far(told, now=now)):
            self._is_clock_told = True
            opening.warn_of_clocks(told, now, is_used=is_possible and told <= now)
        return told if is_possible else None


def _extra_values(fitter: Fitter) -> Counter[str]:
    return fitter.misfits + fitter.undeclared


def _fitted(
    orders: Sequence[Order],
    fit: Fit,
    partition: Partition,
    read: PartitionRead,
) -> list[bytes]:
    """The records of some orders; note the first that cannot become one, and go on."""
    records = []
    for order in orders:
        try:
            records.append(fit(order))
        except OrderError as error:
            read.error = read.error or f"Among {partition}: {error}."
    return records
