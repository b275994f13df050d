"""The tap as a source of the Airbyte protocol.

A thin adapter in the tap's process: it translates Airbyte's files for the tap, and the tap's Singer
messages for Airbyte. It reads no orders and decides nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from typing import Any, Literal

import msgspec
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_xstak_oms import process
from tap_xstak_oms.airbyte.writer import AirbyteWriter, LogHandler
from tap_xstak_oms.config.files import content_of_json, refuse_other_kinds, unusable
from tap_xstak_oms.config.schema import ENVIRONMENT_PREFIX, SCHEMA, choices_of, kind_of
from tap_xstak_oms.errors import OutputError, TapError, UsageError
from tap_xstak_oms.records.columns import SYNCED_AT
from tap_xstak_oms.singer.nested import told
from tap_xstak_oms.tap import STREAMS, TapXstakOMS

_DESCRIPTION = """
Reads the orders of XStak OMS as a source of the Airbyte protocol: messages go to stdout, one JSON
object a line. Each file that a command takes is JSON as Airbyte writes it.
"""
_METHODS = {"full_refresh": REPLICATION_FULL_TABLE, "incremental": REPLICATION_INCREMENTAL}
_COLUMNS = "x-columns"
"""A keyword that lists all columns. Airbyte removes deselected ones from `properties`; a field
that is new since discovery is in neither."""
_TAKEN_OVER = ("title", "description", "default", "examples", "format", "minimum", "maximum")


class _Stream(msgspec.Struct):
    name: str
    json_schema: dict[str, Any]
    source_defined_primary_key: list[list[str]] | None = None


class _ConfiguredStream(msgspec.Struct):
    stream: _Stream
    sync_mode: Literal["full_refresh", "incremental"]
    primary_key: list[list[str]] | None = None


class _ConfiguredCatalog(msgspec.Struct):
    streams: list[_ConfiguredStream]


class _Descriptor(msgspec.Struct):
    name: str


class _StreamState(msgspec.Struct):
    stream_descriptor: _Descriptor
    stream_state: dict[str, Any] | None = None


class _GlobalState(msgspec.Struct):
    stream_states: list[_StreamState]


class _State(msgspec.Struct):
    """One state in any of its forms: STREAM, GLOBAL or LEGACY."""

    stream: _StreamState | None = None
    all_streams: _GlobalState | None = msgspec.field(name="global", default=None)
    data: dict[str, Any] | None = None
    state: _State | None = None
    """The state, if the file holds a whole STATE message."""


def main() -> None:
    """Run the command line."""
    process.prepare()
    try:
        with process.complete_output():
            _run(_parse_arguments(), AirbyteWriter())
    except OutputError as error:
        # stdout takes no messages any more.
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


def _run(options: argparse.Namespace, writer: AirbyteWriter) -> None:
    _log_to(writer)
    try:
        options.run(writer, options)
    except OutputError:
        raise
    except Exception as error:  # noqa: BLE001 - it becomes a message for Airbyte
        writer.say_failure(error)
        sys.exit(1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="source-xstak-oms", description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (run, *files) in _COMMANDS.items():
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for file in files:
            command.add_argument(f"--{file}", required=file != "state")
    return parser.parse_args()


def _log_to(writer: AirbyteWriter) -> None:
    name = os.environ.get(f"{ENVIRONMENT_PREFIX}LOGLEVEL") or os.environ.get("LOGLEVEL", "INFO")
    logging.basicConfig(handlers=[LogHandler(writer)], level=name.upper(), format="%(message)s")
    logging.captureWarnings(capture=True)


def _spec(writer: AirbyteWriter, _options: argparse.Namespace) -> None:
    properties = {
        name: _form_field(schema) | {"order": order}
        for order, (name, schema) in enumerate(SCHEMA["properties"].items())
    }
    form = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "XStak OMS",
        "type": "object",
        "required": SCHEMA["required"],
        "properties": properties,
        "additionalProperties": True,
    }
    writer.say("SPEC", {"connectionSpecification": form, "supportsIncremental": True})


def _form_field(schema: dict[str, Any]) -> dict[str, Any]:
    """A setting as a form field: of one type; an object is a string that holds JSON."""
    kind = kind_of(schema)
    field = {key: schema[key] for key in _TAKEN_OVER if key in schema} | {"type": kind}
    if kind == "object":
        examples = [msgspec.json.encode(example).decode() for example in schema["examples"]]
        described = f"{schema['description']} A JSON object."
        field |= {"type": "string", "examples": examples, "description": described}
    if kind == "array":
        field["items"] = {"type": "string"}
    if choices := choices_of(schema):
        field["enum"] = choices
    return field | ({"airbyte_secret": True} if schema.get("secret") else {})


def _check(writer: AirbyteWriter, options: argparse.Namespace) -> None:
    status = {"status": "SUCCEEDED"}
    try:
        tap = TapXstakOMS(config=_config(options), setup_mapper=False, message_writer=writer)
        for doubt in tap.check_connection():
            logging.getLogger(tap.name).warning("%s", doubt)
    except OutputError:
        raise
    except TapError as error:
        status = {"status": "FAILED", "message": str(error)}
    writer.say("CONNECTION_STATUS", status, key="connectionStatus")


def _discover(writer: AirbyteWriter, options: argparse.Namespace) -> None:
    tap = TapXstakOMS(config=_config(options), setup_mapper=False, message_writer=writer)
    streams = [_airbyte_stream(entry, tap.levels_told) for entry in tap.catalog_dict["streams"]]
    # Discovery has no state to save: the caller may kill it after the catalog.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    writer.say("CATALOG", {"streams": streams})


def _airbyte_stream(entry: dict[str, Any], levels_told: int | None) -> dict[str, Any]:
    return {
        "name": entry["tap_stream_id"],
        # Airbyte gives this to destinations, and checks records against it.
        "json_schema": told(entry["schema"], levels_told)
        | {_COLUMNS: list(entry["schema"]["properties"])},
        "supported_sync_modes": list(_METHODS),
        "source_defined_cursor": True,
        "default_cursor_field": [SYNCED_AT],
        "source_defined_primary_key": [[name] for name in entry["key_properties"]],
    }


def _read(writer: AirbyteWriter, options: argparse.Namespace) -> None:
    configured: _ConfiguredCatalog = _parse_file(options.catalog, "catalog", _ConfiguredCatalog)
    tap = TapXstakOMS(
        config=_config(options),
        catalog={"streams": [_singer_stream(stream) for stream in configured.streams]},
        state=_singer_state(options.state) if options.state else None,
        message_writer=writer,
    )
    writer.start(configured.stream.name for configured in configured.streams)
    tap.run()
    writer.say_complete()


def _singer_stream(configured: _ConfiguredStream) -> dict[str, Any]:
    stream = configured.stream
    if stream.name not in STREAMS:
        known = " and ".join(STREAMS)
        raise UsageError(f"There is no stream {stream.name!r}, only {known}: discover again.")
    paths = configured.primary_key or stream.source_defined_primary_key or []
    if any(len(path) != 1 for path in paths):
        raise UsageError(f"The primary key of {stream.name!r} can only be of whole columns.")
    return {
        "tap_stream_id": stream.name,
        "stream": stream.name,
        "schema": _with_deselected_columns(stream.json_schema),
        "metadata": [],
        "key_properties": [name for [name] in paths],
        "replication_method": _METHODS[configured.sync_mode],
    }


def _with_deselected_columns(json_schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the columns that Airbyte removed, as deselected ones."""
    columns = {name: {"selected": False} for name in json_schema.get(_COLUMNS, ())}
    return {**json_schema, "properties": {**columns, **(json_schema.get("properties") or {})}}


