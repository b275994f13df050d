"""What a person is told when a run has ended, well or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_xstak_oms import bookmarks
from tap_xstak_oms.progress import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_xstak_oms.progress import Figures
    from tap_xstak_oms.settings import Partition
    from tap_xstak_oms.sync import PartitionRead

SUMMARY_PARTITIONS = 40
"""Partitions told one by one at most; those with something to tell go first."""


def summary(
    reads: Mapping[Partition, PartitionRead],
    figures: Figures,
    last_read: Mapping[Partition, datetime],
) -> Iterator[str]:
    """What came of a run, line by line.

    Args:
        reads: The partitions begun, and what came of each.
        figures: As they are at the end.
        last_read: The bookmarks that the run began with.
    """
    failed = sum(1 for read in reads.values() if read.error)
    yield (
        f"Read {figures.orders} orders of {figures.partitions_done} of {figures.partitions} "
        f"partitions ({failed} failed) with {figures.requests} requests, {figures.retries} "
        f"retries and {figures.pauses} pauses in {in_words(figures.seconds)}."
    )
    told = sorted(reads.items(), key=lambda item: _is_dull(item[1]))
    for partition, read in told[:SUMMARY_PARTITIONS]:
        yield _line(partition, read, last_read.get(partition))
    if len(told) > SUMMARY_PARTITIONS:
        yield f"... and {len(told) - SUMMARY_PARTITIONS} partitions more."


def _is_dull(read: PartitionRead) -> bool:
    return read.error is None and read.outcome.settled and read.outcome.passes == 1


def _line(partition: Partition, read: PartitionRead, before: datetime | None) -> str:
    outcome = read.outcome
    passes = f" in {outcome.passes} passes" if outcome.passes > 1 else ""
    kept = bookmarks.to_text(before) if before else "none"
    moved = f"{kept} -> {bookmarks.to_text(read.bookmark)}" if read.bookmark else f"stays {kept}"
    fate = "" if read.bookmark or not read.error else "; failed, and read again by the next run"
    return (
        f"{partition.order_status}, location {partition.location_id}: {read.orders} orders, "
        f"{outcome.pages} pages{passes}, bookmark {moved}{fate}"
    )
