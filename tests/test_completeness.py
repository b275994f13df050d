"""Proof of what is there and what is not: the queries of docs/completeness.md, on DuckDB."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from typing_extensions import override

from tap_xstak_oms.sync.reads import SCHEMA
from tests.support import (
    ROOT,
    Collector,
    Run,
    blocks,
    clock_of,
    config_for,
    discovered,
    run_tap,
    utc,
)
from tests.test_reads import ORDERS, READS, orders_of, reads_of, selecting
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

ALL_IS_WELL, LEFT, DELETE, LAG = blocks("docs/completeness.md", "sql")
PAGE = (ROOT / "docs" / "completeness.md").read_text(encoding="utf-8")
DAYS = 31
HOURS_A_RUN = 8
WORLD = World(
    locations=("1001", "1002"),
    orders_per_location=400,
    statuses=("pending", "packed", "done"),
    life_days=25,
    cancelled_share=0.15,
    deleted_share=0.15,
)
READ = ("pending", "packed")
"""Orders end in a status that is not read, are cancelled into another one, or are deleted."""
SECONDS_A_REQUEST = 480
"""So long that orders leave and arrive while pages are read."""
FAILS, IS_INTERRUPTED = "fails", "is interrupted"
TROUBLES = (FAILS, IS_INTERRUPTED, *[None] * 5)
"""What happens to a run, in turn: to the first of a day every seven days, as to the others."""


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
        key = itemgetter("_location_id", "_order_status", "_synced_at")
        self._upsert("sales_orders", {order["id"]: order for order in orders_of(run)})
        self._upsert(READS, {key(read): read for read in reads_of(run)})

    def _upsert(self, table: str, records: dict[Any, dict[str, Any]]) -> None:
        names = [row[0] for row in self.query(f"DESCRIBE {table}")]
        values = [record.get(name) for record in records.values() for name in names]
        rows = ", ".join([f"({', '.join('?' * len(names))})"] * len(records))
        if values:
            statement = f"INSERT OR REPLACE INTO {table} VALUES {rows}"  # noqa: S608 - of the test's own
            self._database.execute(statement, values)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._database.execute(sql).fetchall()

    def rows(self) -> list[tuple[Any, ...]]:
        """Each order, its status, location, when it was read and when it was created."""
        return self.query(
            "SELECT id, _order_status, _location_id, _synced_at, created_at FROM sales_orders"
        )

    def left(self) -> set[int]:
        """The orders that the view names."""
        return {row[0] for row in self.query("SELECT id FROM orders_that_left")}


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The run ends here."""


class Interrupting(Collector):
    """Ends the run, once, after so many records, as a signal does."""

    def __init__(self, records: int | None) -> None:
        super().__init__()
        self._left = records

    @override
    def write_lines(self, pieces: Sequence[bytes]) -> None:
        super().write_lines(pieces)
        if self._left is not None and len(self.messages) + len(self._lines) > self._left:
            self._left = None
            raise Interrupted


def is_there(sandbox: Sandbox, moment: datetime) -> set[tuple[int | None, str, str]]:
    """Each order, its status and its location at a moment."""
    return {(o.id, o.status, o.location) for o in sandbox.world.orders_at(moment)}


def must_be_named(warehouse: Warehouse, sandbox: Sandbox, read: dict[str, Any]) -> set[int]:
    """The orders of a partition that had left when its read began, and that it reached back to."""
    began, since = utc(read["_synced_at"]), utc(read["read_since"])
    there = is_there(sandbox, began)
    partition = read["_order_status"], read["_location_id"]
    return {
        row[0]
        for row in warehouse.rows()
        if row[:3] not in there and row[1:3] == partition and row[3] < began and row[4] >= since
    }


