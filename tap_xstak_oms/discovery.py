"""What columns there are, and what identifies an order: a bounded look at real orders."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tap_xstak_oms.columns import own_schema
from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_xstak_oms.client import XStakClient
    from tap_xstak_oms.pages import Page
    from tap_xstak_oms.settings import Partition, Settings

SAMPLED_PARTITIONS = 20

logger = logging.getLogger("tap-xstak-oms")


class Discovered(NamedTuple):
    """What a catalog says of the stream.

    Attributes:
        schema: The JSON schema of its records.
        primary_keys: The names of the key's columns, none where nothing identifies an order.
    """

    schema: dict[str, Any]
    primary_keys: list[str]


def without_orders() -> Discovered:
    """What is known of the stream without having seen an order: every order is in `_extra`."""
    return Discovered(_object(own_schema()), [])


def discover(settings: Settings, client: XStakClient) -> Discovered:
    """Look at some orders and say what they have in common.

    Raises:
        TapError: If no partition could be sampled, or `primary_keys` names no possible key.
    """
    # Inference and what it is built on are not imported by a run that has a catalog.
    from tap_xstak_oms.inference import WARNING, infer  # noqa: PLC0415

    sampled = sample(settings, client)
    found = infer(
        {
            (partition.order_status, partition.location_id): [bytes(order) for order in orders]
            for partition, orders in sampled.items()
        },
        primary_keys=settings.primary_keys or (),
    )
    for remark in found.remarks:
        is_warning = remark.startswith(WARNING)
        logger.log(
            logging.WARNING if is_warning else logging.INFO, "%s", remark.removeprefix(WARNING)
        )
    return Discovered(_object({**own_schema(), **found.properties}), list(found.key))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def spread(partitions: Sequence[Partition], count: int) -> list[Partition]:
    """At most so many partitions, spread evenly, the same ones each time."""
    if len(partitions) <= count:
        return list(partitions)
    return [partitions[index * len(partitions) // count] for index in range(count)]


def sample(
    settings: Settings,
    client: XStakClient,
    *,
    strict: bool = False,
) -> dict[Partition, list[msgspec.Raw]]:
    """One page of orders from each of some partitions.

    It begins at the configured start date, never at a bookmark: the columns of a stream must not
    depend on what a run left behind.

    Args:
        settings: What to read and how.
        client: Where from.
        strict: Whether one partition that cannot be sampled is an error.

    Raises:
        RunError: If the credentials are refused.
        PartitionError: If no partition could be sampled.
    """
    partitions = spread(settings.partitions, SAMPLED_PARTITIONS)

    def fetch(partition: Partition, asked: int | None, accept: Callable[[Page], bool]) -> Page:
        page = client.pages(partition, settings.start_date).fetch(asked, accept)
        return msgspec.structs.replace(page, total_pages=1)

    sampled: dict[Partition, list[msgspec.Raw]] = {}
    failures: list[PartitionError] = []
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
            try:
                sampled[partition] = [order for page in reader.read(partition) for order in page]
            except PartitionError as error:
                if strict:
                    raise
                failures.append(error)
                logger.warning("Not sampled: %s", error)
    if failures and not sampled:
        raise failures[0]
    return sampled
