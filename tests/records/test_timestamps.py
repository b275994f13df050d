"""Timestamps as JSON text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.records.timestamps import to_utc

OFFSETS = st.integers(min_value=-23 * 60 - 59, max_value=23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


def literal(text: str) -> bytes:
    """A JSON string of it."""
    return f'"{text}"'.encode()


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("2024-05-01T03:04:05+05:00", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01T03:04:05+5:00", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01T03:04:05+500", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01T03:04:05+0500", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01T03:04:05+05", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01 03:04:05 +0500", "2024-04-30T22:04:05+00:00"),
        ("2024-05-01T03:04:05Z", "2024-05-01T03:04:05+00:00"),
        ("2024-05-01t03:04:05z", "2024-05-01T03:04:05+00:00"),
        ("2024-05-01T03:04:05-09:30", "2024-05-01T12:34:05+00:00"),
        ("2024-05-01T03:04+05:00", "2024-04-30T22:04:00+00:00"),
        ("2024-03-01T00:00:00+05:00", "2024-02-29T19:00:00+00:00"),
        ("0001-01-01T05:00:00+05:00", "0001-01-01T00:00:00+00:00"),
        (r"2024-05-01T03:04:05\u002B05:00", "2024-04-30T22:04:05+00:00"),
    ],
)
def test_a_timestamp_with_an_offset_becomes_the_same_instant_in_utc(came: str, goes: str) -> None:
    """Every common spelling is understood, the vendor's own `+5:00` and `Z` included."""
    assert to_utc(literal(came)) == literal(goes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2024-05-01",
        "2024-05-01T03:04:05",
        "2024-05-01T03:04:05.123",
        "2024-02-30T00:00:00Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T03:60:00Z",
        "2016-12-31T23:59:60Z",
        "2024-05-01T03:04:05.Z",
        "2024-05-01T03:04:05+",
        "2024-05-01T03:04:05+05:",
        "2024-05-01T03:04:05+5:0",
        "2024-05-01T03:04:05+05:60",
        "2024-05-01T03:04:05+24:00",
        "0001-01-01T00:00:00+05:00",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2024-05-01T03:04:05+05:00[Asia/Karachi]",
        "\u0662024-05-01T03:04:05Z",
        r"2024-05-01T03:04:05\\+05:00",
        r"2024-05-01T03:04:05\"Z",
        "1714512245",
    ],
)
def test_what_names_no_instant_of_the_calendar_is_no_timestamp(text: str) -> None:
    """Naive times, leap seconds, impossible dates and results outside the years 1 to 9999."""
    assert to_utc(literal(text)) is None


@given(st.datetimes(timezones=OFFSETS), st.from_regex(r"(\.[0-9]{1,30})?", fullmatch=True))
def test_the_instant_and_the_digits_of_the_fraction_are_kept(
    moment: datetime, fraction: str
) -> None:
    """For any instant, offset and fraction, however long."""
    whole = moment.replace(microsecond=0)
    seconds, offset = whole.isoformat()[:19], whole.isoformat()[19:]
    moved = to_utc(literal(seconds + fraction + offset))
    try:
        expected = whole.astimezone(UTC).isoformat()[:19] + fraction + "+00:00"
    except OverflowError:
        assert moved is None
    else:
        assert moved == literal(expected)
