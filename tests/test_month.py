"""A month of runs every six hours: the target follows, although orders keep changing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.holdings import assert_complete, told
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import Quirks, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAYS = 31
RUNS_A_DAY = 4
WORLD = World(
    locations=("1001",),
    orders_per_location=50,
    statuses=("pending", "packed", "completed"),
    life_days=25,
)
Record = dict[str, Any]


def records_of_runs(sandbox: Sandbox) -> Iterator[list[Record]]:
    """Run for a month, each time from the state of the run before."""
    config = config_for(sandbox, order_statuses=list(WORLD.statuses), max_concurrent_requests=1)
    catalog = discovered(config, clock=clock_of(sandbox))
    state: Mapping[str, Any] = {}
    for _ in range(DAYS * RUNS_A_DAY):
        run = run_tap(config, state=state, catalog=catalog, clock=clock_of(sandbox))
        assert run.error is None
        state = run.state
        yield run.records
        sandbox.clock.advance(timedelta(days=1) / RUNS_A_DAY)


def upsert(target: dict[int, Record], records: list[Record]) -> int:
    """Let the latest record of each order win; tells how many have moved on to another status."""
    moved = 0
    for record in records:
        key = told(record)["id"]
        before = target.get(key, record)
        moved += before["_order_status"] != record["_order_status"]
        target[key] = record
    return moved


@pytest.mark.parametrize(("filters_on", "looked_at"), [("created", {0}), ("updated", {0, 6, 18})])
def test_the_target_follows_for_a_month(
    filters_on: Literal["created", "updated"], looked_at: set[int]
) -> None:
    """After each day's first run every order is in the target as the API holds it, each field.

    Where the API filters on last change, that is so after other runs as well.
    """
    target: dict[int, Record] = {}
    moved = compared = 0
    with Sandbox(WORLD, quirks=Quirks(filters_on=filters_on)) as sandbox:
        for records in records_of_runs(sandbox):
            moved += upsert(target, records)
            if sandbox.clock.now().hour in looked_at:
                assert_complete(target.values(), sandbox)
                compared += 1
    assert compared == DAYS * len(looked_at)
    assert len(target) > 65, "no month without new orders"
    assert moved > 30, "no month in which orders stand still"
