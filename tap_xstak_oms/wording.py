"""Numbers in words, the same way in every line that a person reads."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """So many of something, in words: "1 retry"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A duration of so many seconds, of two digits or so."""
    if seconds < 90:  # noqa: PLR2004 - where a person changes the unit
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - same
