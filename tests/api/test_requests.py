"""The exact requests that are sent, for every reading of the vendor's document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import CLIENT_SECRET, Run, clock_of, config_for, run_tap
from xstak_sandbox import Entry, Fault, Kind, Quirks, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterable

START = "2025-12-01T00:00:00+05:00"
ONE_LOCATION = {"location_ids": ["1001"], "order_statuses": ["completed"], "infer_schema": False}
LOCATION_CODE = 80001
ORDERS = 25
"""Three pages of ten."""
TOKEN_PARAMETERS = {
    "clientId": "demo-client",
    "clientSecret": CLIENT_SECRET,
    "companyCode": "demo-company",
}


def world() -> World:
    """One location whose orders are all completed by now."""
    return World(locations=("1001",), orders_per_location=ORDERS, days=20, statuses=("completed",))


def read(quirks: Quirks | None = None, **changes: Any) -> tuple[Run, list[Entry]]:
    """Read a sandbox that has these quirks, with these settings; what it was asked."""
    with Sandbox(world(), quirks=quirks) as sandbox:
        config = config_for(sandbox, **ONE_LOCATION | {"page_size": 10} | changes)
        run = run_tap(config, clock=clock_of(sandbox))
        return run, sandbox.journal.entries()


def asked(entries: Iterable[Entry], endpoint: str) -> list[Entry]:
    """The requests of one endpoint, in order of arrival."""
    return [entry for entry in entries if entry.endpoint == endpoint]


def whole(run: Run) -> bool:
    """Whether the run read everything without an error."""
    return run.error is None and len(run.records) == ORDERS


def test_the_defaults_follow_the_document() -> None:
    """A JSON body for the token, a `token` header and a query for the orders."""
    run, entries = read(start_date=START, max_concurrent_requests=1)
    assert whole(run)
    [token] = asked(entries, "token")
    assert (token.method, token.path) == ("POST", "/v1/admin/service-account/token")
    assert token.query == ()
    assert token.headers["content-type"] == "application/json"
    assert token.json == TOKEN_PARAMETERS | dict.fromkeys(
        ("grantType", "grant type", "grant_type"), "client_credentials"
    )
    orders = asked(entries, "orders")
    assert {(entry.method, entry.path) for entry in orders} == {
        ("GET", "/oe/v2/orders/sales_orders")
    }
    assert all(entry.headers["token"] and "authorization" not in entry.headers for entry in orders)
    assert all(entry.raw_body == b"" for entry in orders)
    filters = {
        "order_status": "completed",
        "locationId": "1001",
        "start_date": START,
        "size": "10",
    }
    assert [dict(entry.query) for entry in orders] == [
        filters,
        filters | {"page": "2"},
        filters | {"page": "3"},
    ]


@pytest.mark.parametrize("path", ["service-account", "serviceaccount"])
def test_c1_the_token_url_is_a_setting(path: Any) -> None:
    """Either spelling of the token endpoint's path can be set as `auth_url` (C1)."""
    run, entries = read(Quirks(token_path=path))
    assert whole(run)
    assert asked(entries, "token")[0].path == f"/v1/admin/{path}/token"


def test_c2_token_parameters_may_go_in_the_query() -> None:
    """`token_parameters_in: query` sends them there and nowhere else (C2)."""
    run, entries = read(Quirks(token_parameters_in="query"), token_parameters_in="query")
    assert whole(run)
    [token] = asked(entries, "token")
    assert token.raw_body == b""
    assert dict(token.query).items() >= TOKEN_PARAMETERS.items()


@pytest.mark.parametrize("key", ["grantType", "grant type", "grant_type"])
def test_c3_each_grant_type_key_is_understood(key: str) -> None:
    """By default all three spellings are sent; one alone can be set (C3)."""
    run, _ = read(Quirks(grant_type_keys=(key,)))
    assert whole(run)
    run, entries = read(Quirks(grant_type_keys=(key,)), grant_type_keys=[key])
    assert whole(run)
    assert asked(entries, "token")[0].json == TOKEN_PARAMETERS | {key: "client_credentials"}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso8601", START),
        ("epoch_seconds", "1764529200"),
        ("epoch_milliseconds", "1764529200000"),
    ],
)
def test_c4_the_start_date_is_written_as_set(form: Any, text: str) -> None:
    """`start_date_format` decides how the start date is written (C4)."""
    run, entries = read(Quirks(start_date_format=form), start_date_format=form, start_date=START)
    assert whole(run)
    assert {entry.parameter("start_date") for entry in asked(entries, "orders")} == {text}


