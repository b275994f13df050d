"""The definition for the Meltano Hub: complete, of the Hub's form, and taken by Meltano."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tap_xstak_oms.settings_schema import SCHEMA
from tap_xstak_oms.tap import TapXstakOMS
from tests.support import EXECUTABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "hub.yml").read_text(encoding="utf-8"))
MELTANO = EXECUTABLE.with_name("meltano")
REQUIRED = {"name", "namespace", "variant", "quality"}
KNOWN = REQUIRED | {
    "capabilities",
    "commands",
    "definition",
    "description",
    "docs",
    "domain_url",
    "executable",
    "hidden",
    "keywords",
    "label",
    "log_parser",
    "logo_url",
    "maintenance_status",
    "metadata",
    "next_steps",
    "pip_url",
    "prereq",
    "python",
    "repo",
    "requires",
    "schema",
    "select",
    "settings",
    "settings_group_validation",
    "settings_preamble",
    "supported_python_versions",
    "usage",
}
KNOWN_OF_SETTINGS = {"name", "label", "description", "kind", "sensitive", "options", "value"}
KINDS = {"array", "boolean", "date_iso8601", "integer", "object", "options", "string"}


def test_the_hub_knows_every_key() -> None:
    """What the Hub requires is there, and nothing that it would reject."""
    assert REQUIRED <= DEFINITION.keys() <= KNOWN
    assert DEFINITION["quality"] in {"gold", "silver", "bronze", "unknown"}
    assert DEFINITION["maintenance_status"] in {"active", "beta", "development", "inactive"}
    for setting in DEFINITION["settings"]:
        assert {"name", "label", "description", "kind"} <= setting.keys() <= KNOWN_OF_SETTINGS
        assert setting["kind"] in KINDS
        assert all(option.keys() == {"label", "value"} for option in setting.get("options", ()))


def test_the_definition_follows_the_schema() -> None:
    """The Hub tells of each setting what the schema tells, and which of them are required."""
    settings = {setting["name"]: setting for setting in DEFINITION["settings"]}
    assert set(settings) == TapXstakOMS.setting_names()
    for name, schema in SCHEMA["properties"].items():
        assert settings[name]["label"] == schema["title"]
        assert settings[name]["description"] == schema["description"]
        assert settings[name].get("value") == schema.get("default")
        assert settings[name].get("sensitive", False) == schema.get("secret", False)
    assert DEFINITION["settings_group_validation"] == [SCHEMA["required"]]


def test_the_definition_names_the_tap_as_it_is() -> None:
    """Name, program and capabilities are those of the tap."""
    assert DEFINITION["name"] == DEFINITION["executable"] == TapXstakOMS.name == EXECUTABLE.name
    assert DEFINITION["pip_url"] == TapXstakOMS.package_name
    assert DEFINITION["capabilities"] == [member.value for member in TapXstakOMS.capabilities]
    assert DEFINITION["supported_python_versions"] == TapXstakOMS.get_supported_python_versions()


def test_meltano_adds_the_tap_from_its_definition(tmp_path: Path) -> None:
    """`meltano add --from-ref` takes the definition whole, and lists what must be set."""
    project = {"default_environment": "dev", "environments": [{"name": "dev"}]}
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def meltano(*arguments: str) -> str:
        command = [str(MELTANO), *arguments]
        environment = {**os.environ, "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        return ended.stdout

    meltano("add", "--no-install", f"--from-ref={ROOT / 'docs' / 'hub.yml'}", "tap-xstak-oms")
    added = yaml.safe_load((tmp_path / "meltano.yml").read_text(encoding="utf-8"))
    [extractor] = added["plugins"]["extractors"]
    names = {setting["name"] for setting in extractor["settings"]}
    assert names == TapXstakOMS.setting_names()
    assert ", ".join(SCHEMA["required"]) in meltano("config", "list", "tap-xstak-oms")
