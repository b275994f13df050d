"""What a command finds as it starts, and leaves as it ends: memory and standard streams."""

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
"""What stands in the way of a write. Nothing else that the tap does is left to end so."""
_STDIN, _STDOUT, _STDERR = range(3)


def prepare() -> None:
    """Make this process fit for a run, however it was started."""
    _share_one_heap()
    _open_standard_streams()
    atexit.register(_give_up_stderr)


@contextmanager
def complete_output() -> Iterator[None]:
    """See to it that what was written to stdout has left the process.

    Raises:
        OutputError: If it has not. Python would tell of that after all else, in its own way.
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
    """Let all threads of this process take their memory from one heap, where that can be said.

    The C library of most Linux systems (glibc) would keep one for each of them. Pages are taken
    by many threads and freed by one, so that all of these heaps grow and little is given back.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _open_standard_streams() -> None:
    """Open those that are closed, or a connection would take their numbers.

    A write to such a stdout fails, and so does the run: its records would be lost. A write to such
    a stderr is lost, and the run goes on.
    """
    for number, mode in ((_STDIN, os.O_RDONLY), (_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken.
            os.open(os.devnull, mode)
    # Python has none where it found them closed.
    sys.stdout = sys.stdout or os.fdopen(_STDOUT, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w", closefd=False)
    for number in (_STDOUT, _STDERR):
        # Some programs leave their pipes so that a write into a full one fails.
        os.set_blocking(number, True)


def _give_up_stderr() -> None:
    """Drop what stderr has not taken: that nobody reads the log does not make a run a failure."""
    try:
        sys.stderr.flush()
    except OSError:
        _discard(_STDERR)


def _discard(number: int) -> None:
    """Let what is still to be written to a stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
