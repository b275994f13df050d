"""The command line, as a person and as a pipeline use it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.config.schema import SCHEMA
from tests.support import CLIENT_SECRET, config_for, run_cli, written
from xstak_sandbox import Quirks, Sandbox, World

if TYPE_CHECKING:
    from pathlib import Path


def messages(stdout: str) -> list[dict[str, Any]]:
    """What stdout holds, if it holds nothing but Singer messages."""
    found = [json.loads(line, parse_float=Decimal) for line in stdout.splitlines()]
    assert {message["type"] for message in found} <= {"SCHEMA", "RECORD", "STATE"}
    return found


def test_discover_then_sync_then_sync_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """Discovery, a run with its catalog and a run with its state behave as Singer users expect."""
    config = written(tmp_path, "config.json", config_for(sandbox))
    found = run_cli("--config", config, "--discover")
    assert found.returncode == 0
    catalog = tmp_path / "catalog.json"
    catalog.write_text(found.stdout)
    [stream, _] = json.loads(found.stdout)["streams"]
    assert stream["key_properties"] == ["id"]
    assert stream["replication_key"] == "_synced_at"

    first = run_cli("--config", config, "--catalog", catalog)
    assert first.returncode == 0, first.stderr
    said = messages(first.stdout)
    assert said[0]["type"] == "SCHEMA"
    assert said[0]["key_properties"] == ["id"]
    assert len([m for m in said if m["type"] == "RECORD"]) == len(sandbox.orders())
    assert said[-1]["type"] == "STATE"

    state = written(tmp_path, "state.json", said[-1]["value"])
    sandbox.clock.advance(timedelta(hours=1))
    second = run_cli("--config", config, "--catalog", catalog, "--state", state)
    assert second.returncode == 0, second.stderr
    assert messages(second.stdout)[-1]["type"] == "STATE"


def test_discover_answers_without_any_configuration(tmp_path: Path) -> None:
    """Whoever only wants to see what there is gets a catalog, and is told what it lacks."""
    found = run_cli("--discover", cwd=tmp_path)
    assert found.returncode == 0
    [stream, _] = json.loads(found.stdout)["streams"]
    assert set(stream["schema"]["properties"]) == {
        "_location_id",
        "_order_status",
        "_synced_at",
        "_extra",
    }
    assert "client_secret" in found.stderr
    assert "Traceback" not in found.stderr


def test_discover_with_a_setting_missing_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    """As soon as any setting is given, a catalog without columns is no answer: exit code 2."""
    config = config_for(sandbox)
    del config["client_secret"]
    found = run_cli("--config", written(tmp_path, "config.json", config), "--discover")
    assert (found.returncode, found.stdout) == (2, "")
    assert "`client_secret` (TAP_XSTAK_OMS_CLIENT_SECRET) is missing" in found.stderr


def test_discover_extends_a_catalog(sandbox: Sandbox, tmp_path: Path) -> None:
    """With `--catalog`, in any order, what is committed stays and what is new is added."""
    config = written(tmp_path, "config.json", config_for(sandbox))
    catalog = json.loads(run_cli("--config", config, "--discover").stdout)
    del catalog["streams"][0]["schema"]["properties"]["currency"]
    catalog["streams"][0]["schema"]["properties"]["note"] = {"type": ["integer", "null"]}
    given = written(tmp_path, "catalog.json", catalog)
    for options in ("--discover", "--catalog", given), ("--catalog", given, "--discover"):
        found = run_cli("--config", config, *options)
        columns = json.loads(found.stdout)["streams"][0]["schema"]["properties"]
        assert "currency" in columns
        assert columns["note"] == {"type": ["integer", "null"]}
        assert "New in the catalog of sales_orders: currency." in found.stderr
        assert "note stays integer as in the catalog" in found.stderr


def test_help_is_of_this_tap() -> None:
    """`--help` tells what the options mean here."""
    told = " ".join(run_cli("--help").stdout.split())
    assert "TAP_XSTAK_OMS_" in told
    assert "Check that the account can be read" in told
    assert "single record" not in told


def test_discover_with_refused_credentials_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    """A catalog without columns is no answer to whoever has credentials."""
    config = written(tmp_path, "config.json", config_for(sandbox, client_id="someone"))
    found = run_cli("--config", config, "--discover")
    assert found.returncode == 3
    assert found.stdout == ""
    assert "refused the credentials" in found.stderr
    assert "Traceback" not in found.stderr


def test_several_config_files_and_the_environment_are_merged(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Later files override earlier ones, and the environment overrides files."""
    config = config_for(sandbox)
    del config["client_secret"]
    first = written(tmp_path, "one.json", config | {"location_ids": ["77"]})
    second = written(tmp_path, "two.json", {"location_ids": ["88"]})
    environment = {
        "TAP_XSTAK_OMS_CLIENT_SECRET": CLIENT_SECRET,
        "TAP_XSTAK_OMS_LOCATION_IDS": '["1001"]',
        "TAP_XSTAK_OMS_PAGE_SIZE": "50",
    }
    ended = run_cli("--config", first, "--config", second, "--config=ENV", env=environment)
    assert ended.returncode == 0, ended.stderr
    locations = {m["record"]["_location_id"] for m in messages(ended.stdout) if "record" in m}
    assert locations == {"1001"}


