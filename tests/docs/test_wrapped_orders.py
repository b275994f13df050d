"""The stream maps of docs/recipes.md give a key to orders that come inside an object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support import Run, blocks, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IN_AN_OBJECT, IN_ITS_ID = (
    yaml.safe_load(text)["config"]
    for text in blocks("docs/recipes.md", "yaml", under="Wrapped orders")
)
NUMBERED = json.loads(json.dumps(IN_AN_OBJECT).replace("_['order']['id']", "int(_['order']['id'])"))
"""What the page says to write where the id is a number."""

SHAPES: list[Any] = [
    (IN_AN_OBJECT, lambda at: {"order": {"id": f"Q{at}", "total": 1.5}}, "order.id"),
    (NUMBERED, lambda at: {"order": {"id": at, "total": 1.5}}, "order.id"),
    (IN_ITS_ID, lambda at: {"_id": {"$oid": f"65e1{at:04}"}, "total": 1.5}, "_id.$oid"),
]
shapes = pytest.mark.parametrize(
    ("settings", "order", "place"), SHAPES, ids=["text", "number", "$oid"]
)


def world(orders: Sequence[dict[str, Any]]) -> World:
    """One location with these orders."""
    raw = [RawOrder("1001", "pending", json.dumps(order).encode()) for order in orders]
    return World(locations=["1001"], orders_per_location=0, raw_orders=raw)


def read(holding: World, catalog: dict[str, Any] | None = None, **settings: Any) -> Run:
    """A run over it."""
    with Sandbox(holding) as sandbox:
        config = config_for(sandbox, page_size=2, **settings)
        return run_tap(config, catalog=catalog, clock=clock_of(sandbox))


def id_in(order: dict[str, Any], place: str) -> Any:
    """What stands in the place that discovery names."""
    name, member = place.split(".")
    return order[name][member]


@shapes
@pytest.mark.parametrize("is_committed", [False, True])
def test_the_recipe_makes_the_key_of_a_wrapped_order(
    settings: dict[str, Any],
    order: Callable[[int], dict[str, Any]],
    place: str,
    caplog: pytest.LogCaptureFixture,
    *,
    is_committed: bool,
) -> None:
    """Discovery names the place; each order then has its id in a column that is the key."""
    holding = world([order(at) for at in range(5)])
    with Sandbox(holding) as sandbox:
        catalog = discovered(config_for(sandbox, **settings), clock=clock_of(sandbox))
    assert f"An id lies inside: {place}." in caplog.text
    run = read(holding, catalog if is_committed else None, **settings)
    assert run.error is None
    assert run.schema["key_properties"] == ["order_id"]
    assert "order_id" in run.schema["schema"]["properties"]
    ids = [record["order_id"] for record in run.records]
    assert sorted(ids) == sorted(id_in(order(at), place) for at in range(5))


@shapes
def test_an_order_without_the_id_fails_its_partition(
    settings: dict[str, Any], order: Callable[[int], dict[str, Any]], place: str
) -> None:
    """By name, and the others come."""
    holding = world([*map(order, range(30)), {place.partition(".")[0]: {}, "total": 2}])
    run = read(holding, **settings)
    assert "the pending orders of location 1001" in str(run.error)
    assert len(run.records) == 30
