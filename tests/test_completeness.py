"""Proof of what is there and what is not: the queries of docs/completeness.md, on DuckDB."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tap_xstak_oms.sync.reads import SCHEMA
from tests.support import ROOT, Run, blocks, clock_of, config_for, discovered, run_tap, utc
from tests.test_reads import ORDERS, READS, orders_of, reads_of, selecting
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL_IS_WELL, LEFT, DELETE, LAG = blocks("docs/completeness.md", "sql")
PAGE = (ROOT / "docs" / "completeness.md").read_text(encoding="utf-8")
DAYS = 10
HOURS_A_RUN = 8
WORLD = World(
    locations=("1001", "1002"),
    orders_per_location=200,
    statuses=("pending", "packed", "cancelled"),
    life_days=25,
)
READ = ("pending", "packed")
"""Orders end in a status that is not read."""


class Warehouse:
    """Both streams, upserted by key."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute("SET TimeZone = 'UTC'")
        self._database.execute(
            "CREATE TABLE sales_orders (id BIGINT PRIMARY KEY, _location_id VARCHAR, "
            "_order_status VARCHAR, _synced_at TIMESTAMPTZ, created_at TIMESTAMPTZ)"
        )
        types = {"date-time": "TIMESTAMPTZ", "integer": "BIGINT", "boolean": "BOOLEAN"}
        columns = ", ".join(
            f"{name} {types.get(schema.get('format', schema['type'][0]), 'VARCHAR')}"
            for name, schema in SCHEMA["properties"].items()
        )
        key = "PRIMARY KEY (_location_id, _order_status, _synced_at)"
        self._database.execute(f"CREATE TABLE sales_order_reads ({columns}, {key})")
        self._database.execute(LEFT)

    def load(self, run: Run) -> None:
        """Let the latest record of each key win."""
        for table, records in (("sales_orders", orders_of(run)), (READS, reads_of(run))):
            names = [row[0] for row in self.query(f"DESCRIBE {table}")]
            marks = ", ".join("?" * len(names))
            rows = [[record.get(name) for name in names] for record in records]
            if rows:
                statement = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608 - of the test's own
                self._database.executemany(statement, rows)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._database.execute(sql).fetchall()

    def left(self) -> set[int]:
        """The orders that the view names."""
        return {row[0] for row in self.query("SELECT id FROM orders_that_left")}


def gone(warehouse: Warehouse, sandbox: Sandbox, since: datetime) -> set[int]:
    """The orders of the table that are no longer in their status, if created since then."""
    there = {
        (json.loads(order.body)["id"], order.status, order.location) for order in sandbox.orders()
    }
    rows = warehouse.query("SELECT id, _order_status, _location_id, created_at FROM sales_orders")
    return {row[0] for row in rows if row[:3] not in there and row[3] >= since}


def days_first_runs(sandbox: Sandbox, warehouse: Warehouse) -> Iterator[datetime]:
    """Run every few hours, some of it failing; yields from where each day's first run read."""
    config = config_for(sandbox, order_statuses=READ, max_concurrent_requests=1, page_size=20)
    start = "2024-06-01T00:00:00+05:00"
    catalog = selecting(discovered(config, clock=clock_of(sandbox)), [ORDERS, READS])
    state: dict[str, Any] = {}
    for number in range(DAYS * 24 // HOURS_A_RUN):
        is_first_of_day = number % (24 // HOURS_A_RUN) == 0
        if not is_first_of_day:
            sandbox.add_fault(Fault(Kind.STATUS, code=404, location="1002", order_status="packed"))
        run = run_tap(
            config | {"start_date": start}, state=state, catalog=catalog, clock=clock_of(sandbox)
        )
        assert (run.error is None) == is_first_of_day
        state = run.state
        warehouse.load(run)
        if is_first_of_day:
            yield max(utc(read["read_since"]) for read in reads_of(run))
        sandbox.clock.advance(timedelta(hours=HOURS_A_RUN))


def test_the_view_names_what_has_left_and_nothing_else() -> None:
    """After each day's first run: exactly those that left and were created within the look-back."""
    named = 0
    with Sandbox(WORLD) as sandbox:
        warehouse = Warehouse()
        for since in days_first_runs(sandbox, warehouse):
            left = warehouse.left()
            recent = gone(warehouse, sandbox, since)
            assert recent <= left
            assert left <= gone(warehouse, sandbox, datetime.min.replace(tzinfo=UTC))
            named += len(recent)
    assert named > 5, "no order left"


def test_all_is_well_where_all_is_read() -> None:
    """The check returns no row after a complete run, and names what failed and what is missing."""
    with Sandbox(WORLD) as sandbox:
        config = config_for(sandbox, order_statuses=READ)
        catalog = selecting(discovered(config), [ORDERS, READS])
        warehouse = Warehouse()
        warehouse.load(run_tap(config, catalog=catalog))
        assert warehouse.query(ALL_IS_WELL) == []
        warehouse.query("DELETE FROM sales_orders WHERE id = (SELECT min(id) FROM sales_orders)")
        assert len(warehouse.query(ALL_IS_WELL)) == 1
        fault = Fault(Kind.STATUS, code=404, location="1002", order_status="packed")
        sandbox.add_fault(fault)
        warehouse.load(run_tap(config, catalog=catalog))
        [problem] = warehouse.query(ALL_IS_WELL)
        assert problem[:2] == ("1002", "packed")


def test_what_left_can_be_deleted_and_lag_told() -> None:
    """What was missing for a day is deleted; each location and day has its figures."""
    with Sandbox(WORLD) as sandbox:
        warehouse = Warehouse()
        for _ in days_first_runs(sandbox, warehouse):
            pass
        before = warehouse.left()
        warehouse.query(DELETE)
        assert before
        assert not warehouse.left()
        lag = warehouse.query(LAG)
    assert {row[0] for row in lag} == set(WORLD.locations)
    assert len({row[1] for row in lag}) >= DAYS
    assert all(row[2] > 0 for row in lag)


@pytest.mark.parametrize("column", list(SCHEMA["properties"]))
def test_every_column_is_documented(column: str) -> None:
    """The page lists each column of the stream."""
    assert f"`{column}`" in PAGE
