"""Answers that never end, or never stop growing, do."""

from __future__ import annotations

import http.server
import ssl
import tracemalloc
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from threading import Event
from typing import TYPE_CHECKING

import pytest
import trustme

from tap_xstak_oms.api.bounds import Bounds, bounded
from tap_xstak_oms.api.decoding import TooLargeError
from tap_xstak_oms.api.exchange import HTTPRequest
from tap_xstak_oms.api.gate import Gate
from tap_xstak_oms.api.transport import Transport
from tap_xstak_oms.clock import Clock
from tap_xstak_oms.errors import PartitionError, RetriableError
from tests.test_errors import server

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DROPS = 10_000_000
LOOK_SECONDS = 100
"""By so much the time goes on whenever someone looks at it."""
ENDLESS = {
    "/status": (b"", b"H"),
    "/informing": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/header": (HEAD + b"X-Long: ", b"x"),
    "/body": (HEAD + b"Content-Length: 9999999\r\n\r\n", b" "),
    "/huge": (HEAD + b"Content-Length: %d\r\n\r\n" % ((1 << 28) + 1), b" "),
    "/chunks": (CHUNKED, b"1\r\n \r\n"),
    "/chunk": (CHUNKED + b"fffffff\r\n", b" "),
    "/vast": (CHUNKED + b"fffffffffffffff\r\n", b" "),
    "/untold": (HEAD + b"Connection: close\r\n\r\n", b" "),
}


class Dripping(http.server.BaseHTTPRequestHandler):
    """Sends a begin, and then the same again and again: for longer than anybody should listen."""

    drops_at_once = 1

    def do_GET(self) -> None:
        """Drip as the path says."""
        begin, drop = ENDLESS[self.path]
        try:
            self.wfile.write(begin)
            for _ in range(DROPS // self.drops_at_once):
                self.wfile.write(drop * self.drops_at_once)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Pouring(Dripping):
    """The same in a hurry."""

    drops_at_once = 10_000


def fetch(url: str) -> bytes:
    """What a server answers, on a clock that goes on by looking."""
    clock = Clock(monotonic=count(step=LOOK_SECONDS).__next__)
    gate = Gate(max_concurrent=1, max_per_minute=None, clock=clock)
    transport = Transport(gate=gate, clock=clock, timeout_seconds=60, max_tries=1, user_agent="me")
    request = HTTPRequest("GET", url, "api_url", {}, {}, smaller="; ask for less")
    return transport.exchange(request, Event()).body


# The server ends only when the connection does: each test would hang if it were kept.
@pytest.mark.parametrize("path", ENDLESS.keys() - {"/huge", "/vast"})
def test_an_answer_that_never_ends_is_given_up(path: str) -> None:
    """Wherever it drips, the answer is not waited for longer than five read timeouts."""
    with (
        server(Dripping) as dripping,
        pytest.raises(RetriableError, match="was not whole within 300 s") as caught,
    ):
        fetch(f"http://127.0.0.1:{dripping.server_port}{path}")
    assert "`request_timeout_seconds`" in str(caught.value)


def test_a_secure_answer_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no different behind TLS."""
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with server(Dripping) as dripping:
        dripping.socket = context.wrap_socket(dripping.socket, server_side=True)
        with pytest.raises(RetriableError, match="was not whole within 300 s"):
            fetch(f"https://127.0.0.1:{dripping.server_port}/chunks")


def read(connection: HTTPConnection, path: str) -> bytes:
    """What a server answers to a bare connection."""
    connection.request("GET", path)
    with connection.getresponse() as answer:
        return answer.read()


@pytest.mark.parametrize("path", ["/body", "/chunks", "/chunk", "/untold"])
def test_an_answer_that_grows_too_large_is_given_up(path: str) -> None:
    """Whether its size is announced, told piece by piece or not at all."""
    bounds = Bounds(lambda: 0.0, timeout_seconds=1, largest_bytes=2 << 20)
    with (
        server(Pouring) as pouring,
        closing(bounded(HTTPConnection, bounds)("127.0.0.1", pouring.server_port)) as connection,
        pytest.raises(TooLargeError),
    ):
        read(connection, path)


def test_an_announced_size_without_measure_is_not_waited_for() -> None:
    """What will be too large is given up before any of it comes; one can ask for less."""
    with (
        server(Dripping) as dripping,
        pytest.raises(PartitionError, match="larger than 64 MiB; ask for less") as caught,
    ):
        fetch(f"http://127.0.0.1:{dripping.server_port}/huge")
    assert not isinstance(caught.value, RetriableError)


def test_a_piece_of_any_announced_size_takes_no_room() -> None:
    """Room is made for what has come, whatever is announced."""
    tracemalloc.start()
    with server(Dripping) as dripping, pytest.raises(RetriableError, match="not whole within"):
        fetch(f"http://127.0.0.1:{dripping.server_port}/vast")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
