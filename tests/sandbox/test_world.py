"""The world is a function of its seed and of time, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstak_sandbox import RawOrder, World, WorldClock, location_ids
from xstak_sandbox.shelf import shelf_of

SMALL = World(orders_per_location=40)
days = st.floats(min_value=-70, max_value=60).map(lambda number: timedelta(days=number))


def parse(body: bytes) -> dict[str, Any]:
    """An order's fields, decimals exact."""
    order: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return order


def test_another_seed_gives_other_orders() -> None:
    """The seed decides the orders."""
    other = World(seed=8, orders_per_location=40)
    assert other.orders_at(SMALL.start)[0].body != SMALL.orders_at(SMALL.start)[0].body


@given(first=days, second=days)
def test_what_was_asked_before_changes_nothing(first: timedelta, second: timedelta) -> None:
    """An order's bytes at a moment are the same whatever moments were asked for before."""
    asked = World(orders_per_location=5)
    asked.orders_at(asked.start + first)
    shelf_of.cache_clear()
    fresh = World(orders_per_location=5)
    moment = asked.start + second
    assert [o.body for o in asked.orders_at(moment)] == [o.body for o in fresh.orders_at(moment)]


def test_start_holds_the_number_of_orders_asked_for() -> None:
    """Each location holds `orders_per_location` orders at the start."""
    counts = Counter(order.location for order in SMALL.orders_at(SMALL.start))
    assert counts == {"1001": 40, "1002": 40}


def test_time_brings_new_orders_edits_and_moves() -> None:
    """Ten days later there are more orders, and some old ones were edited or moved on."""
    before = {order.id: order for order in SMALL.orders_at(SMALL.start)}
    after = {order.id: order for order in SMALL.orders_at(SMALL.start + timedelta(days=10))}
    assert before.keys() < after.keys()
    moved = [key for key in before if before[key].status != after[key].status]
    edited = [key for key in before if before[key].updated != after[key].updated]
    assert moved
    assert set(moved) < set(edited)


@given(at=days, later=days)
def test_orders_move_forward_only(at: timedelta, later: timedelta) -> None:
    """No order ever goes back to a status it has left, nor disappears."""
    first, second = sorted([at, later])
    before = SMALL.orders_at(SMALL.start + first)
    after = {order.id: order for order in SMALL.orders_at(SMALL.start + second)}
    for order in before:
        now = after[order.id]
        assert SMALL.statuses.index(order.status) <= SMALL.statuses.index(now.status)
        assert (order.updated or 0) <= (now.updated or 0)


def test_bytes_change_exactly_when_the_last_change_does() -> None:
    """An order whose `updated_at` stands still is byte for byte the same."""
    for day in range(12):
        at = SMALL.start + timedelta(days=day)
        later = {order.id: order for order in SMALL.orders_at(at + timedelta(hours=12))}
        for order in SMALL.orders_at(at):
            same = order.body == later[order.id].body
            assert same == (order.updated == later[order.id].updated)


def test_nothing_happens_to_an_order_after_its_life() -> None:
    """Every change happens within `life_days` of the creation."""
    world = World(orders_per_location=300, life_days=25)
    ages = [
        (order.updated or 0) - (order.created or 0)
        for order in world.orders_at(world.start + timedelta(days=400))
    ]
    day = 86_400_000
    assert 20 * day < max(ages) <= 25 * day


def test_some_orders_never_move_on() -> None:
    """A share of the orders stays before the last status for ever."""
    world = World(orders_per_location=400, stuck_share=0.1)
    first = {order.id for order in world.orders_at(world.start)}
    later = world.orders_at(world.start + timedelta(days=30))
    stuck = [order for order in later if order.id in first and order.status == "pending"]
    assert 0.05 < len(stuck) / len(first) < 0.15


def test_some_orders_are_cancelled_and_some_deleted() -> None:
    """Cancelled ones say so and stay as they are; deleted ones are nowhere."""
    world = World(orders_per_location=400, cancelled_share=0.2, deleted_share=0.1)
    usual = {order.id: order for order in World(orders_per_location=400).orders_at(world.start)}
    later = {o.id: o for o in world.orders_at(world.start + timedelta(days=30)) if o.id in usual}
    gone = usual.keys() - later.keys()
    assert 0.06 < len(gone) / len(usual) < 0.14
    for order_id in gone:
        with pytest.raises(KeyError):
            world.order(order_id or 0, world.start + timedelta(days=30))
    cancelled = [order for order in later.values() if order.status == "cancelled"]
    assert 0.15 < len(cancelled) / len(usual) < 0.25
    for order in cancelled:
        fields = parse(order.body)
        assert fields["status"] == fields["status_history"][-1]["status"] == "cancelled"
        assert fields["status_history"][-1]["at"] == fields["updated_at"]
    now = {order.id: order.body for order in world.orders_at(world.start)}
    kept = [key for key in usual if usual[key].body == now.get(key)]
    assert len(kept) > 0.6 * len(usual), "the others live as they would"


