"""Each doubtful point of the document can be read both ways."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.client import TIMEOUT, Client
from xstak_sandbox import Quirks, Sandbox, World

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve
    from xstak_sandbox.quirks import BeyondEnd, DateFormat, Place

DAY = datetime.fromisoformat("2025-12-25T00:00:00+05:00")


def ids(page: dict[str, Any]) -> list[int]:
    """The ids of a page's orders, in order."""
    return [order["id"] for order in page["orders"]]


def test_c1_the_token_path_has_one_spelling_at_a_time(serve: Serve) -> None:
    """C1: the spelling that is not served is a 404."""
    client = serve(quirks=Quirks(token_path="serviceaccount"))
    assert client.sandbox.token_url.endswith("/v1/admin/serviceaccount/token")
    assert client.ask_token().status_code == 200
    other = client.sandbox.token_url.replace("serviceaccount", "service-account")
    assert requests.post(other, json=client.credentials(), timeout=TIMEOUT).status_code == 404


@pytest.mark.parametrize("place", ["body", "query"])
def test_c2_token_parameters_are_read_in_one_place(serve: Serve, place: Place) -> None:
    """C2: parameters in the other place are not seen."""
    client = serve(quirks=Quirks(token_parameters_in=place))
    url, sent = client.sandbox.token_url, client.credentials()
    codes = {
        "body": requests.post(url, json=sent, timeout=TIMEOUT).status_code,
        "query": requests.post(url, params=sent, timeout=TIMEOUT).status_code,
    }
    assert codes.pop(place) == 200
    assert list(codes.values()) == [400]


@pytest.mark.parametrize("key", ["grantType", "grant type", "grant_type"])
def test_c3_one_key_of_the_grant_type_may_be_required(serve: Serve, key: str) -> None:
    """C3: only the accepted key counts, others beside it do no harm."""
    client = serve(quirks=Quirks(grant_type_keys=(key,)))
    every_key = dict.fromkeys(("grantType", "grant type", "grant_type"), "client_credentials")
    assert client.ask_token(**every_key).status_code == 200
    answer = client.ask_token(**every_key | {key: None})
    assert answer.status_code == 400
    assert key in answer.json()["message"]


def test_c3_another_grant_type_is_refused(client: Client) -> None:
    """A2: the value is always `client_credentials`."""
    assert client.ask_token(grantType="password").status_code == 400


@pytest.mark.parametrize(("form", "factor"), [("epoch_seconds", 1), ("epoch_milliseconds", 1000)])
def test_c4_the_start_date_may_be_a_number(serve: Serve, form: DateFormat, factor: int) -> None:
    """C4: as a number it finds what the same moment in words finds."""
    iso = serve().page(order_status="completed", start_date=DAY.isoformat())
    client = serve(quirks=Quirks(start_date_format=form))
    number = int(DAY.timestamp()) * factor
    assert client.page(order_status="completed", start_date=number) == iso
    answer = client.get(start_date=DAY.isoformat())
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "start_date must be an integer",
    )


@pytest.mark.parametrize("text", ["2025-12-25T00:00:00", "2025-12-25T00:00:00+5:00"])
def test_c5_loose_start_dates_may_be_accepted(serve: Serve, text: str) -> None:
    """C5: without an offset, or with the invalid one, it is the vendor's zone that counts."""
    strict = serve().page(order_status="completed", start_date=DAY.isoformat())
    client = serve(quirks=Quirks(refuses_naive_start_date=False, refuses_short_offset=False))
    assert client.page(order_status="completed", start_date=text) == strict


