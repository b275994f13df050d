"""The inside of objects and lists, as a JSON schema for the catalog.

genson finds the types. A member without a single type stays undeclared, and objects and lists stay
open, so later values fit. A map, an object whose names are data, has no declared members.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_xstak_oms.records.columns import INTEGERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Schema: TypeAlias = dict[str, Any]

MEMBERS_LIMIT = 100
"""An object with more members counts as a map, whose names are data."""
DEPTH_LIMIT = 20
"""Levels of nesting that are declared; deeper ones travel too."""

_KINDS_OF_ITEMS = ("string", "boolean", "object")
"""Types of items that are declared. For others target-postgres would make an array column, which
refuses `[1.10, 2]` and `[[1], [2, 3]]` and bends `[[1], "a"]`. Undeclared, they stay JSON."""
_LONGEST_INTEGER = 20
"""Characters: longer text is no integer of 64 bits."""
_SOME_FRACTION = 0.5
_NAME_IN_A_MAP = re.compile(
    r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{8,}", re.IGNORECASE
)
"""Digits, a UUID, or hexadecimal: people do not name fields so."""
# `id`, `ID`, `order_id`, `order-id`, `orderId`, `SKUId`, `orderID`; not `paid`, `PAID`, `valid`.
_IDENTIFIER = re.compile(r"(?:.*[^A-Za-z0-9])?[iI][dD]|.*[A-Za-z0-9]Id|.*[a-z0-9]ID", re.DOTALL)


def is_identifier(name: str) -> bool:
    """Tell whether a name is `id` or ends in it as a word of its own."""
    return _IDENTIFIER.fullmatch(name) is not None


def has_64_bits(integer: str | bytes) -> bool:
    """Tell whether an integer, as text, fits 64 bits."""
    return len(integer) <= _LONGEST_INTEGER and int(integer) in INTEGERS


def inside(texts: Iterable[bytes]) -> Schema:
    """Return what the schema of objects or arrays says of their inside, from some of them."""
    # Only discovery needs this import.
    from genson import SchemaBuilder  # noqa: PLC0415 - see above

    builder = SchemaBuilder(schema_uri=None)
    sketches = (_sketch(_value(text)) for text in texts)
    # Most values are alike, and genson takes its time for each.
    for sketch in {repr(sketch): sketch for sketch in sketches}.values():
        builder.add_object(sketch)
    # None, if all are too deep.
    options = _options(builder.to_schema())
    return next((_inside(kind, option) for kind, option in options.items()), {})


def _value(text: bytes) -> object:
    # All fractions have one type, and some do not fit a float.
    try:
        return _decoder.decode(text.decode())
    except RecursionError:
        return None


def _integer(text: str) -> int | float:
    return 0 if has_64_bits(text) else _SOME_FRACTION


_decoder = json.JSONDecoder(parse_float=lambda _: _SOME_FRACTION, parse_int=_integer)


def _sketch(value: object, depth: int = DEPTH_LIMIT) -> object:
    """Reduce a value to what decides its type; levels too deep become null."""
    if isinstance(value, dict):
        return {name: _sketch(inner, depth - 1) for name, inner in value.items()} if depth else None
    if isinstance(value, list):
        return [_sketch(inner, depth - 1) for inner in value] if depth else None
    return "" if isinstance(value, str) else value


def _typed(name: str, node: Schema) -> Schema | None:
    """Return the nullable schema of a single type that takes all values; None if there is none."""
    options = _options(node)
    if len(options) != 1:
        return None
    kind, option = next(iter(options.items()))
    if kind == "integer" and not is_identifier(name):
        kind = "number"
    return {"type": [kind, "null"], **_inside(kind, option)}


def _inside(kind: str, option: Schema) -> Schema:
    if kind == "array":
        return _items(option)
    return _members(option) if kind == "object" else {}


def _items(array: Schema) -> Schema:
    items = _typed("", array.get("items", {}))
    if items is None or items["type"][0] not in _KINDS_OF_ITEMS:
        return {}
    if "object" in items["type"]:
        # The SDK's conformance fails on objects in arrays without `properties`.
        items.setdefault("properties", {})
    return {"items": items}


def _members(found: Schema) -> Schema:
    members = found.get("properties", {})
    typed = {name: _typed(name, node) for name, node in members.items()}
    declared = {name: schema for name, schema in typed.items() if schema is not None}
    # Flattening writes an object without `properties` as text; with empty ones, it would vanish.
    if not declared or _are_of_a_map(members):
        return {"additionalProperties": True}
    return {"properties": declared, "additionalProperties": True}


def _are_of_a_map(names: Collection[str]) -> bool:
    return len(names) > MEMBERS_LIMIT or all(map(_NAME_IN_A_MAP.fullmatch, names))


def _options(node: Schema) -> dict[str, Schema]:
    """Return genson's findings by type, null aside."""
    nodes = node.get("anyOf", [node])
    return {kind: option for option in nodes for kind in _kinds(option) if kind != "null"}


def _kinds(option: Schema) -> list[str]:
    kinds = option.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds
