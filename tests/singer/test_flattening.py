"""Flattened records hold columns that the schema declares, and nothing is lost on the way."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.singer.flattening import Flattening
from tests.holdings import exact
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from tests.support import Run

FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
TEXT = {"type": ["string", "null"]}
DECLARED: dict[str, Any] = {
    "note": TEXT,
    "open": {"type": ["object", "null"]},
    "customer": {
        "type": ["object", "null"],
        "properties": {
            "name": TEXT,
            "home": {"type": ["object", "null"], "properties": {"city": TEXT}},
        },
    },
}


def aside(record: dict[str, Any], depth: int = 2) -> tuple[dict[str, Any], list[str]]:
    """A record after what has no column was set aside, and the names of that."""
    changed = copy.deepcopy(record)
    return changed, Flattening(DECLARED, depth).set_aside(changed)


def test_members_without_a_column_move_to_extra() -> None:
    """At every level that is flattened, beside what is there already."""
    home = {"city": "Lahore", "floor": 2}
    record = {"customer": {"name": "a", "vip": {"a": 1}, "home": home}, "_extra": {"new": 1}}
    changed, names = aside(record)
    assert changed["customer"] == {"name": "a", "home": {"city": "Lahore"}}
    assert changed["_extra"] == {"new": 1, "customer": {"home": {"floor": 2}, "vip": {"a": 1}}}
    assert names == ["customer.home", "customer.vip"]


@pytest.mark.parametrize("depth", [0, 1])
def test_what_is_not_flattened_stays_whole(depth: int) -> None:
    """Below the depth, and where the schema declares no members, an object becomes text."""
    record = {"open": {"a": 1}, "customer": {"home": {"floor": 2}}, "_extra": None}
    assert aside(record, depth) == (record, [])


@pytest.mark.parametrize("customer", [None, {}, {"vip": None}, {"home": None}])
def test_nulls_leave_nothing_behind(customer: object) -> None:
    """Neither in `_extra` nor as a field that no column is for."""
    changed, names = aside({"customer": customer, "_extra": None})
    assert changed["customer"] in ({}, {"home": {}})
    assert changed["_extra"] is None
    assert names == []


def test_what_is_no_object_moves_as_it_is() -> None:
    """A catalog may allow text where most orders have an object."""
    changed, names = aside({"customer": "somebody", "_extra": None})
    assert changed == {"customer": {}, "_extra": {"customer": "somebody"}}
    assert names == ["customer"]


def test_extra_shows_no_more_than_it_may() -> None:
    """What is deselected there is moved out of the columns all the same, and named."""
    record: dict[str, Any] = {"customer": {"vip": 1}, "_extra": None}
    names = Flattening(DECLARED, 2, withheld={"customer"}).set_aside(record)
    assert names == ["customer.vip"]
    assert record == {"customer": {}, "_extra": None}


def test_without_extra_they_are_named_all_the_same() -> None:
    """There is no place for them then, which the run says."""
    changed, names = aside({"customer": {"vip": 1}})
    assert changed == {"customer": {}}
    assert names == ["customer.vip"]


LATER = (
    b'{"id":7,"customer":{"id":5,"vip":{"since":1.10}},"billing_address":null,'
    b'"shipping_address":{"line2":"2nd floor","latitude":31.50},"tags":[1.10,"a"],"new":[2.50]}'
)


def read() -> Run:
    """A flattened run over orders of which one came after discovery."""
    bodies = (RawOrder("1001", "pending", LATER),)
    with Sandbox(World(locations=("1001",), orders_per_location=30)) as early:
        catalog = discovered(config_for(early), clock=clock_of(early))
    with Sandbox(World(locations=("1001",), orders_per_location=30, raw_orders=bodies)) as late:
        run = run_tap(config_for(late, **FLAT), catalog=catalog, clock=clock_of(late))
    assert run.error is None
    return run


def test_every_field_of_a_flattened_record_is_declared() -> None:
    """A loader that takes its columns from the schema finds one for each field."""
    run = read()
    columns = run.schema["schema"]["properties"]
    assert len(run.records) == 31
    for record in run.records:
        assert record.keys() <= columns.keys()
        assert not any(isinstance(value, dict | list) for value in record.values())


def test_what_came_after_discovery_is_in_extra_as_text(caplog: pytest.LogCaptureFixture) -> None:
    """Members too, digit by digit, and told once; what could be a column is one.

    A list is text, whatever its items are.
    """
    [record] = [record for record in read().records if record["id"] == 7]
    assert record["customer__id"] == 5
    assert exact(record["shipping_address__latitude"]) == exact(Decimal("31.50"))
    assert record["tags"] == '[1.10,"a"]'
    assert json.loads(record["_extra"], parse_float=Decimal) == {
        "new": [Decimal("2.50")],
        "customer": {"vip": {"since": Decimal("1.10")}},
        "shipping_address": {"line2": "2nd floor"},
    }
    assert '"since":1.10' in record["_extra"]
    for name in ("new", "customer.vip", "shipping_address.line2"):
        [warning] = [line.message for line in caplog.records if f"Field {name} " in line.message]
        assert "1 value is in _extra" in warning
        assert "--discover" in warning
