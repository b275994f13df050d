"""One request: through whatever proxy and with whatever certificates the environment names."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import trustme

from tap_xstak_oms.api.exchange import Answer, HTTPRequest
from tap_xstak_oms.api.gate import Gate
from tap_xstak_oms.api.transport import Transport
from tap_xstak_oms.clock import Clock
from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what was asked for; over one connection as many times as asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the request's target."""
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(
    certificate: trustme.LeafCert | None = None, handler: type[Echo] = Echo
) -> Iterator[str]:
    """An echo, or another server, on a loopback port; its host and port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def get(url: str, **params: str) -> bytes:
    """What a server answers to one request."""
    clock = Clock()
    gate = Gate(max_concurrent=1, max_per_minute=None, clock=clock)
    transport = Transport(gate=gate, clock=clock, timeout_seconds=10, max_tries=1, user_agent="me")
    return transport.exchange(
        HTTPRequest("GET", url, "api_url", {}, params), threading.Event()
    ).body


def test_parameters_follow_the_url() -> None:
    """Names and values are quoted, so that a plus stays a plus."""
    with serving() as host:
        assert get(f"http://{host}/orders", at="2026-01-01T00:00:00+05:00", size="10") == (
            b"/orders?at=2026-01-01T00%3A00%3A00%2B05%3A00&size=10"
        )


def test_neither_a_request_nor_an_answer_shows_what_it_holds() -> None:
    """Whoever prints one, in an error or a log, tells no secret, no token and no order."""
    held, shown = {"token": "s3cr3t"}, ("api.example.com", "api_url", "GET")
    request = HTTPRequest("GET", "https://api.example.com", "api_url", held, held, b"s3cr3t")
    assert all(word in repr(request) for word in shown)
    answer = Answer(404, held, b"s3cr3t", datetime.now(UTC))
    assert "404" in repr(answer)
    for one in (request, answer):
        assert "s3cr3t" not in f"{one} {one!r}"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_asked(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A proxy gets the whole URL."""
    with serving() as proxy:
        monkeypatch.setenv(variable, f"http://{proxy}")
        url = "http://xstak.invalid/orders"
        assert get(url, size="10") == f"{url}?size=10".encode()


def test_no_proxy_is_asked_for_a_host_that_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY goes before the others."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "xstak.invalid")
    with pytest.raises(RetriableError, match="the host name is not known"):
        get("http://xstak.invalid/orders")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_what_goes_to_this_machine_goes_past_every_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    """Only to this machine may a secret go in clear; a proxy elsewhere would read it."""
    with serving() as own:
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
        assert get(f"http://{host}:{own.split(':')[1]}/orders") == b"/orders"


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person learns that it was the proxy, and who named it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(RetriableError, match=r"the proxy of your network \(HTTPS_PROXY\)"):
        get("https://xstak.invalid/orders")


class BreakingOff(Echo):
    """Ends the connection in the middle of its answer, without a word of TLS."""

    def do_GET(self) -> None:
        """Answer by half."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.wfile.flush()
        self.connection.close()
        self.close_connection = True


def hang_up(listener: socket.socket) -> None:
    """Take one connection and end it at once."""
    listener.accept()[0].close()


def test_a_secure_connection_that_breaks_off_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the handshake or in the middle of an answer: what may pass is no lack of trust."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,))
        thread.start()
        with pytest.raises(RetriableError, match=r"secure connection \(TLS\) broke off"):
            get(f"https://127.0.0.1:{listener.getsockname()[1]}/orders")
        thread.join()
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    certificate = authority.issue_cert("127.0.0.1")
    with serving(certificate, BreakingOff) as host, pytest.raises(RetriableError):
        get(f"https://{host}/orders")


AUTHORITY_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("variable", AUTHORITY_VARIABLES)
def test_an_authority_of_the_environment_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    """A network with an authority of its own names it, and nobody else's certificate will do."""
    for name in AUTHORITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with serving(authority.issue_cert("127.0.0.1")) as host:
        with pytest.raises(PartitionError, match="TLS"):
            get(f"https://{host}/orders")
        monkeypatch.setenv(variable, str(bundle))
        assert get(f"https://{host}/orders") == b"/orders"
        monkeypatch.setenv(variable, str(tmp_path / "missing.pem"))
        with pytest.raises(PartitionError, match="TLS"):
            get(f"https://{host}/orders")
