"""The two endpoints, as the vendor document has them."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.client import TIMEOUT, Client
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve


def test_a_token_answer_has_the_fields_of_the_document(client: Client) -> None:
    """A4: the token answer has these fields and no others."""
    answer = client.ask_token()
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "userName",
        "email",
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "token_type",
        "not-before-policy",
        "scope",
    }
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)


def test_a_token_has_the_shape_of_a_jwt(client: Client) -> None:
    """The token's second part tells when it was issued and when it ends."""
    _, payload, _ = client.sign_in().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["exp"] - claims["iat"] == 300
    assert claims["iat"] == int(client.sandbox.clock.now().timestamp())


@pytest.mark.parametrize("name", ["clientId", "clientSecret", "companyCode", "grantType"])
def test_a_token_request_that_lacks_a_parameter_is_told_which(client: Client, name: str) -> None:
    """A2: all four parameters are required, and the error names the one that is missing."""
    answer = client.ask_token(**{name: None})
    assert answer.status_code == 400
    assert name in answer.json()["message"]


@pytest.mark.parametrize("name", ["clientId", "clientSecret", "companyCode"])
def test_wrong_credentials_are_refused(client: Client, name: str) -> None:
    """Each of the three must be right."""
    answer = client.ask_token(**{name: "wrong"})
    assert answer.status_code == 401
    assert "access_token" not in answer.text


def test_a_token_request_without_json_is_refused(client: Client) -> None:
    """A body that is no JSON object is an error in JSON."""
    for body in ("", "[]", "{"):
        answer = requests.post(client.sandbox.token_url, data=body, timeout=TIMEOUT)
        assert (answer.status_code, answer.json()["status"]) == (400, 400)


@pytest.mark.parametrize("token", [None, "made-up", ""])
def test_orders_need_a_token(client: Client, token: str | None) -> None:
    """O2: without a token that was issued here there is a 401 in JSON."""
    headers = {} if token is None else {"token": token}
    answer = requests.get(
        client.sandbox.orders_url, params=client.parameters(), headers=headers, timeout=TIMEOUT
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


def test_a_bearer_header_is_no_token_header(client: Client) -> None:
    """O2: the token travels in `token`, not in `Authorization`."""
    answer = requests.get(
        client.sandbox.orders_url,
        params=client.parameters(),
        headers={"Authorization": f"Bearer {client.sign_in()}"},
        timeout=TIMEOUT,
    )
    assert answer.status_code == 401


def test_a_token_ends_with_its_time(client: Client) -> None:
    """A token is good up to its last second and not after it."""
    client.sign_in()
    client.sandbox.clock.advance(timedelta(seconds=200))
    assert client.get().status_code == 200
    client.sandbox.clock.advance(timedelta(seconds=100))
    assert client.get().status_code == 401


def test_revoked_tokens_count_for_nothing(client: Client) -> None:
    """`revoke_tokens` ends those issued, not those to come."""
    client.sign_in()
    client.sandbox.revoke_tokens()
    assert client.get().status_code == 401
    client.sign_in()
    assert client.get().status_code == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order_status": None}, "order_status is required"),
        ({"locationId": None}, "locationId is required"),
        ({"locationId": ""}, "locationId is required"),
        ({"start_date": None}, "start_date is required"),
        ({"start_date": "yesterday"}, "start_date must be an ISO 8601 date"),
        ({"start_date": "2024-10-17T05:10:06"}, "start_date must include the time zone"),
        ({"start_date": "2024-10-17T05:10:06+5:00"}, "an offset like +05:00"),
        ({"location_code": "abc"}, "location_code must be an integer"),
        ({"page": "two"}, "page must be an integer"),
        ({"size": "0"}, "size must be at least 1"),
    ],
)
def test_a_wrong_parameter_is_named(client: Client, changes: dict[str, Any], message: str) -> None:
    """O3 to O6: an error says which parameter is wrong, and how."""
    answer = client.get(**changes)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_unknown_paths_and_methods_are_errors_in_json(client: Client) -> None:
    """A wrong path is a 404, a slash too many too, a wrong method a 405."""
    sandbox = client.sandbox
    for path, code in (("/oe/v1/orders", 404), ("/", 404)):
        answer = requests.get(sandbox.url + path, timeout=TIMEOUT)
        assert (answer.status_code, answer.json()["status"]) == (code, code)
    assert requests.get(sandbox.orders_url + "/", timeout=TIMEOUT).status_code == 404
    assert requests.get(sandbox.token_url, timeout=TIMEOUT).status_code == 405


