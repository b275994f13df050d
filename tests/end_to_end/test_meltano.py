"""The Meltano project as it stands. tests/end_to_end/test_loaders.py runs its pipelines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.tap import TapXstakOMS
from tests.end_to_end.meltano import run_meltano, tap_settings
from tests.support import ROOT, config_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xstak_sandbox import Sandbox


pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""


@pytest.fixture
def meltano(meltano_folder: Path, sandbox: Sandbox) -> Callable[..., str]:
    """Runs Meltano in this checkout; returns what it wrote."""

    def run(*arguments: str, **more: str) -> str:
        settings = tap_settings(config_for(sandbox)) | more
        ended = run_meltano(*arguments, folder=meltano_folder, settings=settings)
        output: str = ended.stdout + ended.stderr
        assert ended.returncode == 0, output
        return output

    return run


def plugins(kind: str) -> dict[str, Any]:
    """The plugins that meltano.yml declares, by name."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    return {plugin["name"]: plugin for plugin in project["plugins"][kind]}


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_meltano_shows_what_came_of_a_run(
    meltano: Callable[..., str], tmp_path: Path, log_format: str
) -> None:
    """The summary is readable in Meltano's log, and its figures are fields where that is JSON."""
    extra = {"TARGET_JSONL_DESTINATION_PATH": str(tmp_path), "MELTANO_CLI_LOG_FORMAT": log_format}
    pipeline = ("run", "--full-refresh", "tap-xstak-oms", "target-jsonl")
    lines = meltano(*pipeline, **extra).splitlines()
    [line] = [line for line in lines if "Read 120 orders from 4 of 4 partitions in " in line]
    assert len([line for line in lines if "; bookmark 2026-01-15T07:00:00Z" in line]) == 4
    assert [file.name for file in tmp_path.iterdir()] == ["sales_orders.jsonl"]
    if log_format == "json":
        assert json.loads(line)["orders"] == 120
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        [(field, others)] = re.findall(r"select\(\.(\w+) > 0\) \| {(.*?)}", page)
        assert json.loads(line)[field] == 0
        assert set(others.split(", ")) <= json.loads(line).keys()


def test_meltano_discovers(meltano: Callable[..., str]) -> None:
    """`meltano invoke tap-xstak-oms --discover` gives the catalog that one commits."""
    assert '"tap_stream_id": "sales_orders"' in meltano("invoke", "tap-xstak-oms", "--discover")


def test_meltano_checks_the_connection(meltano: Callable[..., str]) -> None:
    """`meltano config test` says that the account can be read."""
    assert "Plugin configuration is valid" in meltano("config", "test", "tap-xstak-oms")


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