def test_c6_filters_may_be_read_from_the_body_of_the_get(serve: Serve) -> None:
    """C6: all parameters are then in the body, paging too, and the query's filters do not count."""
    client = serve(quirks=Quirks(filters_in="body"))
    expected = serve().page(order_status="completed", page=2, size=20)
    body = client.parameters(order_status="completed", location_code=80001)
    in_body = client.send(json=body | {"page": 2, "size": 20})
    in_query = client.send(json=body, params={"page": "2", "size": "20"})
    assert in_body.json()["page"] == in_query.json()["page"] == expected["page"]
    assert ids(in_body.json()) == ids(in_query.json()) == ids(expected)
    assert client.get().status_code == 400


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"locationId": 1001}, "locationId must be a string"),
        ({"location_code": "80001"}, "location_code must be an integer"),
        ({"location_code": True}, "location_code must be an integer"),
        ({"start_date": 1_729_123_806}, "start_date must be a string"),
        ({"page": "2"}, "page must be an integer"),
    ],
)
def test_c6_a_body_has_the_types_of_the_document(
    serve: Serve, changes: dict[str, Any], message: str
) -> None:
    """C6: in JSON an integer is an integer and a string a string."""
    client = serve(quirks=Quirks(filters_in="body"))
    answer = client.send(json=client.parameters(**changes))
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_c7_paging_may_go_by_other_names(serve: Serve) -> None:
    """C7: only the names in use are heard."""
    client = serve(quirks=Quirks(page_parameter="pageNo", page_size_parameter="limit"))
    heard = client.page(order_status="completed", pageNo=2, limit=20)["page"]
    unheard = client.page(order_status="completed", page=2, size=20)["page"]
    assert (heard["number"], heard["size"]) == (2, 20)
    assert (unheard["number"], unheard["size"]) == (1, 10)


@pytest.mark.parametrize("asks_from", [0, 1])
@pytest.mark.parametrize("reports_from", [0, 1])
def test_c8_the_first_page_may_have_two_numbers(
    serve: Serve, asks_from: int, reports_from: int
) -> None:
    """C8: what is asked and what is reported are counted each from their own base."""
    client = serve(quirks=Quirks(asks_from=asks_from, reports_from=reports_from))
    unnamed = client.page(order_status="completed")
    first = client.page(order_status="completed", page=asks_from)
    second = client.page(order_status="completed", page=asks_from + 1)
    assert unnamed == first
    assert first["page"]["number"] == reports_from
    assert second["page"]["number"] == reports_from + 1
    assert not set(ids(first)) & set(ids(second))


def test_c8_a_number_below_the_first_is_the_first(client: Client) -> None:
    """C8: page 0 of a server that counts from 1 is its first page."""
    assert client.page(page=0) == client.page(page=-3) == client.page()


def test_c8_the_page_asked_for_may_be_ignored(serve: Serve) -> None:
    """C8: such a server always gives its first page."""
    client = serve(quirks=Quirks(ignores_page=True))
    assert client.page(order_status="completed", page=3) == client.page(order_status="completed")


