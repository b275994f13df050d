"""No secret and no customer in anything that is logged, said or kept, whatever goes wrong."""

from __future__ import annotations

import http.server
import json
import logging
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.account import ODD_LOCATION, SECRET, Account, account, in_either_place
from tests.support import run_tap
from tests.test_errors import server, unused_port
from tests.world_time import WorldTime
from xstak_sandbox import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator


def everything_told(error: Exception | None) -> str:
    """All that an error, and whatever caused it, could ever print."""
    return "".join(traceback.format_exception(error, chain=True)) if error else ""


def run_in_process(own: Account, caplog: pytest.LogCaptureFixture, expected: str) -> None:
    """Run at debug level of all libraries; nothing that is told tells a secret."""
    caplog.set_level(logging.DEBUG)
    clock = WorldTime(own.sandbox, moves_world=False).clock
    few = {"infer_schema": False, "max_tries": 2, "location_ids": [ODD_LOCATION]}
    run = run_tap(own.config | few, clock=clock)
    assert run.error is not None
    assert expected in str(run.error)
    own.assert_keeps(caplog.text, everything_told(run.error), json.dumps(run.state))


TOKEN_FAULTS = {
    "no_access_token": (Kind.NO_ACCESS_TOKEN, "without a usable access_token"),
    "status": (Kind.STATUS, "answered 500"),
    "html": (Kind.HTML, "answered with a web page: check `auth_url`"),
    "error_body": (Kind.ERROR_BODY, "without a usable access_token"),
    "not_json": (Kind.NOT_JSON, "without a usable access_token"),
    "reset": (Kind.RESET, "no connection"),
    "truncated_body": (Kind.TRUNCATED_BODY, "the answer was cut off"),
    "hang": (Kind.HANG, "no answer in time"),
}


@in_either_place
@pytest.mark.parametrize(("kind", "words"), TOKEN_FAULTS.values(), ids=TOKEN_FAULTS)
def test_no_failure_of_the_token_endpoint_tells_them(
    kind: Kind, words: str, place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a log line nor an exception, nor what caused it, holds the request or its answer."""
    fault = Fault(kind, on="token", every=1)
    with account(place, [fault], request_timeout_seconds=1) as own:
        run_in_process(own, caplog, words)


@in_either_place
@pytest.mark.parametrize("setting", ["auth_url", "api_url"])
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:{port}", "connection refused"),
        ("https://127.0.0.1:{port}", "connection refused"),
        ("https://xstak.invalid", "the host name is not known"),
    ],
)
def test_no_failure_to_connect_tells_them(
    address: str, words: str, setting: str, place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The libraries' own words, which hold whole URLs, are in no log line and no exception."""
    with account(place, (), **{setting: address.format(port=unused_port())}) as own:
        run_in_process(own, caplog, words)


@in_either_place
def test_no_proxy_that_fails_tells_them(
    place: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's own credentials, which stand in the environment, are not told either."""
    password = quote(SECRET, safe="")
    monkeypatch.setenv("https_proxy", f"http://someone:{password}@127.0.0.1:{unused_port()}")
    with account(place, auth_url="https://xstak.invalid/token") as own:
        run_in_process(own, caplog, "the proxy of your network")


class Echo(http.server.BaseHTTPRequestHandler):
    """A server that answers with all that it was sent, and the status that its path names."""

    def do_POST(self) -> None:
        """Answer."""
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        said = [self.path, *self.headers.values(), sent]
        body = json.dumps({"message": said, "access_token": " ".join(said)}).encode()
        self.send_response(int(self.path[1:4]), " ".join(self.headers.values()))
        self.send_header("Location", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the library's spelling

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo_url() -> Iterator[str]:
    """Where that server is."""
    with server(Echo) as running:
        yield f"http://127.0.0.1:{running.server_port}"


@in_either_place
@pytest.mark.parametrize("setting", ["auth_url", "api_url"])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 429, 500])
def test_no_answer_is_told_whole(
    status: int, setting: str, place: Any, echo_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that repeats what it was sent, in header and body, is not repeated."""
    with account(place, (), **{setting: f"{echo_url}/{status}"}) as own:
        run_in_process(own, caplog, "")
