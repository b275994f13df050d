"""The log lines at the end of a run, whatever ended it. The total comes last."""

from __future__ import annotations

import logging
from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.settings import DECIDE_WHAT_IS_THERE
from tap_xstak_oms.errors import RunError, TapError
from tap_xstak_oms.records.columns import can_be_column
from tap_xstak_oms.sync import bookmarks
from tap_xstak_oms.wording import counted, duration, listed, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_xstak_oms.config.settings import Partition, Settings
    from tap_xstak_oms.sync.sync import PartitionRead, Sync

SUMMARY_PARTITIONS = 40
"""Partitions with a line of their own at most; those with trouble come first."""
NAMES = 50
"""Locations, statuses or fields named in one line at most."""
FIELDS = 10
"""Fields without a column that get a line of their own, at most."""
EXTRA_FIELDS = 3
"""Fields of a partition named in one line at most."""
NOTHING_READ = "Nothing was read. The state is unchanged; the next run starts where this one did."
COMPLETE, FAILED, UNSETTLED, INTERRUPTED = "complete", "failed", "unsettled", "interrupted"

logger = logging.getLogger("tap-xstak-oms")


class Summary:
    """The lines about one run, in their order.

    JSON logs hold the same in the `extra` fields of the log records.
    """

    def __init__(
        self, sync: Sync, *, moves_bookmarks: bool, keeps_extra: bool | None, is_cut_off: bool
    ) -> None:
        """Look at a run that has ended.

        Args:
            sync: The run.
            moves_bookmarks: Whether complete reads move bookmarks: not with FULL_TABLE.
            keeps_extra: Whether `_extra` arrives at the target; None if no order does.
            is_cut_off: Whether the pipe was closed before everything was written.
        """
        self._sync = sync
        self._moves_bookmarks = moves_bookmarks
        self._is_cut_off = is_cut_off
        self._emits_records = keeps_extra is not None
        self._place = "in _extra" if keeps_extra else "dropped"

    def tell(self) -> None:
        """Log all lines."""
        self._tell_partitions()
        self._warn_of_unsettled()
        self._sync.keys.warn()
        if self._emits_records:
            self._warn_of_fields()
        self._warn_of_empty()
        if self._is_cut_off:
            logger.warning(
                "The pipe was closed before everything was written: only the bookmarks of the last "
                "STATE count."
            )
        self._tell_total()

    def _tell_partitions(self) -> None:
        reads = sorted(self._sync.reads.items(), key=lambda item: _rank(item[1]))
        for partition, read in reads[:SUMMARY_PARTITIONS]:
            logger.info("%s", self._line(partition, read), extra=self._fields(partition, read))
        rest = [read for _, read in reads[SUMMARY_PARTITIONS:]]
        if rest:
            logger.info(
                "... and %s: %s, %s, %d not complete.",
                counted(len(rest), "more partition"),
                counted(sum(read.orders for read in rest), "order"),
                counted(sum(read.traffic.requests for read in rest), "request"),
                sum(result_of(read) != COMPLETE for read in rest),
            )

    def _line(self, partition: Partition, read: PartitionRead) -> str:
        parts = [
            counted(read.orders, "order") if read.orders else "no orders",
            counted(read.traffic.requests, "request"),
            *self._trouble(read),
        ]
        who = f"{partition.order_status} at {partition.location_id}"
        return f"{who}: {', '.join(parts)}; {self._bookmark(partition, read)}"

    def _trouble(self, read: PartitionRead) -> Iterator[str]:
        if read.traffic.retries:
            yield counted(read.traffic.retries, "retry", "retries")
        if read.outcome.passes > 1:
            yield counted(read.outcome.passes - 1, "re-read")
        if read.extra_values:
            fields = [f"{name} {count:,}" for name, count in read.extra_values.most_common()]
            values = counted(read.extra_values.total(), "value")
            yield f"{values} {self._place} ({listed(fields, EXTRA_FIELDS)})"

    def _bookmark(self, partition: Partition, read: PartitionRead) -> str:
        result = result_of(read)
        before = self._sync.last_read.get(partition)
        if result != COMPLETE:
            start = moment(before) if before else "`start_date`"
            return f"{result}, the next run resumes from {start}"
        if not self._moves_bookmarks:
            return "no bookmark (FULL_TABLE)"
        return f"bookmark {moment(read.bookmark)}" if read.bookmark else "bookmark unchanged"

    def _fields(self, partition: Partition, read: PartitionRead) -> dict[str, Any]:
        before, after = self._sync.last_read.get(partition), read.bookmark
        return {
            "order_status": partition.order_status,
            "location_id": partition.location_id,
            "result": result_of(read),
            "orders": read.orders,
            "requests": read.traffic.requests,
            "retries": read.traffic.retries,
            "re_reads": read.outcome.passes - 1,
            "extra_values": dict(read.extra_values),
            "bookmark_from": bookmarks.to_text(before) if before else None,
            "bookmark_to": bookmarks.to_text(after) if after and self._moves_bookmarks else None,
            "error": read.error,
            "request_id": read.request_id,
        }

    def _warn_of_unsettled(self) -> None:
        for partition, read in self._sync.reads.items():
            if result_of(read) == UNSETTLED:
                logger.warning(
                    "%s kept moving between pages, in %d passes (`max_read_passes`). All orders "
                    "seen are emitted; the next run resumes from the old bookmark.",
                    partition,
                    read.outcome.passes,
                )

    def _warn_of_fields(self) -> None:
        fitter = self._sync.fitter
        undeclared = fitter.undeclared.most_common()
        for name, count in undeclared[:FIELDS]:
            logger.warning(
                "Field %s has no column: %s %s.%s",
                name,
                self._went(count),
                self._place,
                " Discover again (--discover) to give it one." if can_be_column(name) else "",
            )
        if rest := undeclared[FIELDS:]:
            logger.warning(
                "%s without a column: %s %s (%s).",
                counted(len(rest), "more field"),
                self._went(sum(count for _, count in rest)),
                self._place,
                listed([name for name, _ in rest], NAMES),
            )
        for name, count in fitter.misfits.items():
            logger.warning(
                "Field %s: %s %s, with a type other than the column's.",
                name,
                self._went(count),
                self._place,
            )
        for name, count in fitter.left_out.items():
            logger.warning(
                "Field %s: %s left out, as it could hold what the catalog deselects.",
                name,
                self._went(count),
            )

    @staticmethod
    def _went(count: int) -> str:
        return f"{counted(count, 'value')} {'is' if count == 1 else 'are'}"

    def _warn_of_empty(self) -> None:
        """Name the locations and statuses without any order: they may be misspelt."""
        empty = self._empty()
        others = set(self._sync.partitions) - empty
        if not others:
            logger.warning(
                "No partition has an order. If some should, check %s.", DECIDE_WHAT_IS_THERE
            )
            return
        for setting, what, name_of in (
            ("location_ids", "location", attrgetter("location_id")),
            ("order_statuses", "status", attrgetter("order_status")),
        ):
            names = sorted(set(map(name_of, empty)) - set(map(name_of, others)))
            if names:
                logger.info(
                    "No order since `start_date` for %s %s. If there should be some, check `%s`.",
                    what,
                    listed(names, NAMES),
                    setting,
                    extra={f"empty_{setting}": names},
                )

    def _empty(self) -> set[Partition]:
        """The partitions that were read whole and never had an order, now or before."""
        return {
            partition
            for partition, read in self._sync.reads.items()
            if result_of(read) == COMPLETE
            and not read.orders
            and partition not in self._sync.last_read
        }

    def _tell_total(self) -> None:
        figures = self._sync.figures()
        left = _left(self._sync.reads, figures.partitions)
        of_all = f"{figures.partitions_done:,} of {counted(figures.partitions, 'partition')}"
        unfinished = ", ".join(f"{number:,} {result}" for result, number in left.items())
        logger.info(
            "Read %s from %s%s in %s: %s%s.%s",
            counted(figures.orders, "order"),
            of_all,
            f" ({unfinished})" if unfinished else "",
            duration(figures.seconds),
            counted(figures.requests, "request"),
            figures.trouble,
            " Given the last STATE, the next run resumes from the bookmarks." if left else "",
            extra=asdict(figures) | {"left": left, "partitions_failed": left.get(FAILED, 0)},
        )


