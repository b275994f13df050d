"""The definition for the Meltano Hub: complete, of the Hub's form, and taken by Meltano.

The Hub's form is that of its JSON schemas and of its `.yamllint.yaml`, as read in August 2026.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.tap import TapXstakOMS
from tests.support import EXECUTABLE, ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = (ROOT / "docs" / "hub.yml").read_text(encoding="utf-8")
DEFINITION: dict[str, Any] = yaml.safe_load(TEXT)
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
USUAL = {"label", "description", "keywords", "domain_url"}
"""What each extractor has there that is built with the SDK, or all but a few."""
OF_A_RELEASE = {"repo", "logo_url", "pip_url"}
"""What they have besides, and what no one could use before there is a repository and a release."""
KINDS = {"array", "boolean", "date_iso8601", "integer", "object", "options", "password", "string"}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from mappings(one)


def test_the_hub_knows_every_key() -> None:
    """What the Hub requires is there, and nothing that it would reject."""
    assert REQUIRED | USUAL <= DEFINITION.keys() <= KNOWN - OF_A_RELEASE
    assert DEFINITION["quality"] in {"gold", "silver", "bronze", "unknown"}
    assert DEFINITION["maintenance_status"] in {"active", "beta", "development", "inactive"}
    for name in ("next_steps", "settings_preamble", "usage"):
        assert isinstance(DEFINITION[name], str)
    for setting in DEFINITION["settings"]:
        assert {"name", "label", "description", "kind"} <= setting.keys() <= KNOWN_OF_SETTINGS
        assert setting["kind"] in KINDS
        assert (setting["kind"] == "password") == setting.get("sensitive", False)
        assert all(option.keys() == {"label", "value"} for option in setting.get("options", ()))


def test_everything_is_in_order() -> None:
    """The keys of each mapping are sorted, as are settings by name, capabilities and others."""
    for mapping in mappings(DEFINITION):
        assert list(mapping) == sorted(mapping)
    names = [setting["name"] for setting in DEFINITION["settings"]]
    for some in (names, DEFINITION["capabilities"], *DEFINITION["settings_group_validation"]):
        assert some == sorted(some)


def test_no_placeholder_is_where_a_user_would_get_it() -> None:
    """Nothing waits to be filled in but what the heading names, which is not there or neutral."""
    heading, body = TEXT.split("\ncapabilities:")
    assert all(f"`{name}`" in heading for name in ("variant", *OF_A_RELEASE))
    assert DEFINITION["variant"] == "original"
    assert not re.search(r"your-|example|TODO|<", body)


def test_the_definition_follows_the_schema() -> None:
    """The Hub tells of each setting what the schema tells, and which of them are required."""
    settings = {setting["name"]: setting for setting in DEFINITION["settings"]}
    assert set(settings) == TapXstakOMS.setting_names()
    for name, schema in SCHEMA["properties"].items():
        assert settings[name]["label"] == schema["title"]
        assert settings[name]["description"] == schema["description"]
        assert settings[name].get("value") == schema.get("default")
        assert settings[name].get("sensitive", False) == schema.get("secret", False)
    assert DEFINITION["settings_group_validation"] == [sorted(SCHEMA["required"])]


def test_the_definition_names_the_tap_as_it_is() -> None:
    """Name, program and capabilities are those of the tap."""
    assert DEFINITION["name"] == DEFINITION["executable"] == TapXstakOMS.name == EXECUTABLE.name
    capabilities = {member.value for member in TapXstakOMS.capabilities}
    assert set(DEFINITION["capabilities"]) == capabilities
    assert DEFINITION["supported_python_versions"] == TapXstakOMS.get_supported_python_versions()


def test_meltano_adds_the_tap_from_its_definition(tmp_path: Path) -> None:
    """The README's commands take the definition whole, and install the tap from the checkout."""
    project = {"default_environment": "dev", "environments": [{"name": "dev"}]}
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def meltano(*arguments: str) -> str:
        command = [str(MELTANO), *arguments]
        environment = {**os.environ, "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        return ended.stdout

    lines = "".join(blocks("README.md", "console", under="Meltano")).splitlines()
    commands = [line.removeprefix("$ meltano ") for line in lines]
    for command in commands[: commands.index("install") + 1]:
        meltano(*shlex.split(command.replace("/path/to/this/checkout", str(ROOT))))
    added = yaml.safe_load((tmp_path / "meltano.yml").read_text(encoding="utf-8"))
    [extractor] = added["plugins"]["extractors"]
    assert extractor["select"] == ["sales_orders.*"]
    names = {setting["name"] for setting in extractor["settings"]}
    assert names == TapXstakOMS.setting_names()
    assert ", ".join(sorted(SCHEMA["required"])) in meltano("config", "list", "tap-xstak-oms")
    assert "tap-xstak-oms v" in meltano("invoke", "tap-xstak-oms", "--version")
    (tmp_path / "catalog.json").write_text("{}")
    [name] = re.findall(r"^  meltano (config set .* _catalog .*)$", TEXT, re.MULTILINE)
    assert f"$ meltano {name}" in lines
    meltano(*shlex.split(name))
    assert "catalog: catalog.json" in (tmp_path / "meltano.yml").read_text(encoding="utf-8")
