"""A sandbox read in shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import Sandbox, location_ids

if TYPE_CHECKING:
    from xstak_sandbox.journal import Entry


LOCATIONS = location_ids(8)
EMPTY = {"shard_index": 5, "shard_count": 50}
"""A shard of many that has none of these locations."""


def run_shards(sandbox: Sandbox, shard_count: int, *states: dict[str, Any]) -> list[Run]:
    """Run each shard, from the state of its index if there is one, else from the only one."""
    catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.journal.clear()
    runs = []
    for index in range(shard_count):
        config = config_for(sandbox, shard_index=index, shard_count=shard_count)
        state = states[index if len(states) > 1 else 0] if states else None
        runs.append(run_tap(config, state=state, catalog=catalog, clock=clock_of(sandbox)))
    assert all(run.error is None for run in runs)
    return runs


def first_requests(sandbox: Sandbox) -> dict[tuple[str | None, str | None], list[str | None]]:
    """The start dates asked from, by status and location, once for each read."""
    starts: dict[tuple[str | None, str | None], list[str | None]] = {}
    for entry in sandbox.journal.orders:
        if entry.parameter("page") is None:
            starts.setdefault(partition_of(entry), []).append(entry.parameter("start_date"))
    return starts


def partition_of(entry: Entry) -> tuple[str | None, str | None]:
    """The status and location that a request is for."""
    return entry.parameter("order_status"), entry.parameter("locationId")