def result_of(read: PartitionRead) -> str:
    """The result of a partition: one of the four words."""
    if read.error:
        return FAILED
    if not read.has_ended:
        return INTERRUPTED
    return COMPLETE if read.outcome.settled else UNSETTLED


def judge(reads: Mapping[Partition, PartitionRead], settings: Settings) -> None:
    """Fail if too many partitions did; log a warning if some did.

    Raises:
        RunError: All failed.
        TapError: More than `max_failed_partitions` failed.
    """
    errors = [read.error for read in reads.values() if read.error]
    if not errors:
        return
    which = "The error" if len(errors) == 1 else "The first error"
    verdict = (
        f"{len(errors):,} of {counted(len(reads), 'partition')} failed; the next run resumes from "
        f"their bookmarks. {which}: {errors[0]}"
    )
    if len(errors) == len(reads):
        raise RunError(verdict)
    if len(errors) > settings.max_failed_partitions:
        raise TapError(verdict)
    logger.warning(
        "%s Up to %d may fail (`max_failed_partitions`).", verdict, settings.max_failed_partitions
    )


def _rank(read: PartitionRead) -> tuple[bool, bool, bool]:
    is_plain = read.outcome.passes == 1 and not (read.traffic.retries or read.extra_values)
    return read.error is None, result_of(read) == COMPLETE, is_plain


def _left(reads: Mapping[Partition, PartitionRead], partitions: int) -> dict[str, int]:
    """How many partitions are not complete, by result."""
    results = [result_of(read) for read in reads.values()]
    counts = {result: results.count(result) for result in (FAILED, UNSETTLED, INTERRUPTED)}
    counts["not reached"] = partitions - len(results)
    return {result: number for result, number in counts.items() if number}