def runs_of_a_month(sandbox: Sandbox, warehouse: Warehouse) -> Iterator[tuple[int, Run]]:
    """Run every few hours for a month, some of it in trouble; yields each run's number."""
    config = config_for(
        sandbox,
        order_statuses=READ,
        max_concurrent_requests=1,
        page_size=10,
        start_date="2024-06-01T00:00:00+05:00",
    )
    catalog = selecting(discovered(config, clock=clock_of(sandbox)), [ORDERS, READS])
    state: dict[str, Any] = {}
    for number in range(DAYS * 24 // HOURS_A_RUN):
        trouble = TROUBLES[(number + 3) % len(TROUBLES)]
        if trouble == FAILS:
            sandbox.add_fault(Fault(Kind.STATUS, code=403, location="1002", order_status="packed"))
        run = run_tap(
            config,
            state=state,
            catalog=catalog,
            clock=clock_of(sandbox),
            collector=Interrupting(4 if trouble == IS_INTERRUPTED else None),
        )
        assert (run.error is None) == (trouble is None)
        state = run.state
        warehouse.load(run)
        yield number, run
        sandbox.clock.advance(timedelta(hours=HOURS_A_RUN))


def test_the_view_names_what_has_left_and_nothing_else() -> None:
    """After each day's first run: what had left its status when its read began, if young enough.

    Never one that is still there, after any run: orders are cancelled and deleted, pages move
    while they are read, and are read again, partitions fail, and runs are interrupted.
    """
    named: set[int] = set()
    reads: list[dict[str, Any]] = []
    with moving() as sandbox:
        warehouse = Warehouse()
        for number, run in runs_of_a_month(sandbox, warehouse):
            left = warehouse.left()
            there = is_there(sandbox, sandbox.clock.now())
            assert not [row for row in warehouse.rows() if row[0] in left and row[:3] in there]
            reads += reads_of(run)
            if number % (24 // HOURS_A_RUN) == 0:
                for read in reads_of(run):
                    if read["quiet"]:
                        gone = must_be_named(warehouse, sandbox, read)
                        assert gone <= left
                        named |= gone
        last = {order.id: order.status for order in sandbox.orders()}
    fates = Counter(last.get(order) for order in named)
    assert min(fates[fate] for fate in (None, "cancelled", "done")) > 10
    assert sum(read["passes"] > 1 for read in reads) > 10, "no pages moved"
    assert sum(not read["complete"] for read in reads) > 10, "no partition failed"
    assert sum(read["quiet"] for read in reads) > 0.9 * len(reads), "few reads proved something"


def moving() -> Sandbox:
    """The world, in which orders leave and arrive while they are read."""
    return Sandbox(WORLD, tick=timedelta(seconds=SECONDS_A_REQUEST))


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
    """What two reads missed is deleted, what one missed is not; each day has its figures."""
    with Sandbox(WORLD) as sandbox:
        config = config_for(sandbox, order_statuses=READ)
        catalog = selecting(discovered(config, clock=clock_of(sandbox)), [ORDERS, READS])
        warehouse = Warehouse()
        missed: list[set[int]] = []
        for _ in range(3):
            warehouse.load(run_tap(config, catalog=catalog, clock=clock_of(sandbox)))
            missed.append(warehouse.left())
            sandbox.clock.advance(timedelta(days=2))
    assert missed[1] < missed[2]
    warehouse.query(DELETE)
    assert warehouse.left() == missed[2] - missed[1]
    lag = warehouse.query(LAG)
    assert {row[0] for row in lag} == set(WORLD.locations)
    assert len({row[1] for row in lag}) == 3
    assert all(row[2] > 0 for row in lag)


def test_reads_alone_prove_nothing_of_the_orders() -> None:
    """They emit no order, so a row does not tell that its order was met: none is named."""
    with Sandbox(WORLD) as sandbox:
        config = config_for(sandbox, order_statuses=READ)
        catalog = discovered(config)
        warehouse = Warehouse()
        for streams in ([ORDERS, READS], [READS]):
            warehouse.load(run_tap(config, catalog=selecting(catalog, streams)))
            sandbox.clock.advance(timedelta(hours=1))
    assert warehouse.rows()
    assert not warehouse.left()
    assert warehouse.query(ALL_IS_WELL) == []


@pytest.mark.parametrize("column", list(SCHEMA["properties"]))
def test_every_column_is_documented(column: str) -> None:
    """The page lists each column of the stream."""
    assert f"`{column}`" in PAGE
