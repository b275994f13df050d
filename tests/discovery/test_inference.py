"""Sampled orders as a schema and a key."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.helpers._flattening import flatten_record, flatten_schema
from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.sinks.core import JSONSchemaValidator

from tap_xstak_oms.discovery.inference import (
    COLUMNS_LIMIT,
    MEMBERS_LIMIT,
    NAMES_SHOWN,
    Inference,
    infer,
    is_identifier,
)
from tap_xstak_oms.errors import TapError
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.fitter import Fitter, open_order, to_python

PENDING = ("pending", "12")
COMPLETED = ("completed", "34")


def infer_from(*orders: str, **options: Any) -> Inference:
    """What orders of one partition say."""
    return infer({PENDING: [order.encode() for order in orders]}, **options)


def column(*values: str, name: str = "v") -> dict[str, Any] | None:
    """The column of a field that had these values."""
    return infer_from(*(f'{{"{name}":{value}}}' for value in values)).properties.get(name)


def remarks_of(inference: Inference) -> str:
    """All remarks, for looking into."""
    return "\n".join(inference.remarks)


# --- columns ---


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1"], "number"),
        (["1.10", "2"], "number"),
        (["1e400"], "number"),
        (["9" * 5000], "number"),
        (["true", "false"], "boolean"),
        (['"a"', "null", '"b"'], "string"),
        (["null", "1"], "number"),
    ],
)
def test_a_scalar_has_a_nullable_column_of_its_type(values: list[str], kind: str) -> None:
    """Numbers are `number`: an integer column would round later decimals."""
    assert column(*values) == {"type": [kind, "null"]}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-9223372036854775808", "9223372036854775807", "null"], "integer"),
        (["1", "9223372036854775808"], "number"),
        (["1", "-9223372036854775809"], "number"),
        (["1", "1.0"], "number"),
        (['"a1"'], "string"),
    ],
)
def test_identifiers_of_at_most_64_bits_are_integers(values: list[str], kind: str) -> None:
    """Only those seen as nothing else."""
    assert column(*values, name="customer_id") == {"type": [kind, "null"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ["id", "ID", "Id", "_id", "order_id", "ORDER_ID", "order-id"]),
        *((name, True) for name in ["orderId", "orderID", "SKUId", "line2Id", "order.id", "a id"]),
        *((name, False) for name in ["paid", "PAID", "valid", "grid", "Paid", "orderid", "idea"]),
        *((name, False) for name in ["ids", "id_type", "order_ids", "", "i", "d"]),
    ],
)
def test_an_identifier_is_or_ends_in_id_as_a_word(name: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """`paid` is money."""
    assert is_identifier(name) == expected


@pytest.mark.parametrize(
    ("values", "is_timestamp"),
    [
        (['"2024-05-01T00:00:00+5:00"', "null", '"2024-05-01T00:00:00Z"'], True),
        (['"2024-05-01T00:00:00+05:00"', '"2024-05-01T00:00:00"'], False),
        (['"2024-05-01T00:00:00Z"', '""'], False),
        (['"2024-05-01"'], False),
        ([r'"House 12\\B"'], False),
        ([r'"2024-05-01T00:00:00\u002B05:00"'], True),
    ],
)
def test_timestamps_that_always_carry_an_offset_are_date_time(
    values: list[str],
    is_timestamp: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Naive ones are no instants: they stay strings."""
    found = column(*values)
    assert found is not None
    assert (found.get("format") == "date-time") == is_timestamp


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


@pytest.mark.parametrize("value", ["[]", "[null]", '[1,"a"]', "[1,[]]"])
def test_items_of_no_one_type_may_be_anything(value: str) -> None:
    """Whatever comes later fits."""
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


def test_a_field_only_ever_null_has_no_column() -> None:
    """It has no type yet; the remark names it."""
    found = infer_from('{"a":null,"b":1}', '{"a":null}')
    assert list(found.properties) == ["b"]
    assert "only ever null: a." in remarks_of(found)


def test_a_field_of_several_types_has_no_column_and_is_named() -> None:
    """No column type takes both exactly; the remark says where each was met."""
    found = infer({PENDING: [b'{"a":1,"b":2}'], COMPLETED: [b'{"a":"x","b":{}}']})
    assert found.properties == {}
    assert "a (integer: pending at 12, string: completed at 34)" in remarks_of(found)
    assert "b (integer: pending at 12, object: completed at 34)" in remarks_of(found)


