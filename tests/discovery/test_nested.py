"""What the catalog says of the inside of objects and lists."""

from __future__ import annotations

import json
import logging

import pytest
from singer_sdk.helpers._flattening import flatten_record, flatten_schema
from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_xstak_oms.discovery.nested import MEMBERS_LIMIT
from tap_xstak_oms.records.columns import own_schema
from tests.discovery.samples import column, infer_from

OPEN_OBJECT = {"type": ["object", "null"], "additionalProperties": True}


def test_nested_timestamps_are_strings() -> None:
    """Nested values travel byte for byte, so nothing may be promised of their form."""
    found = column('{"at":"2024-05-01T00:00:00Z","list":["2024-05-01T00:00:00Z"]}')
    assert "date-time" not in json.dumps(found)


def test_nested_values_are_typed_and_open() -> None:
    """What is inside is declared nullable, nothing is required, and more may come."""
    assert column('{"id":1,"n":1,"none":null}', '{"list":[{"a":"x"},{"b":[true]},null]}') == {
        "type": ["object", "null"],
        "properties": {
            "id": {"type": ["integer", "null"]},
            "n": {"type": ["number", "null"]},
            "list": {
                "type": ["array", "null"],
                "items": {
                    "type": ["object", "null"],
                    "properties": {
                        "a": {"type": ["string", "null"]},
                        "b": {
                            "type": ["array", "null"],
                            "items": {"type": ["boolean", "null"]},
                        },
                    },
                    "additionalProperties": True,
                },
            },
        },
        "additionalProperties": True,
    }


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("9223372036854775807", "integer"),
        ("-9223372036854775808", "integer"),
        ("9223372036854775808", "number"),
        ("9" * 5000, "number"),
        ("1e3", "number"),
    ],
)
def test_a_nested_identifier_is_an_integer_as_far_as_64_bits_go(number: str, found: str) -> None:
    """A longer one is a number, or loaders would refuse it."""
    schema = column(f'{{"id":1,"order_id":{number}}}', '{"id":1,"order_id":5}')
    assert schema is not None
    assert schema["properties"]["order_id"] == {"type": [found, "null"]}


@pytest.mark.parametrize("value", ["[]", "[null]", '[1,"a"]', "[1,[]]"])
def test_items_of_no_one_type_may_be_anything(value: str) -> None:
    """Any later value fits."""
    assert column(value) == {"type": ["array", "null"]}


@pytest.mark.parametrize("value", ["[1.10,2]", "[1]", "[[1],[2,3]]"])
def test_items_that_a_database_array_would_not_take_are_undeclared(value: str) -> None:
    """Numbers and arrays: tests/end_to_end/test_loaders.py shows what becomes of them as JSON."""
    assert column(value) == {"type": ["array", "null"]}


def test_what_has_several_types_within_an_object_is_left_open() -> None:
    """It is not declared, so that its object takes any of them."""
    found = column('{"a":1,"b":"x"}', '{"a":"1"}')
    assert found is not None
    assert list(found["properties"]) == ["b"]


def test_an_object_of_very_many_members_is_a_map() -> None:
    """Names that are data do not become schema."""
    members = {f"SKU-{number}": 1 for number in range(MEMBERS_LIMIT + 1)}
    expected = {"type": ["object", "null"], "additionalProperties": True}
    assert column(json.dumps(members)) == expected


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_very_deep_values_are_declared_to_a_depth(opening: str, closing: str) -> None:
    """The rest is open."""
    depth = 100
    schema = json.dumps(column(opening * depth + "1" + closing * depth))
    assert schema.count("type") < depth / 2


def test_objects_in_arrays_always_say_what_their_properties_are() -> None:
    """The SDK's conformance fails on those that do not, when a member is met later."""
    schema = {"properties": infer_from('{"v":[{}]}').properties}
    record = {"v": [{"new": 1}]}
    conform_record_data_types(
        "orders", record, schema, TypeConformanceLevel.RECURSIVE, logging.getLogger()
    )
    assert column("[{}]") == {
        "type": ["array", "null"],
        "items": {"type": ["object", "null"], "properties": {}, "additionalProperties": True},
    }


@pytest.mark.parametrize(
    "names",
    [
        ["1", "23", "456"],
        ["0"],
        ["550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440001"],
        ["507f1f77bcf86cd799439011", "507f191e810c19729de860ea"],
        ["12", "507f191e810c19729de860ea"],
    ],
)
def test_an_object_whose_names_are_data_is_a_map(names: list[str]) -> None:
    """Digits, UUIDs and hexadecimal ids of one sample say nothing of the next one's."""
    assert column(json.dumps(dict.fromkeys(names, 1))) == OPEN_OBJECT
    items = column(json.dumps([dict.fromkeys(names, 1)]))
    assert items == {"type": ["array", "null"], "items": OPEN_OBJECT | {"properties": {}}}


@pytest.mark.parametrize("names", [["1", "total"], ["add", "fee"], ["facade"], ["decade"], ["a1"]])
def test_an_object_with_a_name_that_a_person_gave_is_no_map(names: list[str]) -> None:
    """A word may consist of hexadecimal digits."""
    found = column(json.dumps(dict.fromkeys(names, 1)))
    assert found is not None
    assert list(found["properties"]) == names


def test_members_are_those_of_the_values_that_fit_the_column() -> None:
    """An odd value among them does not count."""
    assert column(*['{"a":1}'] * 39, "[1]") == column('{"a":1}')
    assert column(*['["a"]'] * 39, '{"b":1}', "[]") == column('["a"]')


def test_flattening_keeps_what_is_not_declared_of_an_object() -> None:
    """An object without known members becomes text rather than nothing."""
    schema = {"properties": {**own_schema(), **infer_from('{"v":{}}').properties}}
    flat = flatten_schema(schema, max_level=2)
    record = {"v": {"new": 1}, "_extra": {"a": {"b": 1}}}
    assert flatten_record(record, flat, max_level=2) == {
        "v": '{"new":1}',
        "_extra": '{"a":{"b":1}}',
    }
    assert {"v", "_extra"} <= flat["properties"].keys()
