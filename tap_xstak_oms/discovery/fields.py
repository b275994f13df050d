"""Sampled orders by their fields: what each field held, still as text, and where.

A value says something of its field's type, or it stands for nothing: `null`, `false`, text that is
empty or a date of zeros, a list or an object without members. Servers write these where they have
no value, whatever the type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tap_xstak_oms.records.fitter import Order, open_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Partition: TypeAlias = tuple[str, str]
"""An order status and a location id."""
Sample: TypeAlias = "Mapping[Partition, Sequence[Order]]"

STRING, BOOLEAN, NUMBER, LIST, OBJECT, NULL = (
    "string",
    "boolean",
    "number",
    "list",
    "object",
    "null",
)
"""The kinds of JSON values, in the words in which a person is told of them."""
HEARD = 1 / 20
"""The share of a field's values that must say something for those that stand for nothing to have no
say: one odd text does not make text of a flag that was never set."""
_KINDS = {'"': STRING, "t": BOOLEAN, "f": BOOLEAN, "[": LIST, "{": OBJECT, "n": NULL}
_NOTHING = re.compile(
    rb'null|false|"\s*(0000-00-00[^"]*|0001-01-01T00:00:00[.0]*Z?)?\s*"|\[\s*\]|\{\s*\}'
)
_WORDS_FOR_NOTHING = {
    STRING: "empty string",
    BOOLEAN: "false",
    LIST: "empty list",
    OBJECT: "empty object",
}


class Value(NamedTuple):
    """One value of a field: its JSON text, and the partition of its order."""

    text: bytes
    partition: Partition


class Field:
    """What a field held in the sampled orders, null aside.

    Attributes:
        name: Its name.
        values: Its values, in the order of the sample.
        said: The texts of those that say something.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Value] = []
        self.said: list[bytes] = []

    def add(self, value: Value) -> None:
        """Count one more value."""
        if kind_of(value.text) == NULL:
            return
        self.values.append(value)
        if not is_nothing(value.text):
            self.said.append(value.text)

    @property
    def is_heard(self) -> bool:
        """Whether enough of them say something for the others to have no say."""
        return len(self.said) >= HEARD * len(self.values)

    @property
    def voters(self) -> list[bytes]:
        """The values that decide on its type."""
        return self.said if self.said and self.is_heard else [v.text for v in self.values]

    def share(self, test: Callable[[bytes], object]) -> float:
        """The share, from 0 to 1, of what says something that passes a test."""
        return sum(bool(test(text)) for text in self.said) / len(self.said) if self.said else 0.0


def kind_of(text: bytes) -> str:
    """Which kind of JSON value a text is."""
    return _KINDS.get(chr(text[0]), NUMBER)


def is_nothing(text: bytes) -> bool:
    """Whether a value stands for nothing, where others of its field say something."""
    return _NOTHING.fullmatch(text) is not None


def in_words(text: bytes) -> str:
    """What a value is, for a person: its kind, and never what it holds."""
    kind, nothing = kind_of(text), _NOTHING.fullmatch(text)
    if nothing is None or kind == NULL:
        return kind
    return "zero date" if nothing[1] else _WORDS_FOR_NOTHING[kind]


def opened(samples: Mapping[Partition, Sequence[bytes]]) -> tuple[Sample, int]:
    """Take the sampled orders apart; also returns how many of them are none."""
    found = {partition: list(map(open_order, texts)) for partition, texts in samples.items()}
    sample = {
        partition: [order for order in orders if order.problem is None]
        for partition, orders in found.items()
    }
    return sample, sum(map(len, found.values())) - sum(map(len, sample.values()))


def fields_of(sample: Sample) -> dict[str, Field]:
    """All fields of the sampled orders, in the order in which they were met."""
    fields: dict[str, Field] = {}
    for partition, orders in sample.items():
        for order in orders:
            for name, text in order.fields.items():
                field = fields.get(name) or fields.setdefault(name, Field(name))
                field.add(Value(bytes(text), partition))
    return fields
