"""A bounded sample of an account, for discovery and the connection check."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.reading.asking import PageParameterIgnoredError
from tap_xstak_oms.reading.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from threading import Event

    from tap_xstak_oms.api.client import PartitionPages, XStakClient
    from tap_xstak_oms.api.pages import Page
    from tap_xstak_oms.config.settings import Partition, Settings

SAMPLES = 20
"""Partitions in a sample at most."""

T = TypeVar("T")
logger = logging.getLogger("tap-xstak-oms")


def spread(items: Sequence[T], count: int = SAMPLES) -> list[T]:
    """At most `count` of the items, spread evenly, the same ones each time."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


class PartitionSample(NamedTuple):
    """What a partition showed.

    Attributes:
        total: How many orders it has, by its first page.
        orders: The orders of its first page, and of its last one if that was asked for.
    """

    total: int
    orders: list[msgspec.Raw]


def sample(
    partitions: Sequence[Partition], settings: Settings, client: XStakClient, *, pages: int
) -> Iterator[tuple[Partition, PartitionSample | PartitionError]]:
    """Read the first page of each partition since the configured start date, or both ends.

    Both ends show the oldest orders and the newest, however the server sorts them (C12). If the
    last page cannot be read, a warning says so, and the first page stands for the partition.

    Args:
        partitions: The partitions.
        settings: The settings.
        client: The client of the API.
        pages: 1 for the first page, 2 for the first and the last.

    Yields:
        Each partition, and its sample or why there is none.

    Raises:
        RunError: If no token can be had.
    """
    with _reader(partitions, settings, client, pages) as reader:
        for partition in partitions:
            reading, orders = reader.read(partition), list[msgspec.Raw]()
            try:
                _gather(reading, orders)
            except PartitionError as error:
                if not reading.outcome.pages:
                    yield partition, error
                    continue
                logger.warning("Of %s only the first page is sampled: %s", partition, error)
            yield partition, PartitionSample(reading.first.total_elements, orders)


def _gather(pages: Iterable[Sequence[msgspec.Raw]], orders: list[msgspec.Raw]) -> None:
    try:
        for page in pages:
            orders.extend(page)
    except PageParameterIgnoredError:
        raise PartitionError(
            "the server answers every page with the same one; check `page_parameter`."
        ) from None


def _reader(
    partitions: Sequence[Partition], settings: Settings, client: XStakClient, pages: int
) -> Reader[Partition, msgspec.Raw, Page]:
    # Never from a bookmark: the columns must not depend on earlier runs.
    sources = {
        partition: _Ends(client.pages(partition, settings.start_date), pages)
        for partition in partitions
    }
    return Reader(
        partitions,
        lambda partition, asked, accept, ended: sources[partition].fetch(asked, accept, ended),
        lane=lambda partition: partition,
        orders=lambda page: page.orders,
        identify=lambda order: (bytes(order), 0),
        max_in_flight=settings.max_concurrent_requests,
        max_passes=1,
    )


class _Ends:
    """The pages of a partition as if it had only the first and the last, or only the first."""

    def __init__(self, source: PartitionPages, pages: int) -> None:
        self._source = source
        self._pages = pages
        self._passed_over = 0

    def fetch(self, asked: int | None, accept: Callable[[Page], bool], ended: Event) -> Page:
        if asked is None:
            first = self._source.fetch(None, accept, ended)
            self._passed_over = max(first.total_pages - self._pages, 0)
            return _numbered(first, first.number, self._of(first))
        wanted = asked + self._passed_over
        page = self._source.fetch(wanted, lambda page: accept(self._shown(page)), ended)
        return self._shown(page)

    def _shown(self, page: Page) -> Page:
        return _numbered(page, page.number - self._passed_over, self._of(page))

    def _of(self, page: Page) -> int:
        # If there are fewer pages now, the last one has moved; pages added since do not count.
        return min(max(page.total_pages - self._passed_over, 0), self._pages)


def _numbered(page: Page, number: int, total_pages: int) -> Page:
    return msgspec.structs.replace(page, number=number, total_pages=total_pages)
