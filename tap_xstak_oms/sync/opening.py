"""The log lines at the beginning of a run."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.sync import bookmarks
from tap_xstak_oms.wording import counted, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tap_xstak_oms.config.settings import Settings

CLOCKS_MAY_DIFFER = timedelta(minutes=1)
"""A bookmark may be this far ahead without a warning: another machine wrote it."""

logger = logging.getLogger("tap-xstak-oms")


def tell_what_is_read(settings: Settings) -> None:
    """Log what the run reads: a mistake in it shows here first."""
    start = settings.start_date
    locations = len({partition.location_id for partition in settings.partitions})
    statuses = len(settings.order_statuses)
    extent = {
        "start_date": start.isoformat(),
        "locations": locations,
        "order_statuses": statuses,
    }
    if not settings.partitions:
        logger.info(
            "Shard %d of %d (`shard_index` counts from 0) has none of the locations: nothing to "
            "read.",
            settings.shard_index,
            settings.shard_count,
            extra=extent,
        )
        return
    logger.info(
        "Reading orders since %s (`start_date`) of %s in %s.",
        start.isoformat(),
        counted(locations, "location"),
        counted(statuses, "status", "statuses"),
        extra=extent,
    )


def warn_of_clocks(server_time: datetime, now: datetime, *, is_used: bool) -> None:
    """Warn that the server's clock or ours is wrong, and say whether the server's is used."""
    logger.warning(
        "The server's clock says %s, this machine's %s. Bookmarks come from %s clock: check that "
        "it is right.",
        moment(server_time),
        moment(now),
        "the server's" if is_used else "this machine's",
    )


def warn_if_ahead(states: Sequence[Mapping[str, Any]], settings: Settings, now: datetime) -> None:
    """Warn of bookmarks in the future."""
    found = bookmarks.from_states(states).values()
    latest = max(found, default=now)
    if latest > now + CLOCKS_MAY_DIFFER:
        logger.warning(
            "A bookmark in the state is in the future: %s. Was it written by a clock that ran "
            "ahead? Its partition is read from %s; only a full refresh (a run without state) "
            "reads what is older.",
            moment(latest),
            moment(bookmarks.read_from(latest, now=now, settings=settings)),
        )


def warn_if_start_moved_back(states: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    """Warn if `start_date` is earlier than the reads before."""
    earliest = bookmarks.earliest_read(states)
    if earliest is not None and settings.start_date < earliest:
        logger.warning(
            "`start_date` is earlier than %s, where the reads in the state began. Only a full "
            "refresh (a run without state) reads what is older.",
            moment(earliest),
        )
