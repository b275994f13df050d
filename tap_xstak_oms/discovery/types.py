"""The type of a field's column: that of nearly all values that say something.

A value that does not fit its column travels in `_extra`. A field without such a type has no column,
and travels there whole.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tap_xstak_oms.discovery.fields import (
    KINDS_OF_TYPES,
    LIST,
    NUMBER,
    OBJECT,
    STRING,
    Field,
    in_words,
    kind_of,
)
from tap_xstak_oms.discovery.nested import has_64_bits, inside, is_identifier
from tap_xstak_oms.discovery.remarks import MOST_NAMES, Remark, warning
from tap_xstak_oms.records.timestamps import to_utc
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.records.columns import Convert

    Schema = dict[str, Any]

MAJORITY = 0.9
"""The share of a field's values that decides on its type. One odd value in ten does not cost the
others their column. The figure comes from a simulation: tests/discovery/simulation.py.
"""
DATE_TIME = "date-time"
_TYPES_OF_KINDS = {kind: name for name, kind in KINDS_OF_TYPES.items() if name != "integer"}


def column(field: Field, as_time: Convert | None = None) -> Schema | None:
    """Return the JSON schema of a field's column, nullable and open; None if it has no column.

    Args:
        field: The field.
        as_time: Converts its values to times, if the user calls the field a time.
    """
    kind = STRING if as_time and field.values else _majority(field.voters)
    if kind is None:
        return None
    schema: Schema = {"type": [_TYPES_OF_KINDS[kind], "null"]}
    if kind == NUMBER and is_identifier(field.name):
        schema = as_key(field, schema)
    is_time = field.is_heard and field.share(_with_offset) >= MAJORITY
    if kind == STRING and (as_time or is_time):
        schema["format"] = DATE_TIME
    if kind in (LIST, OBJECT):
        schema |= inside(text for text in field.voters if kind_of(text) == kind)
    return schema


def as_key(field: Field, schema: Schema) -> Schema:
    """Return the schema of a column that identifies: `integer`, if all its numbers are integers."""
    numbers = (text for text in field.said if kind_of(text) == NUMBER)
    are_integers = schema["type"][0] == "number" and all(map(_is_integer, numbers))
    return {"type": ["integer", "null"]} if are_integers else schema


def _majority(texts: list[bytes]) -> str | None:
    if not texts:
        return None
    [(kind, count)] = Counter(map(kind_of, texts)).most_common(1)
    return kind if count / len(texts) >= MAJORITY else None


def _with_offset(text: bytes) -> bytes | None:
    return to_utc(text) if kind_of(text) == STRING else None


def _is_integer(text: bytes) -> bool:
    """Whether a number is written as an integer of 64 bits."""
    return text.removeprefix(b"-").isdigit() and has_64_bits(text)


# --- what does not fit ---


def doubt(field: Field, schema: Schema | None, as_time: Convert | None = None) -> Remark | None:
    """Return a warning if values do not fit a field's column, or if it has no column; else None.

    It tells the number of values of each type, and where each type was met first.
    """
    column_type = None if schema is None else _type_in_words(schema)
    counts = Counter({column_type: 0} if column_type else ())
    first_met: dict[str, Partition] = {}
    for value in field.values:
        found = _type_of(value.text, column_type, as_time or _with_offset)
        counts[found] += 1
        first_met.setdefault(found, value.partition)
    if counts.keys() <= {column_type}:
        return None
    # The column's type, then the most.
    ranked = sorted(counts.items(), key=lambda item: (item[0] != column_type, -item[1]))
    [(name, count), *others] = ranked
    told = [f"{name} in {count:,} of {counted(counts.total(), 'order')}"]
    for name, count in others:
        at = first_met[name]
        told.append(f"{name} in {count:,} ({at.order_status} at {at.location_id})")
    end = "" if column_type else ": no column, as no type takes nearly all values"
    return warning(
        f"{field.name}: {', '.join(told)}{end}.",
        field=field.name,
        column_type=column_type,
        values=dict(ranked),
    )


def _badness(remark: Remark) -> tuple[bool, float]:
    """A sort key: no column first, then the smallest share of values that fit."""
    column_type, values = remark.fields["column_type"], remark.fields["values"]
    return column_type is not None, values.get(column_type, 0) / sum(values.values())


def _type_in_words(schema: Schema) -> str:
    if schema.get("format") == DATE_TIME:
        return DATE_TIME
    return KINDS_OF_TYPES[schema["type"][0]]


def _type_of(text: bytes, column_type: str | None, as_time: Convert) -> str:
    """The type of a value in words: that of its column if it fits, else its own."""
    fits = as_time(text) if column_type == DATE_TIME else kind_of(text) == column_type
    return column_type if column_type and fits else in_words(text)


def remarks_on(doubts: Iterable[Remark]) -> list[Remark]:
    """Return the doubts, the worst first; of many, the last ones in one line."""
    ranked = sorted(doubts, key=_badness)
    more = [remark.fields["field"] for remark in ranked[MOST_NAMES:]]
    if not more:
        return ranked
    text = f"{len(more)} more fields have values of several types."
    return [*ranked[:MOST_NAMES], warning(text, fields=more)]
