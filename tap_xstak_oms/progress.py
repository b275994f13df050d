"""What a person sees during a run."""

from __future__ import annotations

import logging

_SAYS_NOTHING = (
    # Once a partition; where a read begins is in the state.
    "Starting incremental sync",
    "Stream is assumed to be unsorted",
    # Said whatever the environment holds: the tap reads it by itself.
    "Skipping parse of env var settings",
)


def quieten_sdk(*loggers: logging.Logger) -> None:
    """Leave out those of the SDK's lines that tell a person nothing."""
    for logger in (*loggers, logging.getLogger("singer_sdk")):
        logger.addFilter(_says_something)


def _says_something(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith(_SAYS_NOTHING)