@pytest.mark.parametrize(
    ("quirks", "told", "held"),
    [
        (Quirks(max_page_size=30), 30, 30),
        (Quirks(fixed_page_size=7), 7, 7),
        (Quirks(max_page_size=30, reports_asked_size=True), 80, 30),
        (Quirks(fixed_page_size=7, reports_asked_size=True), 80, 7),
    ],
)
def test_c9_the_size_asked_for_may_be_cut_or_ignored(
    serve: Serve, quirks: Quirks, told: int, held: int
) -> None:
    """C9: whatever the block says of the size, its total of pages is true."""
    client = serve(quirks=quirks)
    page = client.page(order_status="completed", size=80)
    total = page["page"]["totalElements"]
    assert (page["page"]["size"], len(page["orders"])) == (told, held)
    assert page["page"]["totalPages"] == -(-total // held)
    assert len(client.everything(order_status="completed", size=80)) == total


def test_beyond_the_end_there_may_be_three_things(serve: Serve) -> None:
    """A page after the last is empty, the last one, or a 404."""
    empty = serve().page(page=99)
    assert (empty["orders"], empty["page"]["number"]) == ([], 99)
    clamping = serve(quirks=Quirks(beyond_end="last"))
    last = clamping.page(page=99)
    assert last == clamping.page(page=last["page"]["totalPages"])
    assert last["orders"]
    assert serve(quirks=Quirks(beyond_end="missing")).get(page=99).status_code == 404


@pytest.mark.parametrize("beyond_end", ["empty", "last", "missing"])
def test_the_first_page_of_nothing_is_never_beyond_the_end(
    serve: Serve, beyond_end: BeyondEnd
) -> None:
    """An empty result has a first page, whose total of pages is 1 or 0."""
    quirks = Quirks(beyond_end=beyond_end, pages_when_empty=0)
    page = serve(quirks=quirks).page(locationId="9999")
    assert (page["orders"], page["page"]["totalPages"]) == ([], 0)


def test_c11_start_date_may_filter_on_the_last_change(serve: Serve) -> None:
    """C11: an old order that was changed lately is found only by its last change."""
    world = World()
    since = world.start - timedelta(days=3)
    sent = {"order_status": "completed", "start_date": since.isoformat(), "size": 100}
    by_creation = serve(world).everything(**sent)
    by_change = serve(world, quirks=Quirks(filters_on="updated")).everything(**sent)
    assert all(datetime.fromisoformat(order["created_at"]) >= since for order in by_creation)
    assert all(datetime.fromisoformat(order["updated_at"]) >= since for order in by_change)
    assert any(datetime.fromisoformat(order["created_at"]) < since for order in by_change)


def test_c12_orders_may_be_sorted_by_age(serve: Serve) -> None:
    """C12: old first and new first are each other's reverse."""
    old = serve().everything(order_status="completed", size=100)
    new = serve(quirks=Quirks(sort="new_first")).everything(order_status="completed", size=100)
    dates = [order["created_at"] for order in old]
    assert dates == sorted(dates)
    assert [order["created_at"] for order in new] == dates[::-1]


def test_c12_orders_may_be_sorted_by_their_last_change(serve: Serve) -> None:
    """C12: an edit then moves an order to another page."""
    client = serve(quirks=Quirks(sort_on="updated"))
    orders = client.everything(order_status="completed", size=100)
    moments = [datetime.fromisoformat(order["updated_at"]) for order in orders]
    assert moments == sorted(moments)


def test_c12_orders_may_be_shuffled_once(serve: Serve) -> None:
    """C12: in no order, but always in the same: the pages fit together."""
    client = serve(quirks=Quirks(sort="shuffled_once"))
    held = {order.id for order in client.sandbox.orders(location="1001", status="completed")}
    fetched = [order["id"] for order in client.everything(order_status="completed")]
    assert fetched != sorted(fetched)
    assert len(fetched) == len(held)
    assert set(fetched) == held


def test_c12_orders_may_be_shuffled_at_each_answer(serve: Serve) -> None:
    """C12: the same request brings other orders each time, though nothing has happened."""
    client = serve(quirks=Quirks(sort="shuffled_each"))
    assert ids(client.page(order_status="completed")) != ids(client.page(order_status="completed"))


def test_the_date_may_be_wrong_or_absent(serve: Serve) -> None:
    """The `Date` header may be skewed, or left out."""
    fast = serve(quirks=Quirks(date_skew_seconds=90))
    date = parsedate_to_datetime(fast.ask_token().headers["date"])
    assert date == fast.sandbox.clock.now() + timedelta(seconds=90)
    assert "date" not in serve(quirks=Quirks(sends_date=False)).ask_token().headers


@pytest.mark.parametrize("code", [400, 403])
def test_wrong_credentials_may_have_another_status(serve: Serve, code: int) -> None:
    """Keycloak's own 401 is not the only way to refuse."""
    client = serve(quirks=Quirks(refused_credentials_code=code))
    assert client.ask_token(clientSecret="wrong").status_code == code


def test_a_token_may_live_longer(serve: Serve) -> None:
    """`token_seconds` is what is claimed and what is true."""
    client = serve(quirks=Quirks(token_seconds=1000))
    assert client.ask_token().json()["expires_in"] == 1000
    client.sign_in()
    client.sandbox.clock.advance(timedelta(seconds=900))
    assert client.get().status_code == 200


def test_compression_may_be_off(serve: Serve) -> None:
    """A server may never compress."""
    client = serve(quirks=Quirks(compresses=False))
    answer = client.send(params=client.parameters(), headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert json.loads(answer.content)["orders"]


def test_the_defaults_follow_the_document() -> None:
    """Without quirks the paths are those of A1 and O1."""
    with Sandbox() as sandbox:
        assert sandbox.token_url == f"{sandbox.url}/v1/admin/service-account/token"
        assert sandbox.orders_url == f"{sandbox.api_url}/oe/v2/orders/sales_orders"
