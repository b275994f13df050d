"""Files from the command line: JSON, or one sentence about what is wrong."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KINDS: dict[type, str] = {list: "a list", str: "a string", type(None): "null", bool: "a boolean"}
_OPTIONS = {"configuration": "--config", "catalog": "--catalog", "state": "--state"}
_WHEN_EMPTY = {
    "configuration": "Write the settings into it",
    "catalog": "Make it with discovery",
    "state": "The run before has written no STATE: run again without --state",
}

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def content_of_object(
    path: str, what: str, *, parse_float: Callable[[str], object] = float
) -> dict[str, Any]:
    """Read a file that must hold a JSON object, and return it.

    Args:
        path: As the user gave it.
        what: What the file should hold: "configuration", "catalog" or "state".
        parse_float: Makes the value of a number with a fraction or an exponent.

    Raises:
        UsageError: It names the file and what is wrong with it, and shows nothing from inside it.
    """
    content = content_of_json(path, what, parse_float=parse_float)
    if not isinstance(content, dict):
        held = _KINDS.get(type(content), "a number")
        raise unusable(path, what, f"holds {held}, where an object should be")
    refuse_other_kinds(content, path, what)
    return content


def refuse_other_kinds(content: object, path: str, what: str) -> None:
    """Raise UsageError if the names in a file show that it belongs to another option."""
    kind = _kind(content) if isinstance(content, dict) else None
    if kind not in (what, None):
        option = f". Give it with {_OPTIONS[kind]}" if kind in _OPTIONS else ""
        raise unusable(path, what, f"holds a {kind}{option}")


def _kind(content: Mapping[str, Any]) -> str | None:
    """What an object is, judged by its names; None if they do not show it."""
    if content.keys() & SCHEMA["properties"].keys():
        return "configuration"
    if isinstance(content.get("streams"), list):
        return "catalog"
    if "bookmarks" in content or content.get("type") == "STATE":
        return "state"
    return "Singer message, and no STATE" if {"type", "stream"} <= content.keys() else None


def text_if_there(path: Path, what: str) -> str | None:
    """Read a text file; None if it does not exist."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        # UTF-16 without a byte order mark.
        problem = "is not UTF-8 text" if "\0" in text else None
    except (FileNotFoundError, IsADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        problem = _file_problem(error)
    if problem:
        # Outside the handler, as below.
        raise unusable(str(path), what, problem)
    return text


def unusable(path: str, what: str, problem: str) -> UsageError:
    """The error of a file; the problem is the end of a sentence about the file."""
    return UsageError(f"The {what} cannot be used: the file {path!r} {problem}.")


def content_of_json(
    path: str, what: str, *, parse_float: Callable[[str], object] = float
) -> object:
    """Read a file that must hold JSON of any type; the rest as for an object."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        content: object = json.loads(text, parse_float=parse_float, parse_constant=_refuse)
        if _HALF_CHARACTER.search(text):
            # One of a pair, or a lone one, which cannot be written again.
            json.dumps(content, ensure_ascii=False, default=str).encode()
        return content  # noqa: TRY300 - as short as it is
    except json.JSONDecodeError as error:
        problem = _json_problem(error, path, what)
    except (OSError, ValueError, RecursionError) as error:
        problem = _file_problem(error)
    # Raised outside the handler: an error above may hold the whole configuration.
    raise unusable(path, what, problem)


def _json_problem(error: json.JSONDecodeError, path: str, what: str) -> str:
    if not error.doc.strip():
        return f"is empty. {_WHEN_EMPTY.get(what, 'There must be JSON in it')}"
    if error.msg == "Extra data" and error.lineno > 1 and what == "state":
        return f"has several lines. Take the last: tail -1 {shlex.quote(path)} > last.json"
    return f"is not JSON: see line {error.lineno}, column {error.colno}"


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _file_problem(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({(error.strerror or 'no reason is known').lower()})"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    if isinstance(error, UnicodeEncodeError):
        return "holds half a character (a lone surrogate)"
    return "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
