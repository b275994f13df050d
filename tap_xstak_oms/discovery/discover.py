"""What columns there are, and what identifies an order: a bounded look at real orders."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.discovery.sampling import both_ends, spread
from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.timestamps import time_in

if TYPE_CHECKING:
    import msgspec

    from tap_xstak_oms.api.client import XStakClient
    from tap_xstak_oms.config.settings import Partition, Settings

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
    sampled = _sample(settings, client)
    found = infer(
        {
            (partition.order_status, partition.location_id): [bytes(order) for order in orders]
            for partition, orders in sampled.items()
        },
        primary_keys=settings.primary_keys or (),
        times=dict.fromkeys(settings.timestamp_fields or (), time_in(settings.timezone)),
    )
    for remark in found.remarks:
        logger.log(remark.level, "%s", remark.text, extra=remark.fields)
    return Discovered(_object({**own_schema(), **found.properties}), list(found.key))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _sample(settings: Settings, client: XStakClient) -> dict[Partition, list[msgspec.Raw]]:
    """The orders of both ends of some partitions, of all shards' locations.

    The columns of a stream must not depend on the shard: all shards load into one table.

    Raises:
        PartitionError: If no partition could be sampled.
    """
    sampled: dict[Partition, list[msgspec.Raw]] = {}
    failures: list[PartitionError] = []
    for partition, found in both_ends(spread(settings.all_partitions), settings, client):
        if isinstance(found, PartitionError):
            failures.append(found)
            logger.warning("Not sampled: %s", found, extra=found.fields)
        else:
            sampled[partition] = found
    if failures and not sampled:
        raise failures[0]
    return sampled
