"""Whether an account can be read: a token, and one request for each of some locations."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_xstak_oms.api.client import XStakClient
from tap_xstak_oms.config.settings import DECIDE_WHAT_IS_THERE, Partition
from tap_xstak_oms.discovery.sampling import first_pages, spread
from tap_xstak_oms.errors import PartitionError, RunError, TapError
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Settings

CHECK_TRIES = 3
"""How often a request is tried at most: a person waits for the answer."""

logger = logging.getLogger("tap-xstak-oms")


def check_connection(settings: Settings, clock: Clock) -> None:
    """Find out whether an account can be read, and tell.

    Raises:
        TapError: If it cannot, or not all that was asked for.
    """
    settings = replace(settings, max_tries=min(settings.max_tries, CHECK_TRIES))
    try:
        orders, failures = _ask(_probes(settings), settings, XStakClient(settings, clock))
    except RunError as error:
        raise TapError(f"The connection does not work. {error}") from None
    if failures:
        raise TapError(_complaint(len(orders), failures))
    _tell(settings, orders)


def _probes(settings: Settings) -> list[Partition]:
    """One partition for each of some locations, its status in turn.

    The last status goes first: that is where most orders end.
    """
    statuses = settings.order_statuses
    return [
        Partition(statuses[-1 - at % len(statuses)], location)
        for at, location in enumerate(spread(settings.location_ids))
    ]


def _ask(
    probes: Sequence[Partition], settings: Settings, client: XStakClient
) -> tuple[list[int], list[str]]:
    """How many orders there are of each that answers, and why the others do not."""
    orders: list[int] = []
    failures: list[str] = []
    for partition, found in first_pages(probes, settings, client):
        if isinstance(found, PartitionError):
            failures.append(str(found))
            if not orders:
                # A server that answers nobody would be waited for again and again.
                break
        else:
            orders.append(found.total_elements)
            logger.info(
                "Location %s: %s.",
                partition.location_id,
                counted(found.total_elements, f"{partition.order_status} order"),
            )
    return orders, failures


def _complaint(answered: int, failures: Sequence[str]) -> str:
    if not answered:
        return f"The connection does not work. {failures[0]}"
    asked = counted(answered + len(failures), "location")
    return "\n".join([f"{len(failures)} of {asked} cannot be read.", *failures])


def _tell(settings: Settings, orders: Sequence[int]) -> None:
    asked = f"{len(orders)} of {counted(len(settings.location_ids), 'location')}"
    since = settings.start_date.isoformat()
    if sum(orders):
        logger.info(
            "The connection works: asked for one status each, %s told of %s since %s.",
            asked,
            counted(sum(orders), "order"),
            since,
        )
    else:
        logger.warning(
            "The connection works, but asked for one status each, %s told of no order since %s. "
            "If there are some, check %s.",
            asked,
            since,
            DECIDE_WHAT_IS_THERE,
        )
