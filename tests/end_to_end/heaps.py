"""Runs a command of the tap, then has its C library tell of its heaps: `heaps MODULE ARGUMENTS`.

A program of its own, for a process is asked what it started with.
"""

from __future__ import annotations

import ctypes
import sys
from importlib import import_module

if __name__ == "__main__":
    module = import_module(sys.argv.pop(1))
    try:
        module.main()
    finally:
        ctypes.CDLL(None).malloc_stats()
