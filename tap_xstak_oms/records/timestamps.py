"""Times in JSON text, moved to UTC."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

_SIXTY = frozenset(b":%02d" % number for number in range(60))
_CLOCK = b":.0123456789"
_FRACTION_OR_NONE = re.compile(rb"(?::[0-5]\d\.\d+)?")
_START = re.compile(rb"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3])(?::[0-5]\d)?")
_OFFSET = re.compile(rb' ?(?:[Zz]|([+-])(\d{1,2}?)(?::?([0-5]\d))?)"')
_LONGEST_OFFSET = len(b' +05:00"')
_ENDS_OF_WHOLE_HOURS = (b'00"', b'Z"', b'z"')
_CACHED_STARTS = 4096
_HOURS_A_DAY = 24
_NAIVE = re.compile(rb'"(\d{4}-\d\d-\d\d[Tt ]\d\d)(:\d\d(?::\d\d)?)(?:[.,](\d+))?"')
_EPOCH = re.compile(rb'("?)(\d{9,10}|(\d{9,10})(\d{3}))(?:\.(\d+))?\1')
_WITH_EXPONENT = re.compile(rb"\d\.\d+[eE]\+?\d{1,2}")
_DATE_CALL = re.compile(rb'"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/"')
WITH_OFFSET, NAIVE, SECONDS, MILLISECONDS, DATE_CALL = (
    "with an offset",
    "without an offset",
    "seconds since 1970",
    "milliseconds since 1970",
    "/Date(ms)/",
)
"""The forms of a time, in words."""
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def to_utc(literal: bytes) -> bytes | None:
    r"""Move a timestamp to UTC, and keep the digits of its seconds.

    Args:
        literal: A JSON string with its quotes, such as `"2024-05-01T03:04:05.10+5:00"`.

    Returns:
        The same instant as a JSON string, such as `"2024-04-30T22:04:05.10+00:00"`; None for text
        that is no timestamp, has no offset, is a leap second or falls outside the years 1 to 9999.
    """
    # Cut by position: day, hour and offset recur, so they are checked once and cached.
    start, minute, rest = literal[1:14], literal[14:17], literal[17:]
    offset = rest.lstrip(_CLOCK)
    seconds = rest[: len(rest) - len(offset)]
    is_clock = minute in _SIXTY and (seconds in _SIXTY or _FRACTION_OR_NONE.fullmatch(seconds))
    if not is_clock or len(offset) > _LONGEST_OFFSET:
        return to_utc(_unescaped(literal)) if b"\\" in literal else None
    if not offset.endswith(_ENDS_OF_WHOLE_HOURS):
        start, minute = start + minute, b""
    moved = _in_utc(start, offset)
    return None if moved is None else b'"%b%b%b+00:00"' % (moved, minute, seconds or b":00")


# Cached by hour where the offset has no minutes: a year has 9 thousand hours.
@lru_cache(maxsize=_CACHED_STARTS)
def _in_utc(start: bytes, offset: bytes) -> bytes | None:
    """Move `2024-05-01T03` or `2024-05-01T03:04`; None if invalid or out of the calendar."""
    east = _OFFSET.fullmatch(offset)
    if east is None or not _START.fullmatch(start):
        return None
    try:
        moved = datetime.fromisoformat(start.decode().upper()) - _difference(east)
    except (ValueError, OverflowError):
        return None
    return moved.isoformat(timespec="minutes").encode()[: len(start)]


def _difference(offset: re.Match[bytes]) -> timedelta:
    """Read `Z`, `+5`, `+05`, `+500`, `+0500`, `+5:00` or `+05:00`; ValueError for a day or more."""
    sign, hours, minutes = offset.groups(b"0")
    if int(hours) >= _HOURS_A_DAY:
        raise ValueError("an offset is shorter than a day")
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return -size if sign == b"-" else size


def _unescaped(literal: bytes) -> bytes:
    r"""Spell a JSON string without escapes: some servers write `+` as `\u002B`."""
    # A backslash in the text must not vanish. No timestamp has a question mark.
    return b'"%b"' % json.loads(literal).replace("\\", "?").encode()


# --- times of other forms, in fields that a user names ---


def time_in(zone: tzinfo) -> Callable[[bytes], bytes | None]:
    r"""Return a function that moves a time of any known form to UTC, and keeps its digits.

    It takes a JSON string or number and returns a JSON string, such as
    `"2024-04-30T22:04:05.10+00:00"`, or None for what is no time. The forms:

    - ISO 8601 with an offset, as `to_utc` takes it.
    - ISO 8601 without an offset, `T` or a blank between date and time: a clock in the zone. When
      that clock is set back, the earlier of two instants; when it is set forward, the times that
      it skips are none.
    - Seconds since 1970 of 9 or 10 digits, milliseconds of 12 or 13 (1973 to 2286), with or without
      a fraction, as a number or as text. Numbers of other lengths are ambiguous.
    - `/Date(ms)/`: milliseconds since 1970; an offset after them does not change the instant.
    """

    def moved(value: bytes) -> bytes | None:
        if value[:1] != b'"':
            return _from_epoch(value)
        if b"\\" in value:
            value = _unescaped(value)
        return _from_naive(value, zone) or to_utc(value) or _from_epoch(value) or _from_call(value)

    return moved


def form_of(value: bytes) -> str | None:
    """Return the form in which JSON text may be a time, or None."""
    is_text = value[:1] == b'"'
    value = _unescaped(value) if is_text and b"\\" in value else value
    epoch = _EPOCH.fullmatch(value)
    if epoch:
        return MILLISECONDS if epoch[4] else SECONDS
    if _DATE_CALL.fullmatch(value):
        return DATE_CALL
    if _NAIVE.fullmatch(value):
        return NAIVE
    return WITH_OFFSET if is_text and to_utc(value) else None


def _from_naive(literal: bytes, zone: tzinfo) -> bytes | None:
    match = _NAIVE.fullmatch(literal)
    if match is None:
        return None
    hour, rest, fraction = match.groups()
    offset = _offset_in_hour(zone, hour) or _offset_at(zone, hour + rest)
    if offset is None:
        return None
    return to_utc(b'"%b%b%b%b"' % (hour, rest, _written_fraction(fraction), offset))


@lru_cache(maxsize=_CACHED_STARTS)
def _offset_in_hour(zone: tzinfo, hour: bytes) -> bytes | None:
    """Return the offset of a clock during an hour, such as `2024-05-01T03`; None if it changes."""
    first, last = _offset_at(zone, hour + b":00"), _offset_at(zone, hour + b":59:59")
    return first if first == last else None


def _offset_at(zone: tzinfo, time: bytes) -> bytes | None:
    """Return the offset of a clock when it shows a time; None if it never shows it."""
    try:
        local = datetime.fromisoformat(time.decode().upper()).replace(tzinfo=zone)
        shown = local.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return None
    is_shown = shown.replace(tzinfo=None) == local.replace(tzinfo=None)
    return f"{local:%z}".encode() if is_shown else None


def _from_epoch(value: bytes) -> bytes | None:
    if _WITH_EXPONENT.fullmatch(value):
        value = format(Decimal(value.decode()), "f").encode()
    match = _EPOCH.fullmatch(value)
    if match is None:
        return None
    _, number, seconds, milliseconds, fraction = match.groups(b"")
    return _written(int(seconds or number), milliseconds + fraction)


def _from_call(literal: bytes) -> bytes | None:
    match = _DATE_CALL.fullmatch(literal)
    if match is None:
        return None
    seconds, milliseconds = divmod(int(match[1]), 1000)
    return _written(seconds, b"%03d" % milliseconds)


def _written(seconds: int, fraction: bytes) -> bytes | None:
    try:
        moment = _1970 + timedelta(seconds=seconds)
    except OverflowError:
        return None
    text = moment.isoformat(timespec="seconds").removesuffix("+00:00").encode()
    return b'"%b%b+00:00"' % (text, _written_fraction(fraction))


def _written_fraction(digits: bytes | None) -> bytes:
    return b"." + digits if digits else b""
