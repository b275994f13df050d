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
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import Settings
from tests.end_to_end.meltano import run_meltano
from tests.support import ROOT, blocks, config_for, discovered, run_cli, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEMO_SVG = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
RUN_BY_OTHER_TESTS = {
    # The suite that this is a part of.
    "./run test",
    # tests/end_to_end/test_hub.py.
    "meltano add --no-install --from-ref=/path/to/this/checkout/docs/hub.yml tap-xstak-oms",
    "meltano config set tap-xstak-oms _pip_url /path/to/this/checkout",
    "meltano install",
    # tests/end_to_end/test_meltano.py.
    "meltano config test tap-xstak-oms",
    "meltano invoke tap-xstak-oms --discover > catalog.json",
    # tests/end_to_end/test_loaders.py, with a folder and a database of the test's own.
    "meltano run tap-xstak-oms target-jsonl",
    "meltano run tap-xstak-oms target-postgres",
}


def commands() -> list[str]:
    """Every command of the README, in order."""
    lines = "".join(blocks("README.md", "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def direct() -> list[str]:
    """The commands of direct use, in order."""
    return [command for command in commands() if command.startswith(("tap-xstak-oms", "tail"))]


def test_every_command_is_known() -> None:
    """No command of the README goes without a test that runs it."""
    assert len(direct()) == 7
    assert set(commands()) - set(direct()) == {"./run demo", *RUN_BY_OTHER_TESTS}


def test_direct_use_works_as_written(
    sandbox: Sandbox, meltano_folder: Path, tmp_path: Path
) -> None:
    """The commands of direct use, in their order, with the example's configuration filled in."""
    ended = run_meltano("install", "loader", "target-jsonl", folder=meltano_folder, settings={})
    assert ended.returncode == 0, ended.stderr
    example = json.loads(blocks("README.md", "json")[0])
    (tmp_path / "config.json").write_text(json.dumps(example | config_for(sandbox)))
    [loader] = re.findall(r"`target.json` configures the loader: `(.*?)`", README)
    (tmp_path / "target.json").write_text(loader)
    loaders = meltano_folder / "loaders" / "target-jsonl" / "venv" / "bin"
    programs = [str(Path(sys.executable).parent), str(loaders), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(programs)}
    for command in direct():
        if "--state" in command:
            sandbox.journal.clear()
            sandbox.clock.advance(timedelta(days=1))
        subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, check=True, timeout=120
        )
    assert len((tmp_path / "orders.jsonl").read_text().splitlines()) > len(sandbox.orders())
    lines = [line for f in (tmp_path / "output").iterdir() for line in f.read_text().splitlines()]
    assert {json.loads(line)["id"] for line in lines} == {order.id for order in sandbox.orders()}
    assert example["start_date"] not in {e.parameter("start_date") for e in sandbox.journal.orders}
    assert len((tmp_path / "states.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(("options", "code"), [(["--no-such-option"], 2), (["--config=no"], 2)])
def test_exit_codes_are_those_told(options: list[str], code: int) -> None:
    """A mistake is told apart from a failure; `test_interruption.py` sends signals."""
    assert run_cli(*options).returncode == code
    assert "exit code 1 (some" in " ".join(README.split())
    assert "SIGTERM gives 143 and Ctrl-C 130" in " ".join(README.split())


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
    assert "3 of 3 locations" in tested.stderr


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
        assert f"`TARGET_POSTGRES_{name.upper()}`" in README


def test_the_example_of_meltano_has_known_settings() -> None:
    """The extractor of the README names settings that exist, of their kinds."""
    [extractor] = yaml.safe_load(blocks("README.md", "yaml")[0])["plugins"]["extractors"]
    names = {setting["name"] for setting in extractor["settings"]}
    assert names <= set(SCHEMA["properties"])
    assert set(SCHEMA["required"]) <= names
    assert set(extractor["config"]) <= names
    credentials = {"client_id", "client_secret"}
    needed = {*SCHEMA["required"], "auth_url", "api_url"} - credentials
    assert set(extractor["config"]) == needed
    given = extractor["config"] | dict.fromkeys(credentials, "from the environment")
    assert Settings.parse(given, now=datetime.now(UTC)).company_code == "your-company"


@pytest.mark.parametrize("is_misfit", [False, True])
def test_the_example_of_customer_data_hides_it(sandbox: Sandbox, *, is_misfit: bool) -> None:
    """With the README's stream maps no customer's data comes out, not even as a misfit."""
    config = config_for(sandbox, **yaml.safe_load(blocks("README.md", "yaml")[1])["config"])
    catalog = discovered(config)
    if is_misfit:
        properties = catalog["streams"][0]["schema"]["properties"]
        properties["customer"] = properties["billing_address"] = {"type": ["integer", "null"]}
    run = run_tap(config, catalog=catalog)
    assert run.error is None
    assert len(run.records) == len(sandbox.orders())
    assert all(len(record["customer_key"] or "-" * 64) == 64 for record in run.records)
    assert any(record["customer_key"] for record in run.records) != is_misfit
    for secret in ("Test Customer", "@example.com", "+92-300", "Street", "call before"):
        assert secret not in json.dumps(run.records, default=str)


def test_the_example_of_customer_data_takes_any_order() -> None:
    """Orders without a customer, with an empty one or with a text in its place are mapped too."""
    odd = (b'{"id":7}', b'{"id":8,"customer":null}', b'{"id":9,"customer":{}}', b'{"customer":"x"}')
    raw = [RawOrder("1001", "pending", order) for order in odd]
    with Sandbox(World(orders_per_location=20, raw_orders=raw)) as sandbox:
        config = config_for(sandbox, **yaml.safe_load(blocks("README.md", "yaml")[1])["config"])
        run = run_tap(config)
    assert run.error is None
    assert len(run.records) == 40 + len(odd)


def test_the_example_state_is_a_state(sandbox: Sandbox) -> None:
    """The state of the README has the form of the state that a run writes."""

    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: form(inner) for key, inner in value.items()}
        return [form(inner) for inner in value[:1]] if isinstance(value, list) else type(value)

    assert form(json.loads(blocks("README.md", "json")[1])) == form(
        run_tap(config_for(sandbox)).state
    )


def test_links_lead_somewhere() -> None:
    """Every file that the README or a page of docs points to is there."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_promise_names_tests_that_are_there() -> None:
    """Each section of the guarantees ends with the tests that prove it."""
    _, *promises = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8").split("\n## ")
    assert len(promises) == 6
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
    table = re.findall(r"^(pending|completed) +(\d{4}) +\d+ +[\d,.]+$", demo, re.MULTILINE)
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
    first, second = (
        int(number) for number in re.findall(r"^Read (\d+) orders", demo, re.MULTILINE)
    )
    new, moved, changed, same = (
        int(number) for number in re.findall(r"^ +(\d+)  (?:new|that) ", demo, re.MULTILINE)
    )
    loaded = re.findall(r"^(?:pending|completed) +\d{4} +(\d+)", demo, re.MULTILINE)
    text = " ".join(demo.split())
    missed = re.findall(r"(\d+) of these (\d+) changes would have been missed", text)
    assert new + moved + changed + same == second
    assert sum(map(int, loaded)) == first + new
    assert [int(count) for _, count in missed] == [moved + changed]
    assert all(int(count) > 0 for count, _ in missed)
    assert f"{first + new - second} older orders were not read again" in text
    assert min(new, moved, changed, same) > 0


def test_the_picture_of_the_demo_is_of_todays(demo: str) -> None:
    """docs/demo.svg says what the demo says, but for figures and days (`./run record`)."""
    assert 'src="docs/demo.svg"' in README
    assert form(drawn()) == form(f"$ ./run demo\n{demo}")


def drawn() -> str:
    """The text in the terminal that docs/demo.svg shows."""
    parts = re.findall(r'<text class="demo-r.*?>(.*?)</text>', DEMO_SVG, re.DOTALL)
    return html.unescape("".join(parts)).replace("\xa0", " ")


def form(text: str) -> str:
    """A text without what another run tells otherwise: days, figures, bars, ends of lines."""
    text = re.sub(r"\b([A-Z]\w\w )?\d\d [A-Z]\w\w\b", "day", text)
    return " ".join(re.sub(r"[█░]", "", re.sub(r"\d[\d,.]*\d|\d", "0", text)).split())


def test_the_picture_of_the_demo_stands_alone() -> None:
    """It fetches nothing, and names no folder of the machine it was drawn on."""
    assert re.findall(r"[a-z]+://[^\"\s]+", DEMO_SVG) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\((.)", DEMO_SVG)) == {"#"}
    assert "@" not in DEMO_SVG
    assert set(re.findall(r"\S*/\S*", drawn())) == {
        "./run",
        "demo-output/sales_orders.jsonl,",
        "demo-output/meltano.log.",
    }
