"""Orders, answers and catalogs that no one would send: whole, or one clear error, and no crash."""

from __future__ import annotations

import copy
import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.records.columns import OWN_COLUMNS
from tests.holdings import assert_complete, exact, told
from tests.support import Run, clock_of, config_for, discovered, run_tap
from tests.world_time import WorldTime
from xstak_sandbox import Fault, Kind, RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Sequence

VICTIM = ("pending", "1001")
RAW_ID = 7
MEGABYTE = b"x" * 1_000_000
Catalog = dict[str, Any]


def world(*bodies: bytes) -> World:
    """Two locations with some orders, and these among the pending ones of the first."""
    raw = [RawOrder("1001", "pending", body) for body in bodies]
    return World(orders_per_location=40, raw_orders=raw)


def nested(depth: int) -> bytes:
    """An order with arrays in each other."""
    return b'{"id":7,"deep":' + b"[" * depth + b"]" * depth + b"}"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What discovery makes of a server where all is well."""
    with Sandbox(world()) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def read(bodies: Sequence[bytes], catalog: Catalog | None = None, **changes: Any) -> Run:
    """Read a world with these among its orders; all other orders arrive unless a page is lost."""
    with Sandbox(world(*bodies)) as sandbox:
        config = config_for(sandbox, max_tries=2, **changes)
        clock = WorldTime(sandbox, moves_world=False).clock
        run = run_tap(config, catalog=copy.deepcopy(catalog), clock=clock)
    with Sandbox(world()) as plain:
        others = [record for record in run.records if told(record).get("grand_total") is not None]
        assert_complete(others, plain, but=pages_lost(run))
    return run


def pages_lost(run: Run) -> list[tuple[str, str]]:
    """The partition of the odd orders, if its page could not be read at all."""
    return [VICTIM] if "Given up" in str(run.error) else []


def odd_records(run: Run) -> list[dict[str, Any]]:
    """The records of the odd orders."""
    return [record for record in run.records if told(record).get("grand_total") is None]


WHOLE = {
    "a long text": b'{"id":7,"note":"%b"}' % MEGABYTE,
    "a long name": b'{"id":7,"%b":1}' % MEGABYTE,
    "100 deep": nested(100),
    "100 objects deep": b'{"id":7,"deep":' + b'{"a":' * 100 + b"1" + b"}" * 101,
    "numbers as text": b'{"id":7,"subtotal":"12.50","is_gift":"true","created_at":"soon"}',
    "numbers beyond any type": b'{"id":7,"a":1e400,"b":-0.00,"c":123456789012345678901234567890}',
    "other types": b'{"id":7,"customer":"none","line_items":{},"tags":5,"status":[],"note":false}',
    "an empty name": b'{"id":7,"":1," ":2}',
    "blanks": b' {\r\n\t"id" : 7 , "note" : " a  b " } ',
}


@pytest.mark.parametrize("has_catalog", [True, False])
@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE.keys())
def test_an_odd_order_travels_whole(body: bytes, has_catalog: bool, catalog: Catalog) -> None:  # noqa: FBT001 - a case
    """Whether discovery has seen it or not, each field arrives, and so do all other orders."""
    run = read([body], catalog if has_catalog else None)
    assert run.error is None
    [record] = odd_records(run)
    order = json.loads(body, parse_float=Decimal)
    assert {name: exact(value) for name, value in told(record).items() if value is not None} == {
        name: exact(value) for name, value in order.items()
    }


@pytest.mark.parametrize("has_catalog", [True, False])
def test_of_repeated_names_every_value_arrives(has_catalog: bool, catalog: Catalog) -> None:  # noqa: FBT001 - a case
    """An order that has a name twice tells both values."""
    run = read([b'{"id":7,"note":"a","note":"b"}'], catalog if has_catalog else None)
    assert run.error is None
    [fields] = [told(record) for record in odd_records(run)]
    assert (fields["note"], fields["note#1"]) == ("b", "a")


NO_ORDERS = [b"null", b"5", b'"text"', b"[]", b"true", b"[{}]"]


@pytest.mark.parametrize("has_catalog", [True, False])
@pytest.mark.parametrize("body", NO_ORDERS)
def test_what_is_no_order_costs_its_partition_and_no_neighbour(
    body: bytes,
    has_catalog: bool,  # noqa: FBT001 - a case
    catalog: Catalog,
) -> None:
    """The partition fails by name; every real order of it is emitted all the same."""
    run = read([body], catalog if has_catalog else None)
    assert_victim_failed(run, "an order is not a JSON object")
    assert not odd_records(run)


def assert_victim_failed(run: Run, why: str) -> None:
    """One partition failed, for one reason, and kept its place."""
    assert isinstance(run.error, TapError)
    assert "1 of 4 partitions failed" in str(run.error)
    assert str(run.error).count("the pending orders of location 1001") == 1
    assert why in str(run.error)
    assert [partition for partition, mark in run.bookmarks.items() if not mark] == [VICTIM]


UNREADABLE = {
    "not UTF-8": (b'{"id":7,"note":"\xff"}', "the answer is not UTF-8"),
    "half a character": (b'{"id":7,"note":"\xe2\x82"}', "the answer is not UTF-8"),
    "NaN": (b'{"id":7,"margin":NaN}', "the answer is not JSON"),
    "Infinity": (b'{"id":7,"margin":-Infinity}', "the answer is not JSON"),
    "a trailing comma": (b'{"id":7,}', "the answer is not JSON"),
    "a control character": (b'{"id":7,"note":"a\nb"}', "the answer is not JSON"),
    "100 000 deep": (nested(100_000), "nested too deeply"),
}


@pytest.mark.parametrize("has_catalog", [True, False])
@pytest.mark.parametrize(("body", "why"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_cannot_be_read_costs_its_partition_only(
    body: bytes,
    why: str,
    has_catalog: bool,  # noqa: FBT001 - a case
    catalog: Catalog,
) -> None:
    """It is asked for again, then the partition fails by name, saying why; all others arrive."""
    run = read([body], catalog if has_catalog else None)
    assert_victim_failed(run, why)
    assert "Given up after try 2 of 2" in str(run.error)


@pytest.mark.parametrize(
    ("depth", "fails"), [(1_000, sys.version_info < (3, 12)), (20_000, True)], ids=str
)
def test_an_order_too_deep_for_a_record_costs_no_neighbour(
    depth: int,
    fails: bool,  # noqa: FBT001 - Python decides it
    catalog: Catalog,
) -> None:
    """As deep as Python reads, it arrives; deeper, it fails by name; the other orders arrive."""
    run = read([nested(depth)], catalog)
    if fails:
        assert_victim_failed(run, "nested too deeply")
    else:
        assert run.error is None
        [record] = odd_records(run)
        assert json.dumps(record["_extra"]["deep"]).count("[") == depth


WITHOUT_KEY = [b"{}", b'{"order_number":"x"}', b'{"id":null}', b'{"id":{}}', b'{"id":"seven"}']


@pytest.mark.parametrize("body", WITHOUT_KEY)
def test_an_order_without_its_key_costs_its_partition_and_no_neighbour(
    body: bytes, catalog: Catalog
) -> None:
    """It would overwrite another or break the load; the orders around it are emitted."""
    run = read([body], catalog)
    assert_victim_failed(run, "an order has no usable id, the key of the stream")
    assert not odd_records(run)


@pytest.mark.parametrize("body", WITHOUT_KEY)
def test_discovery_makes_no_key_of_what_an_order_lacks(body: bytes) -> None:
    """Where a sampled order has no usable id, id is not the key, and every order arrives."""
    run = read([body])
    assert run.error is None
    assert "id" not in run.schema["key_properties"]
    assert len(odd_records(run)) == 1


@pytest.mark.parametrize("page_size", [5, 100])
@pytest.mark.parametrize("other", [b'{"id":7,"note":"b"}', b'{"id":7,"note":"a"}'])
def test_two_orders_with_one_id_both_arrive(other: bytes, page_size: int, catalog: Catalog) -> None:
    """If they differ, both do; if not, one tells all. Neither keeps the partition from its end."""
    first = b'{"id":7,"note":"a"}'
    run = read([first, other], catalog, page_size=page_size)
    assert run.error is None
    assert all(run.bookmarks.values())
    assert {record["note"] for record in odd_records(run)} == {
        json.loads(order)["note"] for order in (first, other)
    }


ODD_ANSWERS = {
    Kind.NO_PAGE_BLOCK: "lacks `orders` or `page`",
    Kind.NO_ORDERS_KEY: "lacks `orders` or `page`",
    Kind.NEGATIVE_TOTALS: "holds a negative number",
    Kind.ORDERS_NULL: "holds 0 orders where its own page block implies at least",
    Kind.NO_ORDERS: "holds 0 orders where its own page block implies at least",
    Kind.ERROR_BODY: "lacks `orders` or `page`",
    Kind.HTML: "the answer is a web page: check `api_url`",
}


@pytest.mark.parametrize(("kind", "why"), ODD_ANSWERS.items())
def test_an_odd_answer_is_told_in_words(kind: Kind, why: str, catalog: Catalog) -> None:
    """What is no page of orders is never the end of them; the error says what was odd."""
    fault = Fault(kind, every=1, location="1001", order_status="pending")
    with Sandbox(world(), faults=[fault]) as sandbox:
        clock = WorldTime(sandbox, moves_world=False).clock
        run = run_tap(config_for(sandbox, max_tries=2), catalog=catalog, clock=clock)
        assert_complete(run.records, sandbox, but=[VICTIM])
    assert_victim_failed(run, why)


def changed(catalog: Catalog, **changes: Any) -> Catalog:
    """A copy of a catalog whose stream says something else."""
    copied = copy.deepcopy(catalog)
    copied["streams"][0].update(changes)
    return copied


def deselect(catalog: Catalog, *breadcrumb: str) -> Catalog:
    """A copy of a catalog without that field."""
    copied = copy.deepcopy(catalog)
    entries = copied["streams"][0]["metadata"]
    entries[:] = [entry for entry in entries if entry["breadcrumb"] != list(breadcrumb)]
    entries.append({"breadcrumb": list(breadcrumb), "metadata": {"selected": False}})
    return copied


def without_own_columns(catalog: Catalog) -> Catalog:
    """A copy of a catalog that knows orders only."""
    copied = copy.deepcopy(catalog)
    [stream, _] = copied["streams"]
    for name in OWN_COLUMNS:
        del stream["schema"]["properties"][name]
    stream["metadata"] = [
        entry for entry in stream["metadata"] if not {*entry["breadcrumb"]} & {*OWN_COLUMNS}
    ]
    return copied


def test_own_columns_that_a_catalog_lacks_are_added(catalog: Catalog) -> None:
    """A catalog of other origin does not cost the place of misfits, nor the bookmark's column."""
    run = read([], without_own_columns(catalog))
    assert run.error is None
    assert set(run.schema["schema"]["properties"]) > set(OWN_COLUMNS)
    assert all(set(record) > set(OWN_COLUMNS) for record in run.records)
    assert all(run.bookmarks.values())


