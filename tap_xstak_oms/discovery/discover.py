"""Finds the columns of the orders, and what identifies one, from a bounded sample."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.discovery.sampling import sample, spread
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
        primary_keys: The names of the key's columns; empty if nothing identifies an order.
    """

    schema: dict[str, Any]
    primary_keys: list[str]


def without_orders() -> Discovered:
    """The stream before any order was seen: every order goes to `_extra`."""
    return Discovered(_object(own_schema()), [])


def discover(settings: Settings, client: XStakClient) -> Discovered:
    """Sample orders, infer their columns and key, and log the remarks.

    Raises:
        TapError: If no partition could be sampled, or `primary_keys` names no possible key.
    """
    found = infer(
        _sample(settings, client),
        primary_keys=settings.primary_keys or (),
        times=dict.fromkeys(settings.timestamp_fields or (), time_in(settings.timezone)),
    )
    for remark in found.remarks:
        logger.log(remark.level, "%s", remark.text, extra=remark.fields)
    return Discovered(_object({**own_schema(), **found.properties}), list(found.key))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _sample(settings: Settings, client: XStakClient) -> dict[Partition, list[msgspec.Raw]]:
    """The orders of both ends of some partitions.

    The partitions are those of all shards, which load into one table and need the same columns.

    Raises:
        PartitionError: If no partition could be sampled.
    """
    sampled: dict[Partition, list[msgspec.Raw]] = {}
    failures: list[PartitionError] = []
    for partition, found in sample(spread(settings.all_partitions), settings, client, pages=2):
        if isinstance(found, PartitionError):
            failures.append(found)
            logger.warning("Not sampled: %s", found, extra=found.fields)
        else:
            sampled[partition] = found.orders
    if failures and not sampled:
        raise failures[0]
    return sampled
