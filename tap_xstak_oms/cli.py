"""The command: its options, and what a mistake ends in."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

from singer_sdk.exceptions import ConfigValidationError

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.tap import TapXstakOMS

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def share_one_heap() -> None:
    """Let all threads of this process take their memory from one heap, where that can be said.

    The C library of most Linux systems (glibc) would keep one for each of them. Pages are taken
    by many threads and freed by one, so that all of these heaps grow and little is given back.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def main() -> None:
    """Run the command line; every mistake of a user ends in words and exit code 1."""
    share_one_heap()
    try:
        TapXstakOMS.cli()
    except ConfigValidationError as error:
        problems = error.errors
    except TapError as error:
        problems = [str(error)]
    else:
        return
    for problem in problems:
        TapXstakOMS.logger.error("%s", problem)
    sys.exit(1)