def test_unusable_names_have_no_column() -> None:
    """Ours, the loader's own, and those that differ from an earlier one by case only."""
    names = ["_extra", "_Location_ID", "_sdc_x", "_SDC_Y", "", 'q"', "orderId", "orderid", "v"]
    found = infer_from(json.dumps(dict.fromkeys(names, 1)))
    assert list(found.properties) == ["orderId", "v"]
    assert '_extra, _Location_ID, _sdc_x, _SDC_Y, , q", orderid.' in remarks_of(found)


def test_columns_are_limited_in_number() -> None:
    """Loaders have limits of their own; the remark says how many were left out."""
    found = infer_from(json.dumps({f"c{number}": 1 for number in range(COLUMNS_LIMIT + 5)}))
    assert len(found.properties) == COLUMNS_LIMIT
    assert f"first {COLUMNS_LIMIT} of {COLUMNS_LIMIT + 5} fields" in remarks_of(found)


def test_remarks_are_bounded() -> None:
    """Of very many fields with one fault some are named and the others counted."""
    many = NAMES_SHOWN + 4
    nulls = {f"n{number}": None for number in range(many)}
    mixed = {f"m{number}": 1 for number in range(many)}
    found = infer_from(json.dumps(nulls | mixed), json.dumps(dict.fromkeys(mixed, "x") | {"id": 2}))
    assert "n19 and 4 more" in remarks_of(found)
    assert "4 more fields have several types" in remarks_of(found)
    assert len(found.remarks) < many + 4


def test_what_is_no_order_is_ignored_and_counted() -> None:
    """One odd answer does not spoil the rest."""
    found = infer_from("null", "[1]", "[" * 100_000 + "]" * 100_000, '{"id":1}')
    assert list(found.properties) == ["id"]
    assert "3 sampled orders are no JSON objects" in remarks_of(found)


@pytest.mark.parametrize("samples", [{}, {PENDING: []}, {PENDING: [b"null"]}])
def test_without_orders_there_is_no_column_and_no_key(samples: dict[Any, Any]) -> None:
    """Even for a given key: `--discover` always answers, and says what it could not find."""
    found = infer(samples, primary_keys=["id"])
    assert (found.properties, found.key) == ({}, ())
    assert "No order was found" in remarks_of(found)


# --- the key ---


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        (["id", "order_id"], "id"),
        (["orderId", "order_id"], "order_id"),
        (["_id", "orderId"], "orderId"),
        (["order_number", "_id"], "_id"),
    ],
)
def test_the_key_is_the_first_candidate_that_identifies(fields: list[str], key: str) -> None:
    """In our order, whatever theirs; no warning."""
    orders = [json.dumps(dict.fromkeys(fields, value)) for value in ("a", "b")]
    found = infer_from(*orders)
    assert found.key == (key,)
    assert "Warning" not in remarks_of(found)


@pytest.mark.parametrize("name", ["order_number", "orderNumber", "order_no"])
def test_a_number_of_an_order_is_a_key_with_a_warning(name: str) -> None:
    """It may not be unique beyond the sample."""
    found = infer_from(f'{{"{name}":"A-1"}}', f'{{"{name}":"A-2"}}')
    assert found.key == (name,)
    assert f"Warning: the key is `{name}`" in remarks_of(found)


@pytest.mark.parametrize(
    "ids",
    [
        ["1", "1"],
        ["1", "null"],
        ["1.5", "2.5"],
        ["true", "false"],
        ['{"a":1}', '{"a":2}'],
        ["1", '"2"'],
        ["1" * 200, "2" * 200],
    ],
)
def test_what_does_not_identify_is_no_key(ids: list[str]) -> None:
    """Repeated, null, no plain string or integer, or of several types: the next one is tried."""
    found = infer_from(*(f'{{"id":{value},"_id":"{at}"}}' for at, value in enumerate(ids)))
    assert found.key == ("_id",)