def test_a_dotenv_file_counts_as_environment(sandbox: Sandbox, tmp_path: Path) -> None:
    """With `--config=ENV` a file `.env` of the working folder is read."""
    config = config_for(sandbox)
    del config["client_secret"]
    path = written(tmp_path, "config.json", config)
    (tmp_path / ".env").write_text(f"TAP_XSTAK_OMS_CLIENT_SECRET={CLIENT_SECRET}\n")
    assert run_cli("--config", path, "--config=ENV", cwd=tmp_path).returncode == 0


def test_a_bad_value_of_the_environment_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    """A number that is none is a mistake of a user, wherever it was written."""
    path = written(tmp_path, "config.json", config_for(sandbox))
    environment = {"TAP_XSTAK_OMS_PAGE_SIZE": "many"}
    ended = run_cli("--config", path, "--config=ENV", env=environment)
    assert ended.returncode == 2
    assert "`page_size` must be an integer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_about_tells_every_setting() -> None:
    """`--about` knows all settings, in each of its formats, and offers no BATCH."""
    about = json.loads(run_cli("--about", "--format=json").stdout)
    assert set(SCHEMA["properties"]) <= set(about["settings"]["properties"])
    assert "batch" not in about["capabilities"]
    for text in (run_cli("--about").stdout, run_cli("--about", "--format=markdown").stdout):
        assert all(name in text for name in SCHEMA["properties"])


def test_version_is_told() -> None:
    """`--version` names the tap and the SDK."""
    assert run_cli("--version").stdout.startswith("tap-xstak-oms v")


