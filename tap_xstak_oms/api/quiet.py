"""What the libraries below log while they work for us, kept from every handler.

They quote whole URLs, which may hold a secret (C2), and the server's own words. No level and no
logger's parent helps against whoever listens to one logger alone, and the same libraries may work
for another part of a program, whose log is none of our business.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("urllib3", "requests")


class _Work(threading.local):
    is_ours = False


_work = _Work()


def _is_of_others(_: logging.LogRecord) -> bool:
    return not _work.is_ours


@contextmanager
def quiet() -> Iterator[None]:
    """Let nothing be logged that the libraries say of what this thread does meanwhile."""
    was_ours, _work.is_ours = _work.is_ours, True
    try:
        yield
    finally:
        _work.is_ours = was_ours


def quieten_libraries() -> None:
    """Listen to all loggers that they have by now. A filter is not inherited; once is enough."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.split(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger):
            logger.addFilter(_is_of_others)
