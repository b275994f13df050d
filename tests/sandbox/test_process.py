"""The sandbox as a process of its own, and its controls over HTTP."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

import xstak_sandbox
from tests.sandbox.client import LONG_AGO, TIMEOUT, Client
from xstak_sandbox import Fault, Kind, Quirks, location_ids
from xstak_sandbox.options import OptionError, build

if TYPE_CHECKING:
    from collections.abc import Iterator

STILL = ("--port", "0", "--now", "2026-01-15T12:00:00", "--clock-stands")


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox process and its base URL."""
    command = [sys.executable, "-m", "xstak_sandbox", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def refused(*options: str) -> str:
    """What the process says before it exits with 1."""
    ended = subprocess.run(
        [sys.executable, "-m", "xstak_sandbox", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def control(url: str, path: str, **options: Any) -> dict[str, Any]:
    """The answer of a control path: GET, or POST when something is sent."""
    method = "POST" if options else "GET"
    answer = requests.request(method, f"{url}/_sandbox/{path}", timeout=TIMEOUT, **options)
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_even_when_a_request_hangs(number: int) -> None:
    """The process says one line, its URL, and ends cleanly when told to."""
    with process(*STILL, "--fault", "hang,on=token") as (running, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT) as hanging:
            hanging.sendall(
                b"POST /v1/admin/service-account/token HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: 2\r\n\r\n{}"
            )
            while not control(url, "journal")["entries"]:
                pass
            os.kill(running.pid, number)
            out, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    """Exit code 1, one sentence, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--port", str(port))
    assert said.count("\n") == 1
    assert said.startswith(f"The sandbox cannot listen on 127.0.0.1:{port}: ")
    assert "--port" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "192.0.2.1"), "loopback"),
        (("--port", "70000"), "0 to 65535"),
        (("--days", "0"), "A world needs days"),
        (("--tick-seconds", "-1"), "less than nothing"),
        (("--quirk", "colour=red"), "is not NAME=VALUE with one of token_path"),
        (("--quirk", "sort=upwards"), "Sort must be one of old_first, new_first"),
        (("--fault", "explode"), "Kind must be one of status, html"),
        (("--fault", "status,code=many"), "'many' is no value for code"),
        (("--fault", "status,nth=1,every=2"), "not both"),
    ],
)
def test_a_wrong_option_is_said_in_one_sentence(options: tuple[str, ...], said: str) -> None:
    """Exit code 1, one sentence that says what would do, no traceback."""
    message = refused("--port", "0", *options)
    assert said in message
    assert message.count("\n") == 1


def test_options_make_the_world() -> None:
    """Locations, orders, statuses and time are those asked for."""
    options = ("--locations", "2", "--orders", "30", "--statuses", "new,old", "--days", "9")
    with process(*STILL, *options) as (_, url):
        summary = control(url, "summary")
    assert summary["now"] == "2026-01-15T12:00:00+05:00"
    assert summary["total"] == 60
    places = [(row["location"], row["status"]) for row in summary["orders"]]
    assert places == [(loc, status) for loc in location_ids(2) for status in ("new", "old")]


def test_options_make_the_server() -> None:
    """Page base, filter, quirks and faults reach the answers."""
    options = ("--page-base", "0", "--quirk", "page_size=5", "--fault", "status,code=418,nth=2")
    with process(*STILL, *options) as (_, url):
        credentials = xstak_sandbox.Credentials()
        body = {
            "clientId": credentials.client_id,
            "clientSecret": credentials.client_secret,
            "grant type": "client_credentials",
            "companyCode": credentials.company_code,
        }
        token_url = f"{url}/v1/admin/service-account/token"
        token = requests.post(token_url, json=body, timeout=TIMEOUT).json()["access_token"]
        answers = [
            requests.get(
                f"{url}/oe/v2/orders/sales_orders",
                params={"order_status": "pending", "locationId": "1001", "start_date": LONG_AGO},
                headers={"token": token},
                timeout=TIMEOUT,
            )
            for _ in range(2)
        ]
    assert answers[0].json()["page"]["number"] == 0
    assert answers[0].json()["page"]["size"] == 5
    assert answers[1].status_code == 418


def test_time_is_moved_over_http(client: Client) -> None:
    """`advance` moves the world, and `health` tells its time."""
    start = client.sandbox.world.start
    url = client.sandbox.url
    assert control(url, "health") == {"status": "ok", "now": start.isoformat()}
    moved = control(url, "advance", json={"hours": 26, "minutes": 0.5})
    assert moved["now"] == "2026-01-16T14:00:30+05:00" == client.sandbox.clock.now().isoformat()


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"weeks": 1}', '{"hours": "1"}', '{"hours": -1}']
)
def test_time_is_not_moved_by_nonsense(client: Client, body: str) -> None:
    """What is no span of time is refused with a sentence, and nothing moves."""
    answer = requests.post(f"{client.sandbox.url}/_sandbox/advance", data=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert client.sandbox.clock.now() == client.sandbox.world.start


def test_the_summary_counts_what_the_api_would_give(client: Client) -> None:
    """Per location and status, as of now and from a start date, filtered as the API filters."""
    since = "2026-01-05T00:00:00+05:00"
    for start in (LONG_AGO, since):
        answer = requests.get(
            f"{client.sandbox.url}/_sandbox/summary", params={"start": start}, timeout=TIMEOUT
        ).json()
        for row in answer["orders"]:
            page = client.page(
                locationId=row["location"], order_status=row["status"], start_date=start
            )
            assert page["page"]["totalElements"] == row["orders"]
        assert answer["total"] == sum(row["orders"] for row in answer["orders"])
    bad = f"{client.sandbox.url}/_sandbox/summary?start=2026-01-05"
    assert requests.get(bad, timeout=TIMEOUT).status_code == 400


def test_the_journal_is_read_and_cleared_over_http(client: Client) -> None:
    """The journal as JSON, without the requests that read it."""
    client.get()
    url = f"{client.sandbox.url}/_sandbox/journal"
    journal = requests.get(url, timeout=TIMEOUT).json()
    assert [entry["endpoint"] for entry in journal["entries"]] == ["token", "orders"]
    assert journal["entries"][0]["json"] == client.credentials()
    assert journal["max_in_flight"] == 1
    assert requests.delete(url, timeout=TIMEOUT).status_code == 204
    assert requests.get(url, timeout=TIMEOUT).json()["entries"] == []


def test_options_are_read_by_the_types_of_the_fields() -> None:
    """Truth values, numbers, choices, several strings and what may be absent."""
    assert build(Quirks, ["ignores_page=true", "grant_type_keys=a|b c", "fixed_page_size=7"]) == (
        Quirks(ignores_page=True, grant_type_keys=("a", "b c"), fixed_page_size=7)
    )
    fault = build(Fault, ["kind=hang", "seconds=0.5", "every=3", "order_status=completed"])
    assert fault == Fault(Kind.HANG, seconds=0.5, every=3, order_status="completed")
    with pytest.raises(OptionError, match="kind"):
        build(Fault, ["code=500"])


def test_the_sandbox_knows_nothing_of_the_tap() -> None:
    """Its modules import the standard library, Starlette, Uvicorn and each other only."""
    allowed = {*sys.stdlib_module_names, "_typeshed", "starlette", "uvicorn", "xstak_sandbox"}
    folder = Path(xstak_sandbox.__file__).parent
    imported = {
        name.split(".")[0]
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imports(node)
    }
    assert imported <= allowed


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []
