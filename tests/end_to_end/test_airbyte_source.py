"""The Airbyte door, from outside: what the command says, as plain JSON."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import Settings
from tap_xstak_oms.singer.nested import OPEN, told
from tests.airbyte.answers import Answer
from tests.support import CLIENT_SECRET, EXECUTABLE, ROOT, config_for, discovered, run_cli
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SOURCE = EXECUTABLE.with_name("source-xstak-oms")
PAGE = (ROOT / "docs" / "airbyte.md").read_text(encoding="utf-8")
PATIENCE_SECONDS = 20
FIRST_START = "2025-01-01T00:00:00+05:00"
LATER_START = "2025-12-16T12:00:00+05:00"
"""Thirty days before the bookmark of a first read."""


@dataclass
class Source:
    """The command, reading a sandbox."""

    sandbox: Sandbox
    folder: Path

    def arguments(self, command: str, **files: Any) -> list[str]:
        """The command's words, with its files written."""
        words = [str(SOURCE), command]
        for name, content in files.items():
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            words += [f"--{name}", str(path)]
        return words

    def run(self, command: str, env: Mapping[str, str] | None = None, **files: Any) -> Answer:
        """Run a command to its end."""
        ended = subprocess.run(
            self.arguments(command, **files),
            env={**os.environ, **(env or {})},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.stderr == ""
        return Answer(ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()])

    def starts(self) -> set[str | None]:
        """The start dates that were asked for; asking forgets them."""
        asked = {entry.parameter("start_date") for entry in self.sandbox.journal.orders}
        self.sandbox.journal.clear()
        return asked


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The stream as discovery tells it."""
    with Sandbox(World(locations=("1001", "1002"), orders_per_location=60)) as sandbox:
        source = Source(sandbox, tmp_path_factory.mktemp("discovery"))
        [catalog] = source.run("discover", config=config_for(sandbox)).of("CATALOG")
    [stream, _] = catalog["streams"]
    return dict(stream)


@pytest.fixture
def catalog(stream: dict[str, Any]) -> dict[str, Any]:
    """The catalog that asks for an incremental read of the stream."""
    return configured(stream)


def configured(stream: dict[str, Any], mode: str = "incremental", **more: Any) -> dict[str, Any]:
    """A configured catalog of one stream."""
    asked = {"sync_mode": mode, "destination_sync_mode": "append"}
    return {"streams": [{"stream": copy.deepcopy(stream), **asked, **more}]}


@pytest.fixture
def source(sandbox: Sandbox, tmp_path: Path) -> Source:
    """The command and a sandbox."""
    return Source(sandbox, tmp_path)


def stream_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The stream's state as Airbyte hands it back."""
    return {"stream_descriptor": {"name": "sales_orders"}, "stream_state": state}


def test_spec_is_a_form(source: Source) -> None:
    """Every setting is a field with title, description, place and one type; secrets are marked."""
    [spec] = source.run("spec").of("SPEC")
    form = spec["connectionSpecification"]
    assert list(form["properties"]) == list(SCHEMA["properties"])
    assert form["required"] == SCHEMA["required"]
    for order, (name, field) in enumerate(form["properties"].items()):
        setting = SCHEMA["properties"][name]
        assert field["type"] in {"string", "integer", "boolean", "array"}
        assert field["order"] == order
        assert field["title"] == setting["title"]
        assert field["description"].startswith(setting["description"])
        assert field.get("default") == setting.get("default")
        assert field.get("airbyte_secret", False) == setting.get("secret", False)
        assert None not in field.get("enum", [])


def test_check_proves_that_orders_can_be_read(source: Source) -> None:
    """A good configuration succeeds at the cost of one token and a page of each partition."""
    answer = source.run("check", config=config_for(source.sandbox, infer_schema=False))
    assert (answer.code, answer.of("CONNECTION_STATUS")) == (0, [{"status": "SUCCEEDED"}])
    assert len(source.sandbox.journal.tokens) == 1
    assert len(source.sandbox.journal.orders) == 4
    assert "The connection works" in answer.logged("INFO")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "mistyped"}, ["refused the credentials", "`client_secret`"]),
        ({"page_size": "many", "start_date": "soon"}, ["`page_size` must be", "`start_date` must"]),
        ({"location_ids": None}, ["`location_ids` (TAP_XSTAK_OMS_LOCATION_IDS) is missing"]),
        ({"api_url": "http://example.com"}, ["`api_url` must begin with https://"]),
        ({"stream_maps": {"sales_orders": {}}}, ["`stream_maps`: not offered through Airbyte"]),
    ],
)
def test_check_fails_politely(source: Source, changes: Any, words: list[str]) -> None:
    """What is wrong with a configuration is told in words, as a status and not as a failure."""
    answer = source.run("check", config=config_for(source.sandbox, **changes))
    [status] = answer.of("CONNECTION_STATUS")
    assert (answer.code, status["status"]) == (0, "FAILED")
    assert all(word in status["message"] for word in words)
    assert "mistyped" not in str(answer.messages)


