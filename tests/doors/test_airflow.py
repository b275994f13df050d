"""The DAG with Airflow around it: shards at the same time, through Meltano, into one PostgreSQL."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environment import is_of_this_machine
from xstak_sandbox import Fault, Kind, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.end_to_end.postgresql import Postgres

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = Path(sys.executable).with_name("airflow")
PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
MIGRATE, SERVE, TEST = (
    line.split()[2:] for line in PAGE.splitlines() if line.startswith("$ airflow ")
)
"""The arguments of the page's commands."""
START_SECONDS = 120
CLIENT_SECRET = "demo-secret"
START_DATE = "2025-01-01T00:00:00+05:00"
LOOK_BACK = "2025-12-16T12:00:00+05:00"
"""Thirty days before the sandbox's time at the first run."""
SHARDS = {0: ("1003", "1004", "1005"), 1: ("1007",), 2: ("1008",), 3: ("1001", "1002", "1006")}
FAILING, FAILING_SHARD = "1003", 0

Partition = tuple[str | None, str | None]
"""An order status and a location."""
Row = tuple[int, str, str]
"""An order's key, status and total."""


@dataclass(frozen=True)
class DagRun:
    """What came of one run of the DAG.

    Attributes:
        log: All that Airflow said.
        tries: How often the task of each shard was tried.
        asked: The start dates that each partition was asked from, once for each read of it.
        loaded: The rows of the table.
        held: The same of what the API holds.
    """

    log: str
    tries: dict[int, int]
    asked: dict[Partition, list[str | None]]
    loaded: list[Row]
    held: list[Row]


def own_environment(sandbox: Sandbox, postgres: Postgres, folder: Path) -> dict[str, str]:
    """The environment of Airflow and of its tasks: what docs/scaling.md names, and more."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api_port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
    database = f"{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/{postgres.database}"
    return kept | {
        "XSTAK_SHARD_COUNT": str(len(SHARDS)),
        "XSTAK_PROJECT_DIR": str(ROOT),
        "TAP_XSTAK_OMS_CLIENT_ID": "demo-client",
        "TAP_XSTAK_OMS_CLIENT_SECRET": CLIENT_SECRET,
        "TAP_XSTAK_OMS_COMPANY_CODE": "demo-company",
        "TAP_XSTAK_OMS_LOCATION_IDS": json.dumps(sandbox.world.locations),
        "TAP_XSTAK_OMS_START_DATE": START_DATE,
        "TAP_XSTAK_OMS_AUTH_URL": sandbox.token_url,
        "TAP_XSTAK_OMS_API_URL": f"{sandbox.url}/oe/v2",
        "TAP_XSTAK_OMS__CATALOG": str(folder / "catalog.json"),
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(postgres.port),
        "TARGET_POSTGRES_USER": postgres.user,
        "TARGET_POSTGRES_PASSWORD": postgres.password,
        "TARGET_POSTGRES_DATABASE": postgres.database,
        "MELTANO_DATABASE_URI": f"postgresql+psycopg://{database}",
        "MELTANO_SYS_DIR_ROOT": str(folder / "meltano"),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "orchestration" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        # Tasks at the same time, which therefore talk to a server.
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(len(SHARDS)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api_port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": "between-the-server-and-its-tasks" * 2,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__WORKERS": "1",
    }


def run(environment: Mapping[str, str], *command: str | Path) -> str:
    """Run a command to its good end; returns what it said."""
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


@contextmanager
def api_server(environment: Mapping[str, str]) -> Iterator[None]:
    """The server that tasks report to, for as long as they need it."""
    log = Path(environment["AIRFLOW_HOME"]) / "api-server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [AIRFLOW, *SERVE],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"{environment['AIRFLOW__CORE__EXECUTION_API_SERVER_URL']}health", server)
        yield
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when a server answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - of loopback
                return
        except OSError:
            assert server.poll() is None, "the API server ended"
            assert time.monotonic() < end, "the API server does not answer"
            time.sleep(0.2)


def run_dag(sandbox: Sandbox, postgres: Postgres, environment: Mapping[str, str]) -> DagRun:
    """Run the DAG once, as far as its last task."""
    sandbox.journal.clear()
    log = run(environment, AIRFLOW, *TEST)
    asked: dict[Partition, list[str | None]] = {}
    for entry in sandbox.journal.orders:
        if entry.parameter("page") is None:
            partition = entry.parameter("order_status"), entry.parameter("locationId")
            asked.setdefault(partition, []).append(entry.parameter("start_date"))
    return DagRun(log, tries(environment), asked, loaded(postgres), held(sandbox))


def tries(environment: Mapping[str, str]) -> dict[int, int]:
    """How often each shard's task of the last run was tried; all succeeded in the end."""
    with closing(sqlite3.connect(Path(environment["AIRFLOW_HOME"]) / "airflow.db")) as database:
        rows = database.execute(
            "SELECT map_index, try_number, state FROM task_instance WHERE task_id = 'shard' "
            "AND run_id = (SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)"
        ).fetchall()
    assert {state for _, _, state in rows} == {"success"}
    return {index: number for index, number, _ in rows}


