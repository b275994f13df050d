"""The server's ID of a request that failed is told, and nothing else of its headers."""

from __future__ import annotations

import http.server
import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.support import CLIENT_SECRET, clock_of, config_for, run_tap
from tests.test_errors import server
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ONE = {"location_ids": ["1001"], "order_statuses": ["pending"], "infer_schema": False}
FEW = ONE | {"max_tries": 2}
HEADERS = [
    "X-Request-Id",
    "x-request-id",
    "X-Correlation-ID",
    "X-Amzn-RequestId",
    "X-Amz-Request-Id",
    "X-Trace-Id",
    "CF-Ray",
    "traceparent",
]
IDS = {
    "a UUID": "0b1c6f9e-6a53-4d0a-9d0c-2f6f2f8f1c11",
    "a trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "a ray": "8c1f2e3d4b5a6978-KHI",
    "a number": "184467",
}
NO_IDS = {
    "markup": "<b>7</b>",
    "a sentence": "please call us",
    "a customer": "test@example.com",
    "too long": "a" * 65,
    "the secret": CLIENT_SECRET,
    "around the secret": f"req-{CLIENT_SECRET}-7",
    "another alphabet": "\xd9\xa1\xd9\xa2",
    "nothing": "",
}


def failed(quirks: Quirks, fault: Fault, **changes: Any) -> str:
    """How a run ends that meets a fault in every answer."""
    with Sandbox(World(locations=("1001",)), quirks=quirks, faults=[fault]) as sandbox:
        run = run_tap(config_for(sandbox, **FEW | changes), clock=clock_of(sandbox))
    return str(run.error)


@pytest.mark.parametrize("header", HEADERS)
def test_usual_headers_are_known(header: str) -> None:
    """The ID is found under each name that servers, gateways and tracers use."""
    quirks = Quirks(request_id_header=header, request_id="7f3a-{number}")
    told = failed(quirks, Fault(Kind.STATUS, code=403, every=1))
    # The token was the first request.
    assert told.endswith("Check `company_code` and `location_ids` (request ID 7f3a-2).")


@pytest.mark.parametrize("request_id", IDS.values(), ids=IDS)
def test_what_looks_like_an_id_is_told(request_id: str) -> None:
    """UUIDs, traces, rays and numbers are told as they came."""
    told = failed(Quirks(request_id=request_id), Fault(Kind.STATUS, code=403, every=1))
    assert f"(request ID {request_id})." in told


class Hostile(http.server.BaseHTTPRequestHandler):
    """Refuses everything, with some header."""

    sent: ClassVar[Mapping[str, str]] = {}

    def do_POST(self) -> None:
        """Refuse."""
        self.send_response(403)
        for name, value in self.sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody listens."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One location."""
    with Sandbox(World(locations=("1001",))) as running:
        yield running


@pytest.mark.parametrize("value", NO_IDS.values(), ids=NO_IDS)
def test_what_is_no_id_is_not_told(
    sandbox: Sandbox, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is long, has other characters or repeats what was sent is in no error and no log."""
    caplog.set_level(logging.DEBUG)
    handler = type("Handler", (Hostile,), {"sent": {"X-Request-Id": value}})
    with server(handler) as refusing:
        url = f"http://127.0.0.1:{refusing.server_port}/token"
        run = run_tap(config_for(sandbox, auth_url=url, **FEW), clock=clock_of(sandbox))
    assert "refused the credentials" in str(run.error)
    assert "request ID" not in f"{run.error}{caplog.text}"
    assert not value or value not in f"{run.error}{caplog.text}"


def test_a_token_that_comes_back_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A server that sends the request's own token as its ID does not bring it into the log."""
    caplog.set_level(logging.DEBUG)
    token = "token-of-this-run"

    class Handler(Hostile):
        sent: ClassVar[Mapping[str, str]] = {"X-Request-Id": token}
        do_GET = Hostile.do_POST  # noqa: N815 - as the server looks for it

        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": token}).encode())

    with server(Handler) as echoing, Sandbox(World(locations=("1001",))) as own:
        url = f"http://127.0.0.1:{echoing.server_port}"
        run = run_tap(config_for(own, auth_url=url, api_url=url, **FEW), clock=clock_of(own))
    assert "answered 403" in str(run.error)
    assert token not in f"{run.error}{caplog.text}"


FAULTS = {
    "a refusal": (Fault(Kind.STATUS, code=403, every=1), "answered 403"),
    "a failure": (Fault(Kind.STATUS, code=500, every=1), "answered 500"),
    "no patience": (Fault(Kind.STATUS, code=429, retry_after=1, every=1), "answered 429"),
    "a token refused twice": (Fault(Kind.STATUS, code=401, every=1), "answered 401"),
    "no page": (Fault(Kind.ERROR_BODY, every=1), "lacks `orders` or `page`"),
    "half a page": (Fault(Kind.TRUNCATED_BODY, every=1), "the answer was cut off"),
    "a foreign coding": (Fault(Kind.FOREIGN_CODING, every=1), "compressed as br"),
    "no token": (Fault(Kind.NO_ACCESS_TOKEN, on="token", every=1), "access_token"),
    "a token endpoint that fails": (Fault(Kind.STATUS, code=503, on="token", every=1), "503"),
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_every_kind_of_failure_has_it(
    fault: Fault, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each answer that is of no use is named by its ID, in the error and for JSON logs."""
    with Sandbox(World(locations=("1001",)), faults=[fault]) as sandbox:
        run = run_tap(config_for(sandbox, **FEW), clock=clock_of(sandbox))
        last = len(sandbox.journal.entries())
    assert words in str(run.error)
    assert f"(request ID req-{last})" in str(run.error)
    told = [*caplog.records, run.error]
    assert f"req-{last}" in {getattr(one, "request_id", None) for one in told}
