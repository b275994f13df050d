"""The requests of a run and their time: the tables of docs/scaling.md."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import shard_of

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN_SECONDS = 270
"""How long the tap uses a token of five minutes."""


def default(name: str) -> Any:  # noqa: ANN401 - the schema has its type
    """The default of a setting."""
    return SCHEMA["properties"][name]["default"]


def order_requests(partitions: Iterable[int], page_size: int) -> int:
    """Requests that read partitions of these sizes, if no order moves."""
    return sum(max(1, math.ceil(orders / page_size)) for orders in partitions)


def token_requests(seconds: float) -> int:
    """Token requests in a run of that length."""
    return 1 + int(seconds // TOKEN_SECONDS)


@dataclass(frozen=True)
class Model:
    """The assumptions of the tables, besides the defaults of the settings.

    Attributes:
        orders_per_day: Orders of a location each day.
        days_pending: Days of an order in the first status; then it stays in the second.
        answer_seconds: Seconds that an answer takes.
        first_days: Days between `start_date` and the first read.
    """

    orders_per_day: int = 10
    days_pending: int = 5
    answer_seconds: float = 0.3
    first_days: int = 365

    def requests(self, locations: int, days: float) -> int:
        """Requests, tokens included, of a run that reads the orders of some days."""
        pending = min(days, self.days_pending)
        sizes = [round(self.orders_per_day * share) for share in (pending, days - pending)]
        orders = locations * order_requests(sizes, default("page_size"))
        return orders + token_requests(self._seconds(orders))

    def minutes(self, requests: int) -> float:
        """How long one process needs for these requests."""
        return self._seconds(requests) / 60

    def _seconds(self, requests: int) -> float:
        at_once: int = default("max_concurrent_requests")
        return requests * self.answer_seconds / at_once


MODEL = Model()
HOURLY_DAYS = default("overlap_hours") / 24
DAILY_DAYS = default("lookback_days")
LOCATIONS = (1, 10, 100, 500, 1_000, 2_000, 5_000)
SHARDS = (1, 2, 4, 8, 16)
SHARDED_LOCATIONS = 5_000
TOTAL_PER_MINUTE = 1_200


def assumptions() -> str:
    """The assumptions of the tables, in words."""
    return (
        f"Assumptions: {MODEL.orders_per_day} orders a day per location; an order is pending for "
        f"{MODEL.days_pending} days and then completed;\n{MODEL.first_days} days between "
        f"`start_date` and the first run; {MODEL.answer_seconds} seconds per answer; the defaults "
        f"(pages of\n{default('page_size')} orders, {default('max_concurrent_requests')} requests "
        "at once). The tables are arithmetic, not measurements; a test compares the\nrequests with "
        "those that the tap sends."
    )


def locations_table() -> str:
    """The needs of one process, by the number of locations."""
    rows = [
        "| locations | an hourly run | the first of a day | the first of all |",
        "|---|---|---|---|",
    ]
    for locations in LOCATIONS:
        cells = [_cell(locations, days) for days in (HOURLY_DAYS, DAILY_DAYS, MODEL.first_days)]
        rows.append(f"| {locations:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(locations: int, days: float) -> str:
    requests = MODEL.requests(locations, days)
    return f"{requests:,} requests, {_minutes(MODEL.minutes(requests))}"


def largest_shard(shard_count: int) -> int:
    """The locations of the largest shard, if the ids are 1001, 1002, ..."""
    ids = range(1001, 1001 + SHARDED_LOCATIONS)
    shards = [shard_of(str(location), shard_count) for location in ids]
    return max(shards.count(index) for index in range(shard_count))


def shards_table() -> str:
    """The needs of each shard, by the number of shards."""
    rows = [
        f"For {SHARDED_LOCATIONS:,} locations and {TOTAL_PER_MINUTE:,} requests a minute in all:",
        "",
        "| shards | locations of the largest | the first of a day | limit of each | with that |",
        "|---|---|---|---|---|",
    ]
    for shard_count in SHARDS:
        locations = largest_shard(shard_count)
        limit = TOTAL_PER_MINUTE // shard_count
        requests = MODEL.requests(locations, DAILY_DAYS)
        rows.append(
            f"| {shard_count} | {locations:,} | {_cell(locations, DAILY_DAYS)} | {limit:,} "
            f"| {_minutes(requests / limit)} |"
        )
    return "\n".join(rows)


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes >= 1 else "under a minute"
