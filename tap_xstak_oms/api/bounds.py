"""Bounds on an answer: it must be whole within a time and a size.

A read timeout starts again with every byte, so a server that sends a byte now and then could hold
a worker for ever, in the head of an answer as in its body. The check is below HTTP, at each read
of the socket, where it sees every byte.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from tap_xstak_oms.api.decoding import TooLargeError, decoded

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

Connection = TypeVar("Connection", bound=HTTPConnection)

TIMEOUTS_AN_ANSWER = 5
"""A whole answer, head and body, may take this many read timeouts."""
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""As sent, and decoded: three pages of 2000 orders, the most that such servers give, at 10 KB an
order, which is a lot."""
_READ_BYTES = 1 << 16
_INTERIM = range(HTTPStatus.PROCESSING, HTTPStatus.OK)
"""Answers before the final one, such as 103 Early Hints. `http.client` itself skips only 100; 101
would change the protocol, which the tap never asks for."""


class TooLateError(Exception):
    """An answer takes longer than the bound."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large an answer may be.

    Attributes:
        monotonic: The clock, in seconds.
        timeout_seconds: The read timeout.
        largest_bytes: The largest size, as sent and decoded.
    """

    monotonic: Callable[[], float]
    timeout_seconds: float
    largest_bytes: int = LARGEST_ANSWER_BYTES

    @property
    def seconds(self) -> float:
        """How long an answer may take."""
        return TIMEOUTS_AN_ANSWER * self.timeout_seconds

    def read(self, response: BaseHTTPResponse) -> bytes:
        """Read and decode the body of an answer.

        Raises:
            TooLargeError: It is too large.
            TooLateError: It takes too long.
            RetriableError: Its compression is broken.
            PartitionError: The tap cannot undo its compression.
        """
        if (response.length_remaining or 0) > self.largest_bytes:
            raise TooLargeError
        # In pieces: memory is taken for what has come, not for what a chunk announces.
        body = b"".join(response.stream(_READ_BYTES, decode_content=False))
        return decoded(body, response.headers.get("Content-Encoding", ""), self.largest_bytes)


def bounded(kind: type[Connection], bounds: Bounds) -> type[Connection]:
    """Return a connection class whose answers are bounded and begin with the final status.

    Reading an answer raises TooLateError or TooLargeError.
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
    """The bytes of one answer as they arrive."""

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
