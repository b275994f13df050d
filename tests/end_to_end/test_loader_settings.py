"""The settings with which meltano.yml ships target-postgres: the same table, value by value."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.end_to_end.meltano import run_meltano
from tests.support import ROOT, config_for, run_cli, written
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
TEXTS = [
    *("", " ", "NULL", "null", "\\N", "\\.", "a\\b\\\\", "\t", "\n", "\r\n", '"', "'", "''"),
    *("{}", '{"a",b}', "[]", "{", ",", "%s %(a)s :b $1", "\u2028\u2029\x85", "گاہک", "🛒"),
    *("tab\there", 'say "no"\\', "x" * 9000, "\x01\x7f", "2026-01-15", "true", "1.50"),
]
"""What an escape, a delimiter or a placeholder of some layer could bend."""
NUMBERS = [
    *("0", "-0.0", "1.50", "0.003591234567890123456789", "12345678901234567890.10", "1E+2"),
    *("1e-7", "123456789012345678901234567890", "9007199254740993", "0.1", "-1.10", "1.0"),
]
"""Digits that a float has not."""
TIMES = ["2026-01-15T11:59:59.120+05:00", "1999-12-31T23:59:59+00:00", "2026-02-28T00:00:00Z"]
OBJECTS = ["{}", "null", '{"a": null}', '{"b": {"c": [1.10, "x\\ny"]}}', '{"k\\"{": "\\\\"}']
LISTS = {
    "tags": ["[]", "null", '["gift"]', '["", "\\\\", "\\"", "{x}", "NULL", "\u2028", ","]'],
    "items": ["[]", '[{"sku": "a\\\\b", "price": 1.50}]', '[{"sku": "{\\"}"}, {"price": 2.10}]'],
    "sizes": ["[]", "[1.10, 2]", "[12345678901234567890.10, null]"],
}
ORDERS = 1300
"""Both versions together are more than a batch by meltano.yml, and less than one by default."""
IN_TWO, IN_ONE, DECLARED = "in two loads", "in one load", "in one load, members declared"
OWN_TIMES = {
    *("_sdc_received_at", "_sdc_batched_at", "_sdc_sequence", "_sdc_sync_started_at"),
}
"""When the loader ran: nothing of the orders."""

Table = dict[str, tuple[str, str]]
"""The type of each column, and a digest of its values, in order of the key."""
Load = Callable[[str, Mapping[str, Any]], Table]


def order(number: int, version: int) -> bytes:
    """An order with a value of each list, another one in its second version."""
    at = number + version

    def one(values: list[str]) -> str:
        return values[at % len(values)]

    members = {
        "id": str(number),
        "note": json.dumps(one(TEXTS)),
        "remark": "null" if at % 3 else json.dumps(one(TEXTS)),
        "total": one(NUMBERS),
        "fee": "null" if at % 4 else one(NUMBERS),
        "is_gift": one(["true", "false", "null"]),
        "created_at": json.dumps(one(TIMES)),
        "customer": one(OBJECTS),
        **{name: one(values) for name, values in LISTS.items()},
        # It does not fit its column now and then, and is in `_extra` then.
        "rank": '"n/a"' if at % 50 == 0 else str(at),
    }
    if at % 5 == 0:
        del members["remark"]
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}").encode()


def messages(folder: Path, version: int, nested: str) -> list[str]:
    """What the tap writes of the orders; both versions by the catalog of the first."""
    folder.mkdir(exist_ok=True)
    raw = [RawOrder("1001", "pending", order(n, version)) for n in range(1, ORDERS + 1)]
    with Sandbox(World(locations=["1001"], orders_per_location=0, raw_orders=raw)) as sandbox:
        settings = config_for(sandbox, nested_schema=nested)
        config = written(folder, "config.json", settings)
        catalog = folder / "catalog.json"
        if not catalog.exists():
            catalog.write_text(run_cli("--config", config, "--discover").stdout, encoding="utf-8")
        ended = run_cli("--config", config, "--catalog", catalog)
    assert ended.returncode == 0, ended.stderr
    return [line for line in ended.stdout.split("\n") if line]


def table(database: Postgres) -> Table:
    """Every value of a table, as text that tells SQL's null from every other."""
    columns = database.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'settings.sales_orders'::regclass AND attnum > 0"
    )
    digests = [
        f"""md5(string_agg(coalesce('=' || "{name}"::text, 'null'), chr(30) ORDER BY id))"""
        if name not in OWN_TIMES
        else f'count("{name}")::text'
        for name, _ in columns
    ]
    query = f"SELECT {', '.join(digests)} FROM settings.sales_orders"  # noqa: S608 - its columns
    [row] = database.query(query)
    return {name: (kind, digest) for (name, kind), digest in zip(columns, row, strict=True)}


