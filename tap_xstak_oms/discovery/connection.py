"""Checks that an account can be read: a token, and a page of each status of some locations."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_xstak_oms.api.client import XStakClient
from tap_xstak_oms.config.settings import DECIDE_WHAT_IS_THERE, Partition
from tap_xstak_oms.discovery.sampling import SAMPLES, sample, spread
from tap_xstak_oms.errors import PartitionError, RunError, TapError
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Settings

CHECK_TRIES = 3
"""Tries of a request at most: a person waits for the answer."""

logger = logging.getLogger("tap-xstak-oms")


def check_connection(settings: Settings, clock: Clock) -> list[str]:
    """Check that an account can be read, and log what was found.

    Returns:
        Doubts, a sentence each: locations and statuses without any order.

    Raises:
        TapError: If some partition cannot be read.
    """
    settings = replace(settings, max_tries=min(settings.max_tries, CHECK_TRIES))
    try:
        orders, failures = _ask(_probes(settings), settings, XStakClient(settings, clock))
    except RunError as error:
        text = f"The connection does not work. {error}"
        raise type(error)(text, request_id=error.request_id) from None
    if failures:
        raise TapError(_complaint(orders, failures))
    since = settings.start_date.isoformat()
    doubts = list(_doubts(orders, since))
    logger.info(
        "The connection works%s %s at %s since %s.",
        ", with doubts:" if doubts else ":",
        counted(sum(orders.values()), "order"),
        counted(len({partition.location_id for partition in orders}), "location"),
        since,
    )
    return doubts


def _probes(settings: Settings) -> list[Partition]:
    """Every status of some locations."""
    statuses = settings.order_statuses
    locations = spread(settings.location_ids, max(1, SAMPLES // len(statuses)))
    return [Partition(status, location) for location in locations for status in statuses]


def _ask(
    probes: Sequence[Partition], settings: Settings, client: XStakClient
) -> tuple[dict[Partition, int], list[str]]:
    """The number of orders of each partition that answers, and why the others do not."""
    orders: dict[Partition, int] = {}
    failures: list[str] = []
    for partition, found in sample(probes, settings, client, pages=1):
        if isinstance(found, PartitionError):
            failures.append(str(found))
            if not orders:
                # A server that answers nobody would cost every try of every partition.
                break
        else:
            orders[partition] = found.total
            logger.info(
                "Location %s: %s.",
                partition.location_id,
                counted(found.total, f"{partition.order_status} order"),
            )
    return orders, failures


def _complaint(orders: Mapping[Partition, int], failures: Sequence[str]) -> str:
    if not orders:
        return f"The connection does not work. {failures[0]}"
    asked = counted(len(orders) + len(failures), "partition")
    return "\n".join([*failures, f"{len(failures)} of {asked} asked for cannot be read."])


def _doubts(orders: Mapping[Partition, int], since: str) -> Iterator[str]:
    """Name locations and statuses without any order: they may be misspelt."""
    if not any(orders.values()):
        check = f"check {DECIDE_WHAT_IS_THERE}"
        yield f"No order anywhere since {since}. If there should be some, {check}."
        return
    by_location, by_status = Counter[str](), Counter[str]()
    for partition, number in orders.items():
        by_location[partition.location_id] += number
        by_status[partition.order_status] += number
    for location in (name for name, number in by_location.items() if not number):
        yield f"No order at location {location} since {since}: is the ID right (`location_ids`)?"
    for status in (name for name, number in by_status.items() if not number):
        yield (
            f"No order with the status {status} since {since} at "
            f"{counted(len(by_location), 'location')}: is it right (`order_statuses`)?"
        )
