"""Checks of the SDK's own settings. They come before the SDK's checks, which would show values.

The SDK checks stream maps only when it maps the first order, and says little. It ignores a map of
an unknown stream, so what that map should hide would come out.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, cast

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    PluginMapper,
)

from tap_xstak_oms.wording import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.mapper import CustomStreamMap

STREAM_MAPS = "stream_maps"
_PYTHON_TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def problems(
    given: Mapping[str, Any], schema: Mapping[str, Any], streams: Collection[str]
) -> Iterator[str]:
    """Check the SDK's settings of a configuration.

    Args:
        given: All settings, by name; those not in the schema are ignored.
        schema: The JSON schema of each of the SDK's settings, by name.
        streams: The names of the streams.

    Yields:
        A sentence for each problem. It names the setting and shows no value.
    """
    for name in filter(given.__contains__, schema):
        kinds = schema[name]["type"]
        if not any(_is_a(kind, given[name]) for kind in kinds):
            yield f"`{name}` must be {' or '.join(kinds)}."
        elif name == STREAM_MAPS:
            yield from _in_maps(given[name] or {}, streams)


def unknown_columns(
    maps: Mapping[str, Any], streams: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Find columns in stream maps that their stream does not have.

    A misspelt column would hide nothing, silently. An expression makes a new column, so it may
    have any name.

    Args:
        maps: The setting, already checked by `problems`.
        streams: The names of each stream's columns.

    Yields:
        A sentence for each.
    """
    for stream, columns in streams.items():
        for name, definition in maps.items():
            if isinstance(definition, Mapping) and _is_about(stream, name, definition):
                for column in _named(definition):
                    if column not in columns:
                        yield (
                            f"`{STREAM_MAPS}.{name}` names {column}, which is no column of "
                            f"{stream}{meant(column, columns)}. A field without a column is "
                            "in `_extra`."
                        )


def _named(definition: Mapping[str, Any]) -> Iterator[str]:
    """The columns that must exist: those removed, and the key."""
    keys = definition.get(MAPPER_KEY_PROPERTIES_OPTION) or ()
    removed = (column for column, value in definition.items() if _removes(value))
    for column in (*removed, *(key for key in keys if key not in definition)):
        if not column.startswith("__"):
            yield column


def _is_a(kind: str, value: object) -> bool:
    is_mistaken = isinstance(value, bool) and kind == "integer"
    return isinstance(value, _PYTHON_TYPES[kind]) and not is_mistaken


def _in_maps(maps: Mapping[str, Any], streams: Collection[str]) -> Iterator[str]:
    for name, definition in maps.items():
        where = f"{STREAM_MAPS}.{name}"
        complaint = _about_stream(streams, name, definition)
        if complaint:
            yield f"`{where}` {complaint}."
        elif isinstance(definition, Mapping):
            yield from _in_map(where, definition)


def _about_stream(streams: Collection[str], name: str, definition: object) -> str | None:
    if name == MAPPER_ELSE_OPTION:
        return _about_else(definition)
    if not any(_is_about(stream, name, definition) for stream in streams):
        return f"names an unknown stream. The streams are {', '.join(streams)}"
    if isinstance(definition, Mapping) or _removes(definition):
        return None
    return f"must be an object of columns and expressions, or {NULL_STRING}"


def _is_about(stream: str, name: str, definition: object) -> bool:
    source = definition.get(MAPPER_SOURCE_OPTION, name) if isinstance(definition, Mapping) else name
    return fnmatch(stream, str(source))


def _in_map(where: str, definition: Mapping[str, Any]) -> Iterator[str]:
    for name, value in definition.items():
        complaint = _COMPLAINTS.get(name, _about_expression)(value)
        if complaint:
            yield f"`{where}.{name}` {complaint}."


def _removes(value: object) -> bool:
    return value is None or value == NULL_STRING


def _about_expression(value: object) -> str | None:
    if _removes(value):
        return None
    if not isinstance(value, str):
        return f"must be a string that holds an expression, or {NULL_STRING}"
    try:
        statements = ast.parse(value).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "is not a valid expression"
    if len(statements) != 1 or not isinstance(statements[0], ast.Expr):
        return "must be one expression"
    return _about_functions(statements[0])


def _about_functions(expression: ast.Expr) -> str | None:
    calls = (node.func for node in ast.walk(expression) if isinstance(node, ast.Call))
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    known = _functions()
    unknown = called - known
    if not unknown:
        return None
    names, there_are = (", ".join(sorted(some)) for some in (unknown, known))
    return f"calls {names}, which is no function. The functions are {there_are}"


def _functions() -> set[str]:
    """The functions that the SDK offers to expressions."""
    mapper = PluginMapper({"stream_maps": {"any": {}}}, logging.getLogger(__name__))
    mapper.register_raw_stream_schema("any", {"properties": {}}, None)
    [custom_map] = mapper.stream_maps["any"]
    return set(cast("CustomStreamMap", custom_map).functions)


def _about_text(value: object) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def _about_else(value: object) -> str | None:
    return None if _removes(value) else f"can only be {NULL_STRING}"


def _about_key(value: object) -> str | None:
    is_list = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return None if value is None or is_list else "must be a list of columns"


_COMPLAINTS: dict[str, Callable[[object], str | None]] = {
    MAPPER_ALIAS_OPTION: _about_text,
    MAPPER_SOURCE_OPTION: _about_text,
    MAPPER_ELSE_OPTION: _about_else,
    MAPPER_KEY_PROPERTIES_OPTION: _about_key,
}
