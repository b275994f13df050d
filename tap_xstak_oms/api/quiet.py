"""Keep what the libraries below log during our requests from every handler.

They quote whole URLs, which may hold a secret (C2), and the server's own words. Setting a level
does not help: a program may listen to a single logger. Other parts of that program may use the
same libraries, and their log lines must stay.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("urllib3", "requests")
_is_ours = ContextVar("is_ours", default=False)
"""Whether this thread works on a request of ours."""


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what the libraries log in this thread."""
    before = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(before)


def quieten_libraries() -> None:
    """Filter all loggers that they have by now; adding the filter again changes nothing."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        # Loggers below do not inherit a filter.
        if name.split(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger):
            logger.addFilter(_is_of_others)


def _is_of_others(_: logging.LogRecord) -> bool:
    return not _is_ours.get()
