"""Compression undone: all of it where it is honest, and no more than may be where it is not."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_xstak_oms.api.decoding import TooLargeError, decoded
from tap_xstak_oms.errors import PartitionError, RetriableError
from tests.effort import examples_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 1 << 20
BLANKS = bytes(1 << 20)


def bare(body: bytes) -> bytes:
    """Deflate without the header that it should have, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def in_members(body: bytes) -> bytes:
    """Gzip, of which each hundred bytes are a member of their own."""
    starts = range(0, max(1, len(body)), 100)
    return b"".join(gzip.compress(body[start : start + 100]) for start in starts)


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "several members": ("gzip", in_members),
    "padded": ("gzip", lambda body: gzip.compress(body) + bytes(64)),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare),
    "twice": ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    "members twice": ("gzip, gzip", lambda body: in_members(in_members(body))),
    "mixed": ("deflate , gzip", lambda body: gzip.compress(bare(body))),
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "no coding": ("UTF-8", bytes),
}


@pytest.mark.parametrize("how", CODINGS)
@settings(max_examples=examples_of(20))
@given(body=st.binary(max_size=300), repeats=st.sampled_from([0, 1, 2, 9, 300]))
def test_what_was_compressed_comes_back(how: str, body: bytes, repeats: int) -> None:
    """However it was compressed, and whether it fits a slice or not: byte for byte."""
    coding, compress = CODINGS[how]
    assert decoded(compress(body * repeats), coding, ROOM) == body * repeats


MUCH = 16
BOMBS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", gzip.compress(BLANKS * MUCH)),
    "several members": ("gzip", gzip.compress(BLANKS) * MUCH),
    "deflate": ("deflate", zlib.compress(BLANKS * MUCH)),
    "bare deflate": ("deflate", bare(BLANKS * MUCH)),
    "twice": ("gzip, gzip", gzip.compress(gzip.compress(BLANKS * MUCH))),
    "much within": ("gzip, gzip", gzip.compress(gzip.compress(b"") * 60_000)),
}


@pytest.mark.parametrize("how", BOMBS)
def test_more_than_may_be_is_never_in_memory(how: str) -> None:
    """Whatever a small body would become, it is given up as soon as it becomes too much."""
    coding, body = BOMBS[how]
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        decoded(body, coding, ROOM)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * ROOM


def test_as_much_as_may_be_is_decoded() -> None:
    """The bound itself is within the bound, and one byte more is not."""
    assert decoded(gzip.compress(bytes(ROOM)), "gzip", ROOM) == bytes(ROOM)
    with pytest.raises(TooLargeError):
        decoded(gzip.compress(bytes(ROOM + 1)), "gzip", ROOM)


# A name of its own: in the bytes is the second at which they were made, in each process another.
@pytest.mark.parametrize(
    "body",
    [b'{"orders": []}', b"<html>", pytest.param(gzip.compress(BLANKS)[:20] * 9, id="cut off")],
)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_what_is_not_compressed_is_an_error(body: bytes, coding: str) -> None:
    """A header that lies, or a broken stream, may be right the next time."""
    with pytest.raises(RetriableError, match="the answer's compression is broken"):
        decoded(body, coding, ROOM)


@pytest.mark.parametrize("coding", ["br", "BR", "zstd", "gzip, br", "compress"])
def test_a_coding_that_was_not_asked_for_is_named(coding: str) -> None:
    """It is no use to try again, whatever packages are there that could undo it."""
    with pytest.raises(PartitionError, match=r"is compressed as (br|zstd|compress),") as caught:
        decoded(b"\x1b\x00\xf8", coding, ROOM)
    assert not isinstance(caught.value, RetriableError)


def test_too_many_codings_are_refused() -> None:
    """Each costs memory of its own."""
    with pytest.raises(PartitionError, match="compressed 9 times over"):
        decoded(b"", ", ".join(["gzip"] * 9), ROOM)
