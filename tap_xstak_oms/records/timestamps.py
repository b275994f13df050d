"""Timestamps as JSON text: the same instant in UTC, or not a timestamp at all."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import lru_cache

_SIXTY = frozenset(b":%02d" % number for number in range(60))
_CLOCK = b":.0123456789"
_FRACTION_OR_NONE = re.compile(rb"(?::[0-5]\d\.\d+)?")
_START = re.compile(rb"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3])(?::[0-5]\d)?")
_OFFSET = re.compile(rb' ?(?:[Zz]|([+-])(\d{1,2}?)(?::?([0-5]\d))?)"')
_LONGEST_OFFSET = len(b' +05:00"')
_ENDS_OF_WHOLE_HOURS = (b'00"', b'Z"', b'z"')
_CACHED_STARTS = 4096
_HOURS_A_DAY = 24


def to_utc(literal: bytes) -> bytes | None:
    r"""Move a timestamp to UTC, keeping the digits of its seconds as they came.

    Args:
        literal: A JSON string with its quotes, such as `"2024-05-01T03:04:05.10+5:00"`.

    Returns:
        The same instant as a JSON string, such as `"2024-04-30T22:04:05.10+00:00"`; None for text
        that is no timestamp, has no offset, names a leap second or leaves the years 1 to 9999.
    """
    # Cut by position: whether day, hour and offset are right is asked once for many.
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


# Whole hours leave the minutes alone: a year has 9 thousand hours and half a million minutes.
@lru_cache(maxsize=_CACHED_STARTS)
def _in_utc(start: bytes, offset: bytes) -> bytes | None:
    """Move `2024-05-01T03` or `2024-05-01T03:04`; None where it is none or leaves the calendar."""
    east = _OFFSET.fullmatch(offset)
    if east is None or not _START.fullmatch(start):
        return None
    try:
        moved = datetime.fromisoformat(start.decode().upper()) - _difference(east)
    except (ValueError, OverflowError):
        return None
    return moved.isoformat(timespec="minutes").encode()[: len(start)]


def _difference(offset: re.Match[bytes]) -> timedelta:
    """Read `Z`, `+5`, `+05`, `+500`, `+0500`, `+5:00` or `+05:00`; ValueError from a day on."""
    sign, hours, minutes = offset.groups(b"0")
    if int(hours) >= _HOURS_A_DAY:
        raise ValueError("an offset is shorter than a day")
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return -size if sign == b"-" else size


def _unescaped(literal: bytes) -> bytes:
    r"""Spell a JSON string without escapes: some servers write `+` as `\u002B`."""
    # A backslash that belongs to the text must not vanish: no timestamp has a question mark.
    return b'"%b"' % json.loads(literal).replace("\\", "?").encode()
