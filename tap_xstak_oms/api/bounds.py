"""Answers that come to an end: whole within a time and a size, however they are sent.

A read timeout begins anew with every byte, so that a server which sends one now and then would be
listened to for ever. What arrives is therefore looked at once more below HTTP, where a look costs
nothing: it happens once for each read of the socket.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

Connection = TypeVar("Connection", bound=HTTPConnection)

TIMEOUTS_AN_ANSWER = 5
"""A whole answer, head and body, may take as many times the read timeout."""
LARGEST_ANSWER_BYTES = 256 * 1024 * 1024
"""Before decompression."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer must keep to.

    Attributes:
        monotonic: The clock, in seconds.
        timeout_seconds: The read timeout.
        largest_bytes: The size, as sent.
    """

    monotonic: Callable[[], float]
    timeout_seconds: float
    largest_bytes: int = LARGEST_ANSWER_BYTES

    @property
    def seconds(self) -> float:
        """How long an answer may take."""
        return TIMEOUTS_AN_ANSWER * self.timeout_seconds

    def too_large(self) -> PartitionError:
        """What to raise for an answer of more bytes."""
        return PartitionError(
            f"the answer is larger than {self.largest_bytes >> 20} MiB: ask for fewer orders a "
            "page (`page_size`)",
        )

    def too_late(self) -> RetriableError:
        """What to raise for an answer that takes longer."""
        return RetriableError(
            f"the answer was not whole within {self.seconds:.0f} s "
            f"({TIMEOUTS_AN_ANSWER} times `request_timeout_seconds`)",
        )


def bounded(kind: type[Connection], bounds: Bounds) -> type[Connection]:
    """Make connections of that kind whose answers are bounded.

    Reading raises RetriableError for an answer that is not whole in time, and PartitionError for
    one that is too large.
    """

    class Response(HTTPResponse):
        def __init__(
            self,
            sock: socket.socket,
            debuglevel: int = 0,
            method: str | None = None,
            url: str | None = None,
        ) -> None:
            super().__init__(sock, debuglevel, method, url)
            self.fp = io.BufferedReader(_Arriving(self.fp.detach(), bounds))

        @override
        def begin(self) -> None:
            super().begin()
            # Room is made for all that is announced, before any of it comes.
            if (self.length or 0) > bounds.largest_bytes:
                raise bounds.too_large()

    return type(kind.__name__, (kind,), {"response_class": Response})


class _Arriving(io.RawIOBase):
    """One answer's bytes, as they arrive."""

    def __init__(self, raw: io.RawIOBase, bounds: Bounds) -> None:
        super().__init__()
        self._raw = raw
        self._read = raw.readinto
        self._monotonic = bounds.monotonic
        self._bounds = bounds
        self._ends_at = bounds.monotonic() + bounds.seconds
        self._room = bounds.largest_bytes

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        size = self._read(buffer) or 0
        self._room -= size
        if self._room < 0:
            raise self._bounds.too_large()
        if self._monotonic() > self._ends_at:
            raise self._bounds.too_late()
        return size

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()