def test_a_key_missing_in_an_order_is_no_key_and_the_remark_says_where() -> None:
    """Partitions may disagree: the key has to hold in every status."""
    found = infer({PENDING: [b'{"id":1}', b'{"id":2}'], COMPLETED: [b'{"id":3}', b'{"a":1}']})
    assert found.key == ()
    assert "`id` is not the key: in status completed" in remarks_of(found)
    assert "Warning: no field identifies an order" in remarks_of(found)


def test_an_order_may_be_met_in_two_statuses() -> None:
    """It moves on, and is the same order: the key is distinct within a status."""
    assert infer({PENDING: [b'{"id":1}'], COMPLETED: [b'{"id":1}']}).key == ("id",)


def test_two_locations_of_a_status_share_the_key() -> None:
    """An id that two locations give to different orders identifies neither."""
    samples = {PENDING: [b'{"id":1}'], ("pending", "34"): [b'{"id":1,"a":2}']}
    assert infer(samples).key == ()


def test_a_partition_without_orders_has_no_say() -> None:
    """An empty status does not disprove a key."""
    assert infer({PENDING: [b'{"id":1}'], COMPLETED: []}).key == ("id",)


def test_a_long_integer_key_is_a_number() -> None:
    """Exact, and of a type that a loader can make a key of."""
    found = infer_from('{"id":123456789012345678901}', '{"id":123456789012345678902}')
    assert found.key == ("id",)
    assert found.properties["id"] == {"type": ["number", "null"]}


def test_a_given_key_is_the_key() -> None:
    """Our own columns may be part of it."""
    found = infer_from('{"id":1,"n":1}', '{"id":1,"n":1}', primary_keys=["n", "_location_id"])
    assert found.key == ("n", "_location_id")
    assert found.remarks == ()


def test_a_given_key_that_repeats_is_remarked() -> None:
    """It is taken at the user's word, with what it will cost."""
    found = infer_from('{"n":1}', '{"n":1}', primary_keys=["n"])
    assert found.key == ("n",)
    assert "does not identify every sampled order of status pending" in remarks_of(found)


def test_a_given_key_that_no_order_has_is_an_error() -> None:
    """A record without the column of its key breaks the load."""
    with pytest.raises(TapError, match="`primary_keys` names ordr_id:"):
        infer_from('{"id":1}', primary_keys=["ordr_id"])


# --- for any sample ---

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.sampled_from(["2024-05-01T00:00:00Z", "2024-05-01T00:00:00"]),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("ab"), values, max_size=2)
    ),
    max_leaves=5,
)
_ORDERS = st.dictionaries(st.sampled_from(["id", "v", "V", "w_id", "_extra"]), _VALUES)


@given(st.lists(_ORDERS, min_size=1, max_size=6))
def test_every_sampled_order_fits_the_schema_inferred_from_it(orders: list[dict[str, Any]]) -> None:
    """No sampled value of a column is a misfit, and every record is valid by the schema."""
    sampled = [json.dumps(order).encode() for order in orders]
    found = infer({PENDING: sampled})
    schema = {"type": "object", "properties": {**found.properties, **own_schema()}}
    stream = Fitter(schema, key=found.key)
    bound = stream.bind(location_id="12", order_status="pending", synced_at="x")
    records = [to_python(bound(open_order(order))) for order in sampled]
    for record in records:
        JSONSchemaValidator(schema).validate(record)
    assert not stream.misfits


@given(st.lists(_ORDERS, min_size=1, max_size=6))
def test_the_sdk_can_work_with_any_inferred_schema(orders: list[dict[str, Any]]) -> None:
    """Its conformance and its flattening, which both look for what schemas may lack."""
    found = infer({PENDING: [json.dumps(order).encode() for order in orders]})
    schema = {"type": "object", "properties": found.properties}
    flat = flatten_schema(schema, max_level=3)
    for order in orders:
        conform_record_data_types(
            "orders", order, schema, TypeConformanceLevel.RECURSIVE, logging.getLogger()
        )
        flatten_record(order, flat, max_level=3)


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


@given(st.lists(_ORDERS, min_size=1, max_size=6))
def test_the_same_sample_gives_the_same_answer(orders: list[dict[str, Any]]) -> None:
    """To the byte, columns in the order in which they were met."""
    sample = {PENDING: [json.dumps(order).encode() for order in orders]}
    assert msgspec.json.encode(infer(sample)) == msgspec.json.encode(infer(sample))
