"""The text of an answer, before anything reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.api.text import TextError, clean


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        (r'"a\u0000b"', r'"ab"'),
        (r'{"k\u0000":[{"n":"\u0000"}]}', r'{"k":[{"n":""}]}'),
        (r'"\ud800"', r'"\ufffd"'),
        (r'"\uD83D\uDE00\uDE00"', r'"\uD83D\uDE00\ufffd"'),
        (r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"'),
        (r'"\udE00\uD83d"', r'"\ufffd\ufffd"'),
        (r'"\uD83D\u0000\uDE00"', r'"\ufffd\ufffd"'),
        (r'"\uD83Dx"', r'"\ufffdx"'),
        (r'"\\u0000 \\\u0000 \\\\ud800"', r'"\\u0000 \\ \\\\ud800"'),
        (r'"\u00000"', r'"0"'),
        (r'{"\ud800":1}', r'{"\ufffd":1}'),
    ],
)
def test_nul_is_removed_and_lone_surrogates_are_replaced(came: str, goes: str) -> None:
    """In values and keys at any depth and in any case; never behind an escaped backslash."""
    assert clean(came.encode()) == goes.encode()


@given(st.text(), st.booleans())
def test_other_text_is_left_alone(text: str, ensure_ascii: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever has no NUL passes byte for byte, escaped or not."""
    body = json.dumps(text.replace("\0", "0"), ensure_ascii=ensure_ascii).encode()
    assert clean(body) == body


@given(st.lists(st.sampled_from(["\\u0000", "\\ud83d", "\\uDE00", "\\\\", "u0000", "x", "\\n"])))
def test_cleaned_text_has_no_nul_and_no_lone_surrogate(pieces: list[str]) -> None:
    """Whatever the mixture of escapes, every loader can take the result."""
    text = json.loads(clean(f'"{"".join(pieces)}"'.encode()))
    assert "\0" not in text
    text.encode()


def test_text_that_is_not_utf8_is_refused_without_being_shown() -> None:
    """The error says where, and neither it nor its causes hold the text."""
    with pytest.raises(TextError, match=r"not UTF-8 text \(byte 6 of 8\)") as raised:
        clean(b'{"name\xff"')
    assert "name" not in str(raised.value)
    assert raised.value.__context__ is None
