"""What is read: the API of yesterday, and that of today with the changes of a day."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.server import Size, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server import Server

LATENCY_MS = 50
LOCATIONS = 20
ORDERS_A_DAY = 10
"""At each location, as docs/scaling.md has it."""
LOOK_BACK, OVERLAP = timedelta(days=30), timedelta(hours=24)
"""The tap's defaults."""
FIRST, DAILY, HOURLY = "first load", "daily run", "hourly run"
HOUR_OF_DAY = 4
"""Of the benchmark's beginning, in the time zone that the tap is given: no midnight comes soon."""

MOST_BEHIND = 12
"""Hours, of any zone."""


class Order(NamedTuple):
    """What is looked at of an order that arrived."""

    id: int
    status: str
    total: str
    items: int
    name: str
    updated: int
    """Epoch milliseconds."""


def order(fields: dict[str, Any]) -> Order:
    """What is looked at of an order, from its JSON."""
    return Order(
        fields["id"],
        fields["status"],
        f"{fields['grand_total']:.2f}",
        len(fields["line_items"]),
        fields["customer"]["name_local"],
        round(datetime.fromisoformat(fields["updated_at"]).timestamp() * 1000),
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the things that a pipeline does.

    Attributes:
        name: Of it.
        server: Whose orders are read.
        start_date: Since when: the tap knows by itself, others have to be told.
        read: How many orders these are.
        held: All orders that are loaded then.
    """

    name: str
    server: Server
    start_date: str
    read: int
    held: frozenset[Order]


@dataclass(frozen=True, slots=True)
class World:
    """What all stages share.

    Attributes:
        stages: In order.
        timezone: In which no day ends while the benchmark runs.
        changed: The share of the orders of the daily run that are new or changed.
    """

    stages: list[Stage]
    timezone: str
    changed: float


@contextmanager
def world(orders: int) -> Iterator[World]:
    """Serve so many orders at each location."""
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)
    days = max(orders // ORDERS_A_DAY, LOOK_BACK.days + 1)
    size = Size(
        locations=LOCATIONS,
        orders=orders,
        latency_ms=LATENCY_MS,
        days=days,
        now=yesterday.isoformat(),
        start_date=(yesterday - timedelta(days=days + 1)).isoformat(),
    )
    with serving(size) as before, serving(replace(size, hours_later=24)) as after:
        first, last = _orders(before, size.start_date), _orders(after, size.start_date)
        again = _orders(after, (yesterday - LOOK_BACK).isoformat())
        overlap = _orders(after, (today - OVERLAP).isoformat())
        stages = [
            Stage(FIRST, before, size.start_date, len(first), first),
            Stage(DAILY, after, (yesterday - LOOK_BACK).isoformat(), len(again), last),
            Stage(HOURLY, after, (today - OVERLAP).isoformat(), len(overlap), last),
        ]
        yield World(stages, _timezone(today), len(again - first) / len(again))


def _orders(server: Server, start_date: str) -> frozenset[Order]:
    """What a server holds since a date; its pages are made then."""
    return frozenset(
        order(fields)
        for page in server.every_page(start_date)
        for fields in json.loads(gzip.decompress(page))["orders"]
    )


def _timezone(now: datetime) -> str:
    """A zone in which it is early in the day: `Etc/GMT+3` is three hours behind."""
    behind = now.hour - HOUR_OF_DAY
    return f"Etc/GMT{behind if behind <= MOST_BEHIND else behind - 24:+d}"
