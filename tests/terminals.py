"""A terminal to show a run on."""

from __future__ import annotations

import os
import pty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def terminal() -> Iterator[tuple[int, Any]]:
    """A terminal: its own end, and what to read of all that is shown there, until it is closed."""
    ours, theirs = pty.openpty()

    def shown() -> Iterator[bytes]:
        while True:
            try:
                yield os.read(ours, 65536)
            except OSError:  # the other end has closed it
                return

    try:
        yield theirs, shown()
    finally:
        os.close(ours)
