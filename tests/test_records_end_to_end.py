"""From the bytes that the API sends to the bytes that a loader reads: nothing bent, nothing shown.

A record leaves by one of two exits: straight as text, or as Python objects through the SDK where
stream maps, flattening or selection want to look at it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.holdings import TIMESTAMPS, assert_complete, exact, told
from tests.support import Run, clock_of, config_for, discovered, run_cli, run_tap, utc, written
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from pathlib import Path

Catalog = dict[str, Any]
UNCHANGED: dict[str, Any] = {"stream_maps": {"sales_orders": {}}}
"""A stream map that changes nothing, and so forces the way through the SDK."""

by_either_exit = pytest.mark.parametrize("settings", [{}, UNCHANGED], ids=["direct", "SDK"])


def world(*bodies: bytes, **changes: Any) -> World:
    """One location with some orders and these."""
    raw = [RawOrder("1001", "pending", body) for body in bodies]
    return World(locations=["1001"], orders_per_location=30, raw_orders=raw, **changes)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What discovery makes of the orders of the sandbox."""
    with Sandbox(world()) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def read(holding: World, catalog: Catalog, settings: dict[str, Any]) -> Run:
    """Read a world with this catalog and these settings."""
    with Sandbox(holding) as sandbox:
        run = run_tap(config_for(sandbox, **settings), catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    return run


def record_of(order: bytes, catalog: Catalog, settings: dict[str, Any]) -> dict[str, Any]:
    """The record of one odd order, known by its id of 7."""
    [record] = [
        record
        for record in read(world(order), catalog, settings).records
        if told(record)["id"] == 7
    ]
    return record


def stdout_of(holding: World, tmp_path: Path, catalog: Catalog, **settings: Any) -> str:
    """What the command writes to stdout."""
    with Sandbox(holding) as sandbox:
        config = written(tmp_path, "config.json", config_for(sandbox, **settings))
        ended = run_cli("--config", config, "--catalog", written(tmp_path, "catalog.json", catalog))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def members(order: bytes) -> dict[str, msgspec.Raw]:
    """The members of an order, each as the bytes that it was sent in."""
    return msgspec.json.decode(order, type=dict[str, msgspec.Raw])


DIGITS = (
    b'{"id":7,"subtotal":1.10,"exchange_rate":0.1000000000000000055511151231257827,'
    b'"grand_total":1E400,"tax_total":-0.00,"discount_total":123456789012345678901234567890,'
    b'"strange":1.50,"customer":{"id":1.0,"loyalty_points":1e5},"tags":[ "a" , "\\u0639" ]}'
)


def test_every_value_is_written_as_it_was_sent(tmp_path: Path, catalog: Catalog) -> None:
    """On stdout each value but a timestamp has the very bytes that the API sent, nested or not."""
    holding = world(DIGITS)
    lines = stdout_of(holding, tmp_path, catalog).encode().splitlines()
    records = {
        int(found[1]): line for line in lines if (found := re.search(rb'[{,]"id":(\d+),', line))
    }
    bodies = [order.body for order in holding.orders_at(holding.start)]
    assert len(records) == len(bodies)
    for body in bodies:
        values = members(body)
        line = records[int(bytes(values["id"]))]
        for name, value in values.items():
            if name not in TIMESTAMPS and bytes(value) != b"null":
                assert b'"%b":%b' % (name.encode(), bytes(value)) in line


def test_timestamps_are_the_same_instants_in_utc(catalog: Catalog) -> None:
    """Offsets of the vendor's own kind too; a fraction keeps its digits."""
    records = read(world(short_offsets=True), catalog, {}).records
    with Sandbox(world()) as valid:
        originals = {
            json.loads(order.body)["id"]: json.loads(order.body) for order in valid.orders()
        }
    assert len(records) == len(originals)
    fractions = 0
    for record in records:
        for name in TIMESTAMPS:
            original = originals[record["id"]][name]
            assert record[name].endswith("+00:00")
            assert utc(record[name]) == utc(original)
            assert re.findall(r"\.\d+", record[name]) == re.findall(r"\.\d+", original)
            fractions += "." in original
    assert fractions


@by_either_exit
@pytest.mark.parametrize(
    ("sent", "told_as"),
    [
        (b'"2026-01-15T12:00:00.120+5:00"', "2026-01-15T07:00:00.120+00:00"),
        (b'"2026-01-15T12:00:00Z"', "2026-01-15T12:00:00+00:00"),
        (b'"2026-01-15T12:00:00"', "2026-01-15T12:00:00"),
        (b"1768460400000", 1768460400000),
    ],
)
def test_a_time_without_an_offset_stays_what_it_was(
    sent: bytes, told_as: object, settings: dict[str, Any], catalog: Catalog
) -> None:
    """A time with an offset moves to UTC; a naive one, or a number, is told as it came."""
    record = record_of(b'{"id":7,"created_at":%b}' % sent, catalog, settings)
    assert told(record)["created_at"] == told_as


@by_either_exit
def test_what_postgresql_refuses_is_settled_everywhere(
    settings: dict[str, Any], catalog: Catalog
) -> None:
    r"""`\u0000` vanishes, half a pair becomes U+FFFD: nested, in names and in `_extra` too."""
    order = (
        rb'{"id":7,"note":"a\u0000b\ud800c\ud83d\ude00","customer":{"na\u0000me":"\udfff\u0000"},'
        rb'"tags":["\u0000","\\u0000"],"str\u0000ange":"\ud800\ud800"}'
    )
    record = record_of(order, catalog, settings)
    assert record["note"] == "ab\ufffdc\U0001f600"
    assert record["customer"] == {"name": "\ufffd"}
    assert record["tags"] == ["", "\\u0000"]
    assert record["_extra"] == {"strange": "\ufffd\ufffd"}


@by_either_exit
def test_fields_named_like_our_columns_travel_in_extra(
    settings: dict[str, Any], catalog: Catalog
) -> None:
    """An order's own field never takes the place of ours, nor of a loader's."""
    theirs = {
        "_location_id": "theirs",
        "_order_status": 1,
        "_synced_at": None,
        "_extra": {"a": 1},
        "_sdc_deleted_at": "2026-01-01",
    }
    record = record_of(json.dumps({"id": 7, **theirs}).encode(), catalog, settings)
    assert (record["_location_id"], record["_order_status"]) == ("1001", "pending")
    assert utc(record["_synced_at"]).year == 2026
    assert record["_extra"] == {name: value for name, value in theirs.items() if value is not None}


@by_either_exit
def test_a_field_that_appears_after_discovery_is_kept_and_told_once(
    settings: dict[str, Any], catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in `_extra` of each order that has it; one warning says how to give it a column."""
    orders = [b'{"id":%d,"invented":{"at":1.%d0}}' % (number, number) for number in range(1, 4)]
    records = read(world(*orders), catalog, settings).records
    extras = [record["_extra"] for record in records if record["id"] < 4]
    assert exact(extras) == exact([{"invented": {"at": Decimal(f"1.{n}0")}} for n in range(1, 4)])
    [warning] = [line.message for line in caplog.records if "invented" in line.message]
    assert "3 values" in warning
    assert "in _extra" in warning
    assert "--discover" in warning


def counted(caplog: pytest.LogCaptureFixture) -> list[int]:
    """The values of the `record_count` metrics."""
    found = re.findall(r'"metric": ?"record_count", ?"value": ?(\d+)', caplog.text)
    return [int(count) for count in found]


def test_both_exits_tell_the_same(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    """Records that pass through the SDK equal those that do not, and are counted alike."""
    caplog.set_level("INFO")
    holding = world(DIGITS, b'{"id":8,"note":"a","note":"b","customer":5}')
    direct = read(holding, catalog, {})
    counts = counted(caplog)
    caplog.clear()
    mapped = read(holding, catalog, UNCHANGED)
    assert counts == counted(caplog)
    assert sum(counts) == len(direct.records)
    assert len(direct.records) == len(mapped.records)
    for one, other in zip(direct.records, mapped.records, strict=True):
        assert {name: exact(value) for name, value in one.items()} == {
            name: exact(value) for name, value in other.items()
        }
    assert direct.schema == mapped.schema
    assert direct.state == mapped.state


def test_the_records_of_the_sdks_way_are_whole(catalog: Catalog) -> None:
    """Through the SDK, too, each field of each order arrives exactly."""
    with Sandbox(world()) as sandbox:
        run = run_tap(config_for(sandbox, **UNCHANGED), catalog=catalog, clock=clock_of(sandbox))
        assert_complete(run.records, sandbox)


CUSTOMER = ("Test Customer", "@example.com", "+92-300-", "Misfit-Customer")
MASKED = {
    "customer_key": "md5(config['hash_seed'] + str(customer['phone'])) if customer else None",
    "customer": "__NULL__",
    "_extra": "__NULL__",
}
MISFIT = b'{"id":7,"customer":"Misfit-Customer","billing_address":"Misfit-Customer"}'


def test_a_stream_map_hides_customers_who_do_not_fit_their_column(
    tmp_path: Path, catalog: Catalog
) -> None:
    """Hashed and dropped, `_extra` included, a customer is nowhere on stdout; without, they are."""
    maps = {"stream_maps": {"sales_orders": MASKED}, "stream_map_config": {"hash_seed": "salt"}}
    masked = stdout_of(world(MISFIT), tmp_path, catalog, **maps)
    assert not [word for word in CUSTOMER if word in masked]
    assert hashlib.md5(b"salt+92-300-0000000").hexdigest() in masked  # noqa: S324 - as the map does
    bare = stdout_of(world(MISFIT), tmp_path, catalog)
    assert not [word for word in CUSTOMER if word not in bare]


def test_all_customers_who_fit_no_column_are_hidden_with_extra(
    tmp_path: Path, catalog: Catalog
) -> None:
    """Under a catalog that calls them text all customers are misfits, dropped with `_extra`."""
    text = copy.deepcopy(catalog)
    text["streams"][0]["schema"]["properties"]["customer"] = {"type": ["string", "null"]}
    maps = {"sales_orders": {"customer": "__NULL__", "_extra": "__NULL__"}}
    bare = stdout_of(world(), tmp_path, text)
    assert re.search(r'"_extra":\{"customer":\{[^}]*Test Customer', bare)
    masked = stdout_of(world(), tmp_path, text, stream_maps=maps)
    assert not [word for word in CUSTOMER if word in masked]


def deselected(catalog: Catalog, *breadcrumbs: list[str]) -> Catalog:
    """A copy of a catalog without these fields."""
    copied = copy.deepcopy(catalog)
    entries = copied["streams"][0]["metadata"]
    for breadcrumb in breadcrumbs:
        entries[:] = [entry for entry in entries if entry["breadcrumb"] != breadcrumb]
        entries.append({"breadcrumb": breadcrumb, "metadata": {"selected": False}})
    return copied


@by_either_exit
def test_a_deselected_field_is_nowhere(
    settings: dict[str, Any], tmp_path: Path, catalog: Catalog
) -> None:
    """Whole or in part, fitting or not, repeated or not: stdout does not hold it."""
    chosen = deselected(
        catalog,
        ["properties", "customer"],
        ["properties", "note"],
        ["properties", "billing_address", "properties", "line1"],
    )
    repeated = b'{"id":8,"customer":"Misfit-Customer","customer":null,"note":["Misfit-Customer"]}'
    stdout = stdout_of(world(MISFIT, repeated), tmp_path, chosen, **settings)
    assert not [word for word in CUSTOMER if word in stdout]
    records = [json.loads(line)["record"] for line in stdout.splitlines() if '"RECORD"' in line]
    assert len(records) == 32
    assert not any({"customer", "note"} & told(record).keys() for record in records)
    addresses = [record["billing_address"] for record in records if record["id"] > 8]
    assert addresses
    assert all("city" in address and "line1" not in address for address in addresses)
    # What was not deselected is there.
    assert all(record["shipping_address"]["line1"] for record in records if record["id"] > 8)
