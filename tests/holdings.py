"""What a sandbox holds, and whether records tell all of it, digit by digit."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.columns import OWN_COLUMNS
from tests.support import utc

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from xstak_sandbox import Sandbox

Partition = tuple[str, str]
"""An order status and a location."""
TIMESTAMPS = {"created_at", "updated_at"}


def exact(value: object) -> str:
    """A value in a form that tells `1.10` from `1.1`, which equal each other."""
    return repr(value)


def held(sandbox: Sandbox) -> dict[int, dict[str, Any]]:
    """The orders that the API holds at this moment, by id."""
    orders = (_order(order.body) for order in sandbox.orders())
    return {order["id"]: order for order in orders}


@cache
def _order(body: bytes) -> dict[str, Any]:
    # Worlds that are made alike hold the same orders, in one test after another.
    order: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return order


def told(record: dict[str, Any]) -> dict[str, Any]:
    """An order as its record tells it, wherever each field travels."""
    fields = {name: value for name, value in record.items() if name not in OWN_COLUMNS}
    return fields | (record["_extra"] or {})


def assert_told(order: dict[str, Any], record: dict[str, Any]) -> None:
    """A record tells its order: every field exactly, and nothing else."""
    fields = told(record)
    found = {name: fields.pop(name, None) for name in order}
    for name in order.keys() & TIMESTAMPS:
        assert utc(found[name]) == utc(order[name]), name
        found[name] = order[name]
    assert exact(found) == exact(order)
    # Of a name that an order repeats, the earlier values are told as well.
    assert not [name for name in fields if "#" not in name]
    assert (record["_order_status"], record["_location_id"]) == partition_of(order)


def partition_of(order: dict[str, Any]) -> Partition:
    """The partition that an order belongs to by its own fields."""
    return order["status"], order["location_id"]


def assert_complete(
    records: Iterable[dict[str, Any]], sandbox: Sandbox, *, but: Container[Partition] = ()
) -> None:
    """Upserted by id, records are the orders that the sandbox holds.

    Args:
        records: In the order in which they came.
        sandbox: Holds the orders.
        but: Partitions whose orders may lack.
    """
    orders = held(sandbox)
    target = {told(record)["id"]: record for record in records}
    assert target.keys() <= orders.keys()
    for order_id, order in orders.items():
        if order_id in target:
            assert_told(order, target[order_id])
        else:
            assert partition_of(order) in but, f"order {order_id} is lost"
