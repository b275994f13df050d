"""The columns of the stream: our own, and checks of the values of the others.

A column's JSON schema becomes a check of JSON text. It checks types at every depth, with integers
limited to 64 bits, and the formats of times; not other keywords (`enum`, `pattern`...). What it
does not understand in a schema it ignores: a check may be too open, but can always be built.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import partial, reduce
from typing import Annotated, Any, TypeAlias, TypedDict

import msgspec

from tap_xstak_oms.records.timestamps import to_utc

Schema: TypeAlias = Mapping[str, Any]
Convert: TypeAlias = Callable[[bytes], bytes | None]
# What msgspec understands as a type, from `None` to `list[...] | None`.
_Type: TypeAlias = Any

LOCATION_ID = "_location_id"
ORDER_STATUS = "_order_status"
SYNCED_AT = "_synced_at"
EXTRA = "_extra"
OWN_COLUMNS = (LOCATION_ID, ORDER_STATUS, SYNCED_AT, EXTRA)

_RESERVED_PREFIX = "_sdc_"
_LONGEST_NAME_BYTES = 63
"""PostgreSQL cuts longer names, and a loader then looks for a column that does not exist."""

INTEGERS = range(-(2**63), 2**63)
"""What an `integer` column takes: a loader's integers have 64 bits."""
_INTEGER = Annotated[int, msgspec.Meta(ge=INTEGERS.start, le=INTEGERS.stop - 1)]
_ANYTHING = "anything"
_SCALARS: dict[str, _Type] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "integer": _INTEGER,
    # Without `int`, a long integer would have to fit a double.
    "number": int | float,
}
_CONTAINERS = ("array", "object")


class _OpenObject(TypedDict):
    """Any object; its members are skipped."""


class _OpenList(msgspec.Struct, array_like=True, gc=False):
    """Any list; its items are skipped."""


_NOT_A_KEY = {"null", *_CONTAINERS}
_STARTS_OF_A_NUMBER = b"-0123456789"
_STARTS_OF_A_STRING = b'"'
_STARTS_OF_A_TIME = _STARTS_OF_A_STRING + _STARTS_OF_A_NUMBER
TIME_SCHEMA = {"type": ["string", "null"], "format": "date-time"}
"""The schema of a column of times."""


def own_schema() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of our own columns, by name."""
    return {
        LOCATION_ID: {"type": ["string", "null"], "description": "The location asked for."},
        ORDER_STATUS: {"type": ["string", "null"], "description": "The order status asked for."},
        SYNCED_AT: {
            **TIME_SCHEMA,
            "description": "When the read that brought this record began, in UTC.",
        },
        EXTRA: {
            "type": ["object", "null"],
            "additionalProperties": True,
            "description": "The fields that have no column or do not fit theirs, as they came.",
        },
    }


def can_be_column(name: str) -> bool:
    """Tell whether a field can have a column of its name.

    Not if the name is empty, is one of our own, is one that loaders add, needs escapes in JSON, or
    is too long for PostgreSQL.
    """
    clashes = name in OWN_COLUMNS or name.startswith(_RESERVED_PREFIX)
    return 0 < len(name.encode()) <= _LONGEST_NAME_BYTES and is_plain(name) and not clashes


@dataclass(frozen=True)
class Column:
    """A column's check.

    Attributes:
        type: The msgspec type of its values.
        is_nullable: Whether it takes null.
        convert: Rewrites a JSON value as the column's format asks, and returns None for a value of
            another format; None in a column without a format.
        converts: The first bytes of the values to convert: a quote, in most columns.
    """

    type: _Type
    is_nullable: bool
    convert: Convert | None
    converts: bytes
    _takes_any_number: bool
    _decoder: msgspec.json.Decoder[Any]

    def takes(self, value: bytes) -> bool:
        """Tell whether JSON text has one of the column's types, of any format."""
        # msgspec refuses numbers beyond a double.
        if self._takes_any_number and value[0] in _STARTS_OF_A_NUMBER:
            return True
        try:
            self._decoder.decode(value)
        except msgspec.ValidationError:
            return False
        return True


