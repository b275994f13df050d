"""Where a read begins, and what its bookmark says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.config.settings import Partition, Settings
from tap_xstak_oms.sync import bookmarks
from tests.config.test_settings import MINIMAL
from tests.support import utc

NOW = utc("2024-12-01T12:00:00+05:00")
SETTINGS = Settings.parse(MINIMAL | {"start_date": "2024-01-01"}, now=NOW)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5)), timezone(timedelta(hours=-11))]),
)


def begin(bookmark: str | None, **changes: object) -> datetime:
    """Where a read begins that has this bookmark."""
    settings = Settings.parse(MINIMAL | {"start_date": "2024-01-01"} | changes, now=NOW)
    return bookmarks.read_from(utc(bookmark) if bookmark else None, now=NOW, settings=settings)


def test_the_first_read_begins_at_the_start_date() -> None:
    """Without a bookmark everything since the start date is read."""
    assert begin(None) == utc("2024-01-01T00:00:00+05:00")


def test_a_read_of_the_same_day_begins_an_overlap_before_the_bookmark() -> None:
    """Within a day only the overlap is read again."""
    assert begin("2024-12-01T10:00:00+05:00", overlap_hours=6) == utc("2024-12-01T04:00:00+05:00")


def test_the_first_read_of_a_day_looks_back() -> None:
    """When the bookmark is of an earlier day, the read begins the look-back before it."""
    assert begin("2024-11-30T23:59:59+05:00") == utc("2024-10-31T23:59:59+05:00")


def test_days_are_counted_in_the_zone_of_the_account() -> None:
    """A bookmark of today in Karachi is of today although it is of yesterday in UTC."""
    assert begin("2024-12-01T00:00:01+05:00") == utc("2024-11-30T00:00:01+05:00")
    assert begin("2024-12-01T00:00:01+05:00", timezone="UTC") == utc("2024-11-01T00:00:01+05:00")


def test_a_look_back_shorter_than_the_overlap_does_not_shorten_it() -> None:
    """The first read of a day begins no later than any other would."""
    start = begin("2024-11-30T10:00:00+05:00", lookback_days=0, overlap_hours=24)
    assert start == utc("2024-11-29T10:00:00+05:00")


def test_no_read_begins_before_the_start_date() -> None:
    """The configured start date is the earliest, however far one looks back."""
    assert begin("2024-01-02T00:00:00+05:00") == utc("2024-01-01T00:00:00+05:00")


def test_a_bookmark_of_the_future_is_taken_for_the_present() -> None:
    """A clock that once ran ahead does not make a read begin after what it has to read."""
    assert begin("2999-01-01T00:00:00+05:00", overlap_hours=6) == NOW - timedelta(hours=6)


@pytest.mark.parametrize("bookmark", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_no_bookmark_is_too_odd(bookmark: str) -> None:
    """Whatever date a state holds, a read begins between the start date and the present."""
    assert utc("2024-01-01T00:00:00+05:00") <= begin(bookmark) <= NOW


def test_a_read_begins_at_a_whole_second() -> None:
    """The API is told seconds; rounding is always towards the earlier."""
    assert begin("2024-12-01T10:00:00.999999+05:00", overlap_hours=0).microsecond == 0
    assert begin("2024-12-01T10:00:00.999999+05:00", overlap_hours=0) == utc(
        "2024-12-01T10:00:00+05:00"
    )


@given(moments, moments)
def test_bookmarks_compare_as_the_moments_do(one: datetime, other: datetime) -> None:
    """The SDK compares bookmarks as text; at fixed width in UTC that is right."""
    texts = bookmarks.to_text(one), bookmarks.to_text(other)
    assert (texts[0] < texts[1]) == (one < other)
    assert bookmarks.from_text(texts[0]) == one


def test_a_read_began_by_the_servers_clock() -> None:
    """The server's clock decides, because orders carry its time."""
    server = NOW - timedelta(minutes=3)
    assert bookmarks.read_began(server, now=NOW, after=None) == server


