"""What README.md says is run here: every command, every example."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from rich.console import Console

from demo.record import run_the_tap
from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import Settings
from tests.support import ROOT, blocks, config_for, run_cli, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox

pytestmark = pytest.mark.xdist_group("readme")
"""They share what the page has installed, and a run of the demo."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLACE = "URL-OF-THIS-REPOSITORY"
"""What stands for the repository until it has a public address."""
OWN_ORDERS = "Ten minutes to your own orders"
RUN_BY_OTHER_TESTS = {
    # The suite that this is a part of.
    "./run test",
    # tests/end_to_end/test_hub.py.
    "meltano add --from-ref=/path/to/this/checkout/docs/hub.yml tap-xstak-oms",
    "meltano config set tap-xstak-oms _pip_url /path/to/this/checkout",
    'meltano select tap-xstak-oms sales_orders "*"',
    "meltano install",
    "meltano config set tap-xstak-oms _catalog catalog.json",
    # tests/end_to_end/test_meltano.py.
    "meltano config test tap-xstak-oms",
    "meltano invoke tap-xstak-oms --discover > new.json && mv new.json catalog.json",
    # tests/end_to_end/test_loaders.py, with a database of the test's own.
    "meltano run tap-xstak-oms target-postgres",
}


def commands(under: str = "") -> list[str]:
    """Every command of the README, or of a section, in order."""
    lines = "".join(blocks("README.md", "console", under=under)).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_it_is_a_front_page() -> None:
    """It has at most 180 lines, and the install command is in the first screen of 25."""
    lines = README.splitlines()
    assert len(lines) <= 180
    assert any(line.startswith("$ uv tool install git+") for line in lines[:25])