def test_extra_that_a_catalog_lacks_and_deselects_stays_away(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever deselects `_extra` does not get it; what it costs is counted and said."""
    chosen = deselect(without_own_columns(catalog), "properties", "_extra")
    run = run_with(chosen, world(b'{"id":7,"strange":1}'))
    assert run.error is None
    assert run.records
    assert "_extra" not in run.schema["schema"]["properties"]
    assert not any("_extra" in record or "strange" in record for record in run.records)
    assert "strange has no column: 1 value is dropped" in caplog.text


def run_with(catalog: Any, holding: World | None = None) -> Run:
    """Run with a catalog, whatever it is."""
    with Sandbox(holding or world()) as sandbox:
        return run_tap(config_for(sandbox), catalog=catalog, clock=clock_of(sandbox))


def test_a_catalog_without_metadata_selects_everything(catalog: Catalog) -> None:
    """Columns without a word about them are read."""
    run = read([], changed(catalog, metadata=[]))
    assert run.error is None
    assert "grand_total" in run.records[0]


def test_the_setting_goes_before_the_key_of_a_catalog(catalog: Catalog) -> None:
    """Whoever names a key means it, whatever was discovered."""
    run = read([], catalog, primary_keys=["order_number"])
    assert run.error is None
    assert run.schema["key_properties"] == ["order_number"]


@pytest.mark.parametrize("name", ["id", "_synced_at"])
def test_keys_cannot_be_deselected(name: str, catalog: Catalog) -> None:
    """Without its key a loader, and without its replication key a state, could not go on."""
    run = read([], deselect(catalog, "properties", name))
    assert run.error is None
    assert name in run.schema["schema"]["properties"]
    assert all(record[name] for record in run.records)
    assert all(run.bookmarks.values())


def test_full_table_moves_no_bookmark(catalog: Catalog) -> None:
    """FULL_TABLE, as the stream's own word, reads everything."""
    run = read([], changed(catalog, replication_method="FULL_TABLE"))
    assert run.error is None
    assert not any(run.bookmarks.values())


@pytest.mark.parametrize("streams", [[], [{"tap_stream_id": "other", "schema": {}}]])
def test_a_catalog_without_the_stream_reads_nothing_and_says_so(
    streams: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A catalog of another stream is no reason to read this one."""
    run = run_with({"streams": streams})
    assert run.error is None
    assert not run.records
    assert (
        "The catalog has no stream sales_orders or sales_order_reads: nothing is read."
        in caplog.text
    )


def refused(catalog: Catalog) -> dict[str, tuple[Any, str]]:
    """Catalogs that cannot be used, and what is said of each."""
    foreign = copy.deepcopy(catalog)
    foreign["streams"][0]["replication_key"] = None
    foreign["streams"][0]["metadata"].append(
        {"breadcrumb": [], "metadata": {"replication-key": "updated_at"}},
    )
    return {
        "a foreign replication key": (
            changed(catalog, replication_key="updated_at"),
            "It can only be '_synced_at'",
        ),
        "a foreign replication key in the metadata": (foreign, "It can only be '_synced_at'"),
        "a method that is not offered": (
            changed(catalog, replication_method="LOG_BASED"),
            "It can be INCREMENTAL or FULL_TABLE",
        ),
        "a method nobody knows": (
            changed(catalog, replication_method="SOMETIMES"),
            "It can be INCREMENTAL or FULL_TABLE",
        ),
        "a key without column": (
            changed(catalog, key_properties=["nowhere"]),
            "The key names nowhere, for which the schema has no column",
        ),
        "a stream of another name": (
            changed(catalog, stream="orders"),
            "The catalog renames the stream 'sales_orders'",
        ),
        "no list of streams": ({"streams": "all"}, "not in the form of a Singer catalog"),
        "null streams": ({"streams": None}, "not in the form of a Singer catalog"),
        "a stream without name": ({"streams": [{}]}, "not in the form of a Singer catalog"),
        "a stream that is no object": ({"streams": [1]}, "not in the form of a Singer catalog"),
        "a schema that is no object": (
            changed(catalog, schema=[]),
            "not in the form of a Singer catalog",
        ),
        "a column that is no object": (
            changed(catalog, schema={"properties": {"id": 1}}),
            "not in the form of a Singer catalog",
        ),
        "metadata that is no list": (
            changed(catalog, metadata="all"),
            "not in the form of a Singer catalog",
        ),
        "no catalog at all": ([1], "not in the form of a Singer catalog"),
    }


def test_a_catalog_that_cannot_be_used_is_told_in_words(catalog: Catalog) -> None:
    """The error names what is wrong; nothing is read and nothing crashes."""
    for name, (odd, words) in refused(catalog).items():
        run = run_with(odd)
        assert isinstance(run.error, TapError), name
        assert words in str(run.error), name
        assert not run.records, name