def _singer_state(path: str) -> dict[str, Any]:
    """The Singer state, from any form that Airbyte has used.

    That is a list of states, one state, or an object with the state of each stream.
    """
    given = _parse_file(path, "state", list[Any] | dict[str, Any])
    if isinstance(given, dict):
        given = [given if given.keys() & _STATE_FIELDS else {"data": given}]
    bookmarks: dict[str, Any] = {}
    for message in _converted(given, list[_State], path, "state"):
        state = message.state or message
        streams = list(state.all_streams.stream_states) if state.all_streams else []
        if state.stream:
            streams.append(state.stream)
        bookmarks |= state.data or {}
        bookmarks |= {of.stream_descriptor.name: of.stream_state or {} for of in streams}
    return {"bookmarks": bookmarks}


def _config(options: argparse.Namespace) -> dict[str, Any]:
    """The configuration; an empty field of the form is not set."""
    config: dict[str, Any] = _parse_file(options.config, "configuration", dict[str, Any])
    given = {name: value for name, value in config.items() if value not in (None, "")}
    foreign = sorted(set(given) & (TapXstakOMS.setting_names() - set(SCHEMA["properties"])))
    if foreign:
        raise UsageError(
            f"{', '.join(f'`{name}`' for name in foreign)}: not offered through Airbyte, which "
            "would still expect the columns that discovery found. Remove it.",
        )
    return given


def _parse_file(path: str, what: str, form: Any) -> Any:  # noqa: ANN401 - it returns `form`
    content = content_of_json(path, what)
    if what != "state":  # Airbyte's have other forms
        refuse_other_kinds(content, path, what)
    return _converted(content, form, path, what)


def _converted(content: object, form: Any, path: str, what: str) -> Any:  # noqa: ANN401 - as above
    try:
        return msgspec.convert(content, form)
    except msgspec.ValidationError as error:
        problem = f"has another form: {error}"
    raise unusable(path, what, problem)


_STATE_FIELDS = {"type", "stream", "global", "data", "state"}
_COMMANDS = {
    "spec": (_spec,),
    "check": (_check, "config"),
    "discover": (_discover, "config"),
    "read": (_read, "config", "catalog", "state"),
}
"""What each command calls, and the files that it takes."""
