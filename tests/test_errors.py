"""What a person is told when something is wrong: words, a setting, no secret."""

from __future__ import annotations

import http.server
import logging
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.support import CLIENT_SECRET, clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW_TRIES = {"max_tries": 2, "infer_schema": False}


def message(sandbox: Sandbox, **changes: Any) -> str:
    """What a run of few tries says at its end."""
    run = run_tap(config_for(sandbox, **FEW_TRIES | changes), clock=clock_of(sandbox))
    assert CLIENT_SECRET not in str(run.error)
    return str(run.error)


@contextmanager
def server(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[http.server.HTTPServer]:
    """Some other web server on a loopback port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("code", [400, 401, 403])
def test_refused_credentials_name_the_three_settings(code: int) -> None:
    """The token endpoint's refusal ends the run at once and names what to check."""
    with Sandbox(quirks=Quirks(refused_credentials_code=code)) as sandbox:
        text = message(sandbox, client_secret="wrong-secret-of-a-user")
        tokens = [entry for entry in sandbox.journal.entries() if entry.endpoint == "token"]
    assert text.startswith(f"The token endpoint refused the credentials (status {code}).")
    assert all(f"`{name}`" in text for name in ("client_id", "client_secret", "company_code"))
    assert "wrong-secret" not in text
    assert len(tokens) == 1


def test_a_wrong_token_path_names_its_url(sandbox: Sandbox) -> None:
    """A token endpoint that is not there is a matter of `auth_url`."""
    text = message(sandbox, auth_url=f"{sandbox.url}/v1/admin/nowhere")
    assert "answered 404" in text
    assert "`auth_url`" in text


def test_a_wrong_api_path_names_its_url(sandbox: Sandbox) -> None:
    """An order API that is not there is a matter of `api_url`."""
    text = message(sandbox, api_url=f"{sandbox.url}/oe/v9")
    assert "answered 404" in text
    assert "`api_url`" in text


def test_a_host_that_does_not_answer_names_its_url(sandbox: Sandbox) -> None:
    """A refused connection is told as the system tells it, with the setting."""
    text = message(sandbox, auth_url=f"http://127.0.0.1:{unused_port()}/token")
    assert "no connection (connection refused)" in text
    assert "`auth_url`" in text
    assert "`max_tries`" in text


def test_an_unknown_host_name_names_its_url(sandbox: Sandbox) -> None:
    """A host that no one knows is told apart from one that does not answer."""
    text = message(sandbox, api_url="https://xstak.invalid/oe/v2")
    assert "no connection (the host name is not known)" in text
    assert "`api_url`" in text


def test_a_failing_tls_handshake_names_its_url(sandbox: Sandbox) -> None:
    """A server that speaks no TLS, or has no trusted certificate, is not tried again."""
    with server(http.server.BaseHTTPRequestHandler) as plain:
        text = message(sandbox, auth_url=f"https://127.0.0.1:{plain.server_port}/token")
    assert "TLS" in text
    assert "`auth_url`" in text
    assert "max_tries" not in text


def test_an_untrusted_certificate_is_refused(sandbox: Sandbox) -> None:
    """A certificate that nobody vouches for does not get the credentials."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    with server(http.server.BaseHTTPRequestHandler) as stranger:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        stranger.socket = context.wrap_socket(
            stranger.socket, server_side=True, do_handshake_on_connect=False
        )
        text = message(sandbox, auth_url=f"https://127.0.0.1:{stranger.server_port}/token")
    assert "REQUESTS_CA_BUNDLE" in text


def test_a_redirect_is_not_followed(sandbox: Sandbox) -> None:
    """A token header would travel to another host; the error says so."""
    seen: list[str] = []

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with server(Redirect) as elsewhere:
        text = message(
            sandbox,
            api_url=f"http://127.0.0.1:{elsewhere.server_port}",
            location_ids=["1001"],
            order_statuses=["pending"],
        )
    assert "it redirects" in text
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("code", "setting"), [(400, "start_date_format"), (403, "company_code"), (404, "api_url")]
)
def test_a_refused_request_is_not_repeated(code: int, setting: str) -> None:
    """400, 403 and 404 are answers: the partition fails at once, with the setting to look at."""
    fault = Fault(Kind.STATUS, code=code, location="1001", order_status="pending")
    with Sandbox(faults=[fault]) as sandbox:
        text = message(sandbox)
        assert sandbox.strikes(fault) == 1
    assert "1 of 4 partitions failed" in text
    assert "the pending orders of location 1001" in text
    assert f"answered {code}" in text
    assert f"`{setting}`" in text


def test_a_failed_partition_keeps_its_bookmark_and_the_others_go_on() -> None:
    """One bad location does not spoil the night: the others are read and move on."""
    fault = Fault(Kind.STATUS, code=500, location="1001", order_status="pending", every=1)
    with Sandbox(faults=[fault]) as sandbox:
        run = run_tap(config_for(sandbox, **FEW_TRIES), clock=clock_of(sandbox))
        expected = {
            (order.status, order.location)
            for order in sandbox.orders()
            if (order.status, order.location) != ("pending", "1001")
        }
    assert set(run.counts()) == expected
    assert run.bookmarks[("pending", "1001")] is None
    assert all(run.bookmarks[partition] for partition in expected)
    assert "Given up after try 2 of 2 (`max_tries`)" in str(run.error)


def test_an_unknown_setting_is_told_and_ignored(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt setting is named, for nobody else would notice."""
    run = run_tap(config_for(sandbox, locations=["1"]), clock=clock_of(sandbox))
    assert run.error is None
    assert "There is no setting locations" in caplog.text


def test_a_run_without_any_order_says_what_to_check(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """When every partition is empty the settings that could be wrong are named."""
    run = run_tap(config_for(sandbox, location_ids=["77"]), clock=clock_of(sandbox))
    assert run.error is None
    assert run.records == []
    assert "No partition has an order." in caplog.text
    assert "`location_ids`" in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"location_ids": ["1001", "77"]}, "No order since `start_date` for location 77."),
        (
            {"order_statuses": ["pending", "pnding"]},
            "No order since `start_date` for status pnding",
        ),
    ],
)
def test_a_name_that_nothing_has_is_told(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], words: str
) -> None:
    """A location or status without any order, where others have some, may be misspelt."""
    caplog.set_level(logging.INFO)
    config = config_for(sandbox, **changes)
    run = run_tap(config, clock=clock_of(sandbox))
    assert run.error is None
    assert words in caplog.text
    assert f"check `{next(iter(changes))}`" in caplog.text
    assert caplog.text.count("No order since") == 1


def test_nothing_new_is_no_reason_to_doubt_the_settings(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A run whose partitions had orders before is not asked to check that they exist."""
    caplog.set_level(logging.INFO)
    first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.clock.advance(timedelta(minutes=1))
    caplog.clear()
    config = config_for(sandbox, infer_schema=False, overlap_hours=0)
    run = run_tap(config, state=first.state, clock=clock_of(sandbox))
    assert run.records == []
    assert "Read 0 orders" in caplog.text
    assert "should be some" not in caplog.text


def test_refused_credentials_are_no_reason_to_doubt_the_locations(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not asked is not said to hold nothing."""
    catalog = discovered(config_for(sandbox))
    run = run_tap(config_for(sandbox, client_secret="wrong"), catalog=catalog)
    assert run.error is not None
    assert "No partition has an order." not in caplog.text
