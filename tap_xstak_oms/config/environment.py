"""The settings that environment variables hold."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import dotenv

from tap_xstak_oms.config.schema import ENVIRONMENT_PREFIX, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable


def environment(names: Iterable[str]) -> dict[str, Any]:
    """The settings that environment variables hold, or a file `.env` here or above.

    Ours are left as text, of which their type is made where they are checked.
    """
    variables = {**dotenv.dotenv_values(dotenv.find_dotenv(usecwd=True)), **os.environ}
    texts = {name: variables.get(ENVIRONMENT_PREFIX + name.upper()) for name in names}
    return {
        name: text if name in SCHEMA["properties"] else _sdk_value(text)
        for name, text in texts.items()
        if text
    }


def _sdk_value(text: str) -> Any:  # noqa: ANN401 - whatever JSON has
    try:
        return json.loads(text)
    except ValueError:
        return text
