"""What a person is told as a run begins."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.sync import bookmarks
from tap_xstak_oms.wording import counted, moment

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tap_xstak_oms.config.settings import Settings

CLOCKS_MAY_DIFFER = timedelta(minutes=1)
"""A bookmark so little ahead of our clock is not worth a word: another machine wrote it."""


def tell_what_is_read(settings: Settings, logger: logging.Logger) -> None:
    """Tell the extent of the run: mistakes in it show here first."""
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


def warn_of_clocks(
    server_time: datetime, now: datetime, logger: logging.Logger, *, is_used: bool
) -> None:
    """Warn that the server's clock or ours is wrong, and say whether the server's is used."""
    logger.warning(
        "The server's clock says %s, this machine's %s. Bookmarks come from %s clock: check that "
        "it is right.",
        moment(server_time),
        moment(now),
        "the server's" if is_used else "this machine's",
    )


def warn_if_ahead(
    states: Sequence[Mapping[str, Any]],
    replication_key: str,
    settings: Settings,
    now: datetime,
    logger: logging.Logger,
) -> None:
    """Warn of bookmarks that lie in the future."""
    found = bookmarks.from_states(states, replication_key).values()
    latest = max(found, default=now)
    if latest > now + CLOCKS_MAY_DIFFER:
        logger.warning(
            "A bookmark in the state is in the future: %s. Was it written by a clock that ran "
            "ahead? Its partition is read from %s; only a full refresh (a run without state) "
            "reads what is older.",
            moment(latest),
            moment(bookmarks.read_from(latest, now=now, settings=settings)),
        )


def warn_if_start_moved_back(
    states: Sequence[Mapping[str, Any]], settings: Settings, logger: logging.Logger
) -> None:
    """Warn where `start_date` asks for more than the reads before have covered."""
    earliest = bookmarks.earliest_read(states)
    if earliest is not None and settings.start_date < earliest:
        logger.warning(
            "`start_date` is earlier than %s, from which the state was read. Only a full refresh "
            "(a run without state) reads what is older.",
            moment(earliest),
        )
