"""Orders of several shapes, with odd values, in a file and in PostgreSQL: equal by value."""

from __future__ import annotations

import json
import random
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.records.columns import LOCATION_ID, OWN_COLUMNS
from tests.discovery.simulation import ODD_VALUES, SHAPES, multiplied
from tests.end_to_end.meltano import run_meltano
from tests.end_to_end.test_loader_settings import connection
from tests.end_to_end.test_loaders import ordered
from tests.holdings import exact, told
from tests.support import clock_of, config_for, discovered, run_tap, written
from tests.test_odd_values import Lines
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
ORDERS = 60
ODD_ORDERS = 20
FILES = {shape.stem: shape for shape in sorted(SHAPES.glob("*.json"))}
Order = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """The orders of a shape, as they are at the first run and at the second.

    Attributes:
        first: None is odd.
        second: Some have an odd value.
        catalog: By the first ones.
    """

    first: list[Order]
    second: list[Order]
    catalog: dict[str, Any]

    @property
    def key(self) -> list[str]:
        """The key that discovery found."""
        found: list[str] = self.catalog["streams"][0]["key_properties"]
        return found


@dataclass(frozen=True)
class Loaded:
    """What two runs of each account brought into each loader, by account."""

    accounts: dict[str, Account]
    lines: dict[str, list[Order]]
    rows: dict[str, list[Order]]


def sandbox_of(orders: list[Order]) -> Sandbox:
    """A sandbox of these orders alone."""
    raw = [RawOrder("1001", "pending", json.dumps(order).encode()) for order in orders]
    return Sandbox(World(locations=["1001"], orders_per_location=0, raw_orders=raw))


def account(shape: Path) -> Account:
    """Orders of a shape, and what discovery makes of those of the first run."""
    chance = random.Random(shape.stem)
    examples = json.loads(shape.read_text(encoding="utf-8"))["orders"]
    first, second = multiplied(examples, ORDERS), multiplied(examples, ORDERS)
    with sandbox_of(first) as sandbox:
        catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
    key = catalog["streams"][0]["key_properties"]
    for order in chance.sample(second, ODD_ORDERS):
        order[chance.choice([name for name in order if name not in key])] = chance.choice(
            ODD_VALUES
        )
    return Account(first, second, catalog)


def messages(name: str, orders: list[Order], catalog: dict[str, Any]) -> str:
    """What the tap writes of some orders, as a stream of this name."""
    lines = Lines()
    with sandbox_of(orders) as sandbox:
        run = run_tap(
            config_for(sandbox), catalog=catalog, clock=clock_of(sandbox), collector=lines
        )
    assert run.error is None
    return lines.text.replace('"stream":"sales_orders"', f'"stream":"{name}"')


@pytest.fixture(scope="module")
def loaded(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loaded]:
    """Both runs of all accounts, each into both loaders."""
    folder = tmp_path_factory.mktemp("shapes")
    accounts = {name: account(shape) for name, shape in FILES.items()}
    settings = {
        "target-jsonl": {"destination_path": str(folder), "do_timestamp_file": False},
        "target-postgres": {**connection(postgres), "default_target_schema": "shapes"},
    }
    for loader, config in settings.items():
        ended = run_meltano("install", loader, folder=meltano_folder, settings={})
        assert ended.returncode == 0, ended.stderr
        for run in ("first", "second"):
            given = [
                messages(name, getattr(one, run), one.catalog) for name, one in accounts.items()
            ]
            ran = subprocess.run(
                [
                    meltano_folder / "loaders" / loader / "venv" / "bin" / loader,
                    "--config",
                    written(folder, f"{loader}.json", config),
                ],
                input="".join(given),
                check=False,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert ran.returncode == 0, ran.stderr[-2000:]
    yield Loaded(
        accounts,
        {
            name: parsed((folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
            for name in accounts
        },
        {name: rows_of(postgres, name) for name in accounts},
    )
    postgres.execute("DROP SCHEMA shapes CASCADE")


def parsed(lines: list[str]) -> list[Order]:
    """What lines of JSON hold, exactly."""
    return [json.loads(line, parse_float=Decimal) for line in lines]


def rows_of(database: Postgres, table: str) -> list[Order]:
    """The rows of a table, without what the loader adds."""
    found = database.query(
        f"SELECT to_jsonb(t)::text FROM shapes.{table} t ORDER BY _sdc_sequence"  # noqa: S608 - ours
    )
    rows = parsed([row[0] for row in found])
    return [{name: row[name] for name in row if not name.startswith("_sdc_")} for row in rows]


def content(order: Order, times: set[str]) -> str:
    """An order in a form in which equal ones are equal, digit by digit; null is no value."""
    fields = {name: value for name, value in order.items() if value is not None}
    for name in times & fields.keys():
        with suppress(TypeError, ValueError):
            moment = datetime.fromisoformat(fields[name])
            # PostgreSQL holds UTC, and does not say so.
            fields[name] = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()
    return exact(ordered(fields))


@pytest.mark.parametrize("name", FILES)
def test_every_order_arrives_as_it_is(loaded: Loaded, name: str) -> None:
    """Each value of each order of both runs, in its column or in `_extra`, in both loaders."""
    account = loaded.accounts[name]
    schema = account.catalog["streams"][0]["schema"]["properties"]
    times = {field for field in schema if schema[field].get("format") and field not in OWN_COLUMNS}
    came = parsed([json.dumps(order) for order in account.first + account.second])
    held = [content(order, times) for order in came]
    assert [content(told(line), times) for line in loaded.lines[name]] == held
    is_upserted = bool(account.key)
    rows = sorted(content(told(row), times) for row in loaded.rows[name])
    assert rows == sorted(held[ORDERS:] if is_upserted else held)
    assert {row[LOCATION_ID] for row in loaded.rows[name]} == {"1001"}


@pytest.mark.parametrize("name", FILES)
def test_the_true_key_is_found(loaded: Loaded, name: str) -> None:
    """Where the order itself has it; none where it lies inside."""
    true = json.loads(FILES[name].read_text(encoding="utf-8"))["key"]
    assert loaded.accounts[name].key == ([] if "." in true[0] else true)
