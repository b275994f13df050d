"""How orders of the same shape become records: what of them travels, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tap_xstak_oms.records.columns import Convert

Text: TypeAlias = bytes | msgspec.Raw
"""JSON."""
Fields: TypeAlias = dict[str, Text]
"""An object's values, by name."""

_CACHED_LABELS = 1000
_VALUES = slice(2, None, 2)
"""The values' places in a frame: each follows its label."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the orders with the same names, and the same misfits among them, are written.

    Attributes:
        size: The bytes of an order apart from its values, if nothing stands between its members.
        frame: What a record is joined of, up to the last value, with room for the values: its
            beginning, then label and value in turn. A field that stays out has no label.
        formats: The places of the values that have a format: their fields, and their columns'
            `convert` and `converts`.
        left_out: The places of the values that do not travel in their column.
        misfits: The fields whose value does not fit their column.
        spare: The fields that do not travel in their column, each with its label in `_extra`,
            None where it stays out.
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
        """Rewrite the values that need it, by place; also returns the fields of another format."""
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
        """Return what a record is joined of, up to the last value."""
        pieces: list[Text] = [*self.frame]
        pieces[0] = own
        pieces[_VALUES] = fields.values()
        for place, value in converted.items():
            pieces[place] = value
        for place in self.left_out:
            pieces[place] = b""
        return pieces


# Cached so that the layouts share them.
@lru_cache(maxsize=_CACHED_LABELS)
def label(name: str) -> bytes:
    """Return what comes before a member's value, the comma included."""
    return b",%b:" % msgspec.json.encode(name)


def place(position: int) -> int:
    """Where in a frame the value of an order's member goes."""
    return 2 * position + 2
