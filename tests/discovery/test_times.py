"""Fields that hold times of other forms: named by discovery, converted where the user says so."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.records.timestamps import time_in
from tests.discovery.any_json import VALUES
from tests.discovery.samples import infer_from, order_of, warnings_of
from tests.support import Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

FORMS = {
    "without an offset": ('"2024-05-01 10:00:0#"', "2024-05-01T05:00:0#+00:00"),
    "seconds since 1970": ("171451224#", "2024-04-30T21:24:0#+00:00"),
    "milliseconds since 1970": ('"171451224#123"', "2024-04-30T21:24:0#.123+00:00"),
    "/Date(ms)/": (r'"\/Date(171451224#123)\/"', "2024-04-30T21:24:0#.123+00:00"),
}
"""A value of each form, in which # is a digit, and the same in UTC; the zone is Karachi's."""
TIME = {"type": ["string", "null"], "format": "date-time"}
forms = pytest.mark.parametrize("form", FORMS)


def told(*values: str, name: str = "created_at") -> dict[str, Any] | None:
    """What machines are told of a field that looks like a time."""
    found = infer_from(*(order_of({"id": str(at), name: v}) for at, v in enumerate(values)))
    fields = [remark.fields for remark in found.remarks if "time_like" in remark.fields]
    return fields[0] if fields else None


@forms
def test_a_field_that_looks_like_a_time_is_named(form: str) -> None:
    """With its form; nine in ten values are enough, and nothing counts not."""
    values = [FORMS[form][0].replace("#", str(at)) for at in range(9)]
    assert told(*values) == {"time_like": ["created_at"], "form": form}
    assert told(*values, '"soon"', '""', "null") == {"time_like": ["created_at"], "form": form}
    assert told(*values[:5], '"soon"') is None