def column_of(schema: object, *, as_time: Convert | None = None, is_key: bool = False) -> Column:
    """Build a column's check.

    Args:
        schema: Its JSON schema, of any shape.
        as_time: Converts the strings and numbers of a column of times; the schema is then ignored.
        is_key: Whether the column is part of the key, and so takes scalars only.
    """
    admitted = _admitted(schema if as_time is None else {"type": ["string", "number", "null"]})
    if is_key:
        admitted = _as_key(admitted)
    column_type = _type_of(admitted)
    return Column(
        type=column_type,
        is_nullable=bool(admitted.keys() & {"null", _ANYTHING}),
        convert=as_time or _conversion(admitted),
        converts=_STARTS_OF_A_STRING if as_time is None else _STARTS_OF_A_TIME,
        _takes_any_number=bool(admitted.keys() & {"number", _ANYTHING}),
        _decoder=msgspec.json.Decoder(column_type),
    )


def object_type(
    members: Mapping[str, _Type], *, required: object = (), closed: bool = False
) -> type[msgspec.Struct]:
    """Build the msgspec type of an object: a struct that skips members without a type."""
    names = [name for name in members if is_plain(name)]
    must = required if isinstance(required, list | tuple) else ()
    fields = [
        (f"f{at}", members[name]) if name in must else (f"f{at}", members[name], None)
        for at, name in enumerate(names)
    ]
    return msgspec.defstruct(
        "Members",
        fields,
        rename={f"f{at}": name for at, name in enumerate(names)},
        kw_only=True,
        gc=False,
        forbid_unknown_fields=closed,
    )


def is_plain(name: str) -> bool:
    """Tell whether JSON spells a name without escapes; msgspec finds no other."""
    return msgspec.json.encode(name) == b'"%b"' % name.encode()


def _admitted(schema: object) -> dict[str, list[Schema]]:
    """Sort the alternatives of a schema by the JSON types they admit."""
    admitted: dict[str, list[Schema]] = {}
    for option in _alternatives(schema):
        for name in _type_names(option):
            admitted.setdefault(name, []).append(option)
    return admitted


def _alternatives(schema: object) -> Iterator[Schema]:
    if not isinstance(schema, Mapping):
        yield {}
        return
    options = schema.get("anyOf") or schema.get("oneOf")
    if "type" in schema or not isinstance(options, list):
        yield schema
        return
    for option in options:
        yield from _alternatives(option)


def _type_names(option: Schema) -> list[str]:
    named = option.get("type")
    names = named if isinstance(named, list) and named else [named]
    known = (*_SCALARS, *_CONTAINERS)
    return [name if name in known else _ANYTHING for name in names]


def _as_key(admitted: dict[str, list[Schema]]) -> dict[str, list[Schema]]:
    if _ANYTHING in admitted:
        return {"string": [{}], "number": [{}], "boolean": [{}]}
    return {name: options for name, options in admitted.items() if name not in _NOT_A_KEY}


def _type_of(admitted: dict[str, list[Schema]]) -> _Type:
    if _ANYTHING in admitted or not admitted:
        return msgspec.Raw
    scalars = [
        _SCALARS[name]
        for name in admitted
        if name in _SCALARS and not (name == "integer" and "number" in admitted)
    ]
    return reduce(operator.or_, [*scalars, *_containers(admitted)])


def _containers(admitted: dict[str, list[Schema]]) -> Iterator[_Type]:
    # Among several alternatives msgspec cannot tell which one a value matches.
    if "array" in admitted:
        [first, *others] = admitted["array"]
        item = msgspec.Raw if others else _item_type(first)
        # Both may be structs, and a union takes one struct at most.
        is_open = item is msgspec.Raw and "object" not in admitted
        yield _OpenList if is_open else list[item]  # type: ignore[valid-type]  # built at run time
    if "object" in admitted:
        [first, *others] = admitted["object"]
        yield _OpenObject if others else _struct_type(first)


def _item_type(array: Schema) -> _Type:
    return _type_of(_admitted(array.get("items")))


def _struct_type(schema: Schema) -> _Type:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return _OpenObject
    return object_type(
        {str(name): _type_of(_admitted(inner)) for name, inner in properties.items()},
        required=schema.get("required"),
        closed=schema.get("additionalProperties") is False,
    )


def _conversion(admitted: dict[str, list[Schema]]) -> Convert | None:
    """Return the conversion of a column's strings; None if some alternative takes any string."""
    formats = {str(option.get("format")) for option in admitted.get("string", ())}
    return _CONVERSIONS.get(formats.pop()) if len(formats) == 1 else None


def _unchanged(parse: Callable[[str], object], literal: bytes) -> bytes | None:
    try:
        parse(literal[1:-1].decode())
    except ValueError:
        return None
    return literal


_CONVERSIONS: dict[str, Convert] = {
    "date-time": to_utc,
    "date": partial(_unchanged, date.fromisoformat),
    "time": partial(_unchanged, time.fromisoformat),
}