@pytest.mark.parametrize(
    ("start_date", "timezone", "text"),
    [
        ("2025-12-01T00:00:00", "Asia/Karachi", "2025-12-01T00:00:00+05:00"),
        ("2025-12-01T00:00:00+5:00", "Asia/Karachi", "2025-12-01T00:00:00+05:00"),
        ("2025-12-01T00:00:00Z", "Asia/Karachi", "2025-12-01T05:00:00+05:00"),
        ("2025-12-01T00:00:00.9Z", "Asia/Karachi", "2025-12-01T05:00:00+05:00"),
        ("2025-12-01", "UTC", "2025-12-01T00:00:00+00:00"),
        ("1900-01-01", "Asia/Karachi", "1899-12-31T19:31:48+00:00"),
    ],
)
def test_c5_a_date_always_has_a_valid_offset(start_date: str, timezone: str, text: str) -> None:
    """The start date is sent in the account's zone, with an offset that ISO 8601 has (C5)."""
    run, entries = read(start_date=start_date, timezone=timezone)
    assert whole(run)
    assert {entry.parameter("start_date") for entry in asked(entries, "orders")} == {text}


def test_c6_filters_may_go_in_the_body() -> None:
    """`filters_in: body` sends all parameters there, typed as documented; paging twice (C6)."""
    run, entries = read(
        Quirks(filters_in="body"),
        filters_in="body",
        start_date=START,
        location_codes={"1001": LOCATION_CODE},
        max_concurrent_requests=1,
    )
    assert whole(run)
    orders = asked(entries, "orders")
    filters = {
        "order_status": "completed",
        "locationId": "1001",
        "location_code": LOCATION_CODE,
        "start_date": START,
        "size": 10,
    }
    assert [entry.json for entry in orders] == [
        filters,
        filters | {"page": 2},
        filters | {"page": 3},
    ]
    assert [dict(entry.query) for entry in orders] == [
        {"size": "10"},
        {"size": "10", "page": "2"},
        {"size": "10", "page": "3"},
    ]
    assert all(entry.headers["content-type"] == "application/json" for entry in orders)


def test_the_location_code_goes_with_its_location() -> None:
    """`location_codes` adds `location_code` to the requests of that location alone (O5)."""
    codes = {"1001": LOCATION_CODE}
    run, entries = read(location_codes=codes, location_ids=["1001", "1002"])
    assert run.error is None
    sent = {
        (entry.parameter("locationId"), entry.parameter("location_code"))
        for entry in asked(entries, "orders")
    }
    assert sent == {("1001", "80001"), ("1002", None)}


def test_c7_the_names_of_the_paging_parameters_are_settings() -> None:
    """`page_parameter` and `page_size_parameter` name them (C7)."""
    quirks = Quirks(page_parameter="pageNo", page_size_parameter="limit")
    run, entries = read(quirks, page_parameter="pageNo", page_size_parameter="limit")
    assert whole(run)
    assert [entry.parameter("limit") for entry in asked(entries, "orders")] == ["10"] * 3


@pytest.mark.parametrize("asks_from", [0, 1])
@pytest.mark.parametrize("reports_from", [0, 1])
def test_c8_however_pages_are_counted_they_are_all_read(asks_from: int, reports_from: int) -> None:
    """The first answer tells the base; a server that asks and reports differently is found out."""
    run, _ = read(Quirks(asks_from=asks_from, reports_from=reports_from))
    assert whole(run)


def test_c8_a_server_that_ignores_the_page_is_told_by_setting() -> None:
    """If no counting brings page two, the error names `page_parameter`."""
    run, _ = read(Quirks(ignores_page=True))
    assert "`page_parameter`" in str(run.error)
    assert run.bookmarks == {("completed", "1001"): None}


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(max_page_size=7),
        Quirks(max_page_size=7, reports_asked_size=True),
        Quirks(fixed_page_size=4),
        Quirks(fixed_page_size=4, reports_asked_size=True),
        Quirks(fixed_page_size=ORDERS),
    ],
)
def test_c9_the_answers_tell_how_many_pages_there_are(quirks: Quirks) -> None:
    """A server that caps or ignores the size is read to its end, however it reports it (C9)."""
    run, _ = read(quirks)
    assert whole(run)


def test_a_refused_token_is_replaced_once() -> None:
    """A 401 costs one token request and one replay, and nobody notices."""
    with Sandbox(world(), faults=[Fault(Kind.STATUS, code=401, revokes=True, nth=2)]) as sandbox:
        config = config_for(sandbox, **ONE_LOCATION, page_size=10)
        run = run_tap(config, clock=clock_of(sandbox))
        entries = sandbox.journal.entries()
        assert not sandbox.unmet_faults()
    assert whole(run)
    assert len(asked(entries, "token")) == 2
    assert len(asked(entries, "orders")) == 4


def test_one_token_serves_all_partitions() -> None:
    """A run of many partitions logs in once."""
    with Sandbox(World(locations=("1001", "1002", "1003"), orders_per_location=30)) as sandbox:
        run_tap(config_for(sandbox), clock=clock_of(sandbox))
        assert len(asked(sandbox.journal.entries(), "token")) == 1
