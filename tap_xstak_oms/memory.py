"""How the process of a run keeps its memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def share_one_heap() -> None:
    """Let all threads of this process take their memory from one heap, where that can be said.

    The C library of most Linux systems (glibc) would keep one for each of them. Pages are taken
    by many threads and freed by one, so that all of these heaps grow and little is given back.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
