"""Files of the command line that cannot be used: one sentence, exit code 1, no traceback."""

from __future__ import annotations

import json
import shlex
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tap_xstak_oms.config.files import content_of_object
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
    "nothing": (b"", "is empty. The run before has written no STATE: run again"),
    "an empty line": (b"\n", "is empty. The run before has written no STATE"),
    "a configuration": (
        b'{"client_secret":"hidden"}',
        "holds a configuration. Give it with --config",
    ),
    "a catalog": (b'{"streams":[]}', "holds a catalog. Give it with --catalog"),
    "a record": (
        b'{"type":"RECORD","stream":"hidden","record":{}}',
        "holds a Singer message, and no STATE.",
    ),
    "messages": (
        b'{"type":"SCHEMA"}\n{"type":"STATE"',
        "has several lines. Take the last: tail -1 ",
    ),
    "half": (b'{"client_secret":\n"hidden', "is not JSON: see line 2, column 1"),
    "two": (b'{"client_secret":"hidden"}{}', "is not JSON: see line 1, column 27"),
    "NaN": (b'{"client_secret":NaN}', "is not JSON"),
    "another encoding": ('{"client_secret":"hidden"}'.encode("utf-16"), "is not UTF-8 text"),
    "no encoding": (b'{"client_secret":"hidden\xff"}', "is not UTF-8 text"),
    "half a character": (b'{"hidden":["\\uDC00"]}', "holds half a character"),
    "a name of halves": (b'{"\\ude00\\ud83d":"hidden"}', "holds half a character"),
    "nesting without end": (b"[" * 100_000, "is nested too deeply"),
}


def complaint(path: object, what: str = "state") -> str:
    """What is said of a file that should hold a state, or something else."""
    with pytest.raises(TapError) as caught:
        content_of_object(str(path), what)
    assert caught.value.__context__ is None
    return str(caught.value)


GOOD: dict[str, list[object]] = {
    "configuration": [{"client_id": "x"}, {"page_size": 5}, {"start_date": None, "streams": []}],
    "catalog": [{"streams": [{}]}],
    "state": [{"bookmarks": {}}, {"type": "STATE", "value": {}}],
}


@pytest.mark.parametrize("what", GOOD)
@pytest.mark.parametrize("held", GOOD)
def test_files_that_change_places_are_told_apart(tmp_path: Path, what: str, held: str) -> None:
    """A file given with the wrong option is refused, and the sentence names the right one."""
    path = tmp_path / "file.json"
    for content in [{}, *GOOD[held]]:
        path.write_text(json.dumps(content))
        if what == held or not content:
            assert content_of_object(str(path), what) == content
        else:
            option = "--config" if held == "configuration" else f"--{held}"
            assert complaint(path, what).endswith(f"holds a {held}. Give it with {option}.")


def test_the_command_for_many_states_works(tmp_path: Path) -> None:
    """What is said of a file of many STATE lines is a command that a shell runs, and it helps."""
    path = tmp_path / "all my states.jsonl"
    path.write_text('{"bookmarks":{"a":{}}}\n{"bookmarks":{"b":{}}}\n')
    command = complaint(path).split("Take the last: ")[1].removesuffix(".")
    assert shlex.split(command) == ["tail", "-1", str(path), ">", "last.json"]


def test_what_is_empty_is_told_with_a_way_on(tmp_path: Path) -> None:
    """An empty file is what a command leaves that failed before it; each kind has its way on."""
    path = tmp_path / "file.json"
    path.touch()
    assert complaint(path, "catalog").endswith("is empty. Make it with discovery.")
    assert complaint(path, "configuration").endswith("is empty. Write the settings into it.")


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
    path.write_bytes(b'{"a":"\\ud83d\\ude00","b":1.10}')
    held = content_of_object(str(path), "state", parse_float=Decimal)
    assert held == {"a": "\U0001f600", "b": Decimal("1.10")}


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    path = tmp_path / "state.json"
    path.write_bytes(b'\xef\xbb\xbf{"bookmarks":{}}')
    assert content_of_object(str(path), "state") == {"bookmarks": {}}
