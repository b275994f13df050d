"""What discovery looks at: a bounded, even and steady sample, from the start date on."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.discovery.sampling import SAMPLES, spread
from tap_xstak_oms.errors import PartitionError
from tap_xstak_oms.records.columns import own_schema
from tests.discovery.any_json import ORDERS
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, RawOrder, Sandbox, World, location_ids

if TYPE_CHECKING:
    from xstak_sandbox import Entry

LOCATIONS = location_ids(30)
WORLD = World(locations=LOCATIONS, orders_per_location=30)
"""Sixty partitions, of which most have more than a page of five."""


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
    """One page of twenty partitions at most, spread over all, from the configured start date."""
    with Sandbox(WORLD) as sandbox:
        catalog_of(sandbox)
        asked = sandbox.journal.orders
    every_third = [
        Partition(status, location) for status in ("pending", "completed") for location in LOCATIONS
    ][::3]
    assert len(asked) == len(every_third) == SAMPLES
    assert partitions_of(asked) == set(every_third)
    assert not any(entry.parameter("page") for entry in asked)
    assert {entry.parameter("start_date") for entry in asked} == {"2025-01-01T00:00:00+05:00"}


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
        config = config_for(sandbox, page_size=5)
        state = run_tap(config, clock=clock_of(sandbox)).state
        sandbox.journal.clear()
        again = run_tap(config, state=state, clock=clock_of(sandbox))
        sampled = sandbox.journal.orders[:SAMPLES]
    assert again.schema["schema"] == {
        name: part for name, part in first["streams"][0]["schema"].items() if name != "$schema"
    }
    assert {entry.parameter("start_date") for entry in sampled} == {config["start_date"]}


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
