"""The recipes of docs/recipes.md that change what is loaded, and the one that needs no loader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.end_to_end.meltano import MELTANO, postgres_settings, tap_settings
from tests.end_to_end.test_recipes import (
    LOOKED_BACK,
    PAGE,
    USUAL,
    USUAL_START,
    Pipeline,
    commands,
)
from tests.support import ROOT, blocks, clock_of, config_for, discovered, written
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
STATE = "dev:tap-xstak-oms-to-target-postgres"
REMOVE, FILL, CUSTOMERS = "Remove a location", "Fill a new column", "Customer data"
FILES = "No loader: CSV, Parquet, pandas"
NEW = "discount_total"
"""The column that is new: what the recipe calls `channel_fee`."""


def sql(recipe: str) -> str:
    """The statement of a recipe."""
    [text] = blocks(PAGE, "sql", under=recipe)
    return text


@pytest.fixture(scope="module")
def found(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A table's life: loaded, filled, cleaned of customers, and rid of a location."""
    folder = tmp_path_factory.mktemp("tables")
    with Sandbox(World(orders_per_location=20)) as sandbox:
        config = config_for(sandbox, start_date=USUAL_START, lookback_days=5)
        new = discovered(config, clock=clock_of(sandbox))
        catalog = written(folder, "catalog.json", without(NEW, new))
        settings = {
            **tap_settings(config),
            **postgres_settings(postgres),
            "TAP_XSTAK_OMS__CATALOG": str(catalog),
        }
        pipeline = Pipeline(sandbox, postgres, meltano_folder, settings)
        # Other modules leave a state of the same name.
        [refresh] = commands("Full refresh")
        told: dict[str, Any] = {"first": pipeline.stage(refresh)}
        discover_again(folder, config)
        told["second"] = pipeline.stage(USUAL)
        told["before filling"] = fees(postgres)
        postgres.execute(sql(FILL).replace("channel_fee", NEW))
        told["filled"] = fees(postgres)
        postgres.execute(sql(CUSTOMERS))
        told["rows"] = json.dumps(postgres.query("SELECT * FROM xstak.sales_orders"), default=str)
        postgres.execute(sql(REMOVE))
        told["left"] = postgres.query("SELECT DISTINCT _location_id FROM xstak.sales_orders")
        forget(folder, meltano_folder)
        told["forgotten"] = pipeline.bookmarks()
        told["back"] = pipeline.stage(USUAL)
        assert pipeline.run(f"meltano state clear --force {STATE}").returncode == 0
        yield told
    postgres.execute("DROP SCHEMA xstak CASCADE")


def without(name: str, catalog: dict[str, Any]) -> dict[str, Any]:
    """A catalog from before there was such a column."""
    catalog = json.loads(json.dumps(catalog))
    [stream, _] = catalog["streams"]
    del stream["schema"]["properties"][name]
    stream["metadata"] = [m for m in stream["metadata"] if name not in m["breadcrumb"]]
    return catalog


def fees(database: Postgres) -> dict[int, tuple[Any, Any]]:
    """What each order has in the new column, and in `_extra`."""
    query = f"SELECT id, {NEW}, _extra -> '{NEW}' FROM xstak.sales_orders"  # noqa: S608 - a name of the test's own
    return {key: (fee, extra) for key, fee, extra in database.query(query)}


def discover_again(folder: Path, config: dict[str, Any]) -> None:
    """Run the recipe's command, where the page has it run."""
    written(folder, "config.json", config)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    [command] = commands(FILL)
    environment = {**os.environ, "PATH": path}
    subprocess.run(["sh", "-c", command], cwd=folder, env=environment, check=True, timeout=120)


def forget(folder: Path, meltano_folder: Path) -> None:
    """Run the recipe's commands, with its program, where the page has them run."""
    [program] = blocks(PAGE, "python", under=REMOVE)
    (folder / "forget.py").write_text(program)
    script = "set -e\n" + "\n".join(commands(REMOVE)).replace(
        "meltano ", f"{MELTANO} --cwd {ROOT} "
    ).replace("--input-file state.json", f"--input-file {folder}/state.json")
    environment = {**os.environ, "MELTANO_SYS_DIR_ROOT": str(meltano_folder)}
    subprocess.run(["sh", "-c", script], cwd=folder, env=environment, check=True, timeout=120)


