"""Numbers and times in words, the same way in every line that a person reads."""

from __future__ import annotations

from datetime import UTC
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number of things: "1 retry", "1,234 orders"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A duration in about two digits: "45 s", "12 min", "3.5 h"."""
    if seconds < 90:  # noqa: PLR2004 - where a person changes the unit
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - same


def moment(time: datetime) -> str:
    """A moment in UTC, to the second: "2026-01-15T07:00:00Z"."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def meant(name: str, names: Collection[str]) -> str:
    """A question to put after an unknown name: " (is customer meant?)", or nothing."""
    close = get_close_matches(name, names, n=1)
    return f" (is {close[0]} meant?)" if close else ""


def listed(names: Sequence[str], most: int) -> str:
    """The first names of a list, and whether there are more: "a, b, ..."."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])
