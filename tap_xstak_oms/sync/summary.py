"""What a person is told when a run has ended, well or not."""

from __future__ import annotations

from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_xstak_oms.sync import bookmarks
from tap_xstak_oms.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.sync.sync import PartitionRead, Sync

SUMMARY_PARTITIONS = 40
"""Partitions told one by one at most; those with something to tell go first."""
NAMES = 10
"""Locations or statuses told by name at most in one line."""
SPARE_FIELDS = 3
"""Fields of a partition told by name at most."""
NOTHING_READ = (
    "Nothing was read, and the state stays as it was: the next run begins where this one did."
)
WHOLE, FAILED, UNSETTLED, BROKEN_OFF = "whole", "failed", "kept changing", "broken off"


class Line(NamedTuple):
    """One line of a summary.

    Attributes:
        text: For a person.
        fields: The same for logs that machines read.
    """

    text: str
    fields: dict[str, Any]


def summary(sync: Sync, *, is_full_table: bool) -> Iterator[Line]:
    """What came of a run, line by line.

    Args:
        sync: The run, ended or broken off.
        is_full_table: Whether it moves no bookmarks.
    """
    figures = sync.figures()
    failed = sum(1 for read in sync.reads.values() if read.error)
    yield Line(
        f"Read {counted(figures.orders, 'order')} of {figures.partitions_done} of "
        f"{counted(figures.partitions, 'partition')} ({failed} failed) in "
        f"{duration(figures.seconds)}, with {counted(figures.requests, 'request')}, "
        f"{counted(figures.retries, 'retry', 'retries')} and "
        f"{counted(figures.throttles, 'throttle')}.",
        asdict(figures) | {"partitions_failed": failed},
    )
    tellings = [
        _Telling(sync, partition, read, is_full_table=is_full_table)
        for partition, read in sorted(sync.reads.items(), key=lambda item: _dullness(item[1]))
    ]
    for telling in tellings[:SUMMARY_PARTITIONS]:
        yield telling.line()
    yield from _rest([telling.read for telling in tellings[SUMMARY_PARTITIONS:]])
    yield from _left(sync.reads.values(), figures.partitions - len(sync.reads))
    yield from _never_met(sync)


def _came_to(read: PartitionRead) -> str:
    if read.error:
        return FAILED
    if not read.has_ended:
        return BROKEN_OFF
    return WHOLE if read.outcome.settled else UNSETTLED


def _dullness(read: PartitionRead) -> tuple[bool, bool, bool]:
    is_plain = read.outcome.passes == 1 and not (read.traffic.retries or read.spare)
    return read.error is None, _came_to(read) == WHOLE, is_plain


class _Telling:
    """What is told of one partition."""

    def __init__(
        self, sync: Sync, partition: Partition, read: PartitionRead, *, is_full_table: bool
    ) -> None:
        self.read = read
        self._partition = partition
        self._is_full_table = is_full_table
        self._spare_place = "in _extra" if sync.fitter.keeps_extra else "dropped"
        before, after = sync.last_read.get(partition), read.bookmark
        self._before = bookmarks.to_text(before) if before else None
        self._after = bookmarks.to_text(after) if after and not is_full_table else None

    def line(self) -> Line:
        read, partition = self.read, self._partition
        told = [
            counted(read.orders, "order"),
            counted(read.traffic.requests, "request"),
            *self._trouble(),
            self._bookmark(),
        ]
        return Line(
            f"{partition.order_status}, location {partition.location_id}: {', '.join(told)}"
            + self._fate(),
            {
                "order_status": partition.order_status,
                "location_id": partition.location_id,
                "came_to": _came_to(read),
                "orders": read.orders,
                "requests": read.traffic.requests,
                "retries": read.traffic.retries,
                "re_reads": read.outcome.passes - 1,
                "spare_values": dict(read.spare),
                "bookmark_from": self._before,
                "bookmark_to": self._after,
                "error": read.error,
            },
        )

    def _trouble(self) -> Iterator[str]:
        read = self.read
        if read.traffic.retries:
            yield counted(read.traffic.retries, "retry", "retries")
        if read.outcome.passes > 1:
            yield counted(read.outcome.passes - 1, "re-read")
        if read.spare:
            fields = [f"{name} {count}" for name, count in read.spare.most_common()]
            values = counted(read.spare.total(), "value")
            yield f"{values} {self._spare_place} ({_some(fields, SPARE_FIELDS)})"

    def _bookmark(self) -> str:
        if self._is_full_table:
            return "no bookmark, as it is always read in full"
        before = self._before or "none"
        return f"bookmark {before} -> {self._after}" if self._after else f"bookmark stays {before}"

    def _fate(self) -> str:
        came_to = _came_to(self.read)
        if came_to == WHOLE:
            return ""
        start = "from there" if self._before else "from `start_date`"
        return f"; {came_to}, and read again {start} by the next run"


def _rest(reads: list[PartitionRead]) -> Iterator[Line]:
    """The partitions that are not told one by one."""
    if not reads:
        return
    orders = sum(read.orders for read in reads)
    requests = sum(read.traffic.requests for read in reads)
    unfinished = sum(_came_to(read) != WHOLE for read in reads)
    yield Line(
        f"... and {counted(len(reads), 'partition')} more: {counted(orders, 'order')}, "
        f"{counted(requests, 'request')}, {unfinished} not read whole.",
        {},
    )


def _left(reads: Iterable[PartitionRead], unreached: int) -> Iterator[Line]:
    """What is left for the next run to make up for."""
    ends = [_came_to(read) for read in reads]
    counts = {end: ends.count(end) for end in (FAILED, UNSETTLED, BROKEN_OFF)}
    counts["not reached"] = unreached
    if any(counts.values()):
        words = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
        yield Line(
            f"Left for the next run, of {counted(len(ends) + unreached, 'partition')}: {words}. "
            "Given the last STATE, it reads them from their bookmarks.",
            {"left": counts},
        )


def is_all_empty(sync: Sync) -> bool:
    """Whether every partition was read whole and has no order, nor had any in an earlier run."""
    return _empty(sync) == set(sync.partitions)


def _never_met(sync: Sync) -> Iterator[Line]:
    """Locations and statuses that may be misspelt: others have orders, and they have none."""
    empty = _empty(sync)
    others = set(sync.partitions) - empty
    for setting, what, name_of in (
        ("location_ids", "of location", attrgetter("location_id")),
        ("order_statuses", "with the status", attrgetter("order_status")),
    ):
        names = sorted(set(map(name_of, empty)) - set(map(name_of, others)))
        if others and names:
            yield Line(
                f"There is no order {what} {_some(names, NAMES)} since `start_date`. If that is "
                f"not so, check `{setting}`.",
                {f"empty_{setting}": names},
            )


def _empty(sync: Sync) -> set[Partition]:
    return {
        partition
        for partition, read in sync.reads.items()
        if _came_to(read) == WHOLE and not read.orders and partition not in sync.last_read
    }


def _some(names: list[str], most: int) -> str:
    """The first of some names, and whether there are more."""
    return ", ".join(names[:most] + (["..."] if len(names) > most else []))
