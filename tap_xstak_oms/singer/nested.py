"""What loaders see of nested values: only "object" or "list", or their members too.

If a loader sees the members, it checks each one, its column types change once a list is no longer
empty, and a value with one odd member cannot stay in its column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.selection import EVERYTHING

if TYPE_CHECKING:
    from tap_xstak_oms.records.selection import Part, Selection

Schema = dict[str, Any]

OPEN = 0
ALL_LEVELS = None
_INSIDE = ("properties", "items", "required", "additionalProperties", "patternProperties")
_COMBINED = ("anyOf", "oneOf")


def levels_of(config: Mapping[str, Any], nested_schema: str) -> int | None:
    """How many levels of objects show their members to loaders, by the settings."""
    if config.get("flattening_enabled"):
        return max(config.get("flattening_max_depth") or OPEN, OPEN)
    return ALL_LEVELS if nested_schema == "declared" else OPEN


def told(schema: Schema, levels: int | None, selection: Selection = EVERYTHING) -> Schema:
    """Return a stream's schema as loaders see it.

    Args:
        schema: The stream's JSON schema, which may hold the members of nested values.
        levels: How many levels of objects show their members, as flattening needs them; lists are
            open then, for they become strings. `ALL_LEVELS` shows everything.
        selection: The schema shows nothing else.
    """
    properties = schema.get("properties") or {}
    columns = {
        name: _told(properties[name], levels, selection.parts.get(name))
        for name in properties
        if name not in selection.deselected
    }
    return {**schema, "properties": columns}


def _told(schema: object, levels: int | None, part: Part | None) -> object:
    is_whole = levels is ALL_LEVELS and part is None
    if is_whole or not isinstance(schema, Mapping):
        return schema
    found = {name: value for name, value in schema.items() if name not in _INSIDE}
    for name in _COMBINED:
        if isinstance(found.get(name), list):
            found[name] = [_told(option, levels, part) for option in found[name]]
    if levels is ALL_LEVELS and "items" in schema:
        found["items"] = _told(schema["items"], levels, part)
    if "object" in (schema.get("type") or ()):
        found |= _object(schema, levels, part)
    return found


def _object(schema: Mapping[str, Any], levels: int | None, part: Part | None) -> Schema:
    """The part of an object's schema that concerns its members."""
    properties = schema.get("properties")
    if levels == OPEN or not isinstance(properties, Mapping):
        return {"additionalProperties": True}
    inner = ALL_LEVELS if levels is ALL_LEVELS else levels - 1
    if part is None:
        rest = {name: schema[name] for name in _INSIDE if name in schema and name != "items"}
        members = {name: _told(properties[name], inner, None) for name in properties}
        return rest | {"properties": members}
    # A member that may be left out cannot be required.
    members = {
        name: _told(properties[name], inner, part.members[name])
        for name in properties
        if name in part.members
    }
    return {"properties": members, "additionalProperties": True}
