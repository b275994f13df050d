"""The members of the SDK that the tap needs though they are private, final or undocumented.

The SDK may rename any of them without notice, and some would fail silently: without its override
of `increment_state` the tap would move bookmarks with every record. A test compares this list with
the installed SDK, and our classes with this list.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Member(NamedTuple):
    """A member of the SDK.

    Attributes:
        place: The module, and the class if there is one: `module:Class`.
        name: The name.
        parameters: The names of its parameters; None if they do not matter.
        reason: Why the tap needs it.
    """

    place: str
    name: str
    parameters: tuple[str, ...] | None
    reason: str

    def __str__(self) -> str:
        return f"{self.place}.{self.name}"


_STREAM = "singer_sdk.streams.core:Stream"
_STATES = "singer_sdk.streams._state:StreamStateManager"
_TAP = "singer_sdk.tap_base:Tap"
_PLUGIN = "singer_sdk.plugin_base:PluginBase"

CONTRACT = (
    Member(
        _STREAM,
        "finalize_state_progress_markers",
        ("self", "state"),
        "called when all partitions are read: the place to fail if some did",
    ),
    Member(
        _STREAM,
        "get_record_counter",
        None,
        "records that go past the SDK are counted as well",
    ),
    Member(_STREAM, "state_manager", None, "bookmarks move when the checkpoint says so"),
    Member(_STREAM, "metadata", None, "lists the members of objects in lists too"),
    Member(_STREAM, "effective_schema", None, "the columns that are selected"),
    Member(_STREAM, "stream_maps", None, "errors of stream maps show no value"),
    Member(_STREAM, "tap_state", None, "what a STATE message holds"),
    Member(_STREAM, "TYPE_CONFORMANCE_LEVEL", None, "records arrive fitted to the schema"),
    Member(_STREAM, "STATE_MSG_FREQUENCY", None, "the checkpoint writes STATE, not the SDK"),
    Member(_STREAM, "ABORT_AT_RECORD_COUNT", None, "tells the SDK's own tests from a run"),
    Member(
        "singer_sdk.helpers.conform:TypeConformanceLevel",
        "NONE",
        None,
        "the SDK drops undeclared fields otherwise",
    ),
    Member(
        _STATES,
        "__init__",
        (
            "self",
            "stream_name",
            "tap_state",
            "is_sorted",
            "check_sorted",
            "tap_name",
            "state_partitioning_keys",
        ),
        "made by the stream",
    ),
    Member(
        _STATES,
        "get_context_state",
        ("self", "context"),
        "finds a partition's state without a look at all others for every record",
    ),
    Member(
        _STATES,
        "increment_state",
        None,
        "a record moves no bookmark",
    ),
    Member(
        _STATES,
        "write_starting_replication_value",
        None,
        "where a read begins is not part of the state",
    ),
    Member(_STATES, "stream_state", None, "the states of the partitions"),
    Member(_TAP, "_handle_termination", ("self", "signum", "frame"), "SIGTERM ends at a line"),
    Member(_PLUGIN, "_setup_signal_handlers", ("self",), "SIGHUP ends as SIGTERM does"),
    Member(_TAP, "state_writer", None, "writes STATE"),
    Member(_TAP, "streams", None, "orders come first, not by name"),
    Member(_TAP, "setup_mapper", ("self",), "says why stream maps cannot be used"),
    Member(
        _TAP,
        "invoke",
        ("cls", "about", "about_format", "config", "state", "catalog"),
        "a run logs its summary, whatever ends it",
    ),
    Member(_TAP, "get_singer_command", ("cls",), "says why a file cannot be used"),
    Member(
        _PLUGIN,
        "cb_config",
        ("cls", "ctx", "param", "value"),
        "numbers in a file keep their digits",
    ),
    Member(
        _PLUGIN,
        "append_builtin_config",
        ("cls", "config_jsonschema"),
        "names the settings of the SDK, which are checked with ours",
    ),
    Member("singer_sdk.plugin_base:_ConfigInput", "from_cli_args", ("cls", "args"), "`--config`"),
    Member("singer_sdk.tap_base:CliTestOptionValue", "All", None, "`--test` without a value"),
    Member(
        "singer_sdk.mapper:StreamMap",
        "__init__",
        ("self", "stream_alias", "raw_schema", "key_properties", "flattening_options"),
        "a map whose failures show no value",
    ),
    Member("singer_sdk.mapper:StreamMap", "transform", ("self", "record"), "as above"),
    Member("singer_sdk.mapper:StreamMap", "get_filter_result", ("self", "record"), "as above"),
    Member("singer_sdk.mapper", "RemoveRecordTransform", None, "the SDK looks for its class"),
    Member(
        "singer_sdk.mapper:PluginMapper",
        "register_raw_stream_schema",
        ("self", "stream_name", "schema", "key_properties"),
        "tries one expression at a time, and knows the functions that expressions may call",
    ),
    Member(
        "singer_sdk.mapper:CustomStreamMap",
        "functions",
        None,
        "names the functions that expressions may call",
    ),
    Member(
        "singer_sdk.singerlib.encoding:GenericSingerWriter",
        "write_message",
        ("self", "message"),
        "lines are gathered, and flushed before any message but a RECORD",
    ),
    Member(
        "singer_sdk.singerlib.encoding:GenericSingerWriter",
        "serialize_message",
        ("self", "message"),
        "numbers keep their digits",
    ),
)


def breaches(members: Iterable[Member] = CONTRACT) -> Iterator[str]:
    """Compare the list with the installed SDK.

    Yields:
        A sentence for each member that is gone or takes other parameters.
    """
    for member in members:
        try:
            found = _find(member)
        except (ImportError, AttributeError, KeyError):
            yield f"{member} is gone: {member.reason}."
            continue
        parameters = _parameters(found, member)
        if member.parameters is not None and parameters != member.parameters:
            yield f"{member} takes {parameters} instead of {member.parameters}: {member.reason}."


def _find(member: Member) -> Any:  # noqa: ANN401 - a member of any kind
    module, _, owner = member.place.partition(":")
    holder = import_module(module)
    # A base class may have another member of that name.
    return vars(getattr(holder, owner) if owner else holder)[member.name]


def _parameters(found: object, member: Member) -> tuple[str, ...] | None:
    if member.parameters is None:
        return None
    function = getattr(found, "__func__", found)
    return tuple(inspect.signature(function).parameters)  # type: ignore[arg-type]  # it has parameters
