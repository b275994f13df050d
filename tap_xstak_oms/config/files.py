"""Files that a user names on the command line: JSON, or one sentence about what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NoReturn

from tap_xstak_oms.errors import UsageError

_KINDS: dict[type, str] = {list: "a list", str: "a string", type(None): "null", bool: "a boolean"}

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def text_of_object(path: str, what: str) -> str:
    """Read a file that must hold a JSON object, and return its text.

    Args:
        path: As the user gave it.
        what: What the file is to hold: "configuration", "catalog" or "state".

    Raises:
        UsageError: Naming the file and what is wrong with it, and nothing of what it holds.
    """
    text, content = _read(path, what)
    if isinstance(content, dict):
        return text
    held = _KINDS.get(type(content), "a number")
    raise unusable(path, what, f"holds {held}, where an object should be")


def text_of_json(path: str, what: str) -> str:
    """Read a file that must hold JSON, whatever it is; the rest as for an object."""
    return _read(path, what)[0]


def text_if_there(path: Path, what: str) -> str | None:
    """Read a file that need not be there, whatever it holds; None where it is not."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        # UTF-16 without a mark.
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
    """The error of a file with that problem, which is the end of a sentence about the file."""
    return UsageError(f"The {what} cannot be used: the file {path!r} {problem}.")


def _read(path: str, what: str) -> tuple[str, object]:
    """The text of a file, and what it says."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        content = json.loads(text, parse_constant=_refuse)
        if _HALF_CHARACTER.search(text):
            # It may be one of a pair; what stands alone could not be written again.
            json.dumps(content, ensure_ascii=False).encode()
        return text, content  # noqa: TRY300 - as short as it is
    except (OSError, ValueError, RecursionError) as error:
        problem = _file_problem(error)
    # Raised outside the handler: an error above may hold all of a configuration.
    raise unusable(path, what, problem)


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _file_problem(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({(error.strerror or 'no reason is known').lower()})"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    if isinstance(error, UnicodeEncodeError):
        return "holds half a character (a lone surrogate)"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: see line {error.lineno}, column {error.colno}"
    return "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
