"""All members of an object that may repeat names."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import TYPE_CHECKING, cast

from tap_xstak_oms.records.layout import decode_fields, label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BETWEEN = re.compile(r"[ \t\n\r,:]*")
# Only the end of each value matters: long numbers need not be computed.
_scanner = json.JSONDecoder(parse_float=str, parse_int=str)


def members_of(json_object: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of each member of a valid JSON object, repeated names included."""
    fields = decode_fields(json_object)
    size = sum(len(label(name)) + len(value) for name, value in fields.items())
    # An object that is longer than its labels and values repeats names or has blanks.
    if len(json_object) == size + 1:
        return ((name, bytes(value)) for name, value in fields.items())
    return ((name, value.encode()) for name, value in _members(json_object.decode()))


def distinct_members(
    json_object: bytes, taken: Iterable[str] = ()
) -> Iterator[tuple[str, str, bytes]]:
    """Split an object that may repeat names, without losing a value.

    The last value keeps the name, as in most parsers. Earlier ones get `name#1`, `name#2`... Ten
    times slower than a parser that keeps one value per name.

    Args:
        json_object: A valid JSON object.
        taken: Names not to give, besides the object's own.

    Yields:
        For each value its name, a distinct name, and its text.
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
    """Skip what separates names and values."""
    return cast("re.Match[str]", _BETWEEN.match(text, at)).end()
