"""Each recipe of docs/recipes.md, run as it is written there, and what it promises."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.end_to_end.meltano import MELTANO, postgres_settings, run_meltano, tap_settings
from tests.holdings import exact, told
from tests.support import ROOT, Run, blocks, clock_of, config_for, discovered, run_tap, written
from xstak_sandbox import Fault, Kind, RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
PAGE = "docs/recipes.md"
BACKFILL = "Backfill one location"
STATUSES = "One table per status"


def config_of(recipe: str) -> dict[str, Any]:
    """The settings of a recipe."""
    [text] = blocks(PAGE, "yaml", under=recipe)
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    return config


def commands(recipe: str) -> list[str]:
    """The commands of a recipe, in order."""
    lines = "".join(blocks(PAGE, "console", under=recipe)).splitlines()
    return [line.removeprefix("$ ") for line in lines]


def asked(sandbox: Sandbox) -> set[tuple[str | None, str | None]]:
    """For which locations orders were asked for, and from when."""
    entries = sandbox.journal.orders
    return {(entry.parameter("locationId"), entry.parameter("start_date")) for entry in entries}


def read(sandbox: Sandbox, **changes: Any) -> Run:
    """A run with some settings changed, at the sandbox's own time."""
    run = run_tap(config_for(sandbox, **changes), clock=clock_of(sandbox))
    assert run.error is None
    return run


# --- Only some columns ---


def test_meltano_selects_columns(meltano_folder: Path, sandbox: Sandbox) -> None:
    """What `select:` names arrives, and the key and `_synced_at`, and nothing else."""
    [text] = blocks(PAGE, "yaml", under="Only some columns")
    rules = yaml.safe_load(text)["select"]
    messages = selected(meltano_folder, sandbox, rules)
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    wanted = {rule.removeprefix("sales_orders.") for rule in rules} | {"id", "_synced_at"}
    assert len(records) == len(sandbox.orders())
    assert all(record.keys() == wanted for record in records)
    assert set(messages[0]["schema"]["properties"]) == wanted


