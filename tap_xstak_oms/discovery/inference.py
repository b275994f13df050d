"""Sampled orders as a schema and a key; the same sample always gives the same answer.

The types are genson's finding. What is decided here is which of them a column can promise to the
loader: a field gets a column when one type takes all its values exactly, else it stays out and its
values travel in `_extra`. Inside nested values the same holds: what has no one type is left
undeclared, and objects and arrays stay open. Timestamps are recognised at the top only, as nothing
nested is ever rewritten.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.columns import INTEGERS, OWN_COLUMNS, can_be_column
from tap_xstak_oms.records.timestamps import to_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Partition: TypeAlias = tuple[str, str]
"""An order status and a location id."""
_Order: TypeAlias = dict[str, Any]
_Samples: TypeAlias = dict[Partition, list[_Order]]
_Schema: TypeAlias = dict[str, Any]

WARNING = "Warning: "
"""What a remark begins with that should not be overlooked."""
KEYS = ("id", "order_id", "orderId", "_id")
DOUBTFUL_KEYS = ("order_number", "orderNumber", "order_no")

COLUMNS_LIMIT = 1000
"""PostgreSQL takes 1600 in a table."""
MEMBERS_LIMIT = 100
"""An object with more is taken for a map, whose names are data and no part of the schema."""
DEPTH_LIMIT = 20
"""Levels of nesting that are declared; deeper ones travel all the same."""
NAMES_SHOWN = 20

_KINDS_OF_ITEMS = ("string", "boolean", "object")
"""Items that are declared. Of others target-postgres would make an array column, which refuses
`[1.10, 2]` and `[[1], [2, 3]]` and bends `[[1], "a"]`; undeclared they are kept as JSON."""
_LONGEST_INTEGER_READ = 100
_SOME_FRACTION = 0.5
# `id`, `ID`, `order_id`, `order-id`, `orderId`, `SKUId`, `orderID`; not `paid`, `PAID`, `valid`.
_IDENTIFIER = re.compile(r"(?:.*[^A-Za-z0-9])?[iI][dD]|.*[A-Za-z0-9]Id|.*[a-z0-9]ID", re.DOTALL)


@dataclass(frozen=True)
class Inference:
    """What the sample says.

    Attributes:
        properties: A JSON schema for each column, in the order in which the fields were met; our
            own columns are not among them.
        key: The names of the key's columns; empty where nothing identifies an order.
        remarks: What a person should know, a sentence each; no customer's value is in them.
    """

    properties: dict[str, _Schema]
    key: tuple[str, ...]
    remarks: tuple[str, ...]


def infer(
    samples: Mapping[Partition, Sequence[bytes]], *, primary_keys: Sequence[str] = ()
) -> Inference:
    """Infer the columns and the key of the stream.

    Args:
        samples: Orders as JSON objects, cleaned, by the partition they came from.
        primary_keys: The key, where the user names it; else it is detected.

    Raises:
        UsageError: A field of `primary_keys` cannot be a column, as far as the sample shows.
    """
    remarks: list[str] = []
    orders = _read(samples, remarks)
    if not any(orders.values()):
        return Inference({}, (), (*remarks, _NO_ORDER))
    properties = _properties(orders, remarks)
    if primary_keys:
        key = _given_key(primary_keys, orders, properties, remarks)
    else:
        key = _detected_key(orders, properties, remarks)
    return Inference(properties, key, tuple(remarks))


_NO_ORDER = (
    f"{WARNING}No order was found to infer a schema from: every order will travel whole in "
    "`_extra`. An earlier `start_date`, or other `location_ids` or `order_statuses`, may find some."
)


def is_identifier(name: str) -> bool:
    """Tell whether a name is `id` or ends in it as a word of its own."""
    return _IDENTIFIER.fullmatch(name) is not None


def _read(samples: Mapping[Partition, Sequence[bytes]], remarks: list[str]) -> _Samples:
    values = {partition: list(map(_value, orders)) for partition, orders in samples.items()}
    orders = {
        partition: [order for order in found if isinstance(order, dict)]
        for partition, found in values.items()
    }
    ignored = sum(map(len, values.values())) - sum(map(len, orders.values()))
    if ignored:
        remarks.append(
            f"{ignored} sampled orders are no JSON objects or nested too deeply, and were ignored."
        )
    return orders


def _value(order: bytes) -> object:
    # Fractions are all one type, and may be beyond what a float holds.
    try:
        return json.loads(bytes(order), parse_float=lambda _: _SOME_FRACTION, parse_int=_integer)
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


# --- columns ---


def _properties(orders: _Samples, remarks: list[str]) -> dict[str, _Schema]:
    found = _found_by_genson(chain.from_iterable(orders.values()))
    named = _with_usable_names(found, remarks)
    typed = {name: _typed(name, node) for name, node in named.items()}
    _remark_untyped([name for name in typed if typed[name] is None], named, orders, remarks)
    columns = {name: schema for name, schema in typed.items() if schema is not None}
    for name, schema in columns.items():
        if "string" in schema["type"] and _are_timestamps(name, orders):
            schema["format"] = "date-time"
    kept = dict(islice(columns.items(), COLUMNS_LIMIT))
    if len(kept) < len(columns):
        remarks.append(f"Only the first {COLUMNS_LIMIT} of {len(columns)} fields have a column.")
    return kept


def _found_by_genson(orders: Iterable[_Order]) -> dict[str, _Schema]:
    # A run that reads orders never infers and need not wait for this import.
    from genson import SchemaBuilder  # noqa: PLC0415 - see above

    builder = SchemaBuilder(schema_uri=None)
    for order in orders:
        builder.add_object(_sketch(order))
    found: dict[str, _Schema] = builder.to_schema().get("properties", {})
    return found


def _with_usable_names(found: dict[str, _Schema], remarks: list[str]) -> dict[str, _Schema]:
    """Keep the fields that can have a column of their name, in loaders that fold case too."""
    usable: dict[str, str] = {}
    for name in found:
        folded = name.casefold()
        if can_be_column(folded):
            usable.setdefault(folded, name)
    kept = {name: found[name] for name in usable.values()}
    left_out = [name for name in found if name not in kept]
    if left_out:
        remarks.append(
            f"Without a column, as the name is taken, reserved or unusable: {_listed(left_out)}."
        )
    return kept


def _typed(name: str, node: _Schema) -> _Schema | None:
    """Return the one nullable type that takes all values found; None where there is none."""
    options = _options(node)
    if len(options) != 1:
        return None
    kind, option = next(iter(options.items()))
    if kind == "integer" and not is_identifier(name):
        kind = "number"
    return {"type": [kind, "null"], **_inside(kind, option)}


def _inside(kind: str, option: _Schema) -> _Schema:
    if kind == "array":
        return _items(option)
    return _members(option) if kind == "object" else {}


def _items(array: _Schema) -> _Schema:
    items = _typed("", array.get("items", {}))
    if items is None or items["type"][0] not in _KINDS_OF_ITEMS:
        return {}
    if "object" in items["type"]:
        # The SDK's conformance looks for the properties of objects in arrays, and fails without.
        items.setdefault("properties", {})
    return {"items": items}


def _members(found: _Schema) -> _Schema:
    members = found.get("properties", {})
    typed = {name: _typed(name, node) for name, node in members.items()}
    declared = {name: schema for name, schema in typed.items() if schema is not None}
    # Without `properties`, flattening writes the object as text; with none in it, it would vanish.
    if not declared or len(members) > MEMBERS_LIMIT:
        return {"additionalProperties": True}
    return {"properties": declared, "additionalProperties": True}


def _options(node: _Schema) -> dict[str, _Schema]:
    """Return what genson found, by type, null aside."""
    nodes = node.get("anyOf", [node])
    return {kind: option for option in nodes for kind in _kinds(option) if kind != "null"}


def _kinds(option: _Schema) -> list[str]:
    kinds = option.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _are_timestamps(name: str, orders: _Samples) -> bool:
    values = (order.get(name) for order in chain.from_iterable(orders.values()))
    return all(to_utc(json.dumps(value).encode()) for value in values if value is not None)


def _remark_untyped(
    names: list[str], found: dict[str, _Schema], orders: _Samples, remarks: list[str]
) -> None:
    never_set = [name for name in names if not _options(found[name])]
    if never_set:
        remarks.append(f"Without a column, as it was only ever null: {_listed(never_set)}.")
    mixed = [name for name in names if _options(found[name])]
    remarks.extend(
        f"Without a column, as its values have several types: {name} ({_where(name, orders)})."
        for name in mixed[:NAMES_SHOWN]
    )
    if mixed[NAMES_SHOWN:]:
        remarks.append(f"{len(mixed) - NAMES_SHOWN} more fields have several types.")


def _where(name: str, orders: _Samples) -> str:
    """Say in which partition each type of a field was met first."""
    first: dict[str, Partition] = {}
    for partition, found in orders.items():
        for kind in _kinds_met(name, found):
            first.setdefault(kind, partition)
    return ", ".join(f"{kind}: {status} at {place}" for kind, (status, place) in first.items())


def _kinds_met(name: str, orders: list[_Order]) -> Iterator[str]:
    node = _found_by_genson(order for order in orders if name in order).get(name, {})
    return iter(_options(node))


# --- the key ---


def _given_key(
    names: Sequence[str], orders: _Samples, properties: dict[str, _Schema], remarks: list[str]
) -> tuple[str, ...]:
    lacking = [name for name in names if name not in properties and name not in OWN_COLUMNS]
    if lacking:
        raise UsageError(
            f"`primary_keys` names {_listed(lacking)}: no sampled order has it, or it was only "
            "ever null, or has several types."
        )
    unfit = _statuses_not_told_apart(names, orders)
    if unfit and not set(OWN_COLUMNS).intersection(names):
        remarks.append(
            f"`primary_keys` does not identify every sampled order of status {_listed(unfit)}: "
            "an order without its key fails its partition, and of two orders with one key a "
            "loader keeps one."
        )
    return tuple(names)


def _detected_key(
    orders: _Samples, properties: dict[str, _Schema], remarks: list[str]
) -> tuple[str, ...]:
    for name in filter(properties.__contains__, KEYS + DOUBTFUL_KEYS):
        unfit = _statuses_not_told_apart([name], orders)
        if unfit:
            remarks.append(
                f"`{name}` is not the key: in status {_listed(unfit)} it is missing, null, "
                "no plain string or integer, or repeated."
            )
            continue
        if name in DOUBTFUL_KEYS:
            remarks.append(
                f"{WARNING}the key is `{name}`, for want of a better one. It was unique in the "
                "sample; if it may not always be, set `primary_keys`."
            )
        return (name,)
    remarks.append(
        f"{WARNING}no field identifies an order, so there is no key and loaders append: an order "
        "that is read twice is there twice. If you know the key, set `primary_keys`."
    )
    return ()


def _statuses_not_told_apart(names: Sequence[str], orders: _Samples) -> list[str]:
    by_status: dict[str, list[_Order]] = {}
    for (status, _), found in orders.items():
        by_status.setdefault(status, []).extend(found)
    return [status for status, found in by_status.items() if not _tells_apart(names, found)]


def _tells_apart(names: Sequence[str], orders: list[_Order]) -> bool:
    keys = [tuple(order.get(name) for name in names) for order in orders]
    are_plain = all(isinstance(value, str) or type(value) is int for key in keys for value in key)
    return are_plain and len(set(keys)) == len(keys)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
