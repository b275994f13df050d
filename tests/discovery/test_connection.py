"""The connection check: `--test`, and what it asks of the account."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tap_xstak_oms.config.settings import Settings
from tap_xstak_oms.discovery.connection import CHECK_TRIES, check_connection
from tap_xstak_oms.errors import TapError
from tests.support import clock_of, config_for
from xstak_sandbox import Fault, Kind, Sandbox, World, location_ids


def check(sandbox: Sandbox, **changes: Any) -> None:
    """Check the connection to a sandbox, in this process."""
    config = config_for(sandbox, **changes)
    check_connection(Settings.parse(config, now=datetime.now(UTC)), clock_of(sandbox))


def asked(sandbox: Sandbox) -> list[tuple[str | None, str | None]]:
    """The location and status of each orders request so far, by location."""
    return sorted(
        (entry.parameter("locationId"), entry.parameter("order_status"))
        for entry in sandbox.journal.orders
    )


def test_a_check_asks_once_for_each_location() -> None:
    """One token and one request a location, the statuses in turn, the last one first."""
    with Sandbox(World(locations=("1", "2", "3"), orders_per_location=300)) as sandbox:
        check(sandbox)
        assert len(sandbox.journal.tokens) == 1
        assert asked(sandbox) == [("1", "completed"), ("2", "pending"), ("3", "completed")]


def test_a_check_of_many_locations_is_bounded() -> None:
    """Of hundreds of locations, empty or not, 20 are asked, spread over all of them."""
    world = World(locations=location_ids(200), orders_per_location=0)
    with Sandbox(world) as sandbox:
        check(sandbox)
        locations = [location for location, _ in asked(sandbox)]
        assert locations == sorted(world.locations[::10])


def test_an_account_without_orders_works(caplog: pytest.LogCaptureFixture) -> None:
    """Where no order is, the connection works all the same: a warning says what to look at."""
    caplog.set_level(logging.INFO)
    with Sandbox(World(locations=("1001",), orders_per_location=0)) as sandbox:
        check(sandbox)
    [warning] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(
        "The connection works, but asked for one status each, 1 of 1 location"
    )
    assert "`location_ids`, `order_statuses`, `company_code`, `start_date`" in warning


def test_a_location_that_fails_is_told_beside_those_that_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All locations are asked, and each that cannot be read is named, with its reason."""
    caplog.set_level(logging.INFO)
    faults = [Fault(Kind.STATUS, code=code, location=at) for at, code in (("2", 404), ("3", 403))]
    world = World(locations=("1", "2", "3", "4"))
    with Sandbox(world, faults=faults) as sandbox, pytest.raises(TapError) as raised:
        check(sandbox)
    first, *others = str(raised.value).splitlines()
    assert first == "2 of 4 locations cannot be read."
    assert ["orders of location 2: the server answered 404" in line for line in others] == [1, 0]
    assert ["orders of location 3: the server answered 403" in line for line in others] == [0, 1]
    assert "Location 4: " in caplog.text


def test_a_server_that_answers_nobody_is_not_waited_for_long() -> None:
    """Few tries, and after the first location that fails no other is waited for."""
    fault = Fault(Kind.STATUS, code=503, every=1)
    with Sandbox(World(locations=location_ids(12)), faults=[fault]) as sandbox:
        with pytest.raises(TapError, match=r"^The connection does not work\. Page one of the"):
            check(sandbox, max_concurrent_requests=1)
        assert CHECK_TRIES <= len(sandbox.journal.orders) <= 2 * CHECK_TRIES
