"""An answer's compression undone piece by piece, so that what comes out of it is bounded.

With zlib itself: the streaming decoders of urllib3 are bounded too, but up to 2.8.0 they lose or
repeat bytes where a gzip body of several members meets the bound of a piece.
"""

from __future__ import annotations

import zlib
from itertools import chain
from typing import TYPE_CHECKING

from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE_BYTES = 1 << 20
"""What comes out at once: most pages are one piece."""
_SLICE_BYTES = 1 << 14
"""What goes in at once: zlib copies what is left of it at the end of each gzip member."""
ACCEPTED = "gzip, deflate"
"""The codings that a server may use, as a request says."""
MOST_CODINGS = 5
"""One is usual, and a gateway may add another."""
_UNDONE = frozenset({"gzip", "x-gzip", "deflate"})
_FOREIGN = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_GZIP_MAGIC = b"\x1f\x8b"
_WITH_A_HEADER = 32 + zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS


def decoded(pieces: Iterable[bytes], content_encoding: str, largest: int) -> Iterator[bytes]:
    """Undo what `Content-Encoding` names; what is no compression stays as it is.

    Args:
        pieces: The body as it comes, none of it kept here.
        content_encoding: The header, empty where there is none.
        largest: How many bytes each coding may make of it.

    Raises:
        PartitionError: If a coding was used that cannot be undone.
        RetriableError: If the compression is broken.
        OverflowError: If there are more bytes.
    """
    codings = [coding.strip() for coding in content_encoding.lower().split(",")]
    if foreign := sorted(_FOREIGN.intersection(codings)):
        raise PartitionError(
            f"the answer is compressed as {', '.join(foreign)}, though only {ACCEPTED} was asked "
            "for: a proxy or gateway on the way may do so"
        )
    used = [coding for coding in codings if coding in _UNDONE]
    if len(used) > MOST_CODINGS:
        raise PartitionError(f"the answer is compressed {len(used)} times over")
    for _ in used:
        pieces = _inflated(pieces, largest)
    return iter(pieces)


def _inflated(pieces: Iterable[bytes], largest: int) -> Iterator[bytes]:
    """Undo gzip or deflate."""
    head, pieces = _split(iter(pieces))
    members = _Members(has_header=_has_header(head))
    for piece in members.inflated(_sliced(chain([head], pieces))):
        largest -= len(piece)
        if largest < 0:
            raise OverflowError
        yield piece


class _Members:
    """One compressed body: usually one member, and what stands behind the last is no part of it."""

    def __init__(self, *, has_header: bool) -> None:
        self._inflate = zlib.decompressobj(_WITH_A_HEADER if has_header else _BARE)
        self._has_ended = False

    def inflated(self, slices: Iterable[bytes]) -> Iterator[bytes]:
        for part in slices:
            rest = part
            while rest:
                yield self._step(rest)
                rest = self._inflate.unconsumed_tail or self._behind_member()
        yield self._inflate.flush()

    def _step(self, rest: bytes) -> bytes:
        try:
            return self._inflate.decompress(rest, PIECE_BYTES)
        except zlib.error:
            if self._has_ended:
                self._inflate = zlib.decompressobj(_WITH_A_HEADER)
                return b""
            raise RetriableError("the answer's compression is broken") from None

    def _behind_member(self) -> bytes:
        if not self._inflate.eof:
            return b""
        behind = self._inflate.unused_data
        self._inflate, self._has_ended = zlib.decompressobj(_WITH_A_HEADER), True
        return behind


def _split(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to know a header by, and the others."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(_GZIP_MAGIC):
            break
    return head, pieces


def _has_header(head: bytes) -> bool:
    """Whether it is gzip or zlib, rather than the bare deflate of some servers."""
    is_zlib = int.from_bytes(head[:2]) % 31 == 0 and head[:1] and head[0] & 15 == zlib.DEFLATED
    return is_zlib or head.startswith(_GZIP_MAGIC)


def _sliced(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _SLICE_BYTES):
            yield piece[at : at + _SLICE_BYTES]