def test_check_fails_for_one_location_and_soon(source: Source) -> None:
    """A location that cannot be read fails the check, after few tries, by name."""
    fault = Fault(Kind.STATUS, code=503, location="1002", every=1)
    source.sandbox.add_fault(fault)
    [status] = source.run("check", config=config_for(source.sandbox)).of("CONNECTION_STATUS")
    assert status["status"] == "FAILED"
    assert "2 of 4 partitions asked for cannot be read" in status["message"]
    assert "orders of location 1002" in status["message"]
    assert source.sandbox.strikes(fault) <= 6


def test_discover_tells_the_stream(source: Source, stream: dict[str, Any]) -> None:
    """The stream has the tap's columns and key, both sync modes and a cursor of its own.

    Destinations are told of nested values what loaders are told.
    """
    [entry, _] = discovered(config_for(source.sandbox))["streams"]
    assert stream == {
        "name": "sales_orders",
        "json_schema": told(entry["schema"], OPEN)
        | {"x-columns": list(entry["schema"]["properties"])},
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": True,
        "default_cursor_field": ["_synced_at"],
        "source_defined_primary_key": [["id"]],
    }


def test_read_passes_records_through(source: Source, catalog: dict[str, Any]) -> None:
    """The records are those of the tap, in its order, digit by digit."""
    ended = subprocess.run(
        source.arguments("read", config=config_for(source.sandbox), catalog=catalog),
        check=True,
        capture_output=True,
        timeout=120,
    )
    singer = run_cli("--config", source.folder / "config.json").stdout
    records = exact(ended.stdout, lambda message: message["record"]["data"])
    assert records == exact(singer.encode(), lambda message: message["record"])
    assert len(records) == len(source.sandbox.orders())


def exact(stdout: bytes, record_of: Any) -> list[Any]:
    """The records of some output, with numbers as they were written."""
    lines = [json.loads(line, parse_float=str, parse_int=str) for line in stdout.splitlines()]
    return [record_of(line) for line in lines if line["type"] == "RECORD"]


def test_read_tells_how_far_it_is(source: Source, catalog: dict[str, Any]) -> None:
    """The stream starts, runs and completes; each state counts the records since the last."""
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog)
    assert answer.code == 0
    assert answer.statuses == ["STARTED", "RUNNING", "COMPLETE"]
    since_last = 0
    for message in answer.messages:
        if message["type"] == "STATE":
            assert message["state"]["sourceStats"] == {"recordCount": since_last}
            since_last = 0
        since_last += message["type"] == "RECORD"
    assert since_last == 0
    assert len(answer.bookmarks) == 4


def test_read_takes_both_streams(source: Source, catalog: dict[str, Any]) -> None:
    """Each has its statuses and its records; a read that ended is there before its STATE."""
    config = config_for(source.sandbox)
    [found] = source.run("discover", config=config).of("CATALOG")
    [reads] = [stream for stream in found["streams"] if stream["name"] == "sales_order_reads"]
    both = {"streams": catalog["streams"] + configured(reads)["streams"]}
    answer = source.run("read", config=config, catalog=both)
    assert answer.code == 0
    names = Counter(record["stream"] for record in answer.of("RECORD"))
    assert names == {"sales_orders": len(source.sandbox.orders()), "sales_order_reads": 4}
    ways: dict[str, list[str]] = {}
    for trace in answer.of("TRACE"):
        status = trace["stream_status"]
        ways.setdefault(status["stream_descriptor"]["name"], []).append(status["status"])
    assert ways == {name: ["STARTED", "RUNNING", "COMPLETE"] for name in names}


