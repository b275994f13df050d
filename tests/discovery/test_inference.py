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

from tap_xstak_oms.discovery.inference import COLUMNS_LIMIT, infer
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.fitter import Fitter, open_order
from tap_xstak_oms.records.objects import to_python
from tests.discovery.samples import PENDING, infer_from, remarks_of

LONG = "\N{KELVIN SIGN}" * 22
"""66 bytes in UTF-8, and 22 in lower case."""


def test_unusable_names_have_no_column() -> None:
    """Ours, the loader's own, and those that differ from an earlier one by case only."""
    names = [
        "_extra",
        "_Location_ID",
        "_sdc_x",
        "_SDC_Y",
        "",
        'q"',
        LONG,
        "orderId",
        "orderid",
        "v",
    ]
    found = infer_from(json.dumps(dict.fromkeys(names, 1)))
    assert list(found.properties) == ["orderId", "v"]
    assert f'unusable: _extra, _Location_ID, _sdc_x, _SDC_Y, , q", {LONG}, orderid.' in remarks_of(
        found
    )


def test_columns_are_limited_in_number() -> None:
    """Loaders have limits of their own; the remark says how many were left out."""
    found = infer_from(json.dumps({f"c{number}": 1 for number in range(COLUMNS_LIMIT + 5)}))
    assert len(found.properties) == COLUMNS_LIMIT
    assert f"there are more than {COLUMNS_LIMIT:,}: c1000, c1001," in remarks_of(found)
    assert f"{COLUMNS_LIMIT + 5:,} fields, {COLUMNS_LIMIT:,} with a col" in remarks_of(found)


def test_what_is_no_order_is_ignored_and_counted() -> None:
    """One odd answer does not spoil the rest."""
    found = infer_from("null", "[1]", "[" * 100_000 + "]" * 100_000, '{"id":1}')
    assert list(found.properties) == ["id"]
    assert "3 sampled orders ignored: no JSON object" in remarks_of(found)


@pytest.mark.parametrize("samples", [{}, {PENDING: []}, {PENDING: [b"null"]}])
def test_without_orders_there_is_no_column_and_no_key(samples: dict[Any, Any]) -> None:
    """Even for a given key: `--discover` always answers, and says what it could not find."""
    found = infer(samples, primary_keys=["id"])
    assert (found.properties, found.key) == ({}, ())
    assert "No order was found" in remarks_of(found)


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
    """Every record is valid by the schema; what does not fit a column was told by discovery."""
    sampled = [json.dumps(order).encode() for order in orders]
    found = infer({PENDING: sampled})
    schema = {"type": "object", "properties": {**found.properties, **own_schema()}}
    stream = Fitter(schema, key=found.key)
    bound = stream.bind(location_id="12", order_status="pending", synced_at="x")
    records = [to_python(bound(open_order(order))) for order in sampled]
    for record in records:
        JSONSchemaValidator(schema).validate(record)
    told = {remark.fields["field"] for remark in found.remarks if "field" in remark.fields}
    assert stream.misfits.keys() <= told


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


@given(st.lists(_ORDERS, min_size=1, max_size=6))
def test_the_same_sample_gives_the_same_answer(orders: list[dict[str, Any]]) -> None:
    """To the byte, columns in the order in which they were met."""
    sample = {PENDING: [json.dumps(order).encode() for order in orders]}
    assert msgspec.json.encode(infer(sample)) == msgspec.json.encode(infer(sample))
