"""What a person sees during a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_SAYS_NOTHING = (
    # Said whatever the environment holds: the tap reads it by itself.
    "Skipping parse of env var settings",
)


def quieten_sdk(logger: logging.Logger) -> None:
    """Leave out those of the SDK's lines that tell a person nothing."""
    logger.addFilter(_says_something)


def _says_something(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith(_SAYS_NOTHING)
