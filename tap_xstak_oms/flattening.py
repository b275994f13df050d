"""What flattening would lose.

The SDK makes a column of each member of an object that the schema declares. A member that it does
not declare becomes a field without a column, which loaders drop or refuse. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.columns import EXTRA

if TYPE_CHECKING:
    from collections.abc import Container, Iterator


def set_aside(
    record: dict[str, Any],
    declared: Mapping[str, Any],
    depth: int,
    withheld: Container[str] = (),
) -> list[str]:
    """Move what flattening has no column for out of a record's objects and into its `_extra`.

    Args:
        record: Changed in place. Of an object that is null an empty one remains, of which
            flattening makes nothing.
        declared: The JSON schemas of the columns, by name.
        depth: How many levels are flattened.
        withheld: The columns of which a part is deselected. What is no object there may hold that
            part, and is dropped.

    Returns:
        The names of what was moved, such as `customer.vip`. Where the record has no `_extra`, it
        is gone.
    """
    aside = _taken_out(record, declared, depth)
    shown = {n: v for n, v in aside.items() if isinstance(v, dict) or n not in withheld}
    if shown and EXTRA in record:
        record[EXTRA] = {**(record[EXTRA] or {}), **shown}
    return [moved for name, value in aside.items() for moved in _names(name, value)]


def _taken_out(fields: dict[str, Any], declared: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Take what has no column out of the objects among some fields, by the objects' names."""
    taken = {}
    for name, members in _flattened(declared, depth):
        if name not in fields:
            continue
        value = fields[name]
        if isinstance(value, dict):
            found: object = _without_column(value, members, depth - 1) or None
        else:
            found, fields[name] = value, {}
        if found is not None:
            taken[name] = found
    return taken


def _flattened(declared: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, schema in declared.items():
        is_object = isinstance(schema, Mapping) and "object" in schema.get("type", ())
        if is_object and "properties" in schema and depth > 0:
            yield name, schema["properties"]


def _without_column(
    members: dict[str, Any], declared: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    found = _taken_out(members, declared, depth)
    for name in [name for name in members if name not in declared]:
        value = members.pop(name)
        if value is not None:
            found[name] = value
    return found


def _names(name: str, value: object) -> list[str]:
    return [f"{name}.{member}" for member in value] if isinstance(value, dict) else [name]
