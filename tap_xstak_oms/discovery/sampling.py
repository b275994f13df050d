"""One page of some partitions: a bounded look at an account, for whoever has to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.reading.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_xstak_oms.api.client import XStakClient
    from tap_xstak_oms.api.pages import Page
    from tap_xstak_oms.config.settings import Partition, Settings

SAMPLES = 20
"""How many of them are looked at, at most."""

T = TypeVar("T")


def spread(items: Sequence[T], count: int = SAMPLES) -> list[T]:
    """At most so many of the items, spread evenly, the same ones each time."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def first_pages(
    partitions: Sequence[Partition],
    settings: Settings,
    client: XStakClient,
) -> Iterator[tuple[Partition, Page | PartitionError]]:
    """The first page of each partition since the configured start date, or why there is none.

    It begins at that date, never at a bookmark: what is found must not depend on what a run left
    behind.

    Raises:
        RunError: If no token can be had.
    """

    def fetch(partition: Partition, asked: int | None, accept: Callable[[Page], bool]) -> Page:
        page = client.pages(partition, settings.start_date).fetch(asked, accept)
        return msgspec.structs.replace(page, total_pages=1)

    reader: Reader[Partition, msgspec.Raw, Page] = Reader(
        partitions,
        fetch,
        lane=lambda partition: partition,
        orders=lambda page: page.orders,
        identify=lambda order: (bytes(order), 0),
        max_in_flight=settings.max_concurrent_requests,
        max_passes=1,
    )
    with reader:
        for partition in partitions:
            reading = reader.read(partition)
            try:
                for _ in reading:
                    pass
            except PartitionError as error:
                yield partition, error
            else:
                yield partition, reading.first
