"""How orders of the same shape become records: what is cut out of their text, and put in.

An order's text is compact where nothing stands between its members; then the sizes of its values
tell where each member is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tap_xstak_oms.columns import Convert

Text: TypeAlias = bytes | msgspec.Raw
"""JSON."""
Fields: TypeAlias = dict[str, Text]
"""An object's values, by name."""

_CACHED_LABELS = 1000
_QUOTE = ord('"')


@dataclass(frozen=True, slots=True)
class Cut:
    """A member of a compact order that may not travel as it stands.

    Attributes:
        name: Of the member.
        position: Among the order's members.
        start: Where what is cut out begins, apart from the sizes of the values before it.
        value: The same of the member's value.
        convert: Rewrites the value where it is a string, and nothing else is cut; None where the
            whole member is cut out, with the comma before it.
    """

    name: str
    position: int
    start: int
    value: int
    convert: Convert | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the orders with the same names, and the same misfits among them, are written.

    Attributes:
        size: The bytes of a compact order apart from its values.
        misfits: The fields whose value does not fit their column.
        cuts: What does not travel as it stands, in the order of the members.
        spare: The fields that do not travel in their column, each with its label in `_extra`,
            None where it stays out.
        end: What follows the last fitting value, up to the value of `_extra`.
    """

    size: int
    misfits: Collection[str]
    cuts: Sequence[Cut]
    spare: Sequence[tuple[str, bytes | None]]
    end: bytes


# Cached so that the layouts share them.
@lru_cache(maxsize=_CACHED_LABELS)
def label(name: str) -> bytes:
    """Return what comes before a member's value, the comma included."""
    return b",%b:" % msgspec.json.encode(name)


def compact(fields: Fields) -> bytes:
    """Write an order without anything between its members."""
    return b"{%b}" % b"".join(label(name) + value for name, value in fields.items())[1:]


def convert_strings(fields: Fields, cuts: Iterable[Cut]) -> tuple[dict[str, bytes], list[str]]:
    """Rewrite the strings that need it; also returns the fields whose string has another format."""
    converted, misfits = {}, []
    for cut in cuts:
        if cut.convert is None:
            continue
        value = bytes(fields[cut.name])
        if value[0] != _QUOTE:
            continue
        moved = cut.convert(value)
        if moved is None:
            misfits.append(cut.name)
        else:
            converted[cut.name] = moved
    return converted, misfits


def kept(
    text: bytes, sizes: Sequence[int], cuts: Iterable[Cut], converted: Mapping[str, bytes]
) -> list[bytes]:
    """Return what travels of a compact order, in pieces, with a comma before each member."""
    body = b"," + text[1:-1] if sizes else b""
    parts: list[bytes] = []
    begin = done = before = 0
    for cut in cuts:
        replacement = converted.get(cut.name) if cut.convert else b""
        if replacement is None:
            continue
        before += sum(sizes[done : cut.position])
        done = cut.position
        parts += body[begin : cut.start + before], replacement
        begin = cut.value + before + sizes[cut.position]
    parts.append(body[begin:])
    return parts
