"""Each fault does what it says, to whom it says, as often as it says."""

from __future__ import annotations

import errno
import gzip
import http.client
import json
import math
import socket
import zlib
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.client import TIMEOUT, Client
from xstak_sandbox import Fault, Kind, Quirks
from xstak_sandbox.faults import FaultScript, Sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Serve
    from xstak_sandbox.faults import Struck


def struck(serve: Serve, fault: Fault, **options: Any) -> Client:
    """A client with a token whose next orders request will meet the fault."""
    client = serve(faults=[fault], **options)
    client.sign_in()
    return client


def raw(client: Client) -> http.client.HTTPConnection:
    """A bare connection to the client's sandbox."""
    return http.client.HTTPConnection(client.sandbox.url.removeprefix("http://"), timeout=TIMEOUT)


@pytest.mark.parametrize("code", [403, 404, 408, 500, 502, 503])
def test_a_status_strikes_once_and_is_told_in_json(serve: Serve, code: int) -> None:
    """A status fault answers once with its code, and then the truth comes back."""
    fault = Fault(Kind.STATUS, code=code)
    client = struck(serve, fault)
    assert client.sandbox.unmet_faults() == [fault]
    answer = client.get()
    assert (answer.status_code, answer.json()["status"]) == (code, code)
    assert client.get().status_code == 200
    assert client.sandbox.unmet_faults() == []
    assert client.sandbox.strikes(fault) == 1


def test_a_401_may_revoke_the_token_that_was_used(serve: Serve) -> None:
    """With `revokes` the token is dead, without it the next request is answered."""
    client = struck(serve, Fault(Kind.STATUS, code=401, revokes=True))
    assert [client.get().status_code for _ in range(2)] == [401, 401]
    client.sign_in()
    assert client.get().status_code == 200
    lenient = struck(serve, Fault(Kind.STATUS, code=401))
    assert [lenient.get().status_code for _ in range(2)] == [401, 200]


def test_retry_after_comes_in_both_forms_or_not_at_all(serve: Serve) -> None:
    """A 429 tells seconds, or an HTTP date by the world clock, or nothing."""
    client = serve(
        faults=[
            Fault(Kind.STATUS, code=429, retry_after=7),
            Fault(Kind.STATUS, code=429, retry_after=7, retry_after_as="date"),
            Fault(Kind.STATUS, code=429),
        ]
    )
    seconds, date, absent = (client.get() for _ in range(3))
    assert {answer.status_code for answer in (seconds, date, absent)} == {429}
    assert seconds.headers["retry-after"] == "7"
    told = parsedate_to_datetime(date.headers["retry-after"])
    assert told == client.sandbox.clock.now() + timedelta(seconds=7)
    assert "retry-after" not in absent.headers


@pytest.mark.parametrize(("seconds", "told"), [(2.5, "2.5"), (3, "3.0")])
def test_retry_after_may_have_a_decimal_point(serve: Serve, seconds: float, told: str) -> None:
    """As no standard has it, and servers send it."""
    fault = Fault(Kind.STATUS, code=429, retry_after=seconds, retry_after_as="decimal")
    assert serve(faults=[fault]).get().headers["retry-after"] == told


def test_the_token_endpoint_has_faults_too(serve: Serve) -> None:
    """`on` chooses the endpoint; the other one is not touched."""
    client = serve(faults=[Fault(Kind.STATUS, on="token", code=503, times=2)])
    assert [client.ask_token().status_code for _ in range(3)] == [503, 503, 200]
    assert client.get().status_code == 200


def test_html_and_error_bodies_come_with_200(serve: Serve) -> None:
    """Gateways say 200 and mean otherwise, in HTML, in JSON and in neither."""
    client = serve(faults=[Fault(kind) for kind in (Kind.HTML, Kind.ERROR_BODY, Kind.NOT_JSON)])
    html, error, text = (client.get() for _ in range(3))
    assert {answer.status_code for answer in (html, error, text)} == {200}
    assert html.headers["content-type"].startswith("text/html")
    assert html.text.startswith("<!doctype html>")
    assert error.json()["status"] == 500
    assert text.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(text.content)


