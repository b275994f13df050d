"""The process of a command: its memory and its standard streams, from start to end."""

from __future__ import annotations

import atexit
import ctypes
import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tap_xstak_oms.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""
_OF_OUTPUT = {
    errno.EPIPE,
    errno.EBADF,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOSPC,
}
"""Errors of a write to stdout. The tap handles those of everything else it does."""
_STDIN, _STDOUT, _STDERR = range(3)


def prepare() -> None:
    """Prepare this process for a run, however it was started."""
    _share_one_heap()
    _open_standard_streams()
    atexit.register(_give_up_stderr)


@contextmanager
def complete_output() -> Iterator[None]:
    """Make sure that everything written to stdout inside leaves the process.

    Raises:
        OutputError: It does not. Python would report that too late, in its own words.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in _OF_OUTPUT:
            raise
        _discard(_STDOUT)
        raise OutputError(error) from None


def _share_one_heap() -> None:
    """Let all threads of this process share one heap, if the C library can do that.

    That of most Linux systems (glibc) keeps one heap per thread. Many threads allocate pages and
    one frees them, so all these heaps would grow and give little back.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _open_standard_streams() -> None:
    """Open the standard streams that are closed: else a connection would get their numbers.

    A write to such a stdout fails, and the run with it: its records would be lost. A write to such
    a stderr is lost, and the run goes on.
    """
    for number, mode in ((_STDIN, os.O_RDONLY), (_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # This takes the lowest free number.
            os.open(os.devnull, mode)
    # Python makes no file of a stream that is closed.
    sys.stdout = sys.stdout or os.fdopen(_STDOUT, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w", closefd=False)
    for number in (_STDOUT, _STDERR):
        # Some programs leave their pipes non-blocking: a write to a full one would fail.
        os.set_blocking(number, True)


def _give_up_stderr() -> None:
    """Drop what stderr does not accept: an unread log must not fail a run."""
    try:
        sys.stderr.flush()
    except OSError:
        _discard(_STDERR)


def _discard(number: int) -> None:
    """Discard what is still to be written to a stream."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
