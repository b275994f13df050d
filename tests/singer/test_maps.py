"""Stream maps that fail on an order: told by name, without the order, and its neighbours arrive."""

from __future__ import annotations

import copy
import json
import logging
import traceback
from typing import Any

import pytest

from tap_xstak_oms.errors import SettingsError, TapError, UsageError
from tap_xstak_oms.tap import TapXstakOMS
from tests.holdings import assert_complete
from tests.support import Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

VICTIM = ("pending", "1001")
CUSTOMER = "Odd-Customer"
ODD_ORDER = b'{"id":7,"customer":{"name":"Odd-Customer"},"note":"Odd-Customer","is_gift":null}'
WORLD = World(orders_per_location=20, raw_orders=[RawOrder("1001", "pending", ODD_ORDER)])


def config(sandbox: Sandbox, **columns: str | None) -> dict[str, Any]:
    """A configuration with one stream map."""
    return config_for(sandbox, stream_maps={"sales_orders": columns})


@pytest.fixture(scope="module")
def catalog() -> dict[str, Any]:
    """What discovery makes of orders that are as they should be."""
    with Sandbox(World(orders_per_location=20)) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def read(sandbox: Sandbox, catalog: dict[str, Any], **columns: str | None) -> Run:
    """Run with one stream map."""
    given = config(sandbox, **columns)
    return run_tap(given, catalog=copy.deepcopy(catalog), clock=clock_of(sandbox))


