"""The journal tells everything that was asked, in order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from tests.sandbox.client import TIMEOUT, Client
from xstak_sandbox import Fault, Kind

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve


def test_a_request_is_written_down_whole(client: Client) -> None:
    """Endpoint, method, path, query, headers, body, times and status are as they were."""
    client.sign_in()
    client.sandbox.clock.advance(timedelta(seconds=5))
    client.send(
        params=[("order_status", "pending"), ("x", "1"), ("x", "2")],
        headers={"X-Custom": "Yes"},
        json={"a": [1]},
    )
    token, orders = client.sandbox.journal.entries()
    assert (token.endpoint, token.method) == ("token", "POST")
    assert token.path == "/v1/admin/service-account/token"
    assert token.json == client.credentials()
    assert (orders.endpoint, orders.method) == ("orders", "GET")
    assert orders.query == (("order_status", "pending"), ("x", "1"), ("x", "2"))
    assert (orders.parameter("x"), orders.parameter("y")) == ("1", None)
    assert orders.headers["x-custom"] == "Yes"
    assert orders.headers["token"] == client.token
    assert (orders.json, orders.raw_body) == ({"a": [1]}, b'{"a": [1]}')
    assert orders.at_world == token.at_world + timedelta(seconds=5)
    assert orders.at_monotonic >= token.at_monotonic
    assert (token.status, orders.status) == (200, 400)
    assert (orders.in_flight, orders.fault) == (1, None)


def test_paths_that_do_not_exist_are_written_down_too(client: Client) -> None:
    """A caller with a wrong URL can see it here; control requests are left out."""
    for path in ("/nowhere", "/_sandbox/health"):
        requests.get(client.sandbox.url + path, data="no json", timeout=TIMEOUT)
    (entry,) = client.sandbox.journal.entries()
    assert (entry.endpoint, entry.path, entry.status) == ("unknown", "/nowhere", 404)
    assert entry.json is None


def test_endpoints_are_told_apart(client: Client) -> None:
    """`tokens` and `orders` are the entries of their endpoint."""
    client.get()
    client.get()
    journal = client.sandbox.journal
    assert [entry.endpoint for entry in journal.tokens] == ["token"]
    assert [entry.endpoint for entry in journal.orders] == ["orders"] * 2


def test_faults_are_written_down(serve: Serve) -> None:
    """An entry names the fault that struck it."""
    client = serve(faults=[Fault(Kind.SHORT_PAGE)])
    client.get()
    client.get()
    assert [entry.fault for entry in client.sandbox.journal.orders] == ["short_page", None]


def test_requests_in_flight_are_counted(serve: Serve) -> None:
    """Eight requests that all wait are eight in flight; one after another are one."""
    client = serve(faults=[Fault(Kind.HANG, location="1002", times=8)])
    for _ in range(3):
        client.get()
    assert client.sandbox.journal.max_in_flight == 1
    headers, params = {"token": client.token or ""}, client.parameters(locationId="1002")

    def hang() -> int:
        url = client.sandbox.orders_url
        return requests.get(url, params=params, headers=headers, timeout=TIMEOUT).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(hang) for _ in range(8)]
        client.sandbox.journal.wait_for(3 + 8, "orders")
        client.sandbox.release()
        assert [answer.result() for answer in answers] == [200] * 8
    waiting = [entry.in_flight for entry in client.sandbox.journal.orders[3:]]
    assert waiting == list(range(1, 9))
    client.get()
    assert client.sandbox.journal.orders[-1].in_flight == 1
    assert client.sandbox.journal.max_in_flight == 8


def test_the_journal_can_be_cleared(client: Client) -> None:
    """Afterwards it is as at the beginning, and goes on."""
    client.get()
    client.sandbox.journal.clear()
    assert client.sandbox.journal.entries() == []
    assert client.sandbox.journal.max_in_flight == 0
    client.get()
    assert len(client.sandbox.journal.entries()) == 1


def test_waiting_for_requests_that_do_not_come_is_an_error(client: Client) -> None:
    """`wait_for` returns when they have come, and says how many came when they have not."""
    client.get()
    client.sandbox.journal.wait_for(2)
    with pytest.raises(TimeoutError, match="1 requests came, not 2"):
        client.sandbox.journal.wait_for(2, "orders", timeout=0)
