"""The remarks of discovery, for people and for machines."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

MOST_NAMES = 20
"""Fields named in one line, or in one kind of line, at most."""


class Remark(NamedTuple):
    """One line of the report.

    Attributes:
        text: For people, a sentence or two without any customer's data.
        fields: The same for machines: the `extra` fields of the log record.
        level: The log level.
    """

    text: str
    fields: dict[str, Any]
    level: int = logging.INFO


def warning(text: str, **fields: Any) -> Remark:  # noqa: ANN401 - any JSON value
    """A remark with the level of a warning."""
    return Remark(text, fields, logging.WARNING)
