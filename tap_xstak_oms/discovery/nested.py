"""What is inside objects and lists, as a JSON schema for the catalog.

The types are genson's finding. What has no one type is left undeclared, and objects and lists stay
open: whatever comes later fits. So does an object whose names are data: a map.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_xstak_oms.records.columns import INTEGERS

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema: TypeAlias = dict[str, Any]

MEMBERS_LIMIT = 100
"""An object with more is taken for a map, whose names are data and no part of the schema."""
DEPTH_LIMIT = 20
"""Levels of nesting that are declared; deeper ones travel all the same."""

_KINDS_OF_ITEMS = ("string", "boolean", "object")
"""Items that are declared. Of others target-postgres would make an array column, which refuses
`[1.10, 2]` and `[[1], [2, 3]]` and bends `[[1], "a"]`; undeclared they are kept as JSON."""
_LONGEST_INTEGER_READ = 100
_SOME_FRACTION = 0.5
_NAME_IN_A_MAP = re.compile(
    r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{8,}", re.IGNORECASE
)
"""Digits, a UUID, or hexadecimal: no name that a person gave."""
# `id`, `ID`, `order_id`, `order-id`, `orderId`, `SKUId`, `orderID`; not `paid`, `PAID`, `valid`.
_IDENTIFIER = re.compile(r"(?:.*[^A-Za-z0-9])?[iI][dD]|.*[A-Za-z0-9]Id|.*[a-z0-9]ID", re.DOTALL)


def is_identifier(name: str) -> bool:
    """Tell whether a name is `id` or ends in it as a word of its own."""
    return _IDENTIFIER.fullmatch(name) is not None


def inside(texts: Iterable[bytes]) -> Schema:
    """Return what a schema of type object or array says of its inside, from values of one kind."""
    # A run that reads orders never infers and need not wait for this import.
    from genson import SchemaBuilder  # noqa: PLC0415 - see above

    builder = SchemaBuilder(schema_uri=None)
    for text in texts:
        builder.add_object(_sketch(_value(text)))
    # None, if all are too deep.
    options = _options(builder.to_schema())
    return next((_inside(kind, option) for kind, option in options.items()), {})


def _value(text: bytes) -> object:
    # Fractions are all one type, and may be beyond what a float holds.
    try:
        return json.loads(text, parse_float=lambda _: _SOME_FRACTION, parse_int=_integer)
    except RecursionError:
        return None


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER_READ else _SOME_FRACTION


def _sketch(value: object, depth: int = DEPTH_LIMIT) -> object:
    """Reduce a value to what its type depends on; what lies too deep becomes null."""
    if isinstance(value, dict):
        return {name: _sketch(inner, depth - 1) for name, inner in value.items()} if depth else None
    if isinstance(value, list):
        return [_sketch(inner, depth - 1) for inner in value] if depth else None
    if isinstance(value, int) and value not in INTEGERS:
        return _SOME_FRACTION
    return value


def _typed(name: str, node: Schema) -> Schema | None:
    """Return the one nullable type that takes all values found; None where there is none."""
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
        # The SDK's conformance looks for the properties of objects in arrays, and fails without.
        items.setdefault("properties", {})
    return {"items": items}


def _members(found: Schema) -> Schema:
    members = found.get("properties", {})
    typed = {name: _typed(name, node) for name, node in members.items()}
    declared = {name: schema for name, schema in typed.items() if schema is not None}
    # Without `properties`, flattening writes the object as text; with none in it, it would vanish.
    if not declared or _are_of_a_map(members):
        return {"additionalProperties": True}
    return {"properties": declared, "additionalProperties": True}


def _are_of_a_map(names: Iterable[str]) -> bool:
    names = list(names)
    return len(names) > MEMBERS_LIMIT or all(map(_NAME_IN_A_MAP.fullmatch, names))


def _options(node: Schema) -> dict[str, Schema]:
    """Return what genson found, by type, null aside."""
    nodes = node.get("anyOf", [node])
    return {kind: option for option in nodes for kind in _kinds(option) if kind != "null"}


def _kinds(option: Schema) -> list[str]:
    kinds = option.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds
