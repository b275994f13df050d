"""A run notices a key that does not identify an order, in bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.fitter import Fitter, Order, open_order
from tap_xstak_oms.sync.keys import FEWEST, REPEATED, SHARED, Keys
from tests.support import Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

HERE, THERE = Partition("pending", "1"), Partition("pending", "2")
LATER = Partition("completed", "2")
COLUMNS = {"id": {"type": ["integer", "null"]}}


def keys(*key: str, most: int = 1000) -> Keys:
    """What watches the keys of a stream."""
    schema = {"properties": {**own_schema(), **COLUMNS}}
    return Keys(Fitter(schema, key=key or ("id",)), most)


def orders(ids: Iterable[int], **fields: Any) -> list[Order]:
    """Orders with these ids."""
    return [open_order(json.dumps({"id": at, **fields}).encode()) for at in ids]


def warnings(watched: Keys, caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What is said of the keys."""
    caplog.clear()
    watched.warn()
    return list(caplog.records)


def test_keys_that_identify_are_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    """Nor are orders listed alike by two locations, met again by a pass, or moved on."""
    watched = keys()
    watched.meet(HERE, 1, orders(range(50)))
    watched.meet(HERE, 2, orders(range(50), changed=True))
    watched.meet(THERE, 1, orders(range(50)))
    watched.meet(LATER, 1, orders(range(50), done=True))
    watched.meet(THERE, 1, orders(range(50)))
    assert warnings(watched, caplog) == []


@pytest.mark.parametrize(("share", "is_told"), [(SHARED, True), (SHARED * 0.9, False)])
def test_a_key_of_two_locations_is_told_with_the_remedy(
    share: float,
    is_told: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From one in a hundred on; fewer may have passed from one location to the other."""
    watched = keys()
    count = int(500 * share)
    watched.meet(HERE, 1, orders(range(500)))
    watched.meet(THERE, 1, orders(range(500 - count, 1000 - count), other=True))
    found = warnings(watched, caplog)
    assert len(found) == is_told
    for record in found:
        assert 'Set `primary_keys` to ["_location_id", "id"]' in record.getMessage()
        assert (record.shared, record.primary_keys) == (count, ["_location_id", "id"])  # type: ignore[attr-defined]  # extra


def test_a_few_keys_are_no_share(caplog: pytest.LogCaptureFixture) -> None:
    """In an hourly read an order that passes on, or changes, is easily one of twenty."""
    for count in (FEWEST - 1, FEWEST):
        watched = keys()
        watched.meet(HERE, 1, orders(range(20)))
        watched.meet(THERE, 1, orders(range(20 - count, 40), other=True))
        watched.meet(HERE, 1, orders(range(count), changed=True))
        assert len(warnings(watched, caplog)) == 2 * (count == FEWEST)


def test_one_location_of_many_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    """A share is one of its own keys, not of all that the run met."""
    watched = keys(most=5000)
    for at in range(3, 40):
        watched.meet(Partition("pending", str(at)), 1, orders(range(at * 100, at * 100 + 100)))
    watched.meet(HERE, 1, orders([*range(20), *range(8)], note=1))
    watched.meet(HERE, 1, orders(range(8), note=2))
    watched.meet(THERE, 1, orders(range(10, 20), note=3))
    shared, repeated = warnings(watched, caplog)
    assert (shared.shared, repeated.repeated) == (10, 8)  # type: ignore[attr-defined]  # extra


def test_a_location_that_lists_the_orders_of_all_is_not_mentioned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Most are alike; those that differ have changed meanwhile."""
    watched = keys()
    watched.meet(HERE, 1, orders(range(100)))
    watched.meet(THERE, 1, orders(range(60)) + orders(range(60, 100), changed=True))
    assert warnings(watched, caplog) == []


def test_a_key_with_the_location_is_asked_within_it(caplog: pytest.LogCaptureFixture) -> None:
    """Then it is no matter what another location has."""
    watched = keys("_location_id", "id")
    watched.meet(HERE, 1, orders(range(50)))
    watched.meet(THERE, 1, orders(range(50), other=True))
    assert warnings(watched, caplog) == []


@pytest.mark.parametrize(("share", "is_told"), [(REPEATED, True), (REPEATED / 2, False)])
def test_a_key_that_a_partition_repeats_is_told(
    share: float,
    is_told: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From one in twenty on; fewer may have changed meanwhile."""
    watched = keys()
    watched.meet(HERE, 1, orders(range(200)))
    watched.meet(HERE, 1, orders(range(int(200 * share)), other=True))
    found = warnings(watched, caplog)
    assert len(found) == is_told
    for record in found:
        assert "The key id repeats: of 200 keys looked at" in record.getMessage()
        assert record.repeated == int(200 * share)  # type: ignore[attr-defined]  # extra


def test_a_stream_without_a_key_is_not_watched(caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to identify."""
    schema = {"properties": own_schema()}
    watched = Keys(Fitter(schema))
    watched.meet(HERE, 1, orders([1, 1]))
    watched.meet(THERE, 1, orders([1], other=True))
    assert warnings(watched, caplog) == []


def test_of_very_many_keys_a_sample_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    """Memory is bounded, and a fault that half of them have is found all the same."""
    watched = keys(most=500)
    tracemalloc.start()
    for begin in range(0, 20_000, 100):
        watched.meet(HERE, 1, orders(range(begin, begin + 100)))
        watched.meet(THERE, 1, orders(range(begin + 50, begin + 150), other=True))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000
    [found] = warnings(watched, caplog)
    assert 100 <= found.keys <= 500  # type: ignore[attr-defined]  # extra


# --- in a run ---


def read(bodies: dict[str, list[dict[str, Any]]], **changes: Any) -> Run:
    """A run over the pending orders of some locations, with a catalog whose key is `id`."""
    raw = [
        RawOrder(location, "pending", json.dumps(order).encode())
        for location, found in bodies.items()
        for order in found
    ]
    world = World(locations=list(bodies), orders_per_location=0, raw_orders=raw)
    with Sandbox(world) as sandbox:
        config = config_for(sandbox, page_size=20, **changes)
        catalog = discovered(config | {"primary_keys": ["id"]}, clock=clock_of(sandbox))
        run = run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    return run


@pytest.mark.parametrize("remedy", [None, ["_location_id", "id"]])
def test_a_run_tells_of_a_key_that_holds_only_within_a_location(
    remedy: list[str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """With the remedy; with that set nothing is said, and the first pages need not overlap."""
    own = [{"id": at, "shop": "a"} for at in range(100)]
    other = [{"id": at, "shop": "b"} for at in range(150, 50, -1)]
    run = read({"1001": own, "1002": other}, **({"primary_keys": remedy} if remedy else {}))
    assert len(run.records) == 200
    told = [text for text in caplog.messages if text.startswith("The key id identifies an order")]
    assert len(told) == (remedy is None)


def test_a_key_that_repeats_is_told_and_its_bookmark_moves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every order is emitted once; the partition is read twice, and has a bookmark."""
    bodies = [{"id": at % 30, "row": at} for at in range(70)]
    run = read({"1001": bodies})
    assert sorted(record["row"] for record in run.records) == list(range(70))
    assert run.bookmarks[("pending", "1001")] is not None
    assert any(text.startswith("The key id repeats: of 30 keys") for text in caplog.messages)
    assert "kept moving" not in caplog.text