def test_the_package_is_the_command() -> None:
    """`python -m tap_xstak_oms` does what the command does."""
    words = [sys.executable, "-m", "tap_xstak_oms", "--version"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert said == run_cli("--version").stdout


def test_test_fails_where_a_run_would(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test` exits 1 where the API refuses, in words."""
    changes = {"api_url": f"{sandbox.url}/nowhere", "infer_schema": False}
    config = written(tmp_path, "config.json", config_for(sandbox, **changes))
    ended = run_cli("--config", config, "--test")
    assert ended.returncode == 1
    assert "`api_url`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_test_schema_writes_the_schema(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test=schema` writes the SCHEMA message of each stream and reads no record."""
    config = written(tmp_path, "config.json", config_for(sandbox))
    ended = run_cli("--config", config, "--test=schema")
    assert [message["type"] for message in messages(ended.stdout)] == ["SCHEMA"] * 2


def test_stream_maps_and_flattening_work(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the SDK offers on records applies to ours: maps, removal, aliases, flattening."""
    changes = {
        "stream_maps": {
            "sales_orders": {
                "__alias__": "orders",
                "note": "__NULL__",
                "order_number": "md5(order_number)",
            }
        },
        "flattening_enabled": True,
        "flattening_max_depth": 1,
    }
    config = written(tmp_path, "config.json", config_for(sandbox, **changes))
    ended = run_cli("--config", config)
    assert ended.returncode == 0, ended.stderr
    records = [m for m in messages(ended.stdout) if m["type"] == "RECORD"]
    assert {message["stream"] for message in records} == {"orders"}
    for message in records:
        assert "note" not in message["record"]
        assert len(message["record"]["order_number"]) == 32
        assert message["record"]["customer__email"].endswith("@example.com")


def test_flattening_works_by_itself(sandbox: Sandbox, tmp_path: Path) -> None:
    """Without any stream map, too, nested fields become columns."""
    changes = {"flattening_enabled": True, "flattening_max_depth": 1}
    config = written(tmp_path, "config.json", config_for(sandbox, **changes))
    ended = run_cli("--config", config)
    assert ended.returncode == 0, ended.stderr
    schema, *said = messages(ended.stdout)
    records = [message["record"] for message in said if message["type"] == "RECORD"]
    assert "customer__email" in schema["schema"]["properties"]
    assert len(records) == len(sandbox.orders())
    assert all(record["customer__email"].endswith("@example.com") for record in records)


def test_deselected_columns_are_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """A column that the catalog deselects is in no record, `_extra` included."""
    config = written(tmp_path, "config.json", config_for(sandbox))
    catalog = json.loads(run_cli("--config", config, "--discover").stdout)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == ["properties", "customer"]:
            entry["metadata"]["selected"] = False
        elif entry["breadcrumb"] == []:
            entry["metadata"]["selected"] = True
    ended = run_cli("--config", config, "--catalog", written(tmp_path, "catalog.json", catalog))
    assert ended.returncode == 0, ended.stderr
    records = [m["record"] for m in messages(ended.stdout) if m["type"] == "RECORD"]
    assert records
    assert all("customer" not in record for record in records)
    assert "Test Customer" not in ended.stdout


@pytest.mark.parametrize("place", ["body", "query"])
def test_no_secret_and_no_customer_is_in_any_log(tmp_path: Path, place: Any) -> None:
    """At debug level neither stderr nor state holds the secret, a token or a customer's data."""
    with Sandbox(World(locations=("1001",)), quirks=Quirks(token_parameters_in=place)) as sandbox:
        changes = {"token_parameters_in": place}
        config = written(tmp_path, "config.json", config_for(sandbox, **changes))
        ended = run_cli("--config", config, env={"TAP_XSTAK_OMS_LOGLEVEL": "DEBUG"})
        tokens = {entry.headers.get("token") for entry in sandbox.journal.entries()} - {None}
    assert ended.returncode == 0, ended.stderr
    assert tokens
    states = [line for line in ended.stdout.splitlines() if '"STATE"' in line]
    for secret in (CLIENT_SECRET, "Test Customer", "@example.com", *map(str, tokens)):
        assert secret not in ended.stderr
        assert not any(secret in state for state in states)
    assert ("every proxy on the way" in ended.stderr) == (place == "query")


def test_the_last_line_of_a_run_is_a_state_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """A whole STATE message, as `tail -1` takes it, means the same as its `value`."""
    config = written(tmp_path, "config.json", config_for(sandbox, infer_schema=False))
    message = run_cli("--config", config).stdout.splitlines()[-1]
    begun_from = []
    for state in (json.loads(message), json.loads(message)["value"]):
        sandbox.journal.clear()
        ended = run_cli("--config", config, "--state", written(tmp_path, "state.json", state))
        assert (ended.returncode, "no `bookmarks`" in ended.stderr) == (0, False)
        begun_from.append({entry.parameter("start_date") for entry in sandbox.journal.orders})
    assert begun_from == [{"2025-12-16T12:00:00+05:00"}] * 2


def test_a_run_that_does_not_infer_does_not_load_the_library() -> None:
    """Importing this module is free."""
    program = "import sys, tap_xstak_oms.discovery.inference; sys.exit('genson' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