def test_a_long_lifecycle_is_walked_in_order() -> None:
    """With five statuses, an order's history is a beginning of the list."""
    statuses = ("new", "confirmed", "packed", "shipped", "delivered")
    world = World(orders_per_location=100, statuses=statuses)
    orders = world.orders_at(world.start)
    assert {order.status for order in orders} == set(statuses)
    for order in orders:
        walked = [step["status"] for step in parse(order.body)["status_history"]]
        assert tuple(walked) == statuses[: len(walked)]
        assert walked[-1] == order.status


def test_an_order_is_of_realistic_size_and_variety() -> None:
    """Orders have 2 to 3 KB and hold Urdu, nulls, booleans, exact decimals and a rare field."""
    orders = [order.body for order in World().orders_at(World().start)]
    assert 2000 < sum(map(len, orders)) / len(orders) < 3000
    assert max(map(len, orders)) < 3500
    text = b"".join(orders).decode()
    assert re.search(r"[\u0600-\u06ff]", text)
    assert re.search(r'"unit_price":\d+\.50\b', text)
    assert re.search(r'"discount_total":0\.10\b', text)
    assert re.search(r'_at":"[-\d]+T[\d:.]+\+05:00"', text)
    parsed = [parse(body) for body in orders]
    assert 0 < sum("coupon_code" in order for order in parsed) < len(parsed)
    assert all(order["reference"] is None for order in parsed)
    assert {order["is_cod"] for order in parsed} == {True, False}


def test_an_order_tells_the_facts_the_world_tells() -> None:
    """Id, status, location and total of the JSON agree with the order and its items."""
    for order in SMALL.orders_at(SMALL.start):
        body = parse(order.body)
        assert (body["id"], body["status"]) == (order.id, order.status)
        assert body["location_id"] == order.location
        assert body["location_code"] == SMALL.location_code(order.location)
        assert body["subtotal"] == sum(item["total"] for item in body["line_items"])


def test_times_can_be_written_with_the_short_offset() -> None:
    """C5: orders' own times can end in the invalid `+5:00`."""
    world = World(orders_per_location=2, short_offsets=True)
    body = parse(world.orders_at(world.start)[0].body)
    assert body["created_at"].endswith("+5:00")
    assert not body["created_at"].endswith("+05:00")


def test_one_order_is_found_by_its_id() -> None:
    """`order` gives the bytes that `orders_at` gives, and refuses what is not there yet."""
    later = SMALL.start + timedelta(days=5)
    order = SMALL.orders_at(later)[-1]
    assert order.id is not None
    assert SMALL.order(order.id, later) == order.body
    with pytest.raises(KeyError):
        SMALL.order(order.id, SMALL.start)
    for nobody in (0, 5, 99_999_999_999):
        with pytest.raises(KeyError):
            SMALL.order(nobody, later)


def test_ids_are_unique_over_all_locations() -> None:
    """No two orders share an id."""
    world = World(locations=location_ids(30), orders_per_location=20)
    ids = [order.id for order in world.orders_at(world.start)]
    assert len(set(ids)) == len(ids) == 600


def test_version_changes_when_and_only_when_orders_do() -> None:
    """While a location's version stands still, so does every byte of its orders."""
    world = World(orders_per_location=30)
    for hour in range(48):
        at, later = (world.start + timedelta(hours=h) for h in (hour, hour + 1))
        before = [order.body for order in world.orders_at(at, location="1001")]
        after = [order.body for order in world.orders_at(later, location="1001")]
        assert (before == after) == (world.version("1001", at) == world.version("1001", later))


def test_raw_orders_stand_among_the_others() -> None:
    """A raw order is found under its location and status, as it was given."""
    world = World(orders_per_location=1, raw_orders=[RawOrder("1001", "pending", b"null")])
    found = world.orders_at(world.start, location="1001", status="pending")
    assert b"null" in [order.body for order in found]
    assert not [o for o in world.orders_at(world.start, location="1002") if o.id is None]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"days": 0},
        {"life_days": 0},
        {"orders_per_location": -1},
        {"statuses": ()},
        {"statuses": ("a", "a")},
        {"locations": ("1", "1")},
    ],
)
def test_a_senseless_world_is_refused(nonsense: dict[str, Any]) -> None:
    """A world that could not be is refused when it is made."""
    with pytest.raises(ValueError, match="a world needs"):
        World(**nonsense)


def test_the_clock_stands_until_it_is_moved() -> None:
    """Time passes by `advance` and `tick` alone, and tokens age by the former only."""
    real = iter([0.0, 7.0, 8.0, 9.0])
    clock = WorldClock(SMALL.start, monotonic=lambda: next(real))
    assert clock.now() == SMALL.start
    assert clock.advance(timedelta(hours=1)) == SMALL.start + timedelta(hours=1)
    assert clock.tick(timedelta(minutes=1)) == SMALL.start + timedelta(minutes=61)
    assert clock.token_age() == 7.0 + 3600
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="backwards"):
        clock.tick(timedelta(seconds=-1))


def test_a_running_clock_follows_real_time() -> None:
    """A clock that runs is as much later as real time has passed."""
    real = iter([100.0, 107.0])
    clock = WorldClock(SMALL.start, runs=True, monotonic=lambda: next(real))
    assert clock.now() == SMALL.start + timedelta(seconds=7)