def test_all_pages_together_are_what_the_world_holds(client: Client) -> None:
    """Every order of a location and status arrives once, byte for byte, ten a page."""
    held = client.sandbox.orders(location="1001", status="completed")
    pages = -(-len(held) // 10)
    bodies = b"".join(
        client.get(order_status="completed", page=number).content for number in range(1, pages + 1)
    )
    assert all(bodies.count(order.body) == 1 for order in held)
    fetched = client.everything(order_status="completed")
    assert [order["id"] for order in fetched] == [order.id for order in held]


def test_the_page_block_tells_the_truth(client: Client) -> None:
    """O7: number, size, totalPages and totalElements."""
    held = len(client.sandbox.orders(location="1001", status="completed"))
    block = client.page(order_status="completed", page=2, size=50)["page"]
    assert block == {
        "number": 2,
        "size": 50,
        "totalPages": -(-held // 50),
        "totalElements": held,
    }


def test_a_page_has_ten_orders_unless_asked_and_a_hundred_at_most(client: Client) -> None:
    """C9: the default size is 10 and the largest 100."""
    for size, expected in ((None, 10), (25, 25), (100, 100), (5000, 100)):
        page = client.page(order_status="completed", size=size)
        assert (len(page["orders"]), page["page"]["size"]) == (expected, expected)


@pytest.mark.parametrize(
    "changes",
    [{"locationId": "9999"}, {"order_status": "returned"}, {"location_code": "1"}],
)
def test_what_does_not_exist_is_empty(client: Client, changes: dict[str, Any]) -> None:
    """An unknown location, status or code is the document's example response."""
    assert client.page(**changes) == {
        "orders": [],
        "page": {"number": 1, "size": 10, "totalPages": 1, "totalElements": 0},
    }


def test_the_right_location_code_changes_nothing(client: Client) -> None:
    """O5: a location's own code may be sent, and that of another one finds nothing."""
    own, other = (client.sandbox.world.location_code(name) for name in ("1001", "1002"))
    assert client.page(location_code=own) == client.page()
    assert client.page(location_code=other)["orders"] == []


def test_start_date_includes_its_own_second(client: Client) -> None:
    """O6: an order created at the start date is in, in whatever zone that is written."""
    orders = client.page(order_status="completed")["orders"]
    third = orders[2]["created_at"]
    found = client.everything(order_status="completed", start_date=third)
    assert found[0]["id"] == orders[2]["id"]
    assert all(order["created_at"] >= third for order in found)


def test_answers_are_compressed_for_who_accepts_it(client: Client) -> None:
    """Gzip is used if asked for, and carries the same bytes."""
    plain = client.send(params=client.parameters(), headers={"Accept-Encoding": "identity"})
    packed = client.send(
        params=client.parameters(), headers={"Accept-Encoding": "gzip"}, stream=True
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.raw.read()) == plain.content


def test_the_date_header_is_the_worlds(client: Client) -> None:
    """`Date` follows the world clock, errors included."""
    for answer in (client.ask_token(), client.get(), client.get(locationId=None)):
        assert parsedate_to_datetime(answer.headers["date"]) == client.sandbox.clock.now()


def test_orders_move_between_pages_and_statuses_while_they_are_read(serve: Serve) -> None:
    """With a tick, every request finds a later world."""
    client = serve(World(), tick=timedelta(hours=3))
    totals = [client.page()["page"]["totalElements"] for _ in range(20)]
    assert len(set(totals)) > 1
    assert client.sandbox.clock.now() == client.sandbox.world.start + timedelta(hours=60)
    assert client.sandbox.journal.orders[-1].status == 200, "a tick does not age tokens"


def test_raw_orders_travel_as_they_are(serve: Serve) -> None:
    """Elements a test adds stand in the page byte for byte, from whatever start date."""
    nested = b'{"x":' * 100 + b"1" + b"}" * 100
    raw = [b"null", b'"text"', nested, b'{"note":"' + b"x" * 1_000_000 + b'"}']
    world = World(
        orders_per_location=0, raw_orders=[RawOrder("1001", "pending", body) for body in raw]
    )
    client = serve(world)
    answer = client.get(start_date="2030-01-01T00:00:00Z")
    assert answer.content.startswith(b'{"orders":[' + b",".join(raw) + b'],"page":')
    assert client.page()["page"]["totalElements"] == 4


def test_finished_pages_can_be_kept_without_being_stale(serve: Serve) -> None:
    """Kept pages are the same bytes, and are not given once an order has changed."""
    client = serve(kept_pages=10)
    first = client.get().content
    assert client.get().content == first
    client.sandbox.clock.advance(timedelta(days=5))
    client.sign_in()
    assert client.get().content != first
    held = client.sandbox.orders(location="1001", status="pending")
    assert client.page()["page"]["totalElements"] == len(held)


def test_a_stopped_sandbox_is_gone_and_can_start_again() -> None:
    """The port is bound when `start` returns, free when `stop` does, and used again."""
    sandbox = Sandbox()
    for _ in range(2):
        sandbox.start()
        url = sandbox.url
        assert requests.get(f"{url}/_sandbox/health", timeout=TIMEOUT).status_code == 200
        sandbox.stop()
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/_sandbox/health", timeout=TIMEOUT)
    assert sandbox.url == url
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.release()


def test_a_request_that_breaks_off_harms_nobody(client: Client) -> None:
    """A client that leaves before its body is complete is neither answered nor recorded."""
    host = client.sandbox.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT)
    connection.putrequest("POST", "/v1/admin/service-account/token")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"{")
    connection.close()
    assert client.get().status_code == 200
    assert [entry.endpoint for entry in client.sandbox.journal.entries()] == ["token", "orders"]


def test_other_hosts_cannot_reach_it() -> None:
    """The sandbox listens on loopback addresses only."""
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host="192.0.2.1").start()
    with pytest.raises(ValueError, match="0 to 65535"):
        Sandbox(port=70_000).start()
