"""What discovery has to say to a person, and the same for machines."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

MOST_NAMES = 20
"""Fields that one line, or one kind of line, tells by name at most."""


class Remark(NamedTuple):
    """One line of the report.

    Attributes:
        text: For a person, a sentence or two. No customer's value is in it.
        fields: The same for machines: the `extra` fields of the log record.
        level: How loud it is.
    """

    text: str
    fields: dict[str, Any]
    level: int = logging.INFO


def warning(text: str, **fields: Any) -> Remark:  # noqa: ANN401 - what machines are told
    """A remark that should not be overlooked."""
    return Remark(text, fields, logging.WARNING)