@pytest.mark.parametrize("form", ["STREAM", "GLOBAL", "LEGACY", "file", "one", "whole"])
def test_read_resumes(source: Source, catalog: dict[str, Any], form: str) -> None:
    """A second read begins where the first one's state says, in whichever form it is given."""
    config = config_for(source.sandbox)
    state = source.run("read", config=config, catalog=catalog).states[-1]
    given = {
        "STREAM": [{"type": "STREAM", "stream": stream_state(state), "global": None}],
        "GLOBAL": [{"type": "GLOBAL", "global": {"stream_states": [stream_state(state)]}}],
        "LEGACY": [{"type": "LEGACY", "data": {"sales_orders": state}}],
        "file": {"sales_orders": state},
        "one": {"type": "STREAM", "stream": stream_state(state)},
        "whole": {"type": "STATE", "state": {"type": "STREAM", "stream": stream_state(state)}},
    }[form]
    assert source.starts() == {FIRST_START}
    answer = source.run("read", config=config, catalog=catalog, state=given)
    assert answer.code == 0
    assert source.starts() == {LATER_START}
    assert answer.statuses == ["STARTED", "RUNNING", "COMPLETE"]


@pytest.mark.parametrize(
    "state",
    [[], {}, [{"type": "STREAM", "stream": {"stream_descriptor": {"name": "sales_orders"}}}]],
    ids=["list", "object", "stream"],
)
def test_an_empty_state_is_none(source: Source, catalog: dict[str, Any], state: Any) -> None:
    """A read whose state holds nothing begins at the start date."""
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog, state=state)
    assert answer.code == 0
    assert source.starts() == {FIRST_START}


def test_full_refresh_reads_everything_and_moves_nothing(
    source: Source, stream: dict[str, Any]
) -> None:
    """A full refresh begins at the start date, ignores the state, and returns it unchanged."""
    config = config_for(source.sandbox)
    before = source.run("read", config=config, catalog=configured(stream))
    source.sandbox.clock.advance(timedelta(days=1))
    source.starts()
    answer = source.run(
        "read",
        config=config,
        catalog=configured(stream, "full_refresh"),
        state=[{"type": "STREAM", "stream": stream_state(before.states[-1])}],
    )
    assert source.starts() == {FIRST_START}
    assert len(answer.records) == len(source.sandbox.orders())
    assert answer.states[-1] == before.states[-1]
    assert sum(s["sourceStats"]["recordCount"] for s in answer.of("STATE")) == len(answer.records)


def test_read_takes_what_a_form_holds(source: Source, catalog: dict[str, Any]) -> None:
    """Numbers, lists and truth values may be text, emptied fields count as unset; unknown warn."""
    config = config_for(
        source.sandbox,
        page_size="5",
        location_ids="1001,1002",
        infer_schema="true",
        location_codes=json.dumps({"1001": source.sandbox.world.location_code("1001")}),
        max_requests_per_minute="",
        primary_keys=None,
        __injected="by a platform",
    )
    answer = source.run("read", config=config, catalog=catalog)
    assert answer.code == 0
    assert len(answer.records) == len(source.sandbox.orders())
    assert {entry.parameter("size") for entry in source.sandbox.journal.orders} == {"5"}
    assert "There is no setting __injected: ignored." in answer.logged("WARN").splitlines()


def test_columns_are_those_configured(source: Source, catalog: dict[str, Any]) -> None:
    """A field that the configured catalog does not know travels in `_extra`."""
    schema = catalog["streams"][0]["stream"]["json_schema"]
    del schema["properties"]["customer"]
    schema["x-columns"].remove("customer")
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog)
    assert answer.code == 0
    assert all("customer" in record["_extra"] for record in answer.records)
    assert not any("customer" in record for record in answer.records)


def test_a_column_that_airbyte_deselects_is_nowhere(
    source: Source, catalog: dict[str, Any]
) -> None:
    """It takes a column out of the properties; `_extra`, or a column of ours, is no exception."""
    schema = catalog["streams"][0]["stream"]["json_schema"]
    names = {"customer", "line_items", "_extra"}
    for name in names:
        del schema["properties"][name]
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog)
    assert answer.code == 0
    assert answer.records
    assert not any(
        {"customer", "line_items", "_extra"} & record.keys() for record in answer.records
    )
    assert "example.com" not in json.dumps(answer.records)


def test_the_key_is_the_one_configured(source: Source, stream: dict[str, Any]) -> None:
    """A configured key goes before the discovered one: an order without it cannot be read."""
    catalog = configured(stream, primary_key=[["reference"]])
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog)
    assert answer.code == 1
    assert "reference" in answer.error["message"]


def test_nothing_configured_is_nothing_read(source: Source) -> None:
    """A catalog without streams asks for nothing, and gets it."""
    config = config_for(source.sandbox)
    answer = source.run("read", config=config, catalog={"streams": []})
    assert (answer.code, answer.records, answer.statuses) == (0, [], [])
    assert not source.sandbox.journal.orders


