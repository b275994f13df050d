"""Settings from environment variables and from a file `.env` in the working directory.

Meltano reads the `.env` of its project and passes it on as variables. The Singer SDK would search
upwards from where it is installed. A file further up may be someone else's: its `auth_url` would
receive the secret.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv.parser import parse_stream

from tap_xstak_oms.config.files import text_if_there
from tap_xstak_oms.config.schema import ENVIRONMENT_PREFIX, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dotenv.parser import Binding

_UNQUOTED = re.compile(r"[^=]*=\s*(?P<value>[^'\"\s].*)")
_SECRETS = {
    ENVIRONMENT_PREFIX + name.upper()
    for name, schema in SCHEMA["properties"].items()
    if schema.get("secret")
}

logger = logging.getLogger("tap-xstak-oms")


def environment(names: Iterable[str]) -> dict[str, Any]:
    """Settings from environment variables, which override a file `.env`.

    Ours stay strings: `checks` turns them into their types.

    Raises:
        UsageError: If a file `.env` cannot be read.
    """
    variables = {**_file(Path(".env")), **os.environ}
    texts = {name: variables.get(ENVIRONMENT_PREFIX + name.upper()) for name in names}
    return {
        name: text if name in SCHEMA["properties"] else _sdk_value(text)
        for name, text in texts.items()
        if text
    }


def _file(path: Path) -> dict[str, str | None]:
    """The variables of a file; none if it does not exist."""
    text = text_if_there(path, "environment")
    if text is None:
        return {}
    logger.info("Reading settings from %s.", path.absolute())
    found = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            logger.warning("Ignoring line %d of .env: it is not NAME=value.", _line(binding))
        elif binding.key is not None:
            found[binding.key] = _value(binding)
    return found


def _line(binding: Binding) -> int:
    """The number of its line; the library counts from the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: -len(text.lstrip())].count("\n")


def _value(binding: Binding) -> str | None:
    """A value as written: no variable in it is expanded, and ` #` in a secret is no comment."""
    unquoted = _UNQUOTED.match(binding.original.string)
    if unquoted and binding.key in _SECRETS:
        return unquoted["value"].strip()
    return binding.value


def _sdk_value(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
