"""Timestamps as JSON text: the same instant in UTC, or not a timestamp at all."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import lru_cache

# Only cut into pieces here: whether day, hour, minute and offset are right is asked once for many.
_PIECES = re.compile(rb'"([^"\\]{16})(:[0-5]\d(?:\.\d+)?)? ?([^"\\]{0,6})"')
_MINUTE = re.compile(rb"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d")
_OFFSET = re.compile(rb"[Zz]|([+-])(\d{1,2}?)(?::?([0-5]\d))?")
_CACHED_MINUTES = 4096
_HOURS_A_DAY = 24


def to_utc(literal: bytes) -> bytes | None:
    r"""Move a timestamp to UTC, keeping the digits of its seconds as they came.

    Args:
        literal: A JSON string with its quotes, such as `"2024-05-01T03:04:05.10+5:00"`.

    Returns:
        The same instant as a JSON string, such as `"2024-04-30T22:04:05.10+00:00"`; None for text
        that is no timestamp, has no offset, names a leap second or leaves the years 1 to 9999.
    """
    match = _PIECES.fullmatch(literal)
    if match is None:
        return to_utc(_unescaped(literal)) if b"\\" in literal else None
    minute, seconds, offset = match.groups()
    moved = _minute_in_utc(minute, offset)
    return None if moved is None else moved + (seconds or b":00") + b'+00:00"'


@lru_cache(maxsize=_CACHED_MINUTES)
def _minute_in_utc(minute: bytes, offset: bytes) -> bytes | None:
    """Move `2024-05-01T03:04` by an offset; None where either is none or it leaves the calendar."""
    east = _OFFSET.fullmatch(offset)
    if east is None or not _MINUTE.fullmatch(minute):
        return None
    try:
        moved = datetime.fromisoformat(minute.decode().upper()) - _difference(east)
    except (ValueError, OverflowError):
        return None
    return b'"' + moved.isoformat(timespec="minutes").encode()


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
