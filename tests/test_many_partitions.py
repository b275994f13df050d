"""A thousand partitions: few states, of which the last one tells all."""

from __future__ import annotations

import dataclasses
import random
from itertools import count, pairwise
from typing import Any

from tap_xstak_oms.sync.checkpoint import STATE_INTERVAL_SECONDS
from tests.holdings import Partition, assert_complete
from tests.support import Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World, location_ids

OPEN = location_ids(30)
"""The locations that have orders."""
LOCATIONS = random.Random(3).sample(location_ids(500), 500)
PARTITIONS = {(status, location) for status in ("pending", "completed") for location in LOCATIONS}
STEP_SECONDS = 0.01
"""By so much the time goes on whenever someone looks at it."""
BEFORE = "2026-01-15T06:00:00.000000+00:00"


def world() -> Sandbox:
    """A sandbox in which most locations have no order."""
    return Sandbox(World(locations=OPEN, orders_per_location=8), quirks=Quirks(fixed_page_size=3))


def run_all(sandbox: Sandbox, state: dict[str, Any] | None = None) -> tuple[Run, float]:
    """Read all partitions; also tells how many seconds went by."""
    ticks = count(step=STEP_SECONDS)
    clock = dataclasses.replace(clock_of(sandbox), monotonic=lambda: next(ticks))
    catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
    config = config_for(sandbox, location_ids=LOCATIONS, overlap_hours=2_000, max_tries=1)
    run = run_tap(config, state=state, catalog=catalog, clock=clock)
    return run, next(ticks)


def holding(sandbox: Sandbox) -> set[Partition]:
    """The partitions that have orders."""
    return {(order.status, order.location) for order in sandbox.orders()}


def states(run: Run) -> list[Run]:
    """The states that a run wrote."""
    return [Run([message]) for message in run.messages if message["type"] == "STATE"]


def test_states_are_few_and_the_last_one_is_complete() -> None:
    """A state comes every few seconds, lacks nothing of the one before, and the last has all."""
    with world() as sandbox:
        run, seconds = run_all(sandbox)
        assert run.error is None
        assert_complete(run.records, sandbox)
        said = states(run)
        intervals = seconds / STATE_INTERVAL_SECONDS
        assert 2 < intervals / 2 < len(said) < intervals + 3
        marks = [{one: mark for one, mark in state.bookmarks.items() if mark} for state in said]
        assert all(before.items() <= after.items() for before, after in pairwise(marks))
        assert marks[-1].keys() == holding(sandbox)
        assert run.bookmarks.keys() == PARTITIONS
        assert run.messages[-1]["type"] == "STATE"


def test_a_failed_partition_among_a_thousand_keeps_its_bookmark() -> None:
    """It alone is named, and stays where it was, although a page of it came; others advance."""
    failing = ("completed", OPEN[7])
    with world() as sandbox:
        sandbox.add_fault(
            Fault(Kind.STATUS, code=403, order_status=failing[0], location=failing[1], page=2)
        )
        run, _ = run_all(sandbox, all_read_before())
        assert not sandbox.unmet_faults()
        assert "1 of 1,000 partitions failed" in str(run.error)
        assert f"location {failing[1]}" in str(run.error)
        assert run.counts()[failing] > 0
        assert run.bookmarks.keys() == PARTITIONS
        moved = {one for one, mark in run.bookmarks.items() if mark != BEFORE}
        assert moved == holding(sandbox) - {failing}


def all_read_before() -> dict[str, Any]:
    """A state in which every partition was read an hour ago."""
    return {
        "bookmarks": {
            "sales_orders": {
                "partitions": [
                    {
                        "context": {"_location_id": location, "_order_status": status},
                        "replication_key": "_synced_at",
                        "replication_key_value": BEFORE,
                    }
                    for status, location in sorted(PARTITIONS)
                ]
            }
        }
    }
