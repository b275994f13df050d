"""Both streams through Meltano into PostgreSQL and files, and the queries of the page there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.end_to_end.meltano import postgres_settings, run_meltano, tap_settings
from tests.support import blocks, clock_of, config_for, discovered, written
from tests.test_reads import ORDERS, READS, selecting
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
ALL_IS_WELL, LEFT, DELETE, LAG = blocks("docs/completeness.md", "sql")
WORLD = World(
    locations=("1001", "1002"),
    orders_per_location=600,
    statuses=("pending", "packed", "done"),
    life_days=20,
    cancelled_share=0.1,
    deleted_share=0.1,
)
READ = ["pending", "packed"]
DAYS_BEFORE_RUNS = {0: [ORDERS], 10: [ORDERS, READS], 1: [ORDERS, READS]}
"""The first run knows nothing of reads, so that their table is none of the loader's yet."""


@pytest.fixture(scope="module")
def loaded(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, Path]]:
    """Both pipelines, on three days."""
    folder = tmp_path_factory.mktemp("completeness")
    with Sandbox(WORLD) as sandbox:
        config = config_for(sandbox, order_statuses=READ)
        catalog = discovered(config, clock=clock_of(sandbox))
        settings = {
            **tap_settings(config),
            **postgres_settings(postgres),
            "TAP_XSTAK_OMS__CATALOG": str(folder / "catalog.json"),
            "TARGET_JSONL_DESTINATION_PATH": str(folder),
        }
        for days, streams in DAYS_BEFORE_RUNS.items():
            sandbox.clock.advance(timedelta(days=days))
            written(folder, "catalog.json", selecting(catalog, streams))
            for loader in ("target-jsonl", "target-postgres"):
                command = ("run", "--state-id-suffix=completeness", "tap-xstak-oms", loader)
                ended = run_meltano(*command, folder=meltano_folder, settings=settings)
                assert ended.returncode == 0, ended.stdout + ended.stderr
        yield sandbox, folder
    postgres.execute("DROP SCHEMA xstak CASCADE")


def test_the_queries_run_on_postgresql(loaded: tuple[Sandbox, Path], postgres: Postgres) -> None:
    """All is well, what left is named and deleted, and each location has its lag."""
    sandbox, _ = loaded
    postgres.execute("ALTER ROLE CURRENT_USER SET search_path TO xstak, public")
    assert postgres.query(ALL_IS_WELL) == []
    postgres.execute(LEFT)
    named = dict(postgres.query("SELECT id, missed_by FROM orders_that_left"))
    [[since]] = postgres.query("SELECT max(read_since) FROM sales_order_reads")
    held = {order.id: order.status for order in sandbox.orders()}
    rows = postgres.query("SELECT id, _order_status, created_at FROM sales_orders")
    gone = {key: created for key, status, created in rows if held.get(key) != status}
    assert {key for key, created in gone.items() if created >= since} <= named.keys() <= gone.keys()
    assert set(named.values()) == {1, 2}
    assert {"cancelled", "done", None} == {held.get(key) for key in named}
    postgres.execute(DELETE)
    left = {row[0] for row in postgres.query("SELECT id FROM orders_that_left")}
    assert left == {key for key, times in named.items() if times == 1}
    assert {row[0] for row in postgres.query(LAG)} == set(WORLD.locations)


def test_the_queries_run_on_files(loaded: tuple[Sandbox, Path]) -> None:
    """DuckDB reads the files of target-jsonl; of an order that came twice the later one counts."""
    _, folder = loaded
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    for stream, key in ((ORDERS, "id"), (READS, "_location_id, _order_status, _synced_at")):
        path = folder / f"{stream}.jsonl"
        times = {"_synced_at": "TIMESTAMPTZ", "created_at": "TIMESTAMPTZ"}
        if stream == READS:
            times = dict.fromkeys(("_synced_at", "read_since", "ended_at"), "TIMESTAMPTZ")
        casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in times.items())
        latest = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _synced_at DESC) = 1"
        database.execute(
            f"CREATE TABLE {stream} AS SELECT * REPLACE ({casts}) "  # noqa: S608 - of the test's own
            f"FROM read_json('{path}', sample_size = -1) {latest}"
        )
    assert database.execute(ALL_IS_WELL).fetchall() == []
    database.execute(LEFT)
    assert database.execute("SELECT count(*) FROM orders_that_left").fetchall()[0][0] > 0
    assert database.execute(LAG).fetchall()
