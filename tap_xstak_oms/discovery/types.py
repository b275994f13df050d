"""The type of a field's column: that of nearly all values that say something.

A value that does not fit its column travels in `_extra`. A field without such a type has no column,
and travels there whole.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tap_xstak_oms.discovery.fields import (
    BOOLEAN,
    LIST,
    NUMBER,
    OBJECT,
    STRING,
    Field,
    in_words,
    kind_of,
)
from tap_xstak_oms.discovery.nested import inside, is_identifier
from tap_xstak_oms.discovery.remarks import MOST_NAMES, Remark, warning
from tap_xstak_oms.records.columns import INTEGERS
from tap_xstak_oms.records.timestamps import to_utc
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.records.columns import Convert

    Schema = dict[str, Any]

MAJORITY = 0.9
"""The share of a field's values that decides on its type. One odd value in ten does not cost the
others their column. The figure comes from a simulation: tests/discovery/simulation.py.
"""
DATE_TIME = "date-time"
_TYPES = {STRING: "string", BOOLEAN: "boolean", NUMBER: "number", LIST: "array", OBJECT: "object"}
_LONGEST_INTEGER = 20
"""Characters: longer text is no integer of 64 bits."""


def column(field: Field, as_time: Convert | None = None) -> Schema | None:
    """Return the JSON schema of a field's column, nullable and open; None if it has no column.

    Args:
        field: The field.
        as_time: Converts its values to times, if the user calls the field a time.
    """
    kind = STRING if as_time and field.values else _majority(field.voters)
    if kind is None:
        return None
    schema: Schema = {"type": [_TYPES[kind], "null"]}
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
    are_integers = kind_of(field.voters[0]) == NUMBER and _are_integers(field)
    return {"type": ["integer", "null"]} if are_integers else schema


def _majority(texts: list[bytes]) -> str | None:
    if not texts:
        return None
    [(kind, count)] = Counter(map(kind_of, texts)).most_common(1)
    return kind if count / len(texts) >= MAJORITY else None


def _with_offset(text: bytes) -> bytes | None:
    return to_utc(text) if kind_of(text) == STRING else None


def _are_integers(field: Field) -> bool:
    """Whether all numbers of a field are written as integers of 64 bits."""
    return all(_is_integer(text) for text in field.said if kind_of(text) == NUMBER)


def _is_integer(text: bytes) -> bool:
    digits = text.removeprefix(b"-")
    return digits.isdigit() and len(text) <= _LONGEST_INTEGER and int(text) in INTEGERS


# --- what does not fit ---


class Doubt(NamedTuple):
    """A field with values that do not fit its column, or without a column.

    Attributes:
        name: The field.
        type: Its column's type in words; None if it has no column.
        counts: The number of values of each type, in words: the column's type, then the most.
        first_met: Where each type was met first.
    """

    name: str
    type: str | None
    counts: Mapping[str, int]
    first_met: Mapping[str, Partition]

    @property
    def rank(self) -> tuple[bool, float]:
        """A sort key: the worst first."""
        fitting = self.counts.get(self.type, 0) if self.type else 0
        return self.type is not None, fitting / sum(self.counts.values())

    def remark(self) -> Remark:
        """The warning about it."""
        first, *others = self.counts.items()
        told = [f"{first[0]} in {first[1]:,} of {counted(sum(self.counts.values()), 'order')}"]
        told += [
            f"{words} in {count:,} ({at.order_status} at {at.location_id})"
            for words, count in others
            for at in [self.first_met[words]]
        ]
        end = "" if self.type else ": no column, as no type takes nearly all values"
        return warning(
            f"{self.name}: {', '.join(told)}{end}.",
            field=self.name,
            column_type=self.type,
            values=dict(self.counts),
        )


def doubt(field: Field, schema: Schema | None, as_time: Convert | None = None) -> Doubt | None:
    """Return the doubt about a field's column, or its lack of one, if there is any."""
    type_in_words = None if schema is None else _type_in_words(schema)
    reads = as_time or _with_offset
    words = [_as_what(value.text, type_in_words, reads) for value in field.values]
    first_met: dict[str, Partition] = {}
    for word, value in zip(words, field.values, strict=True):
        first_met.setdefault(word, value.partition)
    if first_met.keys() <= {type_in_words}:
        return None
    counts = Counter(words)
    fitting = {type_in_words: counts.pop(type_in_words, 0)} if type_in_words else {}
    ranked = {**fitting, **dict(counts.most_common())}
    return Doubt(field.name, type_in_words, ranked, first_met)


def _type_in_words(schema: Schema) -> str:
    if schema.get("format") == DATE_TIME:
        return DATE_TIME
    name = schema["type"][0]
    return next((word for word, known in _TYPES.items() if known == name), NUMBER)


def _as_what(text: bytes, type_in_words: str | None, as_time: Convert) -> str:
    """Say what a value is: its column's type if it fits, else its own."""
    fits = as_time(text) if type_in_words == DATE_TIME else kind_of(text) == type_in_words
    return type_in_words if type_in_words and fits else in_words(text)


def remarks_on(doubts: Iterable[Doubt]) -> list[Remark]:
    """The warnings about doubtful fields, the worst first."""
    ranked = sorted(doubts, key=lambda one: one.rank)
    remarks = [one.remark() for one in ranked[:MOST_NAMES]]
    if ranked[MOST_NAMES:]:
        more = [one.name for one in ranked[MOST_NAMES:]]
        remarks.append(
            warning(f"{len(more)} more fields have values of several types.", fields=more)
        )
    return remarks
