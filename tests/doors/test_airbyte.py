"""The Airbyte door with Airbyte on the other side: PyAirbyte, and the protocol's own models."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airbyte as ab
import pytest
from airbyte.exceptions import AirbyteConnectorCheckFailedError
from airbyte_protocol.models import AirbyteMessage, AirbyteStateBlob
from pydantic import BaseModel

from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "airbyte.md").read_text(encoding="utf-8")
EXECUTABLE = Path(shutil.which("source-xstak-oms") or "source-xstak-oms")
"""The project's own: `./run test-doors` puts its environment on the path."""


def config_for(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """The configuration that reads everything of a sandbox."""
    return sandbox.config("2025-01-01T00:00:00+05:00") | changes


def source_of(sandbox: Sandbox, **changes: Any) -> ab.Source:
    """The source as PyAirbyte has it."""
    return ab.get_source(
        "source-xstak-oms",
        local_executable=EXECUTABLE,
        config=config_for(sandbox, **changes),
    )


@pytest.fixture
def cache(tmp_path: Path) -> ab.caches.DuckDBCache:
    """A DuckDB cache of the test's own, where PyAirbyte keeps its state too."""
    return ab.new_local_cache("orders", cache_dir=tmp_path / "cache")


def read(source: ab.Source, cache: ab.caches.DuckDBCache, **options: Any) -> ab.ReadResult:
    """Read all that the source has."""
    source.select_all_streams()
    return source.read(cache=cache, **options)


def loaded(result: ab.ReadResult) -> dict[int, tuple[str, str]]:
    """Each row's status and total, by key; fails where a key is there twice."""
    rows = list(result["sales_orders"])
    by_key = {row["id"]: (row["_order_status"], f"{row['grand_total']:.2f}") for row in rows}
    assert len(by_key) == len(rows)
    return by_key


def held(sandbox: Sandbox) -> dict[int, tuple[str, str]]:
    """The same of what the API holds."""
    orders = (json.loads(order.body) for order in sandbox.orders())
    return {order["id"]: (order["status"], f"{order['grand_total']:.2f}") for order in orders}


def test_pyairbyte_loads_every_order(sandbox: Sandbox, cache: ab.caches.DuckDBCache) -> None:
    """After a check that succeeds, each order is one row of the cache, and so is each read."""
    source = source_of(sandbox)
    source.check()
    result = read(source, cache)
    reads = list(result["sales_order_reads"])
    assert sum(read["emitted"] for read in reads) == len(sandbox.orders())
    assert result.processed_records == len(sandbox.orders()) + len(reads)
    assert loaded(result) == held(sandbox)


def test_a_second_read_resumes(sandbox: Sandbox, cache: ab.caches.DuckDBCache) -> None:
    """The next read begins at its look-back, brings what is new, and updates rows by key."""
    read(source_of(sandbox), cache)
    before = held(sandbox)
    sandbox.clock.advance(timedelta(days=2))
    assert held(sandbox) != before
    sandbox.journal.clear()
    result = read(source_of(sandbox), cache)
    starts = [entry.parameter("start_date") for entry in sandbox.journal.orders]
    # PyAirbyte has the source discover first, from the configured start.
    assert starts == ["2025-01-01T00:00:00+05:00"] * 4 + ["2025-12-16T12:00:00+05:00"] * 4
    assert result.processed_records < len(sandbox.orders())
    assert loaded(result) == held(sandbox)


def test_check_fails_politely(sandbox: Sandbox) -> None:
    """Wrong credentials fail PyAirbyte's check with our words, and without the secret."""
    with pytest.raises(AirbyteConnectorCheckFailedError) as raised:
        source_of(sandbox, client_secret="mistyped").check()
    assert "refused the credentials" in str(raised.value)
    assert "`client_secret`" in str(raised.value)
    assert "mistyped" not in str(raised.value)


def test_numbers_as_text_work(sandbox: Sandbox, cache: ab.caches.DuckDBCache) -> None:
    """What a form holds as text is taken, and a key that is no setting does no harm."""
    source = source_of(sandbox, page_size="20", location_ids="1001,1002", not_a_setting=1)
    source.check()
    result = read(source, cache, skip_validation=True)
    assert loaded(result) == held(sandbox)
    assert {entry.parameter("size") for entry in sandbox.journal.orders} == {"20"}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_an_end_that_pyairbyte_asks_for_is_no_failure() -> None:
    """A reader that takes only a few records ends the source, and hears of no failure."""
    with Sandbox(World(locations=("1001",), orders_per_location=2000)) as sandbox:
        records = list(source_of(sandbox).get_records("sales_orders", limit=5))
    assert len(records) == 5


def said(folder: Path, command: str, **files: Any) -> list[str]:
    """The lines of a command's stdout."""
    words = [str(EXECUTABLE), command]
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content))
        words += [f"--{name}", str(path)]
    return subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=120
    ).stdout.splitlines()