def test_a_new_column_is_filled_for_older_orders(found: dict[str, Any]) -> None:
    """Those that are read again have it from the loader, the older ones from the statement."""
    assert found["first"].exit_code == found["second"].exit_code == 0
    before, after = found["before filling"], found["filled"]
    older = {key for key, (fee, _) in before.items() if fee is None}
    assert 0 < len(older) < len(before)
    assert {key: after[key][0] for key in older} == {
        key: Decimal(str(before[key][1])) for key in older
    }
    assert all(extra is None for _, extra in after.values())


def test_customers_leave_the_table(found: dict[str, Any]) -> None:
    """Nothing of what the recipe names is in a row."""
    for text in ("Test Customer", "@example.com", "+92-300", "Street", "call before"):
        assert text not in found["rows"]


def test_a_location_goes_with_its_bookmark_and_comes_back_whole(found: dict[str, Any]) -> None:
    """Its rows and bookmarks are gone; read again, it is read from the start date."""
    assert found["left"] == [("1002",)]
    assert {place for place, _ in found["forgotten"]} == {"1002"}
    assert found["back"].asked == {("1001", USUAL_START), ("1002", LOOKED_BACK)}
    assert found["back"].rows.keys() == found["second"].rows.keys()


# --- No loader ---


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sandbox]:
    """A folder in which the recipe without a loader was followed."""
    folder = tmp_path_factory.mktemp("files")
    raw = [RawOrder("0012", "pending", b'{"id":7,"grand_total":12345678901234567890.10}')]
    with Sandbox(World(locations=("0012",), orders_per_location=30, raw_orders=raw)) as sandbox:
        config = config_for(sandbox)
        written(folder, "config.json", config)
        written(folder, "catalog.json", discovered(config))
        for name, program in zip(("orders.py", "frame.py"), programs(), strict=True):
            (folder / name).write_text(program)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        script = "set -e\n" + "\n".join(commands(FILES))
        subprocess.run(
            ["sh", "-c", script],
            cwd=folder,
            env={**os.environ, "PATH": path},
            check=True,
            timeout=120,
        )
    return folder, sandbox


def programs() -> list[str]:
    """The programs of the recipe."""
    return blocks(PAGE, "python", under=FILES)


def exact_totals(sandbox: Sandbox) -> dict[int, Decimal]:
    """Each order's total, as XStak has it."""
    bodies = (json.loads(order.body, parse_float=Decimal) for order in sandbox.orders())
    return {body["id"]: Decimal(body["grand_total"]) for body in bodies}


def test_a_csv_file_and_parquet_keep_every_digit(files: tuple[Path, Sandbox]) -> None:
    """Each order is there once, with the total of XStak, digit by digit, and its location."""
    folder, sandbox = files
    statement = sql(FILES).replace("'orders.", f"'{folder}/orders.")
    with duckdb.connect() as connection:
        connection.execute(statement)
        query = f"SELECT id, grand_total, _location_id FROM '{folder}/orders.parquet'"  # noqa: S608 - a path of the test's own
        rows = connection.execute(query).fetchall()
    assert {key: total for key, total, _ in rows} == exact_totals(sandbox)
    assert {place for _, _, place in rows} == {"0012"}
    assert json.loads((folder / "state.json").read_text())["type"] == "STATE"


def test_pandas_keeps_every_digit(files: tuple[Path, Sandbox]) -> None:
    """The sum that the recipe prints is the exact one."""
    folder, sandbox = files
    uv = [str(ROOT / ".run" / "bin" / "uv"), "run", "--quiet", "--no-project", "--with", "pandas"]
    printed = subprocess.run(
        [*uv, "--python", sys.executable, "frame.py"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    assert Decimal(printed.strip()) == sum(exact_totals(sandbox).values())
