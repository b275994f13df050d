"""Save what flattening would lose.

The SDK makes a column of each member that the schema of an object declares. Any other member would
become a field without a column, which loaders drop or refuse. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.columns import EXTRA

if TYPE_CHECKING:
    from collections.abc import Collection, Container


@dataclass(frozen=True, slots=True)
class _Level:
    """How some fields are flattened.

    Attributes:
        declared: The fields that have one or more columns.
        objects: The fields that are flattened themselves, by name.
    """

    declared: Collection[str]
    objects: Mapping[str, _Level]


class Flattening:
    """The columns that a stream's objects are flattened to."""

    def __init__(
        self, declared: Mapping[str, Any], depth: int, withheld: Container[str] = ()
    ) -> None:
        """Find out what is flattened.

        Args:
            declared: The JSON schemas of the columns, by name.
            depth: How many levels are flattened.
            withheld: The fields that must not appear in `_extra`.
        """
        self._objects = _level(declared, depth).objects
        self._withheld = withheld

    def set_aside(self, record: dict[str, Any]) -> list[str]:
        """Move what has no column from a record's objects to its `_extra`.

        Args:
            record: Changed in place. An object that is null becomes an empty one, which flattens to
                nothing.

        Returns:
            The names of the values moved, such as `customer.vip`. They are dropped if the record
            has no `_extra`.
        """
        aside = _taken_out(record, self._objects)
        shown = {name: aside[name] for name in aside if name not in self._withheld}
        if shown and EXTRA in record:
            record[EXTRA] = {**(record[EXTRA] or {}), **shown}
        return [moved for name, value in aside.items() for moved in _names(name, value)]


def _level(declared: Mapping[str, Any], depth: int) -> _Level:
    objects = {
        name: _level(schema["properties"], depth - 1)
        for name, schema in declared.items()
        if depth > 0 and _has_members(schema)
    }
    return _Level(declared.keys(), objects)


def _has_members(schema: object) -> bool:
    if not isinstance(schema, Mapping) or "properties" not in schema:
        return False
    return "object" in schema.get("type", ())


def _taken_out(fields: dict[str, Any], objects: Mapping[str, _Level]) -> dict[str, Any]:
    """Take what has no column out of the objects among some fields; return it by object."""
    taken = {}
    for name, level in objects.items():
        if name not in fields:
            continue
        value = fields[name]
        if isinstance(value, dict):
            found: object = _without_column(value, level) or None
        else:
            found, fields[name] = value, {}
        if found is not None:
            taken[name] = found
    return taken


def _without_column(members: dict[str, Any], level: _Level) -> dict[str, Any]:
    found = _taken_out(members, level.objects)
    for name in [name for name in members if name not in level.declared]:
        value = members.pop(name)
        if value is not None:
            found[name] = value
    return found


def _names(name: str, value: object) -> list[str]:
    return [f"{name}.{member}" for member in value] if isinstance(value, dict) else [name]