def test_a_server_ahead_of_us_cannot_push_a_bookmark_into_the_future() -> None:
    """A moment later than our own clock is not believed."""
    assert bookmarks.read_began(NOW + timedelta(days=9), now=NOW, after=None) == NOW


@pytest.mark.parametrize(
    ("server", "is_possible"),
    [
        (utc("1970-01-01T00:00:00Z"), False),
        (SETTINGS.start_date - timedelta(seconds=1), False),
        (SETTINGS.start_date, True),
        (NOW + timedelta(days=400), True),
    ],
)
def test_a_clock_that_cannot_be_right(server: datetime, *, is_possible: bool) -> None:
    """A server of before the start date does not count."""
    assert bookmarks.is_possible(server, settings=SETTINGS) == is_possible


@pytest.mark.parametrize("sign", [-1, 1])
def test_clocks_that_are_far_from_each_other(sign: int) -> None:
    """More than a day between the server's clock and ours, either way, is told."""
    day = timedelta(days=1) * sign
    assert not bookmarks.is_far(NOW + day, now=NOW)
    assert bookmarks.is_far(NOW + day + timedelta(seconds=1) * sign, now=NOW)


def test_without_a_server_time_our_clock_tells() -> None:
    """An answer without a `Date` still has a moment."""
    assert bookmarks.read_began(None, now=NOW, after=None) == NOW


def test_a_later_status_has_a_strictly_larger_moment() -> None:
    """An order met in two statuses within a second is ordered by its lifecycle."""
    first = bookmarks.read_began(NOW, now=NOW, after=None)
    second = bookmarks.read_began(NOW, now=NOW, after=first)
    assert bookmarks.to_text(second) > bookmarks.to_text(first)


def test_a_read_over_midnight_leaves_the_look_back_to_the_next_run() -> None:
    """A read that began on the day after its start date was chosen claims the day before only."""
    evening = utc("2024-12-01T23:45:00+05:00")
    began = utc("2024-12-02T00:05:00+05:00")
    bookmark = bookmarks.earned(began, chosen_at=evening, settings=SETTINGS)
    assert utc("2024-12-01T23:59:59+05:00") < bookmark < utc("2024-12-02T00:00:00+05:00")
    next_start = bookmarks.read_from(bookmark, now=began + timedelta(hours=1), settings=SETTINGS)
    assert next_start == utc("2024-11-01T23:59:59+05:00")


def test_a_read_within_a_day_claims_when_it_began() -> None:
    """However late: the same day's start was chosen for it."""
    began = utc("2024-12-01T23:59:59.999999+05:00")
    assert bookmarks.earned(began, chosen_at=NOW, settings=SETTINGS) == began


def test_a_bookmark_under_another_replication_key_is_not_ours() -> None:
    """What another version kept under another key says nothing of our reads."""
    context = {"_location_id": "1", "_order_status": "pending"}
    state = {"context": context, "replication_key_value": "2024-11-01T00:00:00+00:00"}
    assert bookmarks.from_states([state | {"replication_key": "updated_at"}]) == {}
    assert bookmarks.from_states([state | {"replication_key": "_synced_at"}]) == {
        Partition("pending", "1"): utc("2024-11-01T00:00:00+00:00")
    }


@pytest.mark.parametrize("value", [None, 17])
def test_a_state_without_a_bookmark_has_none(value: object) -> None:
    """A partition that was never read whole begins at the start date."""
    assert bookmarks.from_text(value) is None


def test_a_gap_is_remembered() -> None:
    """After a read that began later than the bookmark, the state reaches back to that read only."""
    first = bookmarks.to_state({}, NOW - timedelta(days=90), since=utc("2024-01-01"))
    later = NOW - timedelta(days=9)
    second = bookmarks.to_state(first, NOW, since=later)
    assert bookmarks.earliest_read([second]) == later


def test_the_first_start_is_remembered() -> None:
    """The state keeps from where a partition was first read, for it cannot tell otherwise."""
    first = bookmarks.to_state({}, NOW, since=NOW - timedelta(days=9))
    second = bookmarks.to_state(first, NOW, since=NOW - timedelta(days=1))
    assert bookmarks.earliest_read([second]) == NOW - timedelta(days=9)
