"""Files of the command line that cannot be used: one sentence, exit code 1, no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_xstak_oms.config.files import text_of_object
from tap_xstak_oms.errors import TapError

if TYPE_CHECKING:
    from pathlib import Path


UNUSABLE = {
    "a list": (b'[{"client_secret":"hidden"}]', "holds a list, where an object should be"),
    "pairs": (b'[["client_secret","hidden"]]', "holds a list, where an object should be"),
    "a number": (b"1.5", "holds a number, where"),
    "a string": (b'"hidden"', "holds a string, where"),
    "null": (b"null", "holds null, where"),
    "a boolean": (b"true", "holds a boolean, where"),
    "nothing": (b"", "is not JSON: see line 1, column 1"),
    "half": (b'{"client_secret":\n"hidden', "is not JSON: see line 2, column 1"),
    "two": (b'{"client_secret":"hidden"}{}', "is not JSON: see line 1, column 27"),
    "NaN": (b'{"client_secret":NaN}', "is not JSON"),
    "another encoding": ('{"client_secret":"hidden"}'.encode("utf-16"), "is not UTF-8 text"),
    "no encoding": (b'{"client_secret":"hidden\xff"}', "is not UTF-8 text"),
    "half a character": (b'{"hidden":["\\uDC00"]}', "holds half a character"),
    "a name of halves": (b'{"\\ude00\\ud83d":"hidden"}', "holds half a character"),
    "nesting without end": (b"[" * 100_000, "is nested too deeply"),
}


def complaint(path: object) -> str:
    """What is said of a state file."""
    with pytest.raises(TapError) as caught:
        text_of_object(str(path), "state")
    assert caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(("content", "words"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_file_without_an_object_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    """The sentence names the file and what is wrong, and shows nothing of what it holds."""
    path = tmp_path / "state.json"
    path.write_bytes(content)
    said = complaint(path)
    assert said.startswith(f"The state cannot be used: the file '{path}' {words}")
    assert "hidden" not in said


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder, a name that leads nowhere and one that cannot be are told as the system does."""
    file = tmp_path / "state.json"
    file.touch()
    for path, reason in {
        tmp_path: "is a directory",
        tmp_path / "nowhere.json": "no such file or directory",
        file / "inside": "not a directory",
        tmp_path / ("x" * 300): "file name too long",
    }.items():
        assert complaint(path).endswith(f"the file '{path}' cannot be read ({reason}).")


def test_a_pair_of_halves_is_a_character(tmp_path: Path) -> None:
    """Many programs write such a character as two escapes."""
    path = tmp_path / "state.json"
    path.write_bytes(b'{"a":"\\ud83d\\ude00"}')
    assert text_of_object(str(path), "state") == r'{"a":"\ud83d\ude00"}'


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    path = tmp_path / "state.json"
    path.write_bytes(b'\xef\xbb\xbf{"bookmarks":{}}')
    assert text_of_object(str(path), "state") == '{"bookmarks":{}}'
