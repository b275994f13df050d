"""What docs/loaders.md says of the loaders, from real runs of `meltano run` into each of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from tests.end_to_end.meltano import postgres_settings, run_meltano, tap_settings
from tests.holdings import TIMESTAMPS, exact
from tests.support import EXECUTABLE, ROOT, blocks, clock_of, config_for, discovered, utc, written
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
PAGE = "docs/loaders.md"
JSON = re.compile(r"`([^`]*)`")
EXAMPLE, PIPE = blocks(PAGE, "json")
LATEST, LOCAL_TIMES, SPARE, ITEMS = blocks(PAGE, "sql")
[STALE] = blocks("docs/operations.md", "sql")


def world(example: str) -> World:
    """Two locations with some orders and the page's."""
    raw = [RawOrder("1001", "pending", example.encode())]
    return World(orders_per_location=60, raw_orders=raw)


def catalog_of(**changes: Any) -> dict[str, Any]:
    """What discovery finds where the page's order is like this."""
    example = json.dumps({**json.loads(EXAMPLE), **changes}, ensure_ascii=False)
    with Sandbox(world(example)) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


@dataclass(frozen=True)
class Loaded:
    """What two runs of each pipeline brought, the second one two days later.

    Attributes:
        sandbox: Holds the orders as they are at the second run.
        database: Where they were loaded.
        file: Where else.
        lines: What the first run wrote to the file.
        rows: What the first run brought into the database, each as JSON, by key.
        starts: From when the second run asked for orders.
    """

    sandbox: Sandbox
    database: Postgres
    file: Path
    lines: list[str]
    rows: dict[int, str]
    starts: set[str | None]


@pytest.fixture(scope="module")
def loaded(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loaded]:
    """Run both pipelines twice; before the second time, the catalog is discovered again."""
    folder = tmp_path_factory.mktemp("loaders")
    file = folder / "sales_orders.jsonl"
    with Sandbox(world(EXAMPLE)) as sandbox:
        settings = {
            **tap_settings(config_for(sandbox)),
            **postgres_settings(postgres),
            "TAP_XSTAK_OMS__CATALOG": str(folder / "catalog.json"),
            "TARGET_JSONL_DESTINATION_PATH": str(folder),
        }

        def load(catalog: dict[str, Any]) -> None:
            written(folder, "catalog.json", catalog)
            for loader in ("target-jsonl", "target-postgres"):
                command = ("run", "--state-id-suffix=loaders", "tap-xstak-oms", loader)
                ended = run_meltano(*command, folder=meltano_folder, settings=settings)
                assert ended.returncode == 0, ended.stdout + ended.stderr

        load(catalog_of(tax_total=1.5, channel_fee=None))
        lines = file.read_text(encoding="utf-8").splitlines()
        rows = rows_of(postgres)
        sandbox.clock.advance(timedelta(days=2))
        sandbox.journal.clear()
        load(catalog_of(tax_total=1.5))
        starts = {entry.parameter("start_date") for entry in sandbox.journal.orders}
        yield Loaded(sandbox, postgres, file, lines, rows, starts)
    postgres.execute("DROP SCHEMA xstak CASCADE")


def rows_of(database: Postgres) -> dict[int, str]:
    """Each row as the database writes it in JSON, by key."""
    found = database.query("SELECT id, to_jsonb(t)::text FROM xstak.sales_orders t")
    rows = dict(found)
    assert len(rows) == len(found)
    return rows


def records_of(lines: list[str]) -> list[dict[str, Any]]:
    """What lines of JSON hold, exactly."""
    return [json.loads(line, parse_float=Decimal) for line in lines]


def page_rows() -> list[list[str]]:
    """The page's table of what arrives: field, in the file, type, value."""
    [table] = re.findall(
        r"\| field \|.*?\n\|[-|]+\n(.*?)\n\n", (ROOT / PAGE).read_text(encoding="utf-8"), re.DOTALL
    )
    return [JSON.findall(line) for line in table.splitlines()]


def orders_of(sandbox: Sandbox) -> dict[int, dict[str, Any]]:
    """The orders that the API holds but for the page's, by id."""
    bodies = (order.body for order in sandbox.orders() if order.id is not None)
    return {order["id"]: order for order in (json.loads(b, parse_float=Decimal) for b in bodies)}


