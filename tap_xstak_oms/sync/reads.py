"""The record of a partition's read: it proves which orders are there, and which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.columns import LOCATION_ID, ORDER_STATUS, SYNCED_AT, TIME_SCHEMA
from tap_xstak_oms.sync.bookmarks import to_text
from tap_xstak_oms.sync.summary import COMPLETE, result_of

if TYPE_CHECKING:
    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.sync.sync import PartitionRead

KEY = (LOCATION_ID, ORDER_STATUS, SYNCED_AT)
_COUNT = {"type": ["integer", "null"]}
_TEXT = {"type": ["string", "null"]}
_TRUTH = {"type": ["boolean", "null"]}


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        LOCATION_ID: _described(_TEXT, "The location that was read."),
        ORDER_STATUS: _described(_TEXT, "The order status that was read."),
        SYNCED_AT: _described(TIME_SCHEMA, "When the read began: that of its orders, in UTC."),
        "read_since": _described(TIME_SCHEMA, "The start date that was asked for, in UTC."),
        "ended_at": _described(TIME_SCHEMA, "When the read ended, by our clock, in UTC."),
        "announced": _described(_COUNT, "Orders that the last answer said there are."),
        "met": _described(_COUNT, "Distinct orders that were met."),
        "emitted": _described(_COUNT, "Records that were emitted."),
        "extra": _described(_COUNT, "Values that are in `_extra`."),
        "passes": _described(_COUNT, "How often the pages were read."),
        "requests": _described(_COUNT, "Requests that were sent, retries included."),
        "retries": _described(_COUNT, "Requests that were sent again."),
        "complete": _described(_TRUTH, "Whether all was read, as far as announced totals show."),
        "quiet": _described(
            _TRUTH,
            "Whether nothing moved in its last pass either: what it did not bring was not there.",
        ),
        "error": _described(_TEXT, "Why the read failed, if it did."),
        "tap_version": _described(_TEXT, "The version of the tap."),
    },
}


def read_record(partition: Partition, read: PartitionRead, tap_version: str) -> dict[str, Any]:
    """The record of a read that has ended. It holds no data of an order."""
    is_complete = result_of(read) == COMPLETE
    return {
        **partition.context,
        SYNCED_AT: to_text(read.began or read.asked_at),
        "read_since": to_text(read.since),
        "ended_at": to_text(read.ended_at or read.asked_at),
        "announced": read.outcome.total,
        "met": read.outcome.orders,
        "emitted": read.orders,
        "extra": read.extra_values.total(),
        "passes": read.outcome.passes,
        "requests": read.traffic.requests,
        "retries": read.traffic.retries,
        "complete": is_complete,
        "quiet": is_complete and read.outcome.quiet,
        "error": read.error,
        "tap_version": tap_version,
    }