def conversation(sandbox: Sandbox, folder: Path) -> Iterator[str]:
    """Lines of every kind that the source says."""
    config, wrong = config_for(sandbox), config_for(sandbox, client_id="someone")
    yield from said(folder, "spec")
    yield from said(folder, "check", config=config)
    yield from said(folder, "check", config=wrong)
    found = said(folder, "discover", config=config)
    yield from found
    stream = json.loads(found[-1])["catalog"]["streams"][0]
    configured = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append"}
    catalog = {"streams": [configured]}
    first = said(folder, "read", config=config, catalog=catalog)
    yield from first
    state = [json.loads(line)["state"] for line in first if '"type":"STATE"' in line]
    sandbox.add_fault(Fault(Kind.STATUS, code=403, every=1))
    yield from said(folder, "read", config=config, catalog=catalog, state=state[-1:])
    yield from said(folder, "read", config=wrong, catalog=catalog)


def unknown_fields(value: object) -> list[str]:
    """The names of what a message holds and the protocol does not have."""
    if isinstance(value, list):
        return [name for item in value for name in unknown_fields(item)]
    if not isinstance(value, BaseModel) or isinstance(value, AirbyteStateBlob):
        return []
    inner = [unknown_fields(getattr(value, name)) for name in value.model_fields_set]
    return [*(value.model_extra or {}), *(name for names in inner for name in names)]


def test_messages_are_of_the_protocol(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every line is a message by the published models, and has nothing that they do not have."""
    messages = [
        AirbyteMessage.model_validate_json(line) for line in conversation(sandbox, tmp_path)
    ]
    assert {name for message in messages for name in unknown_fields(message)} == set()
    assert {message.type.value for message in messages} == {
        *("SPEC", "CONNECTION_STATUS", "CATALOG", "RECORD", "STATE", "TRACE", "LOG")
    }
    for message in messages:
        kind = message.type.value
        key = "connectionStatus" if kind == "CONNECTION_STATUS" else kind.lower()
        assert message.model_fields_set == {"type", key}


def blocks(language: str) -> list[str]:
    """The fenced blocks of docs/airbyte.md in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_works_as_written(sandbox: Sandbox, tmp_path: Path) -> None:
    """The installation of docs/airbyte.md and its program, run from an empty folder."""
    [example] = re.findall(r"config=(\{.*?\n    \})", blocks("python")[0], re.DOTALL)
    program = blocks("python")[0].replace(example, repr(config_for(sandbox)))
    (tmp_path / "read_orders.py").write_text(program)
    install, run = blocks("console")[:2]
    script = (install + run).replace("/path/to/this/checkout", str(ROOT)).replace("$ ", "")
    # `python` is the environment that has PyAirbyte.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(sandbox.orders())} orders read" in ended.stdout


def test_the_image_runs_the_command() -> None:
    """The image that docs/airbyte.md builds enters by our command, as Airbyte is told too."""
    assert " --target airbyte .\n" in blocks("console")[2]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [stage] = re.findall(r" AS airbyte\n(.*?)\n\n", dockerfile, re.DOTALL)
    entries = re.findall(r'(?:AIRBYTE_ENTRYPOINT=|ENTRYPOINT \[)"(.+?)"', stage)
    assert entries == [EXECUTABLE.name] * 2
