"""No secret and no customer in anything that is logged, said or kept, whatever goes wrong."""

from __future__ import annotations

import http.server
import json
import logging
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from tests.support import config_for, run_cli, run_tap, written
from tests.test_errors import server, unused_port
from tests.world_time import WorldTime
from xstak_sandbox import Credentials, Fault, Kind, Quirks, RawOrder, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SECRET = "s3cr3t/of+the&account 7"
"""Spelled otherwise in a URL and in JSON that stands in JSON."""
SECRETS = {SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET)}
CUSTOMER = {"Test Customer", "@example.com", "+92-300-", "House ", "Odd-Customer"}
DEBUG = {"TAP_XSTAK_OMS_LOGLEVEL": "DEBUG"}
WITHOUT_ORDERS = {
    Kind.HANG,
    Kind.LATENCY,
    Kind.DRIP,
    Kind.SHORT_TOKEN,
    Kind.NO_ACCESS_TOKEN,
}
KINDS = [kind for kind in Kind if kind not in WITHOUT_ORDERS]
*LOCATIONS, ODD_LOCATION = location_ids(len(KINDS) // 2 + 1)
ODD_ORDERS = [
    RawOrder(ODD_LOCATION, "pending", b'"Odd-Customer, who is no order"'),
    RawOrder(ODD_LOCATION, "completed", b'{"note":"Odd-Customer without a key"}'),
    RawOrder(
        ODD_LOCATION,
        "completed",
        b'{"id":7,"customer":"Odd-Customer","is_gift":"Odd-Customer","strange":"Odd-Customer"}',
    ),
]
CATALOG = {
    "streams": [
        {
            "tap_stream_id": "sales_orders",
            "key_properties": ["id"],
            "schema": {
                "properties": {
                    "id": {"type": "integer"},
                    "customer": {"type": ["object", "null"]},
                    "is_gift": {"type": ["boolean", "null"]},
                },
            },
        },
    ],
}

in_either_place = pytest.mark.parametrize("place", ["body", "query"])


@dataclass
class Account:
    """A server and how it is read."""

    sandbox: Sandbox
    config: dict[str, Any]

    def assert_keeps(self, *texts: str) -> None:
        """None of these texts holds a secret, a token or a customer."""
        entries = self.sandbox.journal.entries()
        tokens = {entry.headers["token"] for entry in entries if "token" in entry.headers}
        for text in texts:
            assert not [word for word in SECRETS | CUSTOMER | tokens if word in text]


@contextmanager
def account(place: Any, faults: Sequence[Fault] = (), **changes: Any) -> Iterator[Account]:
    """An account whose token parameters go to that place, with odd orders at one location."""
    world = World(
        locations=[*LOCATIONS, ODD_LOCATION],
        orders_per_location=30,
        life_days=120,
        raw_orders=ODD_ORDERS,
    )
    quirks = Quirks(token_parameters_in=place)
    credentials = Credentials(client_secret=SECRET)
    with Sandbox(world, quirks=quirks, faults=faults, credentials=credentials) as sandbox:
        own = {"client_secret": SECRET, "token_parameters_in": place, "page_size": 5}
        yield Account(sandbox, config_for(sandbox, **own | changes))


def states(stdout: str) -> str:
    """The STATE messages of some output."""
    return "\n".join(line for line in stdout.splitlines() if '"type":"STATE"' in line)


def debugged(own: Account, folder: Path, *arguments: str | Path) -> str:
    """What the command that fails tells at debug level, which holds none of these."""
    config = written(folder, "config.json", own.config)
    ended = run_cli("--config", config, *arguments, env=DEBUG)
    own.assert_keeps(ended.stderr, states(ended.stdout))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


@in_either_place
def test_no_failure_of_a_partition_tells_them(place: Any, tmp_path: Path) -> None:
    """Each kind of fault in a partition of its own."""
    partitions = [(name, status) for name in LOCATIONS for status in ("pending", "completed")]
    faults = [
        Fault(kind, every=1, location=location, order_status=status)
        for kind, (location, status) in zip(KINDS, partitions, strict=True)
    ]
    with account(place, faults, max_tries=2, max_concurrent_requests=16) as own:
        catalog = written(tmp_path, "catalog.json", CATALOG)
        said = debugged(own, tmp_path, "--catalog", catalog)
        assert not own.sandbox.unmet_faults()
    assert f"of {len(KINDS) + 2} partitions failed" in said
    assert "Try 1 of 2" in said
    assert "an order is not a JSON object" in said
    assert "an order has no usable id" in said
    assert "strange" in said
    assert "DEBUG" in said


@in_either_place
def test_no_discovery_that_fails_tells_them(place: Any, tmp_path: Path) -> None:
    """Every page is cut off in the middle of an order."""
    with account(place, [Fault(Kind.TRUNCATED_JSON, every=1)], max_tries=1) as own:
        assert "Not sampled" in debugged(own, tmp_path, "--discover")


@in_either_place
def test_no_refusal_of_the_credentials_tells_them(place: Any, tmp_path: Path) -> None:
    """The secret is refused."""
    with account(place, [Fault(Kind.STATUS, code=401, on="token", every=1)]) as own:
        assert "refused the credentials" in debugged(own, tmp_path)


@in_either_place
def test_no_configuration_that_is_refused_tells_them(place: Any, tmp_path: Path) -> None:
    """Settings are wrong, the type of the secret too, and it stands where it should not."""
    for secret in (SECRET, [SECRET], {"is": SECRET}):
        with account(place, client_secret=secret, secret=SECRET, timezone="Mars") as own:
            assert "`timezone`" in debugged(own, tmp_path)


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
    "html": (Kind.HTML, "without a usable access_token"),
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


def test_no_stream_map_that_fails_tells_them(tmp_path: Path) -> None:
    """An expression fails on an order's value, which is told in words without the value."""
    maps = {"sales_orders": {"points": "int(customer['name'])"}}
    with account("body", stream_maps=maps) as own:
        assert "`stream_maps`" in debugged(own, tmp_path)
