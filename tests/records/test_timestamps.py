"""Times as JSON text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_xstak_oms.records.timestamps import form_of, time_in, to_utc

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


# --- of any form, where someone says that a field holds times ---

KARACHI = ZoneInfo("Asia/Karachi")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Karachi",
        "Asia/Kathmandu",
        "Europe/London",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "UTC",
    )
]
FRACTIONS = st.from_regex(r"([.][0-9]{1,30})?", fullmatch=True)
SINCE_1973 = st.integers(100_000_000, 9_999_999_999)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - naive is the point
    FRACTIONS,
    st.sampled_from(ZONES),
    st.sampled_from("T t"),
)
@example(datetime(2024, 3, 31, 1, 30), "", ZoneInfo("Europe/London"), "T")  # noqa: DTZ001 - same
@example(datetime(2024, 10, 27, 1, 30), "", ZoneInfo("Europe/London"), "T")  # noqa: DTZ001 - same
@example(datetime(2024, 4, 7, 1, 45), "", ZoneInfo("Australia/Lord_Howe"), "T")  # noqa: DTZ001 - same
def test_a_time_without_an_offset_is_what_a_clock_of_the_zone_shows(
    shown: datetime, fraction: str, zone: ZoneInfo, separator: str
) -> None:
    """With all digits; of two instants the earlier one, and none where the clock passed it over."""
    shown = shown.replace(microsecond=0)
    moment = shown.replace(tzinfo=zone).astimezone(UTC)
    is_shown = moment.astimezone(zone).replace(tzinfo=None) == shown
    came = literal(shown.isoformat(sep=separator) + fraction)
    goes = literal(moment.isoformat()[:19] + fraction + "+00:00")
    assert time_in(zone)(came) == (goes if is_shown else None)


@given(SINCE_1973, FRACTIONS, st.booleans())
def test_seconds_since_1970_are_instants(seconds: int, fraction: str, is_text: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """As a number or as text, in any zone, with all digits."""
    came = f"{seconds}{fraction}"
    moment = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    value = literal(came) if is_text else came.encode()
    assert time_in(KARACHI)(value) == literal(moment + fraction + "+00:00")


@given(SINCE_1973, st.integers(0, 999), FRACTIONS, st.booleans())
def test_milliseconds_since_1970_are_instants(
    seconds: int,
    milliseconds: int,
    fraction: str,
    is_text: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """As a number or as text, in any zone, with all digits."""
    came = f"{seconds}{milliseconds:03}"
    moment = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    goes = f"{moment}.{milliseconds:03}{fraction.removeprefix('.')}+00:00"
    value = literal(came + fraction) if is_text else (came + fraction).encode()
    assert time_in(KARACHI)(value) == literal(goes)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.sampled_from(["", "+0500"]))
def test_milliseconds_in_a_call_are_instants(milliseconds: int, offset: str) -> None:
    """From the year 1 to 9999; the offset only tells where it was written."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    goes = literal(moment.isoformat(timespec="milliseconds"))
    for slash in ("/", r"\/"):
        came = literal(f"{slash}Date({milliseconds}{offset}){slash}")
        assert time_in(KARACHI)(came) == goes


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ('"2024-05-01T03:04:05.10+5:00"', "2024-04-30T22:04:05.10+00:00"),
        (r'"2024-05-01T03:04:05\u002b05:00"', "2024-04-30T22:04:05+00:00"),
        ('"2024-05-01 03:04"', "2024-04-30T22:04:00+00:00"),
        ('"2024-05-01T03:04:05,5"', "2024-04-30T22:04:05.5+00:00"),
        ("1.714512245E9", "2024-04-30T21:24:05+00:00"),
        ("1.714512245123E12", "2024-04-30T21:24:05.123+00:00"),
    ],
)
def test_other_spellings_are_understood(came: str, goes: str) -> None:
    """Offsets, times without seconds, commas and exponents."""
    assert time_in(KARACHI)(came.encode()) == literal(goes)


@pytest.mark.parametrize(
    "value",
    [
        *("null", "true", "0", "-1", "1e400", "1714512245e0", "-1714512245", "12345678901"),
        *("20240501", "99999999", "17145122451234", "1" * 5000),
        *('""', '" "', '"soon"', '"2024-05-01"', '"20240501"', '"20240501101112"', '"12:00"'),
        *('"0000-00-00 00:00:00"', '"2024-02-30 00:00:00"', '"2024-05-01 24:00:00"'),
        *('"2024-05-01 00:00:60"', '"0001-01-01 00:00:00"', '"19/09/2026 10:00"', '"1714512245 "'),
        *('"/Date()/"', '"/Date(1714512245123"', '"/Date(-62135596800001)/"', '"/Date(1e9)/"'),
        r'"2024-05-01 00:00:00\\"',
        r'"House 12\\B"',
        "[]",
        "{}",
    ],
)
def test_what_is_no_time_in_any_form_is_none(value: str) -> None:
    """Dates alone, zeros, and ambiguous numbers."""
    assert time_in(KARACHI)(value.encode()) is None


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ('"2024-05-01T03:04:05"', "without an offset"),
        ('"2024-05-01T03:04:05Z"', "with an offset"),
        ("1714512245", "seconds since 1970"),
        ('"1714512245123"', "milliseconds since 1970"),
        (r'"\/Date(1714512245123)\/"', "/Date(ms)/"),
        ('"2024-05-01"', None),
        ("[1]", None),
        (r'"\\"', None),
    ],
)
def test_the_form_of_a_time_is_told(value: str, form: str | None) -> None:
    """In the words in which discovery tells a person."""
    assert form_of(value.encode()) == form
