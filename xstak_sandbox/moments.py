"""Moments and their forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAKISTAN = timezone(timedelta(hours=5))


def milliseconds(moment: datetime) -> int:
    """The aware `moment` in epoch milliseconds, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def in_pakistan(moment: int) -> datetime:
    """The moment of these epoch milliseconds, in the vendor's zone."""
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(PAKISTAN)


def in_gmt(moment: datetime) -> datetime:
    """The aware `moment` as HTTP writes it: in UTC."""
    return moment.astimezone(UTC)
