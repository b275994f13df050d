"""One run over the partitions: what is asked for, what is fitted, what came of it.

Knows no Singer: the stream turns what comes from here into messages and state.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn

from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.reading.reader import Outcome, PageParameterIgnoredError, Reader
from tap_xstak_oms.records.fitter import OrderError, open_order
from tap_xstak_oms.sync import bookmarks, opening
from tap_xstak_oms.sync.keys import Keys
from tap_xstak_oms.sync.progress import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from tap_xstak_oms.api.client import XStakClient
    from tap_xstak_oms.api.pages import Page
    from tap_xstak_oms.api.transport import Traffic
    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Partition, Settings
    from tap_xstak_oms.records.fitter import Fit, Fitter, Order
    from tap_xstak_oms.sync.progress import Progress

logger = logging.getLogger("tap-xstak-oms")


@dataclass(frozen=True)
class Account:
    """What is read from: settings, the way to the API, and the time."""

    settings: Settings
    client: XStakClient
    clock: Clock


@dataclass(slots=True)
class PartitionRead:
    """What came of one partition.

    Attributes:
        since: The start date that it was asked from.
        asked_at: When it was begun, by our clock.
        traffic: What was sent for it, tokens not included.
        outcome: What the reader says of it.
        began: The moment its read began, once the first answer is there.
        earns: The bookmark that it earns if it is read whole.
        orders: How many orders were handed on.
        extra_values: How many values had no column that takes them, by field.
        error: Why it failed, if it did.
        request_id: The server's ID of the request that failed, if it gave one.
        ended_at: When it ended, well or not, by our clock.
        has_ended: Whether nothing more comes, for better or worse, and all that came is written:
            the checkpoint sets it. False if it was interrupted.
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
        """How much of it is done, from 0 to 1, as far as its announced total tells."""
        if self.has_ended:
            return 1.0
        return min(1.0, self.orders / self.outcome.total) if self.outcome.total else 0.0

    @property
    def bookmark(self) -> datetime | None:
        """The bookmark it earns: none if it failed, never settled or was empty."""
        complete = self.has_ended and self.error is None and self.outcome.settled
        return self.earns if complete and self.orders else None


class Sync:
    """Reads partitions in their order, each once.

    Args:
        account: Where from.
        fitter: Makes records of orders.
        last_read: The bookmark of each partition that has one.
        progress: Shows how far the run is.
        idle: Called now and then while pages are waited for.
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
            partition: self._client.pages(partition, self.start_of(partition))
            for partition in self.partitions
        }
        self._reader: Reader[Partition, Order, Page] = Reader(
            self.partitions,
            self._fetch,
            lane=lambda partition: partition.location_id,
            orders=lambda page: list(map(open_order, page.orders)),
            identify=fitter.identify,
            max_in_flight=self._settings.max_concurrent_requests,
            max_passes=self._settings.max_read_passes,
            weigh=attrgetter("weight"),
            idle=self._wait,
        )

    def close(self) -> None:
        """End at once whatever is under way."""
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

    def start_of(self, partition: Partition) -> datetime:
        """The start date that a partition is asked from."""
        bookmark = self.last_read.get(partition)
        return bookmarks.read_from(bookmark, now=self._began_at, settings=self._settings)

    def records(self, partition: Partition) -> Iterator[list[bytes]]:
        """Read a partition.

        Yields:
            The records of a page, each a JSON object.

        Raises:
            PartitionError: If it fails, or an order of it cannot become a record; then the others
                of it are handed on all the same.
            RunError: If nothing can be read any more.
        """
        read = self.reads[partition] = PartitionRead(
            since=self.start_of(partition),
            asked_at=self._clock.now(),
            traffic=self._sources[partition].traffic,
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
        """Count a partition that was read as failed, for what became of its records.

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
        """When the server says that it answered, if that can be right."""
        told = first.answered_at
        if told is None:
            return None
        is_possible = bookmarks.is_possible(told, settings=self._settings)
        if not self._is_clock_told and (not is_possible or bookmarks.is_far(told, now=now)):
            self._is_clock_told = True
            opening.warn_of_clocks(told, now, logger, is_used=is_possible and told <= now)
        return told if is_possible else None

    def _fetch(
        self,
        partition: Partition,
        asked: int | None,
        accept: Callable[[Page], bool],
        ended: Event,
    ) -> Page:
        return self._sources[partition].fetch(asked, accept, ended)


def _extra_values(fitter: Fitter) -> Counter[str]:
    return fitter.misfits + fitter.undeclared


def _fitted(
    orders: Sequence[Order],
    fit: Fit,
    partition: Partition,
    read: PartitionRead,
) -> list[bytes]:
    """The records of some orders; one that cannot be a record does not cost its neighbours."""
    records = []
    for order in orders:
        try:
            records.append(fit(order))
        except OrderError as error:
            read.error = read.error or f"Among {partition}: {error}."
    return records
