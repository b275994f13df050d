"""The selected part of an order: its fields, and the members of objects in them. Pure.

Members are selected by name, in an object and in the objects of a list. Their values are moved as
text, so every digit stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tap_xstak_oms.records.layout import label
from tap_xstak_oms.records.members import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LeftOut: TypeAlias = "Callable[[str], object]"
"""Called with the name of each value that is left out although nobody deselected it."""

_NULL, _LIST, _OBJECT = b"n[{"
_ANY_NAME = "*"


@dataclass(frozen=True, slots=True)
class Part:
    """The selected members of an object, or of each object in a list.

    Attributes:
        members: The selected members by name; None for one that is selected whole.
        deselected: The names of the deselected members.
    """

    members: Mapping[str, Part | None]
    deselected: frozenset[str]

    def of(self, value: bytes, name: str, left_out: LeftOut) -> bytes | None:
        """Return the selected part of a value; None if there is none.

        A member that the catalog does not know may hold what is deselected, so it is left out. So
        is a value that is neither an object nor a list of objects.

        Args:
            value: JSON.
            name: Its name in a report.
            left_out: Called with the name of what is left out.
        """
        if value[0] == _OBJECT:
            return b"{%b}" % b"".join(self._members(value, name, left_out))[1:]
        if value[0] == _LIST:
            items = (self.of(bytes(item), name, left_out) for item in _items_of(value))
            return b"[%b]" % b",".join(item for item in items if item is not None)
        if value[0] == _NULL:
            return value
        left_out(name)
        return None

    def _members(self, value: bytes, name: str, left_out: LeftOut) -> Iterator[bytes]:
        for member, text in members_of(value):
            if member in self.members:
                part = self.members[member]
                kept = text if part is None else part.of(text, f"{name}.{member}", left_out)
                if kept is not None:
                    yield label(member)
                    yield kept
            elif member not in self.deselected and text[0] != _NULL:
                # Where an object is used as a map, its names are data: they are not reported.
                left_out(f"{name}.{member if member.isidentifier() else _ANY_NAME}")


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected part of an order.

    Attributes:
        deselected: The fields that appear nowhere.
        parts: The fields that are selected in part.
        hidden: The fields that do not appear in `_extra`.
    """

    deselected: frozenset[str] = frozenset()
    parts: Mapping[str, Part] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


EVERYTHING = Selection()
_items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
