"""Sampled orders by field: the values of each, still as text, and where they were met.

A value may stand for nothing: `null`, `false`, an empty string, a date of zeros, an empty list or
object. Servers write these when they have no value, in fields of any type. All other values say
something about the type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tap_xstak_oms.records.fitter import Order, open_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.records.layout import Text

Sample: TypeAlias = "Mapping[Partition, Sequence[Order]]"

STRING, BOOLEAN, NUMBER = "string", "boolean", "number"
LIST, OBJECT, NULL = "list", "object", "null"
"""The types of JSON values, in words."""
HEARD = 1 / 20
"""If fewer of a field's values say something, those that stand for nothing vote too: one odd text
does not make a string of a flag that was never set."""
KINDS_OF_TYPES = {
    "string": STRING,
    "boolean": BOOLEAN,
    "number": NUMBER,
    "integer": NUMBER,
    "array": LIST,
    "object": OBJECT,
}
"""What a column of each type holds."""
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
    """A field's values in the sampled orders, null aside.

    Attributes:
        name: Its name.
        values: Its values, in the order of the sample.
        said: The texts of the values that say something.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Value] = []
        self.said: list[bytes] = []

    def add(self, value: Value) -> None:
        """Add a value."""
        if kind_of(value.text) == NULL:
            return
        self.values.append(value)
        if not is_nothing(value.text):
            self.said.append(value.text)

    @property
    def is_heard(self) -> bool:
        """Whether enough values say something that the others have no vote."""
        return len(self.said) >= HEARD * len(self.values)

    @property
    def voters(self) -> list[bytes]:
        """The texts of the values that decide on the type."""
        return self.said if self.is_heard else [v.text for v in self.values]

    def share(self, test: Callable[[bytes], object]) -> float:
        """The share (0 to 1) of the values that say something and pass a test."""
        return sum(bool(test(text)) for text in self.said) / len(self.said) if self.said else 0.0


def kind_of(text: bytes) -> str:
    """The type of a JSON value, in words."""
    return _KINDS.get(chr(text[0]), NUMBER)


def is_nothing(text: bytes) -> bool:
    """Whether a value stands for nothing."""
    return _NOTHING.fullmatch(text) is not None


def in_words(text: bytes) -> str:
    """What a value is, for a person; nothing of what it holds."""
    kind, nothing = kind_of(text), _NOTHING.fullmatch(text)
    if nothing is None or kind == NULL:
        return kind
    return "zero date" if nothing[1] else _WORDS_FOR_NOTHING[kind]


def opened(samples: Mapping[Partition, Sequence[Text]]) -> tuple[Sample, int]:
    """Split the sampled orders into fields; also return how many are not orders."""
    found = {partition: list(map(open_order, texts)) for partition, texts in samples.items()}
    sample = {
        partition: [order for order in orders if order.problem is None]
        for partition, orders in found.items()
    }
    return sample, sum(map(len, found.values())) - sum(map(len, sample.values()))


def fields_of(sample: Sample) -> dict[str, Field]:
    """All fields of the sampled orders, in the order met."""
    fields: dict[str, Field] = {}
    for partition, orders in sample.items():
        for order in orders:
            for name, text in order.fields.items():
                field = fields.get(name) or fields.setdefault(name, Field(name))
                field.add(Value(bytes(text), partition))
    return fields