def test_every_command_is_known() -> None:
    """No command of the README goes without a test that runs it."""
    run_here = {
        *commands("Install"),
        *commands(OWN_ORDERS),
        "./run demo",
        "./run sandbox 2> config.json",
    }
    assert set(commands()) == run_here | RUN_BY_OTHER_TESTS
    assert len(commands(OWN_ORDERS)) == 7


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment after the commands of "Install", with folders of the test's own."""
    folder = tmp_path_factory.mktemp("tools")
    path = os.pathsep.join([str(folder / "bin"), str(ROOT / ".run" / "bin"), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "UV_TOOL_DIR": str(folder / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "UV_PYTHON": sys.executable,
    }
    script = "\n".join(commands("Install")).replace(PLACE, f"file://{ROOT}")
    shell(script, folder=folder, environment=environment)
    return environment


def shell(script: str, *, folder: Path, environment: dict[str, str]) -> None:
    """Run commands as a person types them, as far as the first that fails."""
    subprocess.run(["bash", "-ec", script], cwd=folder, env=environment, check=True, timeout=300)


def test_the_way_to_one_s_own_orders_works_as_written(
    installed: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """From the installation to the second run, each command in its order; then DuckDB."""
    [example] = blocks("README.md", "json", under=OWN_ORDERS)
    settings = json.loads(example) | config_for(sandbox)
    (tmp_path / "config.json").write_text(json.dumps(settings))
    *first, second = commands(OWN_ORDERS)
    environment = {n: v for n, v in installed.items() if not n.startswith("TAP_XSTAK_OMS_")}
    shell("\n".join(first), folder=tmp_path, environment=environment)
    sandbox.journal.clear()
    sandbox.clock.advance(timedelta(days=1))
    shell(second, folder=tmp_path, environment=environment)
    asked = {entry.parameter("start_date") for entry in sandbox.journal.orders}
    assert settings["start_date"] not in asked
    assert len((tmp_path / "states.jsonl").read_text().splitlines()) == 2
    lines = (tmp_path / "output" / "sales_orders.jsonl").read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {order.id for order in sandbox.orders()}
    assert totals_by_duckdb(tmp_path) == totals(lines)


def totals_by_duckdb(folder: Path) -> dict[str, tuple[int, Decimal]]:
    """What the README's query finds: for each status the number of records, and their sum."""
    [query] = blocks("README.md", "sql", under=OWN_ORDERS)
    with duckdb.connect() as connection:
        rows = connection.execute(query.replace("'output/", f"'{folder}/output/")).fetchall()
    return {status: (number, total) for status, number, total in rows}


def totals(lines: list[str]) -> dict[str, tuple[int, Decimal]]:
    """The same, by exact arithmetic."""
    found: dict[str, tuple[int, Decimal]] = {}
    for line in lines:
        record = json.loads(line, parse_float=Decimal)
        number, total = found.get(record["_order_status"], (0, Decimal()))
        found[record["_order_status"]] = (number + 1, total + record["grand_total"])
    return found


@pytest.mark.parametrize(("options", "code"), [(["--no-such-option"], 2), (["--config=no"], 2)])
def test_exit_codes_are_those_told(options: list[str], code: int) -> None:
    """A mistake is told apart from a failure; `test_interruption.py` sends signals."""
    assert run_cli(*options).returncode == code
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert codes == [0, 1, 2, 3, 4, 129, 130, 143]


def test_the_sandbox_shows_the_configuration_that_reads_it(tmp_path: Path) -> None:
    """The first line of `./run sandbox` is its URL, and on stderr is a config.json that works."""
    config = tmp_path / "config.json"
    with (
        config.open("w") as stderr,
        subprocess.Popen(
            [ROOT / "run", "sandbox", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as sandbox,
    ):
        assert sandbox.stdout is not None
        url = sandbox.stdout.readline().strip()
        tested = run_cli("--config", config, "--test")
        sandbox.terminate()
    assert json.loads(config.read_text())["api_url"] == f"{url}/oe/v2"
    assert tested.returncode == 0, tested.stderr
    assert " orders at 3 locations since " in tested.stderr


def test_the_example_configuration_is_complete() -> None:
    """It has what is required and what a live account needs, and nothing is wrong with it."""
    example = json.loads(blocks("README.md", "json")[0])
    assert list(example) == [*SCHEMA["required"], "auth_url", "api_url"]
    assert Settings.parse(example, now=datetime.now(UTC)).company_code == "your-company"


def test_settings_of_the_loader_are_named() -> None:
    """Each setting without which target-postgres does not start is in the README, by variable."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    [loader] = [p for p in project["plugins"]["loaders"] if p["name"] == "target-postgres"]
    names = {setting["name"] for setting in loader["settings"]}
    for name in ("user", "password", "database", "host", "port"):
        assert name in names
        assert f"TARGET_POSTGRES_{name.upper()}" in README


def test_the_environment_of_the_example_has_known_names() -> None:
    """Each variable of the README's `.env` is a setting of the tap or of the loader."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    plugins = [*project["extractors"], *project["loaders"]]
    known = {
        f"{plugin['name'].replace('-', '_')}_{setting['name']}".upper()
        for plugin in plugins
        for setting in plugin["settings"]
    }
    lines = blocks("README.md", "shell", under="Meltano")[0].splitlines()
    assert {line.split("=")[0] for line in lines} <= known
    assert len(lines) == 6


def test_the_example_state_is_a_state(sandbox: Sandbox) -> None:
    """The state of docs/state.md has the form of the state that a run writes."""

    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: form(inner) for key, inner in value.items()}
        return [form(inner) for inner in value[:1]] if isinstance(value, list) else type(value)

    [example] = blocks("docs/state.md", "json")
    assert form(json.loads(example)) == form(run_tap(config_for(sandbox)).state)


def test_the_example_record_has_the_columns_of_a_record(sandbox: Sandbox) -> None:
    """Each field of the README's record is one that a run writes, but for what is in `_extra`."""
    [example] = blocks("README.md", "json", under="What arrives")
    [record, *_] = run_tap(config_for(sandbox)).records
    assert json.loads(example).keys() <= record.keys() | {"_extra"}


def test_links_lead_somewhere() -> None:
    """Every file and heading that a page points to is there, from the README and docs alike."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text):
            file = page.parent / target if target else page
            assert file.exists(), f"{page.name}: {target}"
            assert not heading or heading in anchors(file), f"{page.name}: {target}#{heading}"


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_promise_names_tests_that_are_there() -> None:
    """Each section of the guarantees ends with the tests that prove it."""
    _, *promises = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8").split("\n## ")
    assert len(promises) >= 6
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)`", promise[promise.index("Proved by ") :])
        assert named
        assert all((ROOT / name).exists() for name in named), named


@pytest.fixture(scope="module")
def demo() -> str:
    """What `./run demo` prints, in a checkout on a machine with settings of its own."""
    assert "./run demo" in commands()
    ended = subprocess.run(
        shlex.split("./run demo"),
        cwd=ROOT,
        env={
            **os.environ,
            "COLUMNS": "80",
            "FORCE_COLOR": "",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "TAP_XSTAK_OMS_LOOKBACK_DAYS": "1",
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_demo_works_as_written(demo: str) -> None:
    """`./run demo` ends well, with a line for each status and location."""
    table = re.findall(r"^(pending|completed) +(\d{4}) +[\d,]+ +[\d,.]+$", demo, re.MULTILINE)
    assert len(table) == 6
    assert "demo-output/" in demo


def test_the_demo_draws_orders_by_day_and_status(demo: str) -> None:
    """Each day has a bar of as many blocks as orders, which can be told apart without colours."""
    bars = re.findall(r"^\w{3} \d\d \w{3}  (█*)(░*) (\d+)$", demo, re.MULTILINE)
    assert len(bars) == 14
    assert all(len(completed) + len(pending) == int(orders) for completed, pending, orders in bars)
    completed, pending = (sum(len(bar[side]) for bar in bars) for side in (0, 1))
    assert completed > pending > 0
    assert "\x1b" not in demo


def test_the_demo_tells_what_came_the_second_time_and_why(demo: str) -> None:
    """What came adds up: to what was read, to what is loaded, and to what was not read again."""
    first, second = numbers(r"^Read ([\d,]+) orders", demo)
    new, moved, changed, same = numbers(r"^ +([\d,]+)  (?:new|that) ", demo)
    loaded = numbers(r"^(?:pending|completed) +\d{4} +([\d,]+)", demo)
    text = " ".join(demo.split())
    missed = re.findall(r"(\d+) of these (\d+) changes would have been missed", text)
    assert new + moved + changed + same == second
    assert sum(loaded) == first + new
    assert [int(count) for _, count in missed] == [moved + changed]
    assert all(int(count) > 0 for count, _ in missed)
    said = r"(\d+) orders left `pending` for a status that is not read: ([\d, ]+)\."
    [(left, ids)] = re.findall(said, text)
    assert int(left) == len(ids.split(", ")) > 0
    assert f"{first + new - second - int(left):,} older orders were not read again" in text
    assert min(new, moved, changed, same) > 0


def numbers(pattern: str, text: str) -> list[int]:
    """The numbers that a pattern finds in a text, of which thousands are set apart."""
    found = re.findall(pattern, text, re.MULTILINE)
    return [int(number.replace(",", "")) for number in found]


def test_the_picture_of_the_demo_is_of_todays(demo: str) -> None:
    """docs/demo.svg says what the demo says, but for figures and days (`./run record`)."""
    assert "(docs/demo.svg)" in README
    assert form(drawn("demo")) == form(f"$ ./run demo\n{demo}")


def test_the_picture_of_the_tap_is_of_todays() -> None:
    """docs/run.svg says what the tap says of such a run, but for figures (`./run record`)."""
    assert 'src="docs/run.svg"' in README
    console = Console(width=80, file=StringIO())
    run_the_tap(console)
    assert isinstance(console.file, StringIO)
    assert form(drawn("run")) == form(console.file.getvalue())


def picture(name: str) -> str:
    """A picture of docs."""
    return (ROOT / "docs" / f"{name}.svg").read_text(encoding="utf-8")


def drawn(name: str) -> str:
    """The text in the terminal that a picture shows."""
    parts = re.findall(rf'<text class="{name}-r.*?>(.*?)</text>', picture(name), re.DOTALL)
    return html.unescape("".join(parts)).replace("\xa0", " ")


def form(text: str) -> str:
    """A text without what another run tells otherwise: days, figures, bars, ends of lines."""
    text = re.sub(r"\b([A-Z]\w\w )?\d\d [A-Z]\w\w\b", "day", text)
    text = re.sub(r"tap-xstak-oms \S+, singer-sdk \S+", "versions", text)
    return " ".join(re.sub(r"[█░]", "", re.sub(r"\d[\d,.]*\d|\d", "0", text)).split())


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        (
            "demo",
            {
                "./run",
                "docs/completeness.md).",
                "demo-output/sales_orders.jsonl,",
                "demo-output/meltano.log.",
            },
        ),
        ("run", set()),
    ],
)
def test_a_picture_stands_alone(name: str, paths: set[str]) -> None:
    """It fetches nothing, and names no folder of the machine it was drawn on."""
    svg = picture(name)
    assert re.findall(r"[a-z]+://[^\"\s]+", svg) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\((.)", svg)) == {"#"}
    assert "@" not in svg
    assert set(re.findall(r"\S*/\S*", drawn(name))) == paths
