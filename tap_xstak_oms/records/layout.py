"""How orders of the same shape become records: which values travel, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tap_xstak_oms.records.columns import Convert

Text: TypeAlias = bytes | msgspec.Raw
"""JSON."""
Fields: TypeAlias = dict[str, Text]
"""An object's values, by name."""
# To its stubs a Raw is a kind of bytes; it has their buffer, and few of their methods.
decode_fields = msgspec.json.Decoder(cast("type[Fields]", dict[str, msgspec.Raw])).decode
"""Split an object into its values, each still JSON; of a repeated name the last."""

_CACHED_LABELS = 1000
_VALUES = slice(2, None, 2)
"""The values' places in a frame: each follows its label."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to write the orders that have the same names, and the same misfits among them.

    Attributes:
        size: The bytes of an order without its values, if there are no blanks between members.
        frame: The pieces of a record up to the last value, with gaps for the values: its beginning,
            then label and value in turn. A field that stays out has no label.
        formats: The values to convert: place, field, and the column's `convert` and `converts`.
        left_out: The places of the values that do not travel in their column.
        misfits: The fields whose value does not fit their column.
        spare: The fields that do not travel in their column, each with its label in `_extra`; None
            for a field that stays out of it.
        end: What follows the last value, up to the value of `_extra`.
    """

    size: int
    frame: list[bytes]
    formats: Sequence[tuple[int, str, Convert, bytes]]
    left_out: Sequence[int]
    misfits: Collection[str]
    spare: Sequence[tuple[str, bytes | None]]
    end: bytes

    def convert(self, fields: Fields) -> tuple[dict[int, bytes], list[str]]:
        """Convert values; return them by place, and the fields whose format is another."""
        converted, misfits = {}, []
        for place, name, convert, starts in self.formats:
            value = bytes(fields[name])
            if value[0] not in starts:
                continue
            moved = convert(value)
            if moved is None:
                misfits.append(name)
            else:
                converted[place] = moved
        return converted, misfits

    def fill(self, own: bytes, fields: Fields, converted: Mapping[int, bytes]) -> list[Text]:
        """Return the pieces of a record, up to the last value."""
        pieces: list[Text] = [*self.frame]
        pieces[0] = own
        pieces[_VALUES] = fields.values()
        for place, value in converted.items():
            pieces[place] = value
        for place in self.left_out:
            pieces[place] = b""
        return pieces


# Cached, so that layouts share labels.
@lru_cache(maxsize=_CACHED_LABELS)
def label(name: str) -> bytes:
    """Return what precedes a member's value, comma included."""
    return b",%b:" % msgspec.json.encode(name)


def place(position: int) -> int:
    """The place in a frame of the value of an order's member."""
    return 2 * position + 2
