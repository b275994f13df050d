"""What loaders are told of nested values, and what that makes of values with an odd inside."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_xstak_oms.singer.nested import ALL_LEVELS, OPEN, told
from tests.holdings import exact
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from tests.support import Run

TEXT = {"type": ["string", "null"]}
OBJECT = {"type": ["object", "null"], "additionalProperties": True}
LIST = {"type": ["array", "null"]}
HOME = {"type": ["object", "null"], "properties": {"city": TEXT}, "additionalProperties": False}
CUSTOMER = {"type": ["object", "null"], "properties": {"name": TEXT, "home": HOME, "tags": LIST}}
ITEMS = {"type": ["array", "null"], "items": {"type": "object", "properties": {"sku": TEXT}}}
ODD_INSIDE = {
    "customer": b'{"name":5,"is_guest":"yes","address":[1.10]}',
    "line_items": b'[{"sku":7,"quantity":"2 pcs"},"a gift",[]]',
    "tags": b'[1.10,{"a":null}]',
}


# --- the schema ---


@pytest.mark.parametrize(
    ("schema", "is_open"),
    [
        (CUSTOMER, OBJECT),
        (ITEMS, LIST),
        ({"type": ["array", "null"], "items": {}}, LIST),
        (OBJECT, OBJECT),
        ({"type": "object", "properties": {}, "required": ["a"]}, {**OBJECT, "type": "object"}),
        ({**CUSTOMER, "description": "Who."}, {**OBJECT, "description": "Who."}),
        (
            {"anyOf": [CUSTOMER, {"oneOf": [ITEMS, TEXT]}]},
            {"anyOf": [OBJECT, {"oneOf": [LIST, TEXT]}]},
        ),
        ({**TEXT, "format": "date-time"}, {**TEXT, "format": "date-time"}),
        ({}, {}),
        ({"type": None}, {"type": None}),
        (True, True),
    ],
)
def test_an_open_schema_tells_of_no_members(schema: Any, is_open: Any) -> None:
    """An object is an object and a list is a list, without `items`; the rest stays as it is."""
    found = told({"type": "object", "properties": {"a": schema}}, OPEN)
    assert found == {"type": "object", "properties": {"a": is_open}}
    assert told(found, OPEN) == found


@pytest.mark.parametrize(
    ("levels", "customer"),
    [
        (1, {**CUSTOMER, "properties": {"name": TEXT, "home": OBJECT, "tags": LIST}}),
        (2, CUSTOMER),
        (9, CUSTOMER),
    ],
)
def test_flattening_is_told_the_members_it_makes_columns_of(
    levels: int, customer: dict[str, Any]
) -> None:
    """As many levels of objects as it flattens, and of no list: those become text."""
    schema = {"properties": {"customer": CUSTOMER, "line_items": ITEMS}}
    assert told(schema, levels) == {"properties": {"customer": customer, "line_items": LIST}}


def test_a_declared_schema_is_the_catalogs() -> None:
    """Nothing is taken away, not even what is odd."""
    schema = {"properties": {"customer": CUSTOMER, "line_items": ITEMS, "odd": {"items": 1}}}
    assert told(schema, ALL_LEVELS) == schema


@pytest.mark.parametrize("columns", [{"a": OBJECT, "b": LIST}, {"a": CUSTOMER, "b": ITEMS}])
def test_the_sdks_conformance_takes_both_forms(columns: dict[str, Any]) -> None:
    """Targets that are built with the SDK go through it."""
    record = {"a": {"name": "x", "home": {"city": "y"}, "tags": ["z"]}, "b": [{"sku": "1"}]}
    for level in (TypeConformanceLevel.RECURSIVE, TypeConformanceLevel.ROOT_ONLY):
        found = conform_record_data_types(
            "sales_orders",
            json.loads(json.dumps(record)),
            {"properties": columns},
            level,
            logging.getLogger(__name__),
        )
        assert found == record


# --- the run ---


def read(catalog: dict[str, Any] | None = None, **changes: Any) -> Run:
    """A run over a small world with an order whose nested values are odd inside."""
    members = b",".join(b'"%b":%b' % (name.encode(), ODD_INSIDE[name]) for name in ODD_INSIDE)
    odd = RawOrder("1001", "pending", b'{"id":7,%b}' % members)
    with Sandbox(World(locations=("1001",), orders_per_location=30, raw_orders=[odd])) as sandbox:
        run = run_tap(config_for(sandbox, **changes), catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    assert len(run.records) == 31
    return run


@pytest.fixture(scope="module")
def catalog() -> dict[str, Any]:
    """What discovery finds where no order is odd."""
    with Sandbox(World(locations=("1001",), orders_per_location=30)) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def odd_values(run: Run) -> dict[str, Any]:
    """What became of the odd order's nested values."""
    [record] = [record for record in run.records if record["id"] == 7]
    return {name: record[name] for name in (*ODD_INSIDE, "_extra")}


def test_a_nested_value_stays_in_its_column_whatever_is_inside(catalog: dict[str, Any]) -> None:
    """Loaders are told nothing of the inside, and the value arrives digit by digit."""
    run = read(catalog)
    told_properties = run.schema["schema"]["properties"]
    assert told_properties["customer"] == OBJECT
    assert told_properties["line_items"] == told_properties["tags"] == LIST
    found = odd_values(run)
    assert found.pop("_extra") is None
    assert exact(found) == exact(
        {name: json.loads(value, parse_float=Decimal) for name, value in ODD_INSIDE.items()}
    )


def test_the_catalog_shows_the_members(catalog: dict[str, Any]) -> None:
    """They can be deselected there, and a run without a catalog tells loaders as little."""
    properties = catalog["streams"][0]["schema"]["properties"]
    assert "name" in properties["customer"]["properties"]
    assert "sku" in properties["line_items"]["items"]["properties"]
    assert read().schema["schema"]["properties"]["line_items"] == LIST


def test_declared_members_are_told_and_checked(catalog: dict[str, Any]) -> None:
    """On demand: what does not fit inside moves the whole to `_extra`, for a loader would fail."""
    run = read(catalog, nested_schema="declared")
    shown = catalog["streams"][0]["schema"]["properties"]
    told_properties = run.schema["schema"]["properties"]
    assert {name: told_properties[name] for name in ODD_INSIDE} == {
        name: shown[name] for name in ODD_INSIDE
    }
    found = odd_values(run)
    assert found.pop("_extra").keys() == ODD_INSIDE.keys()
    assert found == dict.fromkeys(ODD_INSIDE)


def test_the_mapper_knows_open_columns(catalog: dict[str, Any]) -> None:
    """A stream map reads inside them, and copies them as they are."""
    maps = {
        "sales_orders": {
            "first": "str(_['line_items'] and _['line_items'][0])",
            "bag": "line_items",
        }
    }
    run = read(catalog, stream_maps=maps)
    [record] = [record for record in run.records if record["id"] == 7]
    assert record["first"] == "{'sku': 7, 'quantity': '2 pcs'}"
    assert record["bag"] == record["line_items"]
    assert run.schema["schema"]["properties"]["bag"] == LIST