def test_a_partition_that_fails_leaves_the_stream_incomplete(
    source: Source, catalog: dict[str, Any]
) -> None:
    """The others are read and keep their bookmarks; the failure is named, and ends with 1."""
    source.sandbox.add_fault(
        Fault(Kind.STATUS, code=403, location="1002", order_status="pending", every=1)
    )
    answer = source.run("read", config=config_for(source.sandbox), catalog=catalog)
    assert answer.code == 1
    assert answer.statuses == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert answer.error["failure_type"] == "config_error"
    assert "the pending orders of location 1002" in answer.error["message"]
    moved = {partition for partition, bookmark in answer.bookmarks.items() if bookmark}
    assert moved == {("pending", "1001"), ("completed", "1001"), ("completed", "1002")}
    missing = len(source.sandbox.orders(location="1002", status="pending"))
    assert len(answer.records) == len(source.sandbox.orders()) - missing


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config": {}}, "`client_id` (TAP_XSTAK_OMS_CLIENT_ID) is missing"),
        ({"config": []}, "config.json' has another form: Expected `object`"),
        ({"config": {"streams": []}}, "config.json' holds a catalog. Give it with --catalog."),
        ({"catalog": {"client_id": "x"}}, "holds a configuration. Give it with --config."),
        ({"catalog": []}, "catalog.json' has another form: Expected `object`"),
        ({"catalog": {"streams": [{}]}}, "missing required field `stream`"),
        (
            {"stream": {"name": "orders"}},
            "There is no stream 'orders', only sales_orders and sales_order_reads",
        ),
        ({"stream": {"source_defined_primary_key": [["a", "b"]]}}, "only be of whole columns"),
        ({"state": 7}, "state.json' has another form: Expected `object | array`"),
        ({"state": {"sales_orders": {"partitions": 7}}}, "The state cannot be used"),
    ],
)
def test_bad_input_is_told(
    source: Source, stream: dict[str, Any], files: dict[str, Any], words: str
) -> None:
    """What cannot be used is named in one sentence that says what was wrong, before any read."""
    answer = source.run(
        "read",
        config=files.get("config", config_for(source.sandbox)),
        catalog=files.get("catalog", configured(stream | files.get("stream", {}))),
        state=files.get("state", []),
    )
    assert answer.code == 1
    assert answer.error["failure_type"] == "config_error"
    assert words in answer.error["message"]
    assert answer.statuses == []
    assert not source.sandbox.journal.entries()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (no such file or directory)"),
        (b"", "is empty. Write the settings into it"),
        (b'{"client_id":"x",\n"client_secret":"hidden"', "is not JSON: see line 2, column 25"),
        (b'\xff\xfe{"client_secret":"hidden"}', "is not UTF-8 text"),
    ],
    ids=["missing", "empty", "half", "encoding"],
)
def test_a_file_that_is_no_json_is_told_as_the_tap_tells_it(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """The sentence names the file and the place, and shows nothing of what it holds."""
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    command = [str(SOURCE), "check", "--config", str(path)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(ended.stdout)["connectionStatus"] == {
        "status": "FAILED",
        "message": f"The configuration cannot be used: the file '{path}' {words}.",
    }


def test_help_is_for_whoever_runs_the_command() -> None:
    """`--help` says what the command does and what its files are."""
    ended = subprocess.run(
        [SOURCE, "--help"], check=True, capture_output=True, text=True, timeout=60
    )
    assert "Reads the orders of XStak OMS as a source of the Airbyte protocol" in ended.stdout


def test_refused_credentials_are_the_user_s_to_mend(
    source: Source, catalog: dict[str, Any]
) -> None:
    """A read with credentials that are refused ends with a config error that names them."""
    config = config_for(source.sandbox, client_id="someone")
    answer = source.run("read", config=config, catalog=catalog)
    assert (answer.code, answer.statuses) == (1, ["STARTED", "INCOMPLETE"])
    assert answer.error["failure_type"] == "config_error"
    assert "refused the credentials" in answer.error["message"]


def test_no_secret_is_said(source: Source, catalog: dict[str, Any]) -> None:
    """At debug level no message but a record holds the secret, a token or a customer's data."""
    loud = {"TAP_XSTAK_OMS_LOGLEVEL": "DEBUG"}
    config = config_for(source.sandbox)
    answers = [
        source.run("check", loud, config=config),
        source.run("discover", loud, config=config),
        source.run("read", loud, config=config, catalog=catalog),
    ]
    said = json.dumps([m for a in answers for m in a.messages if m["type"] != "RECORD"])
    assert answers[-1].logged("DEBUG")
    tokens = {entry.headers.get("token") for entry in source.sandbox.journal.entries()} - {None}
    assert tokens
    for secret in (CLIENT_SECRET, "Test Customer", "@example.com", *map(str, tokens)):
        assert secret not in said


@contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A command under way, which has ended afterwards in any case."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_sigterm_ends_in_order(source: Source, catalog: dict[str, Any]) -> None:
    """On SIGTERM, with a request hanging, come the last state and the status, and no record."""
    source.sandbox.add_fault(Fault(Kind.HANG, location="1002", order_status="completed"))
    unread = len(source.sandbox.orders(location="1002", status="completed"))
    expected = len(source.sandbox.orders()) - unread
    command = source.arguments("read", config=config_for(source.sandbox), catalog=catalog)
    with started(command) as process:
        assert process.stdout is not None
        messages: list[dict[str, Any]] = []
        while sum(message["type"] == "RECORD" for message in messages) < expected:
            messages.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    messages += [json.loads(line) for line in rest.splitlines()]
    answer = Answer(process.returncode, messages)
    assert answer.code == -signal.SIGTERM
    types = [message["type"] for message in messages if message["type"] != "LOG"]
    assert types[-2:] == ["STATE", "TRACE"]
    assert answer.statuses == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert {("pending", "1001"), ("pending", "1002")} <= set(answer.bookmarks)
    assert ("completed", "1002") not in answer.bookmarks


def test_sigterm_ends_a_read_that_nobody_takes(tmp_path: Path, catalog: dict[str, Any]) -> None:
    """A reader that has had enough ends us by the signal, though a write waits for it."""
    with Sandbox(World(locations=("1001",), orders_per_location=2000)) as sandbox:
        source = Source(sandbox, tmp_path)
        command = source.arguments("read", config=config_for(sandbox), catalog=catalog)
        with started(command) as process:
            assert process.stdout is not None
            assert any(b'"RECORD"' in line for line in iter(process.stdout.readline, b""))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE_SECONDS) == -signal.SIGTERM


def test_sigterm_ends_in_order_while_another_thread_writes() -> None:
    """The line of that thread comes out, then the last state, and the end is by the signal."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.signal_beside_a_worker"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    answer = Answer(ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()])
    assert (answer.code, ended.stderr) == (-signal.SIGTERM, "")
    assert [message["type"] for message in answer.messages] == ["TRACE", "LOG", "STATE", "TRACE"]
    assert answer.statuses == ["STARTED", "INCOMPLETE"]


def blocks(language: str) -> list[str]:
    """The fenced blocks of docs/airbyte.md in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[str]:
    """Every command of docs/airbyte.md."""
    lines = "".join(blocks("console")).splitlines()
    return [line.removeprefix("$ ") for line in lines]


def test_the_commands_of_the_page_work_as_written(source: Source, stream: dict[str, Any]) -> None:
    """Each direct command of docs/airbyte.md runs, with the page's program and its state."""
    direct = [command for command in commands() if command.startswith("source-xstak-oms")]
    # tests/doors/test_airbyte.py runs the others, except the build of an image.
    assert len(direct) == 5
    assert len(set(commands()) - set(direct)) == 4
    [state] = blocks("json")
    config = config_for(source.sandbox, start_date="2024-10-17")
    (source.folder / "config.json").write_text(json.dumps(config))
    (source.folder / "configure.py").write_text(blocks("python")[1])
    (source.folder / "state.json").write_text(state.replace("12345", "1001"))
    path = os.pathsep.join([str(SOURCE.parent), os.environ["PATH"]])
    read = [
        subprocess.run(
            ["sh", "-c", command],
            cwd=source.folder,
            env={**os.environ, "PATH": path},
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout
        for command in direct
    ]
    assert "2024-11-30T12:00:00+05:00" in source.starts()
    [entry, _] = json.loads((source.folder / "configured.json").read_text())["streams"]
    assert entry["stream"] == stream
    records = [json.loads(line)["record"] for line in read[3].splitlines() if b'"RECORD"' in line]
    records = [record for record in records if record["stream"] == "sales_orders"]
    assert len(records) == len(source.sandbox.orders())
    assert all(record["data"]["customer"] is not None for record in records)
    assert not any(record["data"].get("_extra") for record in records)


def test_the_program_of_the_page_has_what_a_live_account_needs() -> None:
    """The settings of the page's program are all that must be set, and the two URLs."""
    [example] = re.findall(r"config=(\{.*?\n    \})", blocks("python")[0], re.DOTALL)
    settings = ast.literal_eval(example)
    assert list(settings) == [*SCHEMA["required"], "auth_url", "api_url"]
    assert Settings.parse(settings, now=datetime.now(UTC)).company_code == "your-company"
