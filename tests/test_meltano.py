"""The Meltano project as it stands: real `meltano run`s into files and into PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from docs.generate import BLOCKS, generated
from tap_xstak_oms.settings_schema import SCHEMA
from tap_xstak_oms.tap import TapXstakOMS
from tests.postgresql import PASSWORD, Postgres, postgres_server
from tests.support import CLIENT_SECRET, ROOT, config_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xstak_sandbox import Sandbox

MELTANO = Path(sys.executable).with_name("meltano")


@pytest.fixture(scope="session")
def meltano_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Meltano keeps plugins and state: not in the checkout."""
    return tmp_path_factory.mktemp("meltano")


@pytest.fixture
def meltano(
    meltano_folder: Path, sandbox: Sandbox, request: pytest.FixtureRequest
) -> Callable[..., str]:
    """Runs Meltano in this checkout, with state of the test's own; returns what it logged."""
    settings = {
        f"TAP_XSTAK_OMS_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config_for(sandbox).items()
    }

    def run(*arguments: str, **extra: str) -> str:
        command = [str(MELTANO), *arguments]
        if arguments[0] == "run":
            command.insert(2, f"--state-id-suffix={request.node.name}")
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "MELTANO_SYS_DIR_ROOT": str(meltano_folder), **settings, **extra},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        log: str = ended.stdout + ended.stderr
        assert ended.returncode == 0, log
        assert CLIENT_SECRET not in log
        return log

    return run


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the tests' own."""
    with postgres_server() as server:
        yield server


def plugins(kind: str) -> dict[str, Any]:
    """The plugins that meltano.yml declares, by name."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    return {plugin["name"]: plugin for plugin in project["plugins"][kind]}


def test_meltano_run_loads_files(
    meltano: Callable[..., str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """`meltano run tap-xstak-oms target-jsonl` loads every order; the next run looks back."""
    folder = {"TARGET_JSONL_DESTINATION_PATH": str(tmp_path)}
    meltano("run", "tap-xstak-oms", "target-jsonl", **folder)
    file = tmp_path / "sales_orders.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {row["id"] for row in rows} == {order.id for order in sandbox.orders()}
    assert len(rows) == len(sandbox.orders())

    sandbox.clock.advance(timedelta(hours=3))
    sandbox.journal.clear()
    meltano("run", "tap-xstak-oms", "target-jsonl", **folder)
    starts = {
        entry.parameter("start_date")
        for entry in sandbox.journal.entries()
        if entry.endpoint == "orders" and entry.parameter("start_date") is not None
    }
    assert "2025-12-16T12:00:00+05:00" in starts


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_meltano_shows_what_came_of_a_run(
    meltano: Callable[..., str], tmp_path: Path, log_format: str
) -> None:
    """The summary is readable in Meltano's log, and its figures are fields where that is JSON."""
    extra = {"TARGET_JSONL_DESTINATION_PATH": str(tmp_path), "MELTANO_CLI_LOG_FORMAT": log_format}
    lines = meltano("run", "tap-xstak-oms", "target-jsonl", **extra).splitlines()
    [line] = [line for line in lines if "Read 120 orders of 4 of 4 partitions (0 failed)" in line]
    assert len([line for line in lines if "bookmark none -> 2026-01-15T07:00:00" in line]) == 4
    if log_format == "json":
        assert json.loads(line)["orders"] == 120


def test_meltano_run_upserts_into_postgresql(
    meltano: Callable[..., str], sandbox: Sandbox, postgres: Postgres
) -> None:
    """Each order is one row, exact in every digit, and the next run updates rather than doubles."""
    target = {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(postgres.port),
        "TARGET_POSTGRES_USER": postgres.user,
        "TARGET_POSTGRES_PASSWORD": PASSWORD,
        "TARGET_POSTGRES_DATABASE": postgres.database,
    }
    assert PASSWORD not in meltano("run", "tap-xstak-oms", "target-postgres", **target)
    assert loaded(postgres) == held(sandbox)

    sandbox.clock.advance(timedelta(days=2))
    meltano("run", "tap-xstak-oms", "target-postgres", **target)
    assert loaded(postgres) == held(sandbox)


def loaded(postgres: Postgres) -> set[tuple[int, str, str]]:
    """Each row's key, status and total; fails where a key is there twice."""
    rows = postgres.query("SELECT id, _order_status, grand_total::text FROM xstak.sales_orders")
    assert len({row[0] for row in rows}) == len(rows)
    return {(int(row[0]), row[1], f"{float(row[2]):.2f}") for row in rows}


def held(sandbox: Sandbox) -> set[tuple[int, str, str]]:
    """The same of what the API holds."""
    orders = (json.loads(order.body) for order in sandbox.orders())
    return {(order["id"], order["status"], f"{order['grand_total']:.2f}") for order in orders}


def test_meltano_discovers(meltano: Callable[..., str]) -> None:
    """`meltano invoke tap-xstak-oms --discover` gives the catalog that one commits."""
    assert '"tap_stream_id":"sales_orders"' in meltano("invoke", "tap-xstak-oms", "--discover")


def test_meltano_checks_the_connection(meltano: Callable[..., str]) -> None:
    """`meltano config test` says that the account can be read."""
    assert "Plugin configuration is valid" in meltano("config", "test", "tap-xstak-oms")


@pytest.mark.parametrize("name", list(BLOCKS))
def test_lists_of_settings_follow_the_schema(name: str) -> None:
    """README.md and meltano.yml say of the settings what the schema says (`./run generate`)."""
    assert generated(name) == (ROOT / name).read_text(encoding="utf-8")


def test_meltano_yml_has_every_setting_of_the_tap() -> None:
    """Each setting of the tap, the SDK's included, can be set in Meltano, under its own name."""
    TapXstakOMS.append_builtin_config(TapXstakOMS.config_jsonschema)
    settings = {
        setting["name"]: setting for setting in plugins("extractors")["tap-xstak-oms"]["settings"]
    }
    assert set(settings) == set(TapXstakOMS.config_jsonschema["properties"])
    for name, schema in SCHEMA["properties"].items():
        assert settings[name]["label"] == schema["title"]
        assert settings[name]["description"] == schema["description"]
        assert settings[name].get("sensitive", False) == schema.get("secret", False)
        assert settings[name].get("value") == schema.get("default")


def test_meltano_yml_offers_what_the_tap_does() -> None:
    """The capabilities of meltano.yml are those of the tap."""
    declared = plugins("extractors")["tap-xstak-oms"]["capabilities"]
    assert set(declared) == {capability.value for capability in TapXstakOMS.capabilities}


def test_every_setting_is_explained() -> None:
    """A stranger finds a title and a description at each setting, and a default or none."""
    for schema in SCHEMA["properties"].values():
        assert schema["title"]
        assert schema["description"].endswith(".")
    assert {n for n, s in SCHEMA["properties"].items() if s.get("secret")} == {
        "client_id",
        "client_secret",
    }