def ordered(value: Any) -> Any:
    """A value whose objects have their members in order: PostgreSQL keeps no other."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


# --- without Meltano ---


def test_the_pipe_loads_the_same_rows(
    loaded: Loaded, meltano_folder: Path, postgres: Postgres, tmp_path: Path
) -> None:
    """The page's file and command load what Meltano loads, with the settings of meltano.yml."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    [loader] = [p for p in project["plugins"]["loaders"] if p["name"] == "target-postgres"]
    declared = {setting["name"]: setting.get("value") for setting in loader["settings"]}
    own = json.loads(PIPE)
    credentials = ("user", "password", "database")
    assert own == {name: own[name] if name in credentials else declared[name] for name in own}
    install, strict, pipe = "".join(blocks(PAGE, "console")).replace("$ ", "").splitlines()
    assert install == f"uv tool install {loader['pip_url']}"
    own |= {"host": "127.0.0.1", "port": postgres.port, "default_target_schema": "pipe"}
    own |= {name: getattr(postgres, name) for name in credentials}
    written(tmp_path, "postgres.json", own)
    written(tmp_path, "config.json", config_for(loaded.sandbox))
    written(tmp_path, "catalog.json", catalog_of(tax_total=1.5))
    [program] = meltano_folder.glob("**/target-postgres/venv/bin/target-postgres")
    path = os.pathsep.join([str(EXECUTABLE.parent), str(program.parent), os.environ["PATH"]])
    subprocess.run(
        ["bash", "-ec", f"{strict}\n{pipe}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=True,
        timeout=120,
    )
    try:
        counts = "SELECT count(*), sum(grand_total), min(id), max(id) FROM {}.sales_orders"
        by_pipe, by_meltano = (postgres.query(counts.format(s)) for s in ("pipe", "xstak"))
        assert by_pipe == by_meltano
        assert "bookmarks" in (tmp_path / "states.jsonl").read_text().splitlines()[-1]
    finally:
        postgres.execute("DROP SCHEMA pipe CASCADE")


# --- both ---


def test_the_table_of_what_arrives_is_that_of_the_example(loaded: Loaded) -> None:
    """The page tells every field of its order, and our own columns."""
    fields = {"_location_id", "_order_status", "_synced_at", "_extra", *json.loads(EXAMPLE)}
    told = [row[0] for row in page_rows()]
    assert len(set(told)) == len(told)
    assert set(told) == fields - {"channel_fee"}
    assert '"channel_fee"' in loaded.rows[7]


@pytest.mark.parametrize("row", page_rows(), ids=lambda row: str(row[0]))
def test_what_arrived_is_what_the_page_says(loaded: Loaded, row: list[str]) -> None:
    """In the file the very text, in the database the type and the value, digit by digit."""
    name, text, kind, value = row
    [line] = [line for line in loaded.lines if re.search(r'"id": 7[,}]', line)]
    assert re.search(rf'"{name}": {re.escape(text)}[,}}]', line)
    assert re.search(rf'"{name}": {re.escape(value)}[,}}]', loaded.rows[7])
    types = loaded.database.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'xstak.sales_orders'::regclass"
    )
    assert dict(types)[name] == kind


# --- target-jsonl ---


def test_the_file_holds_every_order_as_it_is(loaded: Loaded) -> None:
    """Nested values and decimals have the digits that the API sent."""
    records = {record["id"]: record for record in records_of(loaded.lines)}
    assert len(records) == len(loaded.lines) == 121
    with Sandbox(World(orders_per_location=60)) as before:
        orders = orders_of(before)
    assert records.keys() == {7, *orders}
    for order_id, order in orders.items():
        for name in order.keys() - {*TIMESTAMPS, "reference"}:
            assert exact(records[order_id][name]) == exact(order[name])


def test_the_file_only_grows(loaded: Loaded) -> None:
    """What the first run wrote stays, and orders read again are there again."""
    lines = loaded.file.read_text(encoding="utf-8").splitlines()
    assert lines[: len(loaded.lines)] == loaded.lines
    again = {r["id"] for r in records_of(lines[len(loaded.lines) :])}
    assert again & {record["id"] for record in records_of(loaded.lines)}


def test_the_latest_record_of_each_order_is_found(loaded: Loaded) -> None:
    """The page's query makes one row of each order, as it is now."""
    assert "output/sales_orders.jsonl" in LATEST
    query = LATEST.replace("output/sales_orders.jsonl", str(loaded.file))
    answer = duckdb.execute(query)
    names = [column[0] for column in answer.description or ()]
    latest = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    orders = orders_of(loaded.sandbox)
    assert len(latest) == len(orders) + 1
    statuses = {row["id"]: row["_order_status"] for row in latest}
    assert statuses == {7: "pending", **{key: order["status"] for key, order in orders.items()}}
    money = {row["id"]: row["grand_total"] for row in latest if row["id"] != 7}
    assert money == {key: order["grand_total"] for key, order in orders.items()}


