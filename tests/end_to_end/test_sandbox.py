"""The sandbox as a process of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

import xstak_sandbox
from tests.sandbox.client import LONG_AGO, TIMEOUT, control
from xstak_sandbox import World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = """
import hashlib
from xstak_sandbox import World
world = World(orders_per_location=40)
print(hashlib.sha256(b"".join(o.body for o in world.orders_at(world.start))).hexdigest())
"""
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


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_same_seed_gives_the_same_bytes_in_every_process(hash_seed: str) -> None:
    """Orders depend on the seed alone, not on the process."""
    told = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    world = World(orders_per_location=40)
    here = b"".join(order.body for order in world.orders_at(world.start))
    assert told.stdout.strip() == hashlib.sha256(here).hexdigest()