@pytest.mark.parametrize(
    ("name", "is_time"),
    [
        *((name, True) for name in ["created_at", "createdAt", "placed_on", "paidOn", "when"]),
        *((name, True) for name in ["date", "order_date", "orderTime", "updateTimestamp", "ts"]),
        *((name, True) for name in ["dateCreated", "date_paid", "PURCHASEDATE"]),
        *((name, False) for name in ["id", "phone", "total", "location", "format", "region"]),
        *((name, False) for name in ["weight", "reason", "seat", "person", "ON_HAND"]),
    ],
)
def test_a_number_is_a_time_only_by_its_field_s_name(name: str, is_time: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Telephone numbers and amounts have as many digits."""
    assert (told("1714512245", "1714512246", name=name) is not None) == is_time


@pytest.mark.parametrize("value", ["123456789", "9999999999", '"923001234567"'])
def test_a_number_of_another_century_is_no_time(value: str) -> None:
    """With any name of the field."""
    assert told(value, name="created_at") is None


def test_a_time_with_an_offset_needs_no_setting() -> None:
    """Its column is a timestamp; mixed with others it is named."""
    assert told('"2024-05-01T10:00:00Z"') is None
    mixed = told('"2024-05-01T10:00:00Z"', '"2024-05-01T10:00:00"')
    assert mixed == {"time_like": ["created_at"], "form": "without an offset"}


def test_a_setting_that_names_what_no_order_has_is_told() -> None:
    """It may be misspelt."""
    found = infer_from('{"id":1,"a":null}', times=dict.fromkeys(["a", "b"], time_in(KARACHI)))
    assert any("`timestamp_fields` names a, b: no sampled" in text for text in warnings_of(found))
    assert "a" not in found.properties


def test_values_that_are_no_times_are_told() -> None:
    """Counted, as those of other columns are."""
    orders = [order_of({"id": str(at), "made": "1714512245"}) for at in range(3)]
    orders.append('{"id":9,"made":"soon"}')
    found = infer_from(*orders, times={"made": time_in(KARACHI)})
    assert found.properties["made"] == TIME
    assert "made: date-time in 3 of 4 orders, string in 1 (pending at 12)." in warnings_of(found)


# --- in a run ---

KARACHI = ZoneInfo("Asia/Karachi")


def world(*values: str) -> World:
    """One location whose orders have these values in a field."""
    bodies = [order_of({"id": str(at), "made": value}) for at, value in enumerate(values)]
    raw = [RawOrder("1001", "pending", body.encode()) for body in bodies]
    return World(locations=["1001"], orders_per_location=0, raw_orders=raw)


def read(holding: World, catalog: dict[str, Any] | None = None, **settings: Any) -> Run:
    """A run over it."""
    with Sandbox(holding) as sandbox:
        config = config_for(sandbox, timestamp_fields=["made"], **settings)
        run = run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    return run


def catalog_of(holding: World, **settings: Any) -> dict[str, Any]:
    """What discovery makes of it."""
    with Sandbox(holding) as sandbox:
        return discovered(config_for(sandbox, **settings), clock=clock_of(sandbox))


@forms
@pytest.mark.parametrize("settings", [{}, {"stream_maps": {"sales_orders": {}}}])
@pytest.mark.parametrize("catalog", ["none", "with the setting", "before the setting"])
def test_times_of_any_form_arrive_in_utc(form: str, settings: dict[str, Any], catalog: str) -> None:
    """By either exit; also with a catalog that has the field as text or number."""
    came, goes = FORMS[form]
    holding = world(*(came.replace("#", str(at)) for at in range(10)), "null")
    known = {
        "none": None,
        "with the setting": catalog_of(holding, timestamp_fields=["made"]),
        "before the setting": catalog_of(holding),
    }[catalog]
    run = read(holding, known, **settings)
    assert run.schema["schema"]["properties"]["made"] == TIME
    records = sorted(run.records, key=lambda record: int(record["id"]))
    arrived = [record["made"] for record in records]
    assert arrived == [*(goes.replace("#", str(at)) for at in range(10)), None]
    assert all(record["_extra"] is None for record in records)


def test_what_is_no_time_travels_in_extra() -> None:
    """It is unchanged, of any type, and its column is null."""
    odd = ['"soon"', '""', "0", "1.5", "true", "[1]", '{"a":1}', '"2024-05-01"', "1e400"]
    holding = world('"2024-05-01 10:00:00"', *odd)
    records = sorted(read(holding).records, key=lambda record: int(record["id"]))
    assert records[0]["made"] == "2024-05-01T05:00:00+00:00"
    assert [record["made"] for record in records[1:]] == [None] * len(odd)
    extras = [record["_extra"]["made"] for record in records[1:]]
    assert [json.dumps(extra, default=float) for extra in extras[:8]] == [
        json.dumps(json.loads(value)) for value in odd[:8]
    ]


def test_the_zone_of_times_without_an_offset_is_the_account_s() -> None:
    """`timezone` says what they mean."""
    [record] = read(world('"2024-07-01 10:00:00"'), timezone="Europe/London").records
    assert record["made"] == "2024-07-01T09:00:00+00:00"


def test_without_the_setting_nothing_is_converted() -> None:
    """Text and numbers stay what they are, digit by digit."""
    holding = world('"2024-05-01 10:00:00"')
    with Sandbox(holding) as sandbox:
        [record] = run_tap(config_for(sandbox), clock=clock_of(sandbox)).records
    assert record["made"] == "2024-05-01 10:00:00"


# Python reads no integer of more digits.
@given(st.lists(VALUES.filter(lambda value: len(value) < 4000), min_size=1, max_size=5))
def test_whatever_a_named_field_holds_arrives(values: list[str]) -> None:
    """As a time or in `_extra`; nothing is lost and no run ends."""
    holding = world(*values)
    records = sorted(read(holding).records, key=lambda record: int(record["id"]))
    assert len(records) == len(values)
    for record, value in zip(records, values, strict=True):
        if value != "null":
            assert (record.get("made") is None) == ("made" in (record["_extra"] or {}))
