"""The settings as docs/settings.md, meltano.yml and the Hub want them."""

from __future__ import annotations

import json
from typing import Any

from tap_xstak_oms.config.schema import SCHEMA, choices_of, kind_of

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
GROUPS = {
    "Your account": [
        "client_id",
        "client_secret",
        "company_code",
        "auth_url",
        "api_url",
        "timezone",
    ],
    "What to read": ["location_ids", "location_codes", "order_statuses", "start_date"],
    "How far back each run reads": ["overlap_hours", "lookback_days", "max_read_passes"],
    "Columns and key": ["infer_schema", "primary_keys", "timestamp_fields", "nested_schema"],
    "Speed, patience and failures": [
        "max_concurrent_requests",
        "max_requests_per_minute",
        "page_size",
        "request_timeout_seconds",
        "max_tries",
        "max_failed_partitions",
    ],
    "Shards": ["shard_index", "shard_count"],
    "Doubts about the API": [
        "token_parameters_in",
        "grant_type_keys",
        "start_date_format",
        "filters_in",
        "page_parameter",
        "page_size_parameter",
    ],
    "Stream maps and flattening": list(SDK_SETTINGS),
}
"""The sections of docs/settings.md and their settings."""
_HEAD = ["| setting | type | default | meaning |", "|---|---|---|---|"]


def settings_tables() -> str:
    """Every setting, in a table for each group.

    Raises:
        KeyError: If a setting is in no group, or in more than one.
    """
    left, tables = dict(_settings()), []
    for title, names in GROUPS.items():
        rows = [_row(name, left.pop(name)) for name in names]
        tables.append("\n".join([f"## {title}", "", *_HEAD, *rows]))
    if left:
        raise KeyError(f"docs/settings_lists.py has no group for {', '.join(left)}")
    return "\n\n".join(tables)


def _row(name: str, schema: dict[str, Any]) -> str:
    return (
        f"| `{name}` | {_type_in_words(schema)} | {_default_in_words(name, schema)} "
        f"| {schema['description']} |"
    )


def meltano_settings() -> str:
    """The settings of the extractor in meltano.yml, ours and those that the SDK adds."""
    settings = (_meltano_setting(name, schema) for name, schema in _settings().items())
    return "\n".join(f"    {line}" for setting in settings for line in _entry(setting))


def hub_settings() -> str:
    """The same settings as the Hub wants them: settings and keys sorted, then the required ones."""
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
    if choices := choices_of(schema):
        options = ((f"- label: {value}", f"  value: {value}") for value in choices)
        setting["options"] = ["options:", *(line for option in options for line in option)]
    if "default" in schema:
        setting["value"] = [f"value: {json.dumps(schema['default'])}"]
    return setting


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    return kind_of(schema)


def _type_in_words(schema: dict[str, Any]) -> str:
    if choices := choices_of(schema):
        return " or ".join(f"`{value}`" for value in choices)
    kind = {"date-time": "date-time", "uri": "URL"}.get(schema.get("format", ""))
    words = "array of strings" if kind_of(schema) == "array" else kind_of(schema)
    return (kind or words) + (", secret" if schema.get("secret") else "")


def _default_in_words(name: str, schema: dict[str, Any]) -> str:
    if name in SCHEMA["required"]:
        return "**required**"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