@pytest.fixture(scope="module")
def loader(meltano_folder: Path) -> Path:
    """The loader as Meltano installs it."""
    ended = run_meltano("install", "target-postgres", folder=meltano_folder, settings={})
    assert ended.returncode == 0, ended.stderr
    return meltano_folder / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"


@pytest.fixture(scope="module")
def load(loader: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads both versions of all orders with some settings, in two loads or in one."""
    folder = tmp_path_factory.mktemp("settings")
    written_once = {
        nested: [messages(folder / nested, version, nested) for version in (0, 1)]
        for nested in ("open", "declared")
    }
    loaded: dict[tuple[str, str], Table] = {}

    def once(way: str, settings: Mapping[str, Any]) -> Table:
        key = way, json.dumps(settings)
        if key not in loaded:
            loaded[key] = run(way, settings)
        return loaded[key]

    def run(way: str, settings: Mapping[str, Any]) -> Table:
        first, second = written_once["declared" if way == DECLARED else "open"]
        in_one = [[*first, *second[1:]]]
        inputs = {IN_TWO: [first, second], IN_ONE: in_one, DECLARED: in_one}
        config = written(folder, "target.json", {**connection(postgres), **settings})
        try:
            for lines in inputs[way]:
                ended = subprocess.run(
                    [loader, "--config", config],
                    input="\n".join(lines) + "\n",
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                assert ended.returncode == 0, ended.stderr[-2000:]
            return table(postgres)
        finally:
            postgres.execute("DROP SCHEMA IF EXISTS settings CASCADE")

    return once


def connection(server: Postgres) -> dict[str, Any]:
    """What lets the loader into a server, and where it loads."""
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "database": server.database,
        "default_target_schema": "settings",
    }


@pytest.fixture(scope="module")
def shipped(meltano_folder: Path, postgres: Postgres) -> dict[str, Any]:
    """The settings that Meltano hands to the loader where a user sets none."""
    ended = run_meltano("config", "print", "target-postgres", folder=meltano_folder, settings={})
    assert ended.returncode == 0, ended.stderr
    settings: dict[str, Any] = json.loads(ended.stdout)
    assert settings["validate_records"] is False
    return {name: settings[name] for name in settings.keys() - connection(postgres).keys()}


@pytest.mark.parametrize("way", [IN_TWO, IN_ONE, DECLARED])
def test_the_shipped_settings_make_the_same_table(
    load: Load, shipped: dict[str, Any], way: str
) -> None:
    """Every value of every column, and its type, is that of the loader's own defaults."""
    assert load(way, shipped) == load(way, {})


def test_copy_would_bend_numbers(load: Load, shipped: dict[str, Any]) -> None:
    """With `use_copy` each column of decimals differs, and no other: such a thing is noticed."""
    table = load(IN_ONE, shipped)
    bent = load(IN_ONE, {**shipped, "use_copy": True})
    assert {name for name in table if bent[name] != table[name]} == {"total", "fee", "rank"}


# --- The lists of settings ---


def rows_of(section: str) -> dict[str, list[str]]:
    """The rows of a section's table in docs/loaders.md, by the names in the first cell."""
    text = (ROOT / "docs" / "loaders.md").read_text(encoding="utf-8")
    [part] = [part for part in re.split(r"\n##+ ", text) if part.startswith(f"{section}\n")]
    lines = [line.split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return {name: cells for cells in lines for name in re.findall(r"`([^`]+)`", cells[0])}


@pytest.fixture(scope="module")
def known(loader: Path) -> dict[str, Any]:
    """The loader's settings and their defaults, by its own account."""
    about = subprocess.run([loader, "--about", "--format=json"], check=True, capture_output=True)
    settings = json.loads(about.stdout)["settings"]["properties"]
    return {name: setting.get("default") for name, setting in settings.items()}


def declared() -> dict[str, Any]:
    """The settings of target-postgres in meltano.yml, and their values."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    [loader] = [one for one in project["plugins"]["loaders"] if one["name"] == "target-postgres"]
    return {setting["name"]: setting.get("value") for setting in loader["settings"]}


def test_every_setting_is_declared_or_left_out_with_a_reason(known: dict[str, Any]) -> None:
    """A setting of the loader can be set in Meltano, or docs/loaders.md says why not."""
    left_out = rows_of("Settings that are left out")
    assert declared().keys() | left_out.keys() == known.keys()
    assert not declared().keys() & left_out.keys()


def test_a_default_that_differs_is_told(known: dict[str, Any]) -> None:
    """docs/loaders.md names each default that is not the loader's own, and both values."""
    differ = {
        name: [f"`{json.dumps(value)}`", f"`{json.dumps(known[name])}`"]
        for name, value in declared().items()
        if value != known[name]
    }
    assert {name: cells[1:3] for name, cells in rows_of("Settings").items()} == differ
