"""What loaders are told of nested values: that they are objects or lists, or their members too.

Told of members, a loader checks every one, makes columns of types that change once a list is no
longer empty, and a value with one odd member cannot stay in its column.
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
    """Of how many levels of objects loaders are told the members, by the settings."""
    if config.get("flattening_enabled"):
        return max(config.get("flattening_max_depth") or OPEN, OPEN)
    return ALL_LEVELS if nested_schema == "declared" else OPEN


def told(schema: Schema, levels: int | None, selection: Selection = EVERYTHING) -> Schema:
    """Return a stream's schema as loaders are told it.

    Args:
        schema: The stream's JSON schema, which may tell the members of nested values.
        levels: Of how many levels of objects the members are told, as flattening needs them:
            then lists are open, for they become text. `ALL_LEVELS` tells everything.
        selection: What is not in it is not told.
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
    """What is told of the inside of an object."""
    properties = schema.get("properties")
    if levels == OPEN or not isinstance(properties, Mapping):
        return {"additionalProperties": True}
    inner = ALL_LEVELS if levels is ALL_LEVELS else levels - 1
    if part is None:
        rest = {name: schema[name] for name in _INSIDE if name in schema and name != "items"}
        members = {name: _told(properties[name], inner, None) for name in properties}
        return rest | {"properties": members}
    # What may be left out cannot be required.
    members = {
        name: _told(properties[name], inner, part.members[name])
        for name in properties
        if name in part.members
    }
    return {"properties": members, "additionalProperties": True}
