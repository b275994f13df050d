"""What discovery looks at: a bounded, even and steady sample, from the start date on."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_xstak_oms.api.client import XStakClient
from tap_xstak_oms.config.settings import Partition, Settings
from tap_xstak_oms.discovery.sampling import SAMPLES, PartitionSample, sample, spread
from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.records.columns import own_schema
from tests.discovery.any_json import ORDERS
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, Quirks, RawOrder, Sandbox, World, location_ids

if TYPE_CHECKING:
    from xstak_sandbox import Entry

LOCATIONS = location_ids(30)
WORLD = World(locations=LOCATIONS, orders_per_location=30)
"""Sixty partitions; most have more than a page of five."""


def catalog_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """What discovery finds, in pages of five."""
    return discovered(config_for(sandbox, **{"page_size": 5} | changes), clock=clock_of(sandbox))


def partitions_of(entries: list[Entry]) -> set[Partition]:
    """What was asked for."""
    return {
        Partition(str(entry.parameter("order_status")), str(entry.parameter("locationId")))
        for entry in entries
    }


def test_the_sample_is_bounded_and_even() -> None:
    """Twenty partitions at most, spread over all, from the configured start date; two pages each.

    One more request learns how the server counts its pages (C8).
    """
    with Sandbox(WORLD) as sandbox:
        catalog_of(sandbox)
        asked = sandbox.journal.orders
    every_third = [
        Partition(status, location) for status in ("pending", "completed") for location in LOCATIONS
    ][::3]
    firsts = [entry for entry in asked if not entry.parameter("page")]
    lasts = [entry for entry in asked if entry.parameter("page")]
    assert len(firsts) == len(every_third) == SAMPLES
    assert partitions_of(firsts) == set(every_third)
    assert partitions_of(lasts) < set(every_third)
    assert 0 < len(lasts) <= SAMPLES + 1
    assert {entry.parameter("start_date") for entry in asked} == {"2025-01-01T00:00:00+05:00"}


def sampled(sandbox: Sandbox, **changes: Any) -> list[int]:
    """The ids of the orders that are looked at in one partition, in pages of five."""
    config = config_for(sandbox, **{"page_size": 5} | changes)
    clock = clock_of(sandbox)
    settings = Settings.parse(config, now=clock.now())
    partition = Partition("completed", LOCATIONS[0])
    [(_, found)] = sample([partition], settings, XStakClient(settings, clock), pages=2)
    assert isinstance(found, PartitionSample)
    return [json.loads(bytes(order))["id"] for order in found.orders]


def held(sandbox: Sandbox) -> list[int | None]:
    """The ids of the orders of the same partition, the oldest first."""
    orders = sandbox.orders(location=LOCATIONS[0], status="completed")
    return [order.id for order in sorted(orders, key=lambda order: order.created or 0)]


@pytest.mark.parametrize("reports_from", [0, 1])
@pytest.mark.parametrize("asks_from", [0, 1])
@pytest.mark.parametrize("sort", ["old_first", "new_first"])
def test_both_ends_of_a_partition_are_looked_at(
    asks_from: int, reports_from: int, sort: Literal["old_first", "new_first"]
) -> None:
    """The oldest orders and the newest, however the pages are counted (C8) and sorted (C12)."""
    quirks = Quirks(asks_from=asks_from, reports_from=reports_from, sort=sort)
    with Sandbox(WORLD, quirks=quirks) as sandbox:
        orders = held(sandbox)
        found = sampled(sandbox)
    assert len(orders) > 15
    last = len(orders) % 5 or 5
    wanted = (
        orders[:5] + orders[-last:]
        if sort == "old_first"
        else orders[::-1][:5] + orders[::-1][-last:]
    )
    assert found == wanted


@pytest.mark.parametrize(("size", "pages"), [(100, 1), (16, 2)])
def test_few_pages_are_all_looked_at(size: int, pages: int) -> None:
    """Each once."""
    with Sandbox(WORLD) as sandbox:
        assert sorted(sampled(sandbox, page_size=size)) == held(sandbox)
        asked = [entry.parameter("page") for entry in sandbox.journal.orders]
    assert asked == [None, "2"][:pages]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"faults": [Fault(Kind.STATUS, code=403, page=6, every=1)]}, "the server answered 403"),
        ({"quirks": Quirks(ignores_page=True)}, "check `page_parameter`"),
    ],
)
def test_without_its_last_page_a_partition_is_sampled_by_its_first(
    options: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says that and why."""
    with Sandbox(WORLD, **options) as sandbox:
        assert -(-len(held(sandbox)) // 5) == 6
        assert sampled(sandbox) == held(sandbox)[:5]
    told = f"Of the completed orders of location {LOCATIONS[0]} only the first page is sampled"
    assert told in caplog.text
    assert why in caplog.text


@given(st.integers(0, 200))
def test_any_sample_is_spread_evenly(count: int) -> None:
    """In order, without repetition, as many as are wanted, the first one always among them."""
    chosen = spread(range(count))
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, SAMPLES)
    assert chosen[:1] == [0][:count]
    gaps = {after - before for before, after in pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_the_same_orders_give_the_same_catalog() -> None:
    """Neither concurrency nor a state that a run left has a part in it."""
    with Sandbox(WORLD) as sandbox:
        first = catalog_of(sandbox)
        assert catalog_of(sandbox, max_concurrent_requests=1) == first
        config = config_for(sandbox, page_size=5, nested_schema="declared")
        state = run_tap(config, clock=clock_of(sandbox)).state
        sandbox.journal.clear()
        again = run_tap(config, state=state, clock=clock_of(sandbox))
        looked_at = [entry for entry in sandbox.journal.orders if not entry.parameter("page")]
    assert again.schema["schema"] == {
        name: part for name, part in first["streams"][0]["schema"].items() if name != "$schema"
    }
    assert {entry.parameter("start_date") for entry in looked_at[:SAMPLES]} == {
        config["start_date"]
    }


def test_a_partition_that_cannot_be_sampled_is_told_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others say what columns there are."""
    fault = Fault(Kind.STATUS, code=403, location=LOCATIONS[0], every=1)
    with Sandbox(WORLD) as sandbox:
        whole = catalog_of(sandbox)
        sandbox.add_fault(fault)
        assert catalog_of(sandbox) == whole
        assert not sandbox.unmet_faults()
    assert f"Not sampled: Page one of the pending orders of location {LOCATIONS[0]}" in caplog.text


def test_if_no_partition_can_be_sampled_discovery_fails() -> None:
    """A catalog without columns would be no answer; the first reason is told."""
    fault = Fault(Kind.STATUS, code=403, every=1)
    with Sandbox(WORLD, faults=[fault]) as sandbox, pytest.raises(PartitionError) as caught:
        catalog_of(sandbox)
    assert str(caught.value).startswith(
        f"Page one of the pending orders of location {LOCATIONS[0]}"
    )


@pytest.mark.parametrize(
    ("changes", "warning", "requests"),
    [
        ({"infer_schema": False}, "the whole order goes to _extra, and there is no key", 0),
        ({"location_ids": ["nowhere"]}, "No order was found to infer a schema from", 2),
    ],
)
def test_without_orders_there_are_our_own_columns_only(
    changes: dict[str, Any], warning: str, requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether nobody looked or nothing was there, a warning says so."""
    with Sandbox(WORLD) as sandbox:
        [stream, _] = catalog_of(sandbox, **changes)["streams"]
        assert len(sandbox.journal.orders) == requests
    assert stream["schema"]["properties"].keys() == own_schema().keys()
    assert not stream["key_properties"]
    assert warning in caplog.text


def test_with_a_catalog_nothing_is_sampled() -> None:
    """A run that has one asks for each page once."""
    with Sandbox(WORLD) as sandbox:
        catalog = catalog_of(sandbox)
        sandbox.journal.clear()
        run = run_tap(config_for(sandbox), catalog=catalog, clock=clock_of(sandbox))
        assert run.error is None
        assert len(sandbox.journal.orders) == 60


@given(ORDERS)
@example([r'{"id": 1, "note": "House 12\\B"}'])
def test_whatever_orders_hold_discovery_answers(orders: list[str]) -> None:
    """Orders of any JSON shape end in a catalog, never in an exception."""
    raw = [RawOrder("1", "pending", order.encode()) for order in orders]
    world = World(locations=["1"], orders_per_location=0, raw_orders=raw)
    with Sandbox(world) as sandbox:
        [stream, _] = catalog_of(sandbox, page_size=2)["streams"]
    assert stream["schema"]["properties"].keys() >= own_schema().keys()
