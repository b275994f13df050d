r"""The text of an answer, made fit for every loader before anything reads it.

PostgreSQL refuses `\u0000` and half surrogate pairs, and the JSON parser refuses the latter, so
both are settled once for a whole body, where it costs least, and no later step meets them.
"""

from __future__ import annotations

import json
import re
from itertools import count
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# Every escape is matched, so that an escaped backslash before `u0000` is never taken for `\u0000`.
_ESCAPE = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"  # a whole pair
    rb"|(u0000)|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_REPLACEMENT = rb"\ufffd"
_BETWEEN = re.compile(r"[ \t\n\r,:]*")
# Only where a value ends is asked: no number needs to be computed, however long.
_scanner = json.JSONDecoder(parse_float=str, parse_int=str)


class TextError(ValueError):
    """The bytes are not UTF-8."""


def clean(body: bytes) -> bytes:
    r"""Check that a JSON body is UTF-8, remove `\u0000` and replace lone surrogates by U+FFFD.

    Args:
        body: The bytes of an answer, still unparsed; need not be valid JSON.

    Returns:
        The body itself when nothing had to change, else a changed copy.

    Raises:
        TextError: The body is not UTF-8; says where, never what.
    """
    _require_utf8(body)
    # Looking for one byte first is ten times as fast as looking for two.
    if b"\\" not in body or not _SUSPECT.search(body):
        return body
    return _ESCAPE.sub(_settle, body)


def _require_utf8(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        at = error.start
    else:
        return
    # Raised outside the handler: the original error holds the whole body.
    raise TextError(f"the answer is not UTF-8 text (byte {at} of {len(body)})")


def _settle(escape: re.Match[bytes]) -> bytes:
    _, nul, lone = escape.groups()
    if nul:
        return b""
    return _REPLACEMENT if lone else escape[0]


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
