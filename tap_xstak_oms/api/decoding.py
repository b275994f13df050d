"""Undo an answer's compression within a bound: a small body may become a huge one.

This uses zlib itself: up to urllib3 2.8.0 its decoders lose or repeat bytes where a gzip body of
several members meets the bound of a piece.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 1 << 20
"""What comes out at once: most pages are one piece."""
_SLICE_BYTES = 1 << 14
"""What goes in at once: at the end of each gzip member zlib copies what is left of it."""
ACCEPTED = "gzip, deflate"
"""The codings that a request allows."""
MOST_CODINGS = 5
"""One is usual; a gateway may add another."""
_UNDONE = frozenset({"gzip", "x-gzip", "deflate"})
_FOREIGN = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_GZIP_MAGIC = b"\x1f\x8b"
_WITH_A_HEADER = 32 + zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS


class TooLargeError(Exception):
    """An answer is larger than the bound."""


def decoded(body: bytes, content_encoding: str, largest: int) -> bytes:
    """Undo each compression that `Content-Encoding` names.

    Args:
        body: The body as it came.
        content_encoding: The header, empty if there is none.
        largest: How many bytes each coding may yield.

    Raises:
        PartitionError: The tap cannot undo a coding.
        RetriableError: The compression is broken.
        TooLargeError: There are more bytes.
    """
    codings = [coding.strip() for coding in content_encoding.lower().split(",")]
    if foreign := sorted(_FOREIGN.intersection(codings)):
        raise PartitionError(
            f"the answer is compressed as {', '.join(foreign)}, but the tap asked for {ACCEPTED} "
            "only: a proxy or gateway on the way may do so"
        )
    used = [coding for coding in codings if coding in _UNDONE]
    if len(used) > MOST_CODINGS:
        raise PartitionError(f"the answer is compressed {len(used)} times over")
    for _ in used:
        body = _bounded(_inflated(body), largest)
    return body


def _bounded(pieces: Iterator[bytes], room: int) -> bytes:
    kept = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise TooLargeError
        kept.append(piece)
    return b"".join(kept)


def _inflated(body: bytes) -> Iterator[bytes]:
    """Undo gzip or deflate. The body usually has one member; padding may follow the last."""
    member = zlib.decompressobj(_WITH_A_HEADER if _has_header(body) else _BARE)
    is_first = True
    for at in range(0, len(body), _SLICE_BYTES):
        rest = body[at : at + _SLICE_BYTES]
        while rest:
            try:
                yield member.decompress(rest, PIECE_BYTES)
            except zlib.error:
                if is_first:
                    raise RetriableError("the answer's compression is broken") from None
                return
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member, is_first = zlib.decompressobj(_WITH_A_HEADER), False
    yield member.flush()


def _has_header(body: bytes) -> bool:
    """Whether this is gzip or zlib, not the bare deflate that some servers send."""
    header = int.from_bytes(body[:2])
    is_zlib = header % 31 == 0 and header >> 8 & 15 == zlib.DEFLATED
    return is_zlib or body.startswith(_GZIP_MAGIC)
