"""The members of an order that repeats names, none of them lost."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import TYPE_CHECKING, cast

import msgspec

from tap_xstak_oms.records.layout import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BETWEEN = re.compile(r"[ \t\n\r,:]*")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
# Only where a value ends is asked: no number needs to be computed, however long.
_scanner = json.JSONDecoder(parse_float=str, parse_int=str)


def members_of(json_object: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a valid JSON object, names and text; repeated names as they come."""
    fields = _fields.decode(json_object)
    size = sum(len(label(name)) + len(value) for name, value in fields.items())
    # As long as labels, values and braces, less the first comma, or it repeats names or has blanks.
    if len(json_object) == size + 1:
        return ((name, bytes(value)) for name, value in fields.items())
    return ((name, value.encode()) for name, value in _members(json_object.decode()))


def distinct_members(
    json_object: bytes, taken: Iterable[str] = ()
) -> Iterator[tuple[str, str, bytes]]:
    """Split an object that may repeat names, losing no value.

    The last value of a name has it, as with most parsers. The earlier ones get `name#1`,
    `name#2`..., passing over what is taken. An order of magnitude slower than a parser that
    keeps one value a name.

    Args:
        json_object: A valid JSON object.
        taken: Names not to give besides the object's own.

    Yields:
        For each value its name, its name made distinct, and its text as it stands.
    """
    pairs = list(_members(json_object.decode()))
    last = {name: at for at, (name, _) in enumerate(pairs)}
    used = last.keys() | taken
    for at, (name, value) in enumerate(pairs):
        yield name, name if at == last[name] else _free_name(name, used), value.encode()


def _free_name(name: str, used: set[str]) -> str:
    free = next(free for number in count(1) if (free := f"{name}#{number}") not in used)
    used.add(free)
    return free


def _members(text: str) -> Iterator[tuple[str, str]]:
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _scanner.raw_decode(text, at)
        start = _skip(text, at)
        _, at = _scanner.raw_decode(text, start)
        yield name, text[start:at]
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    """Pass over what stands between names and values."""
    return cast("re.Match[str]", _BETWEEN.match(text, at)).end()