def damaged(serve: Serve, kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    """A page that the fault struck, and the same page as it should be."""
    client = struck(serve, Fault(kind))
    return client.get(order_status="completed").json(), client.page(order_status="completed")


def test_orders_may_be_null(serve: Serve) -> None:
    """`orders: null` beside totals that say otherwise."""
    bad, good = damaged(serve, Kind.ORDERS_NULL)
    assert bad == {"orders": None, "page": good["page"]}


def test_orders_may_be_missing_though_the_totals_count_them(serve: Serve) -> None:
    """No orders beside totals that say otherwise."""
    bad, good = damaged(serve, Kind.NO_ORDERS)
    assert bad == {"orders": [], "page": good["page"]}


def test_a_page_may_be_short(serve: Serve) -> None:
    """A page in the middle lacks its last order."""
    bad, good = damaged(serve, Kind.SHORT_PAGE)
    assert [order["id"] for order in bad["orders"]] == [o["id"] for o in good["orders"][:-1]]
    assert bad["page"] == good["page"]


def test_either_member_may_be_missing(serve: Serve) -> None:
    """An answer without its page block, or without its orders."""
    blockless, good = damaged(serve, Kind.NO_PAGE_BLOCK)
    assert blockless.keys() == {"orders"}
    orderless, good = damaged(serve, Kind.NO_ORDERS_KEY)
    assert orderless == {"page": good["page"]}


def test_the_page_block_may_be_nonsense(serve: Serve) -> None:
    """Totals may be negative, and numbers strings."""
    negative, good = damaged(serve, Kind.NEGATIVE_TOTALS)
    assert negative["page"] == good["page"] | {"totalPages": -1, "totalElements": -1}
    text, good = damaged(serve, Kind.TEXT_NUMBERS)
    assert text["page"] == {name: str(value) for name, value in good["page"].items()}


def test_another_page_may_come_than_was_asked_for(serve: Serve) -> None:
    """The wrong page is whole and says truly which one it is."""
    fault = Fault(Kind.WRONG_PAGE, page=2)
    client = struck(serve, fault)
    client.page(order_status="completed")
    assert client.page(order_status="completed", page=2) == client.page(
        order_status="completed", page=3
    )
    assert client.sandbox.strikes(fault) == 1


def test_json_may_end_in_the_middle_of_a_complete_answer(serve: Serve) -> None:
    """The HTTP is whole, the JSON is half."""
    client = struck(serve, Fault(Kind.TRUNCATED_JSON))
    half = client.get()
    whole = client.get()
    assert half.content == whole.content[: len(whole.content) // 2]


def test_a_string_may_hold_invalid_utf8(serve: Serve) -> None:
    """One byte in the first order is no UTF-8; the rest is as it should be."""
    client = struck(serve, Fault(Kind.BAD_UTF8))
    bad, good = client.get().content, client.get().content
    assert bad.replace(b"\xff", b"") == good
    with pytest.raises(UnicodeDecodeError):
        bad.decode()


def test_a_key_may_come_twice(serve: Serve) -> None:
    """The first order has `order_number` twice, with different values."""
    client = struck(serve, Fault(Kind.DUPLICATE_KEYS))
    bad, good = client.get().content, client.get().content
    assert bad.replace(b'"order_number":"duplicate",', b"", 1) == good
    assert bad.startswith(b'{"orders":[{"order_number":"duplicate","id":')


def test_a_number_may_be_nan(serve: Serve) -> None:
    """NaN is no JSON, and stands in the first order."""
    client = struck(serve, Fault(Kind.NAN))
    first, second = json.loads(client.get().content)["orders"][:2]
    assert math.isnan(first["margin"])
    assert "margin" not in second


def test_a_byte_order_mark_may_stand_before_the_json(serve: Serve) -> None:
    """The rest is as it should be."""
    client = struck(serve, Fault(Kind.BYTE_ORDER_MARK))
    assert client.get().content == b"\xef\xbb\xbf" + client.get().content


def test_hints_may_come_before_the_answer(serve: Serve) -> None:
    """103 and its header, then the true answer on the same connection."""
    client = struck(serve, Fault(Kind.EARLY_HINTS))
    host, port = client.sandbox.url.removeprefix("http://").split(":")
    query = urlencode(client.parameters())
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
        connection.sendall(
            f"GET /oe/v2/orders/sales_orders?{query} HTTP/1.1\r\nHost: {host}\r\n"
            f"token: {client.token}\r\nConnection: close\r\n\r\n".encode()
        )
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: ")
    assert b"\r\n\r\nHTTP/1.1 200 OK\r\n" in said
    assert said.endswith(client.get().content)


def test_a_line_of_the_head_may_be_no_header(serve: Serve) -> None:
    """It holds what was asked for; the body is as it should be."""
    client = struck(serve, Fault(Kind.BAD_HEADER))
    connection = raw(client)
    query = urlencode(client.parameters())
    target = f"/oe/v2/orders/sales_orders?{query}"
    connection.request("GET", target, headers={"token": client.token or ""})
    answer = connection.getresponse()
    assert target in str(answer.msg.get_payload())
    assert answer.read() == client.get().content
    connection.close()


@pytest.mark.parametrize("kind", [Kind.GZIP_MEMBERS, Kind.GZIP_TWICE])
def test_gzip_may_come_in_members_or_twice(serve: Serve, kind: Kind) -> None:
    """Whatever was done to it, it is the true answer."""
    client = struck(serve, Fault(kind))
    odd = client.get()
    assert odd.headers["content-encoding"].count("gzip") == (1 if kind == "gzip_members" else 2)
    assert odd.content == client.get().content


@pytest.mark.parametrize(
    ("coding", "decode"),
    [
        ("gzip", gzip.decompress),
        ("members", gzip.decompress),
        ("deflate", zlib.decompress),
        ("gzip, gzip", lambda body: gzip.decompress(gzip.decompress(body))),
    ],
)
def test_little_may_become_very_much(
    serve: Serve, coding: Any, decode: Callable[[bytes], bytes]
) -> None:
    """Less than half a megabyte holds the true answer and 96 more of blanks."""
    client = struck(serve, Fault(Kind.BOMB, coding=coding))
    bomb = client.send(params=client.parameters(), stream=True)
    body = bomb.raw.read(decode_content=False)
    assert len(body) < 500_000
    assert bomb.headers["content-encoding"] == coding.replace("members", "gzip")
    whole = client.get().content
    assert decode(body) == whole.ljust(len(whole) + (96 << 20))


def test_an_answer_may_say_that_it_is_in_brotli(serve: Serve) -> None:
    """Nobody asked for that."""
    client = struck(serve, Fault(Kind.FOREIGN_CODING))
    assert client.send(params=client.parameters(), stream=True).headers["content-encoding"] == "br"


def test_a_body_may_break_off(serve: Serve) -> None:
    """The connection ends when half of what the length promised was sent."""
    client = struck(serve, Fault(Kind.TRUNCATED_BODY))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get()
    assert client.get().status_code == 200


@pytest.mark.parametrize("on", ["orders", "token"])
def test_a_connection_may_be_reset_before_any_answer(serve: Serve, on: Struck) -> None:
    """The peer gets a real RST, not an end of file."""
    client = serve(faults=[Fault(Kind.RESET, on=on)])
    if on == "orders":
        client.sign_in()
    path = "/v1/admin/service-account/token" if on == "token" else "/oe/v2/orders/sales_orders"
    connection = raw(client)
    connection.request("POST" if on == "token" else "GET", path)
    with pytest.raises(ConnectionResetError) as caught:
        connection.getresponse()
    connection.close()
    assert caught.value.errno == errno.ECONNRESET
    entry = client.sandbox.journal.entries()[-1]
    assert (entry.fault, entry.status) == ("reset", None)
    assert client.get().status_code == 200


def test_a_reset_does_not_touch_other_connections(serve: Serve) -> None:
    """Only the connection of the request that was struck is reset."""
    client = serve(faults=[Fault(Kind.RESET, location="1002")])
    other = raw(client)
    other.request("GET", "/_sandbox/health")
    other.getresponse().read()
    client.sign_in()
    with pytest.raises(requests.ConnectionError):
        client.get(locationId="1002")
    other.request("GET", "/_sandbox/health")
    assert other.getresponse().read()
    other.close()


def hanging(serve: Serve) -> tuple[Client, http.client.HTTPConnection]:
    """A client, and a connection on which a request for location 1002 hangs."""
    client = struck(serve, Fault(Kind.HANG, location="1002"))
    connection = raw(client)
    query = urlencode(client.parameters(locationId="1002"))
    headers = {"token": client.token or ""}
    connection.request("GET", f"/oe/v2/orders/sales_orders?{query}", headers=headers)
    client.sandbox.journal.wait_for(1, "orders")
    return client, connection


def test_a_hanging_request_is_answered_when_released(serve: Serve) -> None:
    """Others are answered meanwhile, and the true answer comes after the release."""
    client, connection = hanging(serve)
    assert client.get().status_code == 200
    assert client.sandbox.journal.orders[0].status is None
    client.sandbox.release()
    assert connection.getresponse().read() == client.get(locationId="1002").content
    connection.close()
    assert client.sandbox.journal.orders[0].status == 200


def test_a_hanging_request_does_not_hold_up_the_end(serve: Serve) -> None:
    """`stop` ends a request that hangs for ever, and its client learns of it."""
    client, connection = hanging(serve)
    client.sandbox.stop()
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()


def test_a_client_that_leaves_ends_its_hanging_request(serve: Serve) -> None:
    """Who hangs up is in flight no longer."""
    client, connection = hanging(serve)
    client.get()
    assert client.sandbox.journal.orders[-1].in_flight == 2
    connection.close()
    # Whenever the server learns of it: each further request looks again.
    while client.sandbox.journal.orders[-1].in_flight == 2:
        client.get()
    assert client.sandbox.journal.orders[0].status is None


def test_a_hang_may_end_by_itself_and_latency_does(serve: Serve) -> None:
    """After their seconds both give the true answer."""
    for kind in (Kind.HANG, Kind.LATENCY):
        client = struck(serve, Fault(kind, seconds=0.05))
        late = client.get()
        assert late.elapsed >= timedelta(seconds=0.05)
        assert late.content == client.get().content


@pytest.mark.parametrize("on", ["orders", "token"])
def test_an_answer_may_drip_for_ever(serve: Serve, on: Struck) -> None:
    """Blank after blank comes, each soon after the other, until the client leaves."""
    client = serve(faults=[Fault(Kind.DRIP, on=on)])
    if on == "orders":
        client.sign_in()
    connection = raw(client)
    path = "/v1/admin/service-account/token" if on == "token" else "/oe/v2/orders/sales_orders"
    connection.request("POST" if on == "token" else "GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(20) == b" " * 20
    answer.close()
    connection.close()
    client.get()
    # Whenever the server learns of it: each further request looks again.
    while client.sandbox.journal.orders[-1].in_flight == 2:
        client.get()


def test_every_answer_may_be_late(serve: Serve) -> None:
    """The sandbox's own latency delays each answer of both endpoints."""
    client = serve(latency=timedelta(seconds=0.05))
    assert client.ask_token().elapsed >= timedelta(seconds=0.05)
    assert client.get().elapsed >= timedelta(seconds=0.05)


def test_a_token_may_live_shorter_than_it_says(serve: Serve) -> None:
    """It claims 300 seconds and lives one."""
    client = serve(faults=[Fault(Kind.SHORT_TOKEN, seconds=1)])
    assert client.ask_token().json()["expires_in"] == 300
    short = serve(faults=[Fault(Kind.SHORT_TOKEN, seconds=1)])
    short.sign_in()
    short.sandbox.clock.advance(timedelta(seconds=1))
    assert short.get().status_code == 401
    short.sign_in()
    assert short.get().status_code == 200


def test_a_token_answer_may_lack_the_token(serve: Serve) -> None:
    """200 without `access_token`."""
    client = serve(faults=[Fault(Kind.NO_ACCESS_TOKEN)])
    answer = client.ask_token()
    assert (answer.status_code, answer.json()) == (200, {"token_type": "Bearer"})
    assert client.ask_token().json()["access_token"]


def test_a_fault_chooses_by_location_status_and_page(serve: Serve) -> None:
    """Only the request that has all three is struck; pages count from 1 on any server."""
    fault = Fault(Kind.STATUS, location="1002", order_status="completed", page=2)
    client = serve(faults=[fault], quirks=Quirks(asks_from=0, reports_from=0))
    right = {"locationId": "1002", "order_status": "completed", "page": 1}
    for wrong in ({"locationId": "1001"}, {"order_status": "pending"}, {"page": 2}):
        assert client.get(**right | wrong).status_code == 200
    assert client.get(**right).status_code == 500


def test_a_page_fault_waits_for_a_page_worth_it(serve: Serve) -> None:
    """An empty page or an error is not struck, for nothing would be wrong with it."""
    fault = Fault(Kind.NO_ORDERS)
    client = struck(serve, fault)
    client.get(locationId="9999")
    client.get(locationId=None)
    assert client.sandbox.unmet_faults() == [fault]
    assert client.get().json()["orders"] == []


def test_a_wrong_page_waits_for_a_second_page(serve: Serve) -> None:
    """Where there is one page only, there is no wrong one."""
    fault = Fault(Kind.WRONG_PAGE)
    client = struck(serve, fault, quirks=Quirks(max_page_size=1000))
    client.get(size=1000)
    assert client.sandbox.unmet_faults() == [fault]


def test_two_faults_at_once_strike_one_after_the_other(serve: Serve) -> None:
    """A request is struck by one fault; the other takes the next request."""
    client = serve(faults=[Fault(Kind.STATUS, code=502), Fault(Kind.STATUS, code=503)])
    assert [client.get().status_code for _ in range(3)] == [502, 503, 200]
    client = serve(faults=[Fault(Kind.STATUS, code=502, nth=2), Fault(Kind.STATUS, every=2)])
    assert [client.get().status_code for _ in range(5)] == [200, 502, 500, 500, 200]


def test_a_fault_may_be_added_later(client: Client) -> None:
    """A fault that is added counts from then on."""
    assert client.get().status_code == 200
    client.sandbox.add_fault(Fault(Kind.STATUS, nth=2))
    assert [client.get().status_code for _ in range(3)] == [200, 500, 200]


@given(
    nth=st.integers(1, 10),
    times=st.none() | st.integers(1, 5),
    requests_sent=st.integers(0, 30),
)
def test_nth_strikes_from_there_on_so_often(
    nth: int, times: int | None, requests_sent: int
) -> None:
    """`nth` and `times` together are a run of requests, by default of one."""
    script = FaultScript([Fault(Kind.STATUS, nth=nth, times=times)])
    hits = [n for n in range(1, requests_sent + 1) if script.strike(Sighting("orders"))]
    assert hits == [n for n in range(nth, nth + (times or 1)) if n <= requests_sent]


@given(
    every=st.integers(1, 10),
    times=st.none() | st.integers(1, 5),
    requests_sent=st.integers(0, 50),
)
def test_every_strikes_the_multiples(every: int, times: int | None, requests_sent: int) -> None:
    """`every` strikes each multiple, without end unless `times` says so."""
    script = FaultScript([Fault(Kind.STATUS, every=every, times=times)])
    hits = [n for n in range(1, requests_sent + 1) if script.strike(Sighting("orders"))]
    assert hits == list(range(every, requests_sent + 1, every))[:times]


def test_a_senseless_fault_is_refused() -> None:
    """A fault that could never strike, or says two things, is refused when it is made."""
    with pytest.raises(ValueError, match="not both"):
        Fault(Kind.RESET, nth=1, every=2)
    for nth, every, times in ((0, None, None), (None, 0, None), (None, None, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            Fault(Kind.RESET, nth=nth, every=every, times=times)


def test_every_kind_is_proved_here() -> None:
    """No kind of fault exists without a test that names it."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in Kind if f"Kind.{kind.name}" not in text] == []


def test_faults_strike_in_a_moving_world_too(serve: Serve) -> None:
    """Ticks and faults do not get in each other's way."""
    client = serve(faults=[Fault(Kind.STATUS, every=3)], tick=timedelta(hours=1))
    assert [client.get().status_code for _ in range(9)] == [200, 200, 500] * 3
