"""What was loaded, and what it comes to. Pure, but for reading the file."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Order: TypeAlias = dict[str, Any]
Orders: TypeAlias = dict[int, Order]
"""Orders by their ids."""


class Change(StrEnum):
    """What has become of an order since it was last read."""

    NEW = "new orders"
    MOVED = "that moved on to another status"
    CHANGED = "that changed otherwise"
    SAME = "that did not change"


def load(file: Path) -> list[Order]:
    """All records that target-jsonl has written, in their order, decimals to the digit."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line, parse_float=Decimal) for line in lines]


def latest(records: Iterable[Order]) -> Orders:
    """Each order once, by its latest record."""
    return {record["id"]: record for record in records}


def changes(before: Orders, after: Orders) -> dict[int, Change]:
    """What has become of each order of `after`."""
    return {key: _change(before.get(key), order) for key, order in after.items()}


def _change(before: Order | None, after: Order) -> Change:
    if before is None:
        return Change.NEW
    if before["_order_status"] != after["_order_status"]:
        return Change.MOVED
    return Change.SAME if before | {"_synced_at": after["_synced_at"]} == after else Change.CHANGED


def left(orders: Orders, reads: Iterable[Order]) -> dict[int, str]:
    """The status of each order that is no longer there, by the condition of docs/completeness.md.

    Args:
        orders: Each by its latest record.
        reads: The records of `sales_order_reads`.
    """
    quiet = [read for read in reads if read["quiet"]]
    return {
        key: order["_order_status"]
        for key, order in orders.items()
        if any(_missed(read, order) for read in quiet)
    }


def _missed(read: Order, order: Order) -> bool:
    """Whether a read was to show an order, and did not."""
    return (
        all(read[name] == order[name] for name in ("_location_id", "_order_status"))
        and moment(read["_synced_at"]) > moment(order["_synced_at"])
        and moment(read["read_since"]) <= moment(order["created_at"])
    )


def totals(orders: Iterable[Order]) -> dict[tuple[str, str], list[Decimal]]:
    """The grand totals of the orders of each status and location."""
    found = defaultdict(list)
    for order in orders:
        found[order["_order_status"], order["_location_id"]].append(order["grand_total"])
    return dict(found)


def by_day(
    orders: Iterable[Order], last: date, days: int, zone: tzinfo
) -> Mapping[date, Counter[str]]:
    """How many of the orders created on each of the last days have which status.

    Args:
        orders: Which.
        last: The last day.
        days: How many.
        zone: Where days begin.
    """
    counts = {last - timedelta(days=back): Counter[str]() for back in reversed(range(days))}
    for order in orders:
        day = moment(order["created_at"]).astimezone(zone).date()
        if day in counts:
            counts[day][order["_order_status"]] += 1
    return counts


def moment(text: str) -> datetime:
    """The moment that a text in ISO 8601 tells."""
    return datetime.fromisoformat(text)
