"""Where a read begins, and what its bookmark says. Pure.

A partition's bookmark is the moment when its last complete read began, by the server's clock, or
the end of the day for which that read looked back. It depends on no field of an order, so no odd
date in an order can push it ahead.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.records.columns import SYNCED_AT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from tap_xstak_oms.config.settings import Settings

READ_SINCE = "read_since"
"""Holds, in a partition's state, the start date of its first complete read."""
CLOCKS_DIFFER_AT_MOST = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def read_from(bookmark: datetime | None, *, now: datetime, settings: Settings) -> datetime:
    """The `start_date` to ask for, in whole seconds.

    Args:
        bookmark: The partition's; None if it was never read.
        now: The present.
        settings: The overlap covers what happened during the last read. The look-back finds later
            changes, as the API may filter on creation (C11): the first read of a day does it.
    """
    if bookmark is None:
        return _floored(settings.start_date)
    # A clock that once ran ahead must not make the next read begin too late.
    bookmark = min(bookmark, now)
    if bookmark <= settings.start_date:
        return _floored(settings.start_date)
    back = timedelta(hours=settings.overlap_hours)
    if bookmark.astimezone(settings.timezone).date() < now.astimezone(settings.timezone).date():
        back = max(back, timedelta(days=settings.lookback_days))
    return _floored(max(bookmark - back, settings.start_date))


def read_began(
    server_time: datetime | None,
    *,
    now: datetime,
    after: datetime | None,
) -> datetime:
    """The moment when a read began: the value of `_synced_at`, and the next bookmark.

    Args:
        server_time: The `Date` of the first answer; None if it has none or cannot be right.
        now: Our clock, which the result never exceeds by more than a tick. If the two clocks
            differ, the earlier one loses nothing: some orders are read again.
        after: When the read of the location's previous status began. The result is later, so that
            a target which keeps the latest row keeps the later status.
    """
    began = now if server_time is None else min(server_time, now)
    return began if after is None else max(began, after + _TICK)


def is_possible(server_time: datetime, *, settings: Settings) -> bool:
    """Whether a server's clock can be right, unlike one that says 1970.

    No bookmark lies before the start date, which is in the past by our clock.
    """
    return server_time >= settings.start_date


def is_far(server_time: datetime, *, now: datetime) -> bool:
    """Whether the two clocks differ so much that one must be wrong."""
    return abs(server_time - now) > CLOCKS_DIFFER_AT_MOST


def earned(began: datetime, *, chosen_at: datetime, settings: Settings) -> datetime:
    """The bookmark of a complete read.

    Args:
        began: When the read began.
        chosen_at: When its start date was chosen. If that was on an earlier day, the read did not
            look back for the day on which it began, and the bookmark must not claim that day.
        settings: Days end by their time zone.
    """
    local = chosen_at.astimezone(settings.timezone)
    next_day = datetime.combine(local.date() + timedelta(days=1), time(), settings.timezone)
    return min(began, next_day.astimezone(UTC) - _TICK)


def to_text(moment: datetime) -> str:
    """A moment in UTC at fixed width: these strings sort like the moments."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def from_text(value: object) -> datetime | None:
    """The moment that a state holds; None if it holds none."""
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def of_partitions(
    states: Iterable[Mapping[str, Any]],
    partitions: Container[Partition],
) -> list[Mapping[str, Any]]:
    """The states of these partitions, without those of other shards or former locations."""
    return [state for state in states if Partition.of(state.get("context", {})) in partitions]


def from_states(states: Iterable[Mapping[str, Any]]) -> dict[Partition, datetime]:
    """The bookmarks in the states of partitions."""
    found = {}
    for state in states:
        if state.get("replication_key") != SYNCED_AT:
            continue
        partition = Partition.of(state.get("context", {}))
        bookmark = from_text(state.get("replication_key_value"))
        if partition is not None and bookmark is not None:
            found[partition] = bookmark
    return found


def to_state(state: Mapping[str, Any], bookmark: datetime, *, since: datetime) -> dict[str, str]:
    """A partition's state after a complete read.

    Args:
        state: The state before.
        bookmark: When the read began.
        since: The start date of the read. The state keeps the one since which all was read.
    """
    before = from_text(state.get("replication_key_value"))
    is_gapless = READ_SINCE in state and before is not None and since <= before
    return {
        "replication_key": SYNCED_AT,
        "replication_key_value": to_text(bookmark),
        READ_SINCE: state[READ_SINCE] if is_gapless else to_text(since),
    }


def earliest_read(states: Iterable[Mapping[str, Any]]) -> datetime | None:
    """The earliest start date of a complete read, over all partitions."""
    return min(filter(None, (from_text(state.get(READ_SINCE)) for state in states)), default=None)


def _floored(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