def loaded(postgres: Postgres) -> list[Row]:
    """The rows of the table; one that is there twice is twice in the list."""
    rows = postgres.query("SELECT id, _order_status, grand_total FROM xstak.sales_orders")
    return sorted((int(key), status, f"{total:.2f}") for key, status, total in rows)


def held(sandbox: Sandbox) -> list[Row]:
    """The orders that the API holds."""
    orders = (json.loads(order.body) for order in sandbox.orders())
    return sorted((o["id"], o["status"], f"{o['grand_total']:.2f}") for o in orders)


@pytest.fixture(scope="module")
def runs(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> tuple[DagRun, DagRun]:
    """Two runs, two days apart; in the first, one partition of a shard is refused once."""
    folder = tmp_path_factory.mktemp("airflow-door")
    (folder / "airflow").mkdir()
    with Sandbox(World(locations=location_ids(8), orders_per_location=40)) as sandbox:
        environment = own_environment(sandbox, postgres, folder)
        catalog = run(environment, "tap-xstak-oms", "--config=ENV", "--discover")
        (folder / "catalog.json").write_text(catalog[catalog.index("{") : catalog.rindex("}") + 1])
        run(environment, AIRFLOW, *MIGRATE)
        fault = Fault(Kind.STATUS, code=403, order_status="pending", location=FAILING)
        sandbox.add_fault(fault)
        with api_server(environment):
            first = run_dag(sandbox, postgres, environment)
            assert not sandbox.unmet_faults()
            sandbox.clock.advance(timedelta(days=2))
            second = run_dag(sandbox, postgres, environment)
    return first, second


def partitions(*locations: str) -> set[Partition]:
    """Those of some locations."""
    return {(status, location) for status in ("pending", "completed") for location in locations}


def test_every_order_is_in_the_table_once(runs: tuple[DagRun, DagRun]) -> None:
    """Four shards fill one table at the same time: each order is one row, as the API holds it."""
    first, second = runs
    assert first.loaded == first.held
    assert second.loaded == second.held
    assert first.held != second.held


def test_each_location_is_read_by_its_shard(runs: tuple[DagRun, DagRun]) -> None:
    """All locations are asked for, in the second run each partition once."""
    every = partitions(*(location for shard in SHARDS.values() for location in shard))
    assert {partition: len(starts) for partition, starts in runs[1].asked.items()} == dict.fromkeys(
        every, 1
    )


def test_a_failed_shard_is_retried_alone(runs: tuple[DagRun, DagRun]) -> None:
    """The others are done at their first try; the second try goes on where the first came to."""
    first, _ = runs
    assert first.tries == {index: 2 if index == FAILING_SHARD else 1 for index in SHARDS}
    of_others = (locations for index, locations in SHARDS.items() if index != FAILING_SHARD)
    for partition in partitions(*(location for locations in of_others for location in locations)):
        assert first.asked[partition] == [START_DATE]
    for partition in partitions(*SHARDS[FAILING_SHARD]) - {("pending", FAILING)}:
        assert first.asked[partition] == [START_DATE, LOOK_BACK]
    assert first.asked["pending", FAILING] == [START_DATE, START_DATE]


def test_the_next_run_goes_on_where_each_shard_was(runs: tuple[DagRun, DagRun]) -> None:
    """Each shard finds its own state: no partition is read from the start date again."""
    _, second = runs
    assert set(second.tries.values()) == {1}
    assert {start for starts in second.asked.values() for start in starts} == {LOOK_BACK}


def test_each_shard_has_a_state_of_its_own(runs: tuple[DagRun, DagRun], postgres: Postgres) -> None:
    """Meltano's state is in PostgreSQL, one for each shard, of its own locations alone."""
    assert runs
    states = dict(postgres.query("SELECT state_id, completed_state::text FROM state"))
    assert states.keys() == {f"dev:tap-xstak-oms-to-target-postgres:shard-{i}" for i in SHARDS}
    for index, locations in SHARDS.items():
        state = states[f"dev:tap-xstak-oms-to-target-postgres:shard-{index}"]
        assert [location for location in location_ids(8) if f'"{location}"' in state] == sorted(
            locations
        )


def test_no_secret_is_in_the_log(runs: tuple[DagRun, DagRun], postgres: Postgres) -> None:
    """Airflow shows neither the account's secret nor a password of PostgreSQL."""
    for one in runs:
        assert CLIENT_SECRET not in one.log
        assert postgres.password not in one.log
