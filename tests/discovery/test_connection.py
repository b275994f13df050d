"""The connection check: `--test`, and what it asks of the account."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tap_xstak_oms.config.settings import Settings
from tap_xstak_oms.discovery.connection import CHECK_TRIES, check_connection
from tap_xstak_oms.errors import CredentialsError, TapError
from tests.support import clock_of, config_for
from xstak_sandbox import Fault, Kind, Sandbox, World, location_ids


def check(sandbox: Sandbox, **changes: Any) -> list[str]:
    """Check the connection to a sandbox, in this process; returns the doubts."""
    config = config_for(sandbox, **changes)
    return check_connection(Settings.parse(config, now=datetime.now(UTC)), clock_of(sandbox))


def asked(sandbox: Sandbox) -> list[tuple[str | None, str | None]]:
    """The location and status of each orders request so far, by location."""
    return sorted(
        (entry.parameter("locationId"), entry.parameter("order_status"))
        for entry in sandbox.journal.orders
    )


def test_a_check_asks_once_for_each_status_of_a_location() -> None:
    """One token, and one request for each status of each location."""
    with Sandbox(World(locations=("1", "2"), orders_per_location=300)) as sandbox:
        assert check(sandbox) == []
        assert len(sandbox.journal.tokens) == 1
        assert asked(sandbox) == [
            (location, status) for location in ("1", "2") for status in ("completed", "pending")
        ]


def test_a_check_of_many_locations_is_bounded() -> None:
    """Among hundreds of locations, empty or not, 20 partitions are asked, spread over all."""
    world = World(locations=location_ids(200), orders_per_location=0)
    with Sandbox(world) as sandbox:
        check(sandbox)
        assert len(asked(sandbox)) == 20
        assert {location for location, _ in asked(sandbox)} == set(world.locations[::20])


def test_an_account_without_orders_is_doubted(caplog: pytest.LogCaptureFixture) -> None:
    """Where no order is, the connection works all the same: a doubt says what to look at."""
    caplog.set_level(logging.INFO)
    with Sandbox(World(locations=("1001",), orders_per_location=0)) as sandbox:
        [doubt] = check(sandbox)
    assert "The connection works, with doubts: 0 orders at 1 location since" in caplog.text
    assert doubt.startswith("No order anywhere since 2025-01-01T00:00:00+05:00.")
    assert "`location_ids`, `order_statuses`, `company_code`, `start_date`" in doubt


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"location_ids": ["1001", "9999"]}, "No order at location 9999 since 2025-01-01T00:00:00"),
        ({"order_statuses": ["pending", "pnding"]}, "No order with the status pnding since 2025-"),
    ],
)
def test_what_has_no_order_anywhere_is_named(
    sandbox: Sandbox, changes: dict[str, Any], doubt: str
) -> None:
    """A location or a status that has nothing at all may be misspelt."""
    [told] = check(sandbox, **changes)
    assert told.startswith(doubt)
    assert f"`{next(iter(changes))}`" in told


def test_a_location_that_fails_is_told_beside_those_that_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All locations are asked, and each that cannot be read is named, with its reason."""
    caplog.set_level(logging.INFO)
    faults = [
        Fault(Kind.STATUS, code=code, location=at, every=1) for at, code in (("2", 404), ("3", 403))
    ]
    world = World(locations=("1", "2", "3", "4"))
    with Sandbox(world, faults=faults) as sandbox, pytest.raises(TapError) as raised:
        check(sandbox)
    *others, last = str(raised.value).splitlines()
    assert last == "4 of 8 partitions asked for cannot be read."
    for location, code in (("2", 404), ("3", 403)):
        told = f"orders of location {location}: the server answered {code}"
        assert sum(told in line for line in others) == 2
    assert "Location 4: " in caplog.text


def test_a_connection_that_does_not_work_tells_the_request() -> None:
    """The operators of the server find the request by its ID, in the text and beside it."""
    with Sandbox(World(locations=("1",))) as sandbox, pytest.raises(CredentialsError) as caught:
        check(sandbox, client_secret="another")
    assert str(caught.value).startswith("The connection does not work. ")
    assert caught.value.request_id == "req-1"
    assert "req-1" in str(caught.value)


def test_a_server_that_answers_nobody_is_not_waited_for_long() -> None:
    """Few tries, and after the first location that fails no other is waited for."""
    fault = Fault(Kind.STATUS, code=503, every=1)
    with Sandbox(World(locations=location_ids(12)), faults=[fault]) as sandbox:
        with pytest.raises(TapError, match=r"^The connection does not work\. Page one of the"):
            check(sandbox, max_concurrent_requests=1)
        assert CHECK_TRIES <= len(sandbox.journal.orders) <= 2 * CHECK_TRIES
