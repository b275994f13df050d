"""Bodies as they are compressed, well and badly."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xstak_sandbox.faults import Coding

GZIP_LEVEL = 1
MEMBER_BYTES = 700
BOMB_BYTES = 96 << 20
BLANKS = b" " * (1 << 20)


def compress(body: bytes) -> bytes:
    """The body in gzip, the same bytes whenever it is done."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def in_members(body: bytes) -> bytes:
    """The body in gzip, each few bytes a member of their own."""
    starts = range(0, len(body), MEMBER_BYTES)
    return b"".join(compress(body[start : start + MEMBER_BYTES]) for start in starts)


@lru_cache(maxsize=8)
def bomb(body: bytes, coding: Coding) -> bytes:
    """A body that is small, and much when it is read: itself before `BOMB_BYTES` blanks."""
    repeats = BOMB_BYTES // len(BLANKS)
    if coding == "members":
        return compress(body) + compress(BLANKS) * repeats
    packer = zlib.compressobj(GZIP_LEVEL, wbits=15 if coding == "deflate" else 31)
    packed = packer.compress(body) + b"".join(packer.compress(BLANKS) for _ in range(repeats))
    packed += packer.flush()
    return compress(packed) if coding == "gzip, gzip" else packed