def everything_told(run: Run, caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged, and that the error and whatever caused it could print."""
    assert run.error is not None
    chain = "".join(traceback.format_exception(run.error, chain=True))
    return caplog.text + chain + json.dumps(run.state)


FAILING = {
    "a value that is no number": ("int(note)", "ValueError"),
    "a value that is no time": ("datetime.datetime.fromisoformat(note)", "ValueError"),
    "a value that is no JSON": ("json.loads(note)", "JSONDecodeError"),
    "a member that is not there": ("customer['phone']", "KeyError"),
    "an attribute that is not there": ("customer.phone", "AttributeDoesNotExist"),
    "a field that is not there": ("md5(billing_address['city'])", "NameNotDefined"),
    "a null": ("md5(is_gift) if id == 7 else ''", "AttributeError"),
    "a division by zero": ("1 / (id - 7)", "ZeroDivisionError"),
    "a number without end": ("9 ** 9 ** (9 if id == 7 else 1)", "NumberTooHigh"),
    "a result that JSON does not have": ("md5 if id == 7 else ''", "TypeError"),
}


def tame(expression: str) -> str:
    """The expression for the odd order, and no trouble with any other."""
    return expression if "id" in expression else f"({expression}) if id == 7 else ''"


@pytest.mark.parametrize(("expression", "kind"), FAILING.values(), ids=FAILING.keys())
def test_an_order_that_cannot_be_mapped_costs_its_partition_and_no_neighbour(
    expression: str, kind: str, catalog: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The partition fails by name, the sentence names the column, and no value is told."""
    caplog.set_level(logging.DEBUG)
    with Sandbox(WORLD) as sandbox:
        run = read(sandbox, catalog, points=tame(expression))
    with Sandbox(World(orders_per_location=20)) as plain:
        for record in run.records:
            del record["points"]
        assert_complete(run.records, plain)
    assert isinstance(run.error, TapError)
    assert "1 of 4 partitions failed" in str(run.error)
    assert str(run.error).count("Among the pending orders of location 1001: ") == 1
    assert f"in `stream_maps` cannot map an order ({kind})" in str(run.error)
    assert [partition for partition, mark in run.bookmarks.items() if not mark] == [VICTIM]
    assert CUSTOMER not in everything_told(run, caplog)


def test_the_column_is_named(catalog: dict[str, Any]) -> None:
    """Of several expressions the one that failed is named, and the filter by its own name."""
    for columns in ({"points": "int(note)"}, {"__filter__": "int(note)"}):
        with Sandbox(WORLD) as sandbox:
            run = read(sandbox, catalog, **columns, tags="str(tags)")
        [name] = columns
        assert f"the expression of `{name}` in `stream_maps` cannot map" in str(run.error)


def test_a_column_that_an_order_lacks_is_null(catalog: dict[str, Any]) -> None:
    """A list of columns that may pass takes an order without one of them, and keeps its type."""
    maps = {"sales_orders": {"id": "id", "is_gift": "is_gift", "__else__": None}}
    raw = [RawOrder("1001", "pending", b'{"id":7}')]
    with Sandbox(World(locations=("1001",), orders_per_location=5, raw_orders=raw)) as sandbox:
        run = run_tap(config_for(sandbox, stream_maps=maps), catalog=catalog)
    assert run.error is None
    assert len(run.records) == 6
    assert {"id": 7, "is_gift": None} in run.records
    assert "boolean" in run.schema["schema"]["properties"]["is_gift"]["type"]


def test_a_filter_that_works_tells_nobody(
    catalog: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What a filter makes of an order, which may be a customer's data, is in no log line."""
    caplog.set_level(logging.DEBUG)
    with Sandbox(WORLD) as sandbox:
        run = read(sandbox, catalog, __filter__="note if id == 7 else None", note=None)
    assert run.error is None
    assert [record["id"] for record in run.records] == [7]
    assert CUSTOMER not in caplog.text


def test_the_next_run_brings_what_could_not_be_mapped(catalog: dict[str, Any]) -> None:
    """With an expression that takes any value, the partition is read from where it was."""
    with Sandbox(WORLD) as sandbox:
        failed = read(sandbox, catalog, points="int(note) if id == 7 else 0")
        assert 7 not in {record["id"] for record in failed.records}
        mended = run_tap(
            config(sandbox, points="md5(note or '')"),
            catalog=copy.deepcopy(catalog),
            state=failed.state,
            clock=clock_of(sandbox),
        )
    assert mended.error is None
    assert 7 in {record["id"] for record in mended.records}
    assert all(mended.bookmarks.values())


def test_a_stream_that_is_mapped_away_is_read_and_not_written(catalog: dict[str, Any]) -> None:
    """Whoever removes the whole stream gets neither its schema nor a record."""
    with Sandbox(WORLD) as sandbox:
        given = config_for(sandbox, stream_maps={"sales_orders": None})
        run = run_tap(given, catalog=copy.deepcopy(catalog), clock=clock_of(sandbox))
    assert run.error is None
    assert {message["type"] for message in run.messages} == {"STATE"}


def test_a_dry_run_fails_where_an_order_cannot_be_mapped(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The SDK's `run_connection_test`, which is over at the first record, writes none and fails."""
    with Sandbox(World(orders_per_location=20)) as sandbox:
        tap = TapXstakOMS(config=config(sandbox, points="int(customer['name'])"))
        with pytest.raises(TapError, match="expression of `points` in `stream_maps` cannot map"):
            tap.run_connection_test()
    assert '"RECORD"' not in capfd.readouterr().out


def test_a_map_that_the_sdk_refuses_is_told_in_words(
    catalog: dict[str, Any],
) -> None:
    """What only the columns can tell, such as a key that would be missing, is one sentence."""
    for columns in ({"id": None}, {"__alias__": "a("}, {"__else__": None, "note": None}):
        with Sandbox(WORLD) as sandbox:
            run = read(sandbox, catalog, **columns)
            assert isinstance(run.error, TapError)
            assert str(run.error).startswith("`stream_maps` cannot be used: ")
            assert not sandbox.journal.entries()


@pytest.mark.parametrize(
    ("definition", "column", "suggestion"),
    [
        ({"custmer": "__NULL__"}, "custmer", "is customer meant?"),
        ({"custmer": None}, "custmer", "is customer meant?"),
        ({"customer.phone": "__NULL__"}, "customer.phone", ""),
        ({"customer": "__NULL__", "xyz": "__NULL__"}, "xyz", ""),
        ({"__key_properties__": ["ID"]}, "ID", ""),
    ],
)
def test_a_misspelt_column_is_refused(
    sandbox: Sandbox, definition: dict[str, Any], column: str, suggestion: str
) -> None:
    """What was to be hidden by a name that no column has would come out: nothing is read."""
    catalog = discovered(config(sandbox))
    sandbox.journal.clear()
    maps = {"stream_maps": {"sales_orders": definition}}
    run = run_tap(config(sandbox) | maps, catalog=catalog)
    assert isinstance(run.error, SettingsError)
    assert f"`stream_maps.sales_orders` names {column}, which is no column" in str(run.error)
    assert suggestion in str(run.error)
    assert not sandbox.journal.entries()


@pytest.mark.parametrize(
    "definition",
    [
        {"customer": "__NULL__", "_extra": "__NULL__"},
        {"buyer": "_['customer']['name']"},
        {"order_key": "str(id)", "__key_properties__": ["order_key"]},
        {"__else__": "__NULL__", "id": "id"},
    ],
)
def test_a_new_column_may_have_any_name(sandbox: Sandbox, definition: dict[str, Any]) -> None:
    """An expression makes a column; options are no columns."""
    maps = {"stream_maps": {"sales_orders": definition}}
    run = run_tap(config(sandbox) | maps)
    assert run.error is None
    assert run.records


@pytest.mark.parametrize(
    ("column", "schema", "words"),
    [
        ("customer__name", {"type": "string"}, "column name produced in schema: customer__name"),
        ("odd", {"anyOf": [{"enum": [1]}]}, "Give each column of the catalog a `type`"),
        ("odd", {"description": ["x"]}, "Give each column of the catalog a `type`"),
    ],
)
def test_columns_that_cannot_be_flattened_are_told(
    catalog: dict[str, Any], column: str, schema: dict[str, Any], words: str
) -> None:
    """Before any request, in words that say what to change."""
    odd = copy.deepcopy(catalog)
    odd["streams"][0]["schema"]["properties"][column] = schema
    with Sandbox(WORLD) as sandbox:
        flat = config_for(sandbox, flattening_enabled=True, flattening_max_depth=1)
        run = run_tap(flat, catalog=odd)
        assert list(sandbox.journal.entries()) == []
    assert isinstance(run.error, UsageError)
    assert str(run.error).startswith("The columns cannot be flattened: ")
    assert words in str(run.error)