def test_of_two_records_of_one_read_the_later_is_found(tmp_path: Path) -> None:
    """Where `_synced_at` is the same the later line counts, of many, whichever value is larger."""
    file = tmp_path / "sales_orders.jsonl"
    orders = range(20_000)
    synced_at = "2026-01-15T07:00:00.000000+00:00"
    lines = [
        json.dumps({"id": order, "pass": one, "_synced_at": synced_at, "grand_total": 0.1})
        for one in ("first", "second", "last")
        for order in orders
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    query = LATEST.replace("output/sales_orders.jsonl", str(file))
    found = duckdb.execute(query)
    assert [column[0] for column in found.description or ()] == list(json.loads(lines[0]))
    assert sorted((row[0], row[1]) for row in found.fetchall()) == [(n, "last") for n in orders]


def test_the_second_run_looks_back(loaded: Loaded) -> None:
    """Meltano gave the tap its state: 30 days before the first run, not from the start date."""
    assert "2025-12-16T12:00:00+05:00" in loaded.starts
    assert not any(start and start.startswith("2025-01-01") for start in loaded.starts)


# --- target-postgres ---


def test_each_order_is_one_row_by_its_key(loaded: Loaded) -> None:
    """The table's primary key is the stream's, and every order of the first run is there."""
    [[key]] = loaded.database.query(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'xstak.sales_orders'::regclass AND contype = 'p'"
    )
    assert key == "PRIMARY KEY (id)"
    assert len(loaded.rows) == 121


def test_the_second_run_updates_rows_and_doubles_none(loaded: Loaded) -> None:
    """Each row tells its order as it is now: moved, edited or new, exact in every digit."""
    orders = orders_of(loaded.sandbox)
    rows = {key: records_of([row])[0] for key, row in rows_of(loaded.database).items()}
    assert rows.keys() == {7, *orders}
    before = {key: json.loads(row)["status"] for key, row in loaded.rows.items()}
    assert any(orders[key]["status"] != before[key] for key in orders.keys() & before.keys())
    for key, order in orders.items():
        assert rows[key]["_order_status"] == order["status"]
        for name, value in order.items():
            found = rows[key].get(name)
            if name in TIMESTAMPS:
                assert utc(f"{found}+00:00") == utc(value)
            else:
                assert exact(ordered(found)) == exact(ordered(value)), name


def test_times_can_be_told_in_local_time(loaded: Loaded) -> None:
    """The page's query gives the time that the API told, without its offset."""
    times = {row[0]: row[1].isoformat() for row in loaded.database.query(LOCAL_TIMES)}
    for key, order in orders_of(loaded.sandbox).items():
        assert utc(f"{times[key]}+05:00") == utc(order["created_at"])


def test_a_table_without_a_late_read_is_stale(loaded: Loaded) -> None:
    """The alert of docs/operations.md is a row where the newest read is old, and else none."""
    [[newest]] = loaded.database.query("SELECT max(_synced_at) FROM xstak.sales_orders")
    assert loaded.database.query(STALE) == [(newest,)]
    assert loaded.database.query(STALE.replace("3 hours", "1000 years")) == []


def test_orders_with_something_in_extra_are_found(loaded: Loaded) -> None:
    """An empty JSON column is no SQL null; the page's query knows."""
    assert loaded.database.query("SELECT id FROM xstak.sales_orders WHERE _extra IS NULL") == []
    assert loaded.database.query(SPARE) == [(7, {"tax_total": "n/a"})]


def test_a_row_for_each_item_can_be_had(loaded: Loaded) -> None:
    """The page's query finds every item of every order, with its price."""
    found = sorted(loaded.database.query(ITEMS))
    items = [
        (key, item["sku"], item["unit_price"])
        for key, order in orders_of(loaded.sandbox).items()
        for item in order["line_items"]
    ]
    assert found == sorted([*items, (7, "SKU-1", Decimal("1724.90"))])


def test_a_field_discovered_later_gets_a_column(loaded: Loaded) -> None:
    """It was in `_extra` before; the table has a column more, and the value is there."""
    before = records_of([loaded.rows[7]])[0]
    assert "channel_fee" not in before
    assert before["_extra"]["channel_fee"] == Decimal("2.50")
    [[fee]] = loaded.database.query("SELECT channel_fee::text FROM xstak.sales_orders WHERE id = 7")
    assert fee == "2.50"


def test_nothing_is_told_deleted(loaded: Loaded) -> None:
    """The loader's own columns are there; that of deletions is empty."""
    deleted = loaded.database.query(
        "SELECT count(_sdc_deleted_at), count(_sdc_batched_at) FROM xstak.sales_orders"
    )
    assert deleted == [(0, len(orders_of(loaded.sandbox)) + 1)]