def test_a_catalog_has_to_hold_the_selection(
    meltano_folder: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    """With a catalog Meltano ignores `select`; the recipe's command writes the rules into one."""
    [text] = blocks(PAGE, "yaml", under="Only some columns")
    rules = yaml.safe_load(text)["select"]
    plain = str(written(tmp_path, "plain.json", discovered(config_for(sandbox))))
    ignored = selected(meltano_folder, sandbox, rules, TAP_XSTAK_OMS__CATALOG=plain)
    assert "customer" in ignored[0]["schema"]["properties"]
    script, wanted = commands("Only some columns"), {"id", "_synced_at"}
    settings = {
        **tap_settings(config_for(sandbox)),
        "TAP_XSTAK_OMS__SELECT": json.dumps(rules),
        "TAP_XSTAK_OMS__CATALOG": plain,
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "MELTANO_SYS_DIR_ROOT": str(meltano_folder),
        "PATH": os.pathsep.join([str(MELTANO.parent), os.environ["PATH"]]),
    }
    subprocess.run(
        ["sh", "-e", "-c", *script], cwd=tmp_path, env={**os.environ, **settings}, check=True
    )
    catalog = str(tmp_path / "catalog.json")
    held = selected(meltano_folder, sandbox, [], TAP_XSTAK_OMS__CATALOG=catalog)
    wanted |= {rule.removeprefix("sales_orders.") for rule in rules}
    assert set(held[0]["schema"]["properties"]) == wanted


def selected(
    folder: Path, sandbox: Sandbox, rules: list[str], **extras: str
) -> list[dict[str, Any]]:
    """The messages of a run under Meltano with such a `select`."""
    settings = {**tap_settings(config_for(sandbox)), **extras}
    settings["TAP_XSTAK_OMS__SELECT"] = json.dumps(rules)
    ended = run_meltano("invoke", "tap-xstak-oms", folder=folder, settings=settings)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("keeps_extra", [False, True])
def test_what_the_catalog_does_not_know_needs_extra(
    caplog: pytest.LogCaptureFixture, *, keeps_extra: bool
) -> None:
    """Where `_extra` is not selected such values are dropped, and counted."""
    with Sandbox(World(locations=("1001",), orders_per_location=30)) as early:
        catalog = discovered(config_for(early), clock=clock_of(early))
    catalog["streams"][0]["metadata"] += [
        {"breadcrumb": ["properties", "_extra"], "metadata": {"selected": keeps_extra}}
    ]
    raw = [RawOrder("1001", "pending", b'{"id":7,"new":1}')]
    with Sandbox(World(locations=("1001",), orders_per_location=30, raw_orders=raw)) as sandbox:
        run = run_tap(config_for(sandbox), catalog=catalog)
    [record] = [record for record in run.records if record["id"] == 7]
    assert record.get("_extra") == ({"new": 1} if keeps_extra else None)
    place = "in _extra" if keeps_extra else "dropped"
    assert any(f"Field new has no column: 1 value is {place}" in m for m in caplog.messages)


def test_the_catalog_deselects_a_column(sandbox: Sandbox) -> None:
    """The entry of the recipe takes one column away, and leaves the others."""
    [text] = blocks(PAGE, "json", under="Only some columns")
    entry = json.loads(text)
    catalog = discovered(config_for(sandbox))
    metadata = catalog["streams"][0]["metadata"]
    [found] = [one for one in metadata if one["breadcrumb"] == entry["breadcrumb"]]
    found["metadata"].update(entry["metadata"])
    run = run_tap(config_for(sandbox), catalog=catalog)
    assert len(run.records) == len(sandbox.orders())
    assert not any("customer" in told(record) for record in run.records)
    assert all("billing_address" in record for record in run.records)


# --- Parts of an object ---


def test_meltano_hides_parts_of_an_object(meltano_folder: Path, sandbox: Sandbox) -> None:
    """What the rules exclude is nowhere, in lists neither, and the rest of the object is there."""
    [members, whole] = blocks(PAGE, "yaml", under="Parts of an object")
    messages = selected(meltano_folder, sandbox, yaml.safe_load(members)["select"])
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    assert len(records) == len(sandbox.orders())
    assert not any(word in json.dumps(records) for word in ("+92-300", "@example", "unit_price"))
    assert all(record["customer"]["name"] and record["line_items"][0]["sku"] for record in records)
    messages = selected(meltano_folder, sandbox, yaml.safe_load(whole)["select"])
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    assert len(records) == len(sandbox.orders())
    assert not any({"customer", "_extra"} & record.keys() for record in records)


def test_the_catalog_hides_a_member_of_the_objects_in_a_list(sandbox: Sandbox) -> None:
    """The entry of the page takes it out of each of them."""
    [text] = blocks(PAGE, "json", under="Parts of an object")
    catalog = discovered(config_for(sandbox))
    catalog["streams"][0]["metadata"].append(json.loads(text))
    run = run_tap(config_for(sandbox), catalog=catalog)
    items = [item for record in run.records for item in record["line_items"]]
    assert len(run.records) == len(sandbox.orders())
    assert items
    assert all("unit_price" not in item and "sku" in item for item in items)


# --- Flatten for a loader without JSON ---


def test_flattened_records_need_no_json(sandbox: Sandbox) -> None:
    """Every column is a scalar, every field has one, and every digit is there."""
    run = read(sandbox, **config_of("Flatten for a loader without JSON"))
    columns = run.schema["schema"]["properties"]
    kinds = {kind for column in columns.values() for kind in column["type"]}
    assert not kinds & {"object", "array"}
    orders = {order.id: json.loads(order.body, parse_float=Decimal) for order in sandbox.orders()}
    assert len(run.records) == len(orders)
    for record in run.records:
        assert record.keys() <= columns.keys()
        order = orders[record["id"]]
        assert record["customer__name"] == order["customer"]["name"]
        latitude = order["billing_address"]["latitude"]
        assert exact(record["billing_address__latitude"]) == exact(latitude)
        items = json.loads(record["line_items"], parse_float=Decimal)
        assert exact(items) == exact(order["line_items"])


# --- One table per status ---


def test_one_run_writes_a_stream_for_each_status(sandbox: Sandbox) -> None:
    """Each order is in the stream of its status, and the state is that of the one stream."""
    run = read(sandbox, **config_of(STATUSES))
    streams = {m["stream"] for m in run.messages if m["type"] in ("SCHEMA", "RECORD")}
    assert streams == {"pending_orders", "completed_orders"}
    for message in run.messages:
        if message["type"] == "SCHEMA":
            assert message["key_properties"] == ["id"]
        if message["type"] == "RECORD":
            assert message["stream"] == f"{message['record']['_order_status']}_orders"
    assert len(run.records) == len(sandbox.orders())
    assert run.state == read(sandbox).state


def test_an_order_that_moves_on_is_in_both_and_later_in_the_later(sandbox: Sandbox) -> None:
    """The table of its earlier status keeps it; by `_synced_at`, too, the later status holds."""
    maps = config_of(STATUSES)
    first = read(sandbox, **maps)
    sandbox.clock.advance(timedelta(days=3))
    second = run_tap(config_for(sandbox, **maps), state=first.state, clock=clock_of(sandbox))
    pending = {r["id"]: r for r in first.records if r["_order_status"] == "pending"}
    completed = {r["id"]: r for r in second.records if r["_order_status"] == "completed"}
    moved = pending.keys() & completed.keys()
    assert moved
    assert all(completed[key]["_synced_at"] > pending[key]["_synced_at"] for key in moved)


# --- Backfill one location, and full refresh ---


def test_a_new_location_is_read_from_the_start_date(sandbox: Sandbox) -> None:
    """It has no bookmark, while the others go on from theirs."""
    state = read(sandbox, location_ids=["1001"]).state
    sandbox.journal.clear()
    config = config_for(sandbox, infer_schema=False)
    assert run_tap(config, state=state, clock=clock_of(sandbox)).error is None
    assert asked(sandbox) == {
        ("1001", "2026-01-14T12:00:00+05:00"),
        ("1002", "2025-01-01T00:00:00+05:00"),
    }


def test_a_start_date_moved_back_asks_nobody_from_there(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has a bookmark is asked no further back than the look-back; the run warns."""
    state = read(sandbox, start_date="2026-01-01T00:00:00+05:00").state
    sandbox.clock.advance(timedelta(days=1))
    sandbox.journal.clear()
    config = config_for(sandbox, infer_schema=False)
    assert run_tap(config, state=state, clock=clock_of(sandbox)).error is None
    assert {start for _, start in asked(sandbox)} == {"2025-12-16T12:00:00+05:00"}
    assert any("Only a full refresh" in message for message in caplog.messages)


def test_a_location_is_backfilled_without_meltano(sandbox: Sandbox, tmp_path: Path) -> None:
    """The second configuration goes before the first: one location is asked for, from its date."""
    usual = config_for(sandbox, start_date="2026-01-01T00:00:00+05:00")
    written(tmp_path, "config.json", usual)
    written(tmp_path, "catalog.json", discovered(usual))
    [backfill] = blocks(PAGE, "json", under=BACKFILL)
    (tmp_path / "backfill.json").write_text(backfill)
    [command] = [line for line in commands(BACKFILL) if line.startswith("tap-xstak-oms")]
    sandbox.journal.clear()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert asked(sandbox) == {("1001", "2025-11-01T00:00:00+05:00")}
    lines = (tmp_path / "backfill.jsonl").read_text(encoding="utf-8").splitlines()
    ids = {json.loads(line)["record"]["id"] for line in lines if '"RECORD"' in line}
    assert ids == {order.id for order in sandbox.orders(location="1001")}


@dataclass(frozen=True)
class Stage:
    """What one command of Meltano did.

    Attributes:
        exit_code: How it ended.
        said: What it said.
        asked: For which locations orders were asked for, and from when.
        bookmarks: The bookmark of each location and status afterwards.
        rows: The location of each order in the table afterwards, by key.
    """

    exit_code: int
    said: str
    asked: set[tuple[str | None, str | None]]
    bookmarks: dict[tuple[str, ...], str]
    rows: dict[int, str]


class Pipeline:
    """The pipeline of the recipes, as a person runs it."""

    def __init__(
        self, sandbox: Sandbox, database: Postgres, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self.sandbox = sandbox
        self._database = database
        self._folder = folder
        self._settings = settings

    def stage(self, command: str) -> Stage:
        """Run a command, and look at what it did."""
        self.sandbox.journal.clear()
        ended = self.run(command)
        rows = self._database.query("SELECT id, _location_id FROM xstak.sales_orders")
        assert len(dict(rows)) == len(rows)
        said = ended.stdout + ended.stderr
        return Stage(ended.returncode, said, asked(self.sandbox), self.bookmarks(), dict(rows))

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as it is written: with settings before it, or without."""
        words = shlex.split(command)
        at = words.index("meltano")
        changes = dict(word.split("=", 1) for word in words[:at])
        settings = {**self._settings, **changes}
        return run_meltano(*words[at + 1 :], folder=self._folder, settings=settings)

    def bookmarks(self) -> dict[tuple[str, ...], str]:
        """The bookmarks that Meltano keeps, by the recipe's command."""
        [command] = [line for line in commands(BACKFILL) if line.startswith("meltano state")]
        ended = self.run(command)
        assert ended.returncode == 0, ended.stderr
        state = json.loads(ended.stdout.splitlines()[-1])["singer_state"]
        parts = state["bookmarks"]["sales_orders"]["partitions"]
        return {
            tuple(part["context"].values()): part["replication_key_value"]
            for part in parts
            if "replication_key_value" in part
        }


USUAL_START = "2026-01-01T00:00:00+05:00"
LOOKED_BACK = "2026-01-10T12:00:00+05:00"
"""The look-back before the first run."""
USUAL = "meltano run tap-xstak-oms target-postgres"


@pytest.fixture(scope="module")
def stages(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A pipeline's life: a usual run, views, a backfill, and full refreshes.

    The recipes' commands stand as they are; the clock of the tap is the real one, by which each
    run is on a later day than the sandbox's.
    """
    folder = tmp_path_factory.mktemp("recipes")
    with Sandbox(World(orders_per_location=60)) as sandbox:
        config = config_for(sandbox, start_date=USUAL_START, lookback_days=5)
        catalog = written(folder, "catalog.json", discovered(config, clock=clock_of(sandbox)))
        settings = {
            **tap_settings(config),
            **postgres_settings(postgres),
            "TAP_XSTAK_OMS__CATALOG": str(catalog),
        }
        pipeline = Pipeline(sandbox, postgres, meltano_folder, settings)
        [backfill, *_] = commands(BACKFILL)
        [refresh] = commands("Full refresh")
        found: dict[str, Any] = {"usual": pipeline.stage(USUAL)}
        found["views"] = views(postgres)
        found["backfill"] = pipeline.stage(backfill)
        found["held"] = {o.id: o.location for o in sandbox.orders()}
        [drop] = blocks(PAGE, "sql", under="Full refresh")
        postgres.execute(drop)
        found["refresh"] = pipeline.stage(refresh)
        found["views again"] = views(postgres)
        fault = Fault(Kind.STATUS, code=403, location="1002", times=2)
        sandbox.add_fault(fault)
        found["failed"] = pipeline.stage(refresh)
        assert sandbox.strikes(fault) == 2
        found["after"] = pipeline.stage(USUAL)
        found["since start"] = {
            order.id
            for order in sandbox.orders()
            if json.loads(order.body)["created_at"] >= USUAL_START
        }
        yield found
    postgres.execute("DROP SCHEMA xstak CASCADE")


def views(database: Postgres) -> dict[str, list[Any]]:
    """What the recipe's views hold."""
    [create] = blocks(PAGE, "sql", under=STATUSES)
    database.execute(create)
    return {
        "pending": database.query("SELECT id, _order_status FROM xstak.pending_orders"),
        "completed": database.query("SELECT id, _order_status FROM xstak.completed_orders"),
    }


def test_every_command_is_run() -> None:
    """The page has no command but in the recipes that are run here and in the other module."""
    here = ["Only some columns", BACKFILL, "Full refresh"]
    there = ["Remove a location", "Fill a new column", "No loader: CSV, Parquet, pandas"]
    assert [len(commands(recipe)) for recipe in (*here, *there)] == [1, 3, 1, 2, 1, 3]
    assert sum(text.count("$ ") for text in blocks(PAGE, "console")) == 11


def test_the_views_part_the_orders(stages: dict[str, Any]) -> None:
    """Each order is in one view, that of its status."""
    found = stages["views"]
    for status, rows in found.items():
        assert rows
        assert {row[1] for row in rows} == {status}
    ids = [row[0] for rows in found.values() for row in rows]
    assert sorted(ids) == sorted(stages["usual"].rows)


def test_a_backfill_asks_for_its_location_alone(stages: dict[str, Any]) -> None:
    """Not one request for another, and this one from the date given."""
    assert stages["backfill"].exit_code == 0
    assert stages["backfill"].asked == {("1001", "2025-11-01T00:00:00+05:00")}


def test_a_backfill_moves_no_bookmark(stages: dict[str, Any]) -> None:
    """Meltano's state is that of the usual run before."""
    assert len(stages["usual"].bookmarks) == 4
    assert stages["backfill"].bookmarks == stages["usual"].bookmarks


def test_meltano_calls_a_backfill_stateless(stages: dict[str, Any]) -> None:
    """It warns so, and that no environment is active, which is not so."""
    said = stages["backfill"].said
    assert "No active environment, proceeding with stateless run" in said
    assert "Environment 'dev' is active" in said
    assert "stateless" not in stages["usual"].said


def test_a_backfill_adds_the_older_orders_and_doubles_none(stages: dict[str, Any]) -> None:
    """The table then holds all orders of its location, and of the other what it held."""
    usual, backfilled, held = stages["usual"].rows, stages["backfill"].rows, stages["held"]
    of_1001 = {key for key, location in held.items() if location == "1001"}
    assert {key for key, location in backfilled.items() if location == "1001"} == of_1001
    assert backfilled.keys() - usual.keys() == of_1001 - usual.keys()
    assert of_1001 - usual.keys()


def test_a_full_refresh_reads_everything_since_the_start_date(stages: dict[str, Any]) -> None:
    """It fills the dropped table again, with all locations, and ignores the state."""
    refresh = stages["refresh"]
    assert refresh.exit_code == 0
    assert refresh.asked == {("1001", USUAL_START), ("1002", USUAL_START)}
    assert refresh.rows.keys() == stages["since start"]
    assert refresh.bookmarks.keys() == stages["usual"].bookmarks.keys()


def test_views_are_made_again_after_a_table_was_dropped(stages: dict[str, Any]) -> None:
    """They went with it, and the same statements make them of the new table."""
    rows = [row for view in stages["views again"].values() for row in view]
    assert sorted(row[0] for row in rows) == sorted(stages["refresh"].rows)


def test_a_usual_run_goes_on_with_a_full_refresh_that_failed(stages: dict[str, Any]) -> None:
    """What it had not read has no bookmark, and is read from the start date; the rest is not."""
    assert stages["failed"].exit_code != 0
    assert {place for place, _ in stages["failed"].bookmarks} == {"1001"}
    after = stages["after"]
    assert after.exit_code == 0
    assert after.asked == {("1001", LOOKED_BACK), ("1002", USUAL_START)}
    assert len(after.bookmarks) == 4
