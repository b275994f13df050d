"""Writes what follows from the settings schema, arithmetic and measurements into other files.

python -m docs.generate            rewrite the files
python -m docs.generate --check    change nothing; exit 1 if a file is out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.arithmetic import assumptions, costs_table, locations_table, shards_table
from tap_xstak_oms.config.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
SDK_SETTINGS: dict[str, dict[str, Any]] = {
    "stream_maps": {
        "type": "object",
        "title": "Stream maps",
        "description": "Renames, removes, hashes or computes fields; filters records.",
    },
    "stream_map_config": {
        "type": "object",
        "title": "Stream map configuration",
        "description": "Values for the expressions of stream_maps, such as a hash seed.",
    },
    "faker_config": {
        "type": "object",
        "title": "Faker configuration",
        "description": "For stream maps that make up values with Faker, if it is installed.",
    },
    "flattening_enabled": {
        "type": "boolean",
        "title": "Flattening",
        "description": "Whether nested objects become columns of their own.",
    },
    "flattening_max_depth": {
        "type": "integer",
        "title": "Flattening depth",
        "description": "How many levels of nesting become columns.",
    },
    "flattening_max_key_length": {
        "type": "integer",
        "title": "Flattened name length",
        "description": "How long a flattened column's name may be.",
    },
    "flattening_separator": {
        "type": "string",
        "title": "Flattening separator",
        "description": "What stands between the parts of a flattened column's name.",
    },
}
_KINDS = {"integer": "integer", "boolean": "boolean", "array": "array", "object": "object"}


def settings_table() -> str:
    """The README's table of settings."""
    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{name}` | {_type_in_words(schema)} | {_default_in_words(name, schema)} "
        f"| {schema['description']} |"
        for name, schema in SCHEMA["properties"].items()
    ]
    return "\n".join(rows)


def meltano_settings() -> str:
    """The settings of the extractor in meltano.yml, ours and those that the SDK adds."""
    settings = (_meltano_setting(name, schema) for name, schema in _settings().items())
    return "\n".join(f"    {line}" for setting in settings for line in _entry(setting))


def hub_settings() -> str:
    """The same settings as the Hub wants them: in order of their names, and all keys in order.

    Behind them, which must be set.
    """
    lines: list[str] = []
    for name, schema in sorted(_settings().items()):
        setting = _meltano_setting(name, schema)
        if schema.get("secret"):
            setting["kind"] = ["kind: password"]
        lines += _entry(dict(sorted(setting.items())))
    first, *others = sorted(SCHEMA["required"])
    lines += ["settings_group_validation:", f"- - {first}", *(f"  - {name}" for name in others)]
    return "\n".join(lines)


def _settings() -> dict[str, dict[str, Any]]:
    return {**SCHEMA["properties"], **SDK_SETTINGS}


def _entry(setting: dict[str, list[str]]) -> list[str]:
    first, *others = (line for lines in setting.values() for line in lines)
    return [f"- {first}", *(f"  {line}" for line in others)]


def _meltano_setting(name: str, schema: dict[str, Any]) -> dict[str, list[str]]:
    """The lines of each key of a setting."""
    setting = {
        "name": [f"name: {name}"],
        "label": [f"label: {json.dumps(schema['title'])}"],
        "description": [f"description: {json.dumps(schema['description'])}"],
        "kind": [f"kind: {_kind(schema)}"],
    }
    if schema.get("secret"):
        setting["sensitive"] = ["sensitive: true"]
    if "enum" in schema:
        options = ((f"- label: {value}", f"  value: {value}") for value in _allowed(schema))
        setting["options"] = ["options:", *(line for option in options for line in option)]
    if "default" in schema:
        setting["value"] = [f"value: {json.dumps(schema['default'])}"]
    return setting


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    return _KINDS.get(_type(schema), "string")


def _type(schema: dict[str, Any]) -> str:
    types = schema["type"]
    names = [types] if isinstance(types, str) else types
    return next(str(name) for name in names if name != "null")


def _allowed(schema: dict[str, Any]) -> list[str]:
    return [value for value in schema["enum"] if value is not None]


def _type_in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in _allowed(schema))
    words = {"array": "array of text", "object": "object", "string": "text"}
    kind = {"date-time": "date or time", "uri": "URL"}.get(schema.get("format", ""))
    return (kind or words.get(_type(schema), _type(schema))) + (
        ", secret" if schema.get("secret") else ""
    )


def _default_in_words(name: str, schema: dict[str, Any]) -> str:
    if name in SCHEMA["required"]:
        return "**required**"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def speed_table() -> str:
    """How fast the tap is at each latency, of what docs/performance.md says in full."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    told = ["| the API's latency | orders a second | times a plain SDK tap | times a bare script |"]
    told.append("|---|---|---|---|")
    for row in rows:
        if "ours" in row:
            _, latency, _, rate, _, _, times_plain, times_bare, _ = row
            told.append(f"| {latency} | {rate} | {times_plain} | {times_bare} |")
    return "\n".join(told)


BLOCKS: dict[str, list[tuple[str, Callable[[], str], str]]] = {
    "README.md": [
        ("<!-- settings -->\n", settings_table, "<!-- /settings -->"),
        ("<!-- costs -->\n", costs_table, "<!-- /costs -->"),
        ("<!-- speed -->\n", speed_table, "<!-- /speed -->"),
    ],
    "meltano.yml": [("    # settings\n", meltano_settings, "    # /settings")],
    "docs/hub.yml": [("\nsettings:\n", hub_settings, "settings_preamble:")],
    "docs/scaling.md": [
        ("<!-- model -->\n", assumptions, "<!-- /model -->"),
        ("<!-- locations -->\n", locations_table, "<!-- /locations -->"),
        ("<!-- shards -->\n", shards_table, "<!-- /shards -->"),
    ],
}


def generated(name: str) -> str:
    """What a file should be: its text, with what is between two marks of a block made anew."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for begin, make, end in BLOCKS[name]:
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{make()}\n{end}{after}"
    return text


def main() -> int:
    """Write or check the files."""
    stale = [n for n in BLOCKS if generated(n) != (ROOT / n).read_text(encoding="utf-8")]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"{name} is out of date: ./run generate\n" for name in stale)
        return int(bool(stale))
    for name in stale:
        (ROOT / name).write_text(generated(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
