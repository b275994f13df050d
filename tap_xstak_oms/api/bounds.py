"""Answers that come to an end: whole within a time and a size, however they are sent.

A read timeout begins anew with every byte, so that a server which sends one now and then would be
listened to for ever, in the head of an answer as in its body. Only below HTTP is there a look at
each arrival; it costs nothing, for it happens once for each read of the socket.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from tap_xstak_oms.api.decoding import decoded

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

Connection = TypeVar("Connection", bound=HTTPConnection)

TIMEOUTS_AN_ANSWER = 5
"""A whole answer, head and body, may take as many times the read timeout."""
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""As sent, and decoded: thrice a page of 2000 orders, the most that servers of this kind give, of
10 KB each, which is much for an order."""
_READ_BYTES = 1 << 16
_INTERIM = range(HTTPStatus.PROCESSING, HTTPStatus.OK)
"""Answers before the answer, such as 103 Early Hints. `http.client` itself reads past 100 alone;
after 101 the connection would speak another protocol, which was not asked for."""


class TooLargeError(Exception):
    """An answer of more bytes than there may be."""


class TooLateError(Exception):
    """An answer that takes longer than it may."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer must keep to.

    Attributes:
        monotonic: The clock, in seconds.
        timeout_seconds: The read timeout.
        largest_bytes: The size, as sent and decoded.
    """

    monotonic: Callable[[], float]
    timeout_seconds: float
    largest_bytes: int = LARGEST_ANSWER_BYTES

    @property
    def seconds(self) -> float:
        """How long an answer may take."""
        return TIMEOUTS_AN_ANSWER * self.timeout_seconds

    def read(self, response: BaseHTTPResponse) -> bytes:
        """Read the body of an answer, decoded.

        Raises:
            TooLargeError: If it is larger.
            TooLateError: If it takes longer.
            RetriableError: If its compression is broken.
            PartitionError: If it is compressed in a way that was not asked for.
        """
        if (response.length_remaining or 0) > self.largest_bytes:
            raise TooLargeError
        pieces = response.stream(_READ_BYTES, decode_content=False)
        coding = response.headers.get("Content-Encoding", "")
        try:
            return b"".join(decoded(pieces, coding, self.largest_bytes))
        except OverflowError:
            raise TooLargeError from None


def bounded(kind: type[Connection], bounds: Bounds) -> type[Connection]:
    """Make connections of that kind whose answers are bounded, and begin with the final status.

    Reading raises TooLateError and TooLargeError.
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
            while self.status in _INTERIM:
                self.headers = self.msg = None  # type: ignore[assignment]  # as before it began
                super().begin()

    return type(kind.__name__, (kind,), {"response_class": Response})


class _Arriving(io.RawIOBase):
    """One answer's bytes, as they arrive."""

    def __init__(self, raw: io.RawIOBase, bounds: Bounds) -> None:
        super().__init__()
        self._raw = raw
        self._read = raw.readinto
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
            raise TooLargeError
        if self._bounds.monotonic() > self._ends_at:
            raise TooLateError
        return size

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()
