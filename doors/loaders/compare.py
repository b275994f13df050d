"""Whether rows hold the values that the tap wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from doors.loaders.readers import Row

_LONGEST = 40
"""Characters of a value that is told."""
DIGITS, VALUES, COLUMNS = "1 digits", "2 values", "3 columns"
"""What is bent: a number that a float holds as well; any other value; all of a column."""


def latest_of(rows: Iterable[Row]) -> dict[int, Row]:
    """The last row of each order, by id."""
    return {int(row["id"]): row for row in rows if row.get("id") is not None}


def outdated(
    schema: Mapping[str, Any], written: Mapping[int, Row], found: Mapping[int, Row]
) -> set[int]:
    """The ids of orders that are not there as they were written last."""
    column = schema["_synced_at"]
    return {
        key
        for key, row in written.items()
        if key not in found
        or [*_column(column, row["_synced_at"], found[key].get("_synced_at", row["_synced_at"]))]
    }


class Bent(NamedTuple):
    """A column that does not hold what the tap wrote.

    Attributes:
        kind: The worst that happened to it.
        examples: What was written and what is there: one that is gone, and one that is another.
    """

    kind: str
    examples: tuple[tuple[str, str], ...]


def bent_columns(
    schema: Mapping[str, Any], written: Mapping[int, Row], found: Mapping[int, Row]
) -> dict[str, Bent]:
    """The columns that differ, of the rows that are there."""
    there = set().union(*found.values())
    bent = {}
    for name, column in schema.items():
        pairs = [
            pair
            for key, row in found.items()
            for pair in _column(column, written[key].get(name), row.get(name))
        ]
        if pairs:
            kind = max(_kind(*pair) for pair in pairs) if name in there else COLUMNS
            examples = {pair[1] is None: pair for pair in pairs[::-1] if _kind(*pair) == kind}
            told = tuple((_told(one), _told(other)) for one, other in examples.values())
            bent[name] = Bent(kind, told)
    return bent


def _column(column: Mapping[str, Any], written: Any, found: Any) -> Iterator[tuple[Any, Any]]:
    """The first difference of a value, if there is one."""
    if written is None:
        differences = iter(() if found is None else ((written, found),))
    else:
        differences = _differences(written, _as(column, found))
    yield from (pair for pair, _ in zip(differences, range(1), strict=False))


def _as(column: Mapping[str, Any], found: Any) -> Any:
    """A value as the column's type has it, where a loader has put it into text."""
    kind = column["type"][0] if isinstance(column["type"], list) else column["type"]
    if isinstance(found, float):
        return Decimal(repr(found))
    if not isinstance(found, str):
        return bool(found) if kind == "boolean" and found in (0, 1) else found
    try:
        return _READ.get(column.get("format", kind), str)(found)
    except (ValueError, InvalidOperation):
        return found


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


_READ: dict[str, Any] = {
    "number": Decimal,
    "integer": Decimal,
    "boolean": lambda text: {"true": True, "false": False}.get(text.lower(), text),
    "date-time": _time,
    "object": _json,
    "array": _json,
}


def _differences(written: Any, found: Any) -> Iterator[tuple[Any, Any]]:
    """What differs, as deep as it lies."""
    if isinstance(written, dict) and isinstance(found, dict):
        for name in written.keys() | found.keys():
            yield from _differences(written.get(name), found.get(name))
    elif isinstance(written, list) and isinstance(found, list) and len(written) == len(found):
        for one, other in zip(written, found, strict=True):
            yield from _differences(one, other)
    elif written != found and not _same_moment(written, found):
        yield written, found


def _same_moment(written: Any, found: Any) -> bool:
    try:
        return bool(_time(written) == found)
    except (TypeError, ValueError):
        return False


def _kind(written: Any, found: Any) -> str:
    try:
        return DIGITS if float(written) == float(found) else VALUES
    except (TypeError, ValueError):
        return VALUES


def _told(value: Any) -> str:
    plain = isinstance(value, Decimal)
    text = str(value) if plain else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
