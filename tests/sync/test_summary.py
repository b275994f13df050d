"""What a person is told when a run has ended, however it ended."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from typing_extensions import override

from tap_xstak_oms.errors import OutputError
from tap_xstak_oms.sync.summary import NOTHING_READ, SUMMARY_PARTITIONS
from tap_xstak_oms.tap import TapXstakOMS
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World, location_ids

ONE = World(locations=("1001",))
BEGAN = "2026-01-15T07:00:00.000000+00:00"


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the last summary: the partitions, the rest of them, the total."""
    lines = [record.message for record in caplog.records]
    begin = max(at for at, line in enumerate(lines) if line.startswith("Reading "))
    return [
        line
        for line in lines[begin + 1 :]
        if line.startswith(("Read ", "... ")) or re.match(r"\w+ at \w+: ", line)
    ]


def test_a_run_ends_with_a_summary(caplog: pytest.LogCaptureFixture) -> None:
    """Orders, requests and the bookmark from and to are told for each partition."""
    with Sandbox(ONE) as sandbox:
        first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
        sandbox.clock.advance(timedelta(days=1))
        sandbox.journal.clear()
        run_tap(config_for(sandbox), state=first.state, clock=clock_of(sandbox))
        requests = len(sandbox.journal.entries())
    pending, completed, total = told(caplog)
    assert re.match(r"Read [1-9]\d* orders from 2 of 2 partitions in ", total)
    assert total.endswith(f": {requests} requests.")
    assert pending.startswith("pending at 1001: ")
    assert pending.endswith(" 1 request; bookmark 2026-01-16T07:00:00Z")
    assert completed.startswith("completed at 1001: ")
    [fields] = [vars(line) for line in caplog.records if line.message == pending]
    assert fields["bookmark_from"] == BEGAN
    assert fields["bookmark_to"] == "2026-01-16T07:00:00.000000+00:00"


def test_retries_are_told_where_they_were(caplog: pytest.LogCaptureFixture) -> None:
    """The partition of which a request was tried again is told before those without trouble."""
    fault = Fault(Kind.STATUS, code=429, retry_after=1, location="1002", order_status="completed")
    with Sandbox(quirks=Quirks(fixed_page_size=20)) as sandbox:
        config = config_for(sandbox)
        catalog = discovered(config)
        sandbox.journal.clear()
        sandbox.add_fault(fault)
        run_tap(config, catalog=catalog, clock=clock_of(sandbox))
        sent = Counter(
            (entry.parameter("locationId"), entry.parameter("order_status"))
            for entry in sandbox.journal.orders
        )
    first, *others, total = told(caplog)
    assert total.endswith(", 1 retry, throttled 1 time by the server.")
    assert first.startswith("completed at 1002: ")
    assert f"{sent['1002', 'completed']} requests, 1 retry; bookmark 20" in first
    assert not any("retr" in line for line in others)


def test_what_went_to_extra_is_told_where_it_was(caplog: pytest.LogCaptureFixture) -> None:
    """Values without a column are counted by partition and field, and told by its name."""
    with Sandbox() as sandbox:
        config = config_for(sandbox)
        catalog = discovered(config)
        columns = catalog["streams"][0]["schema"]["properties"]
        del columns["currency"]
        columns["customer"] = {"type": ["integer", "null"]}
        run = run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    *partitions, _ = told(caplog)
    for line, orders in zip(partitions, run.counts().values(), strict=True):
        assert f"{2 * orders} values in _extra (" in line
        assert f"currency {orders}" in line
        assert f"customer {orders}" in line


def test_what_is_dropped_is_told_as_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Without an `_extra` nothing is said to be there."""
    with Sandbox(ONE) as sandbox:
        config = config_for(sandbox)
        catalog = discovered(config)
        del catalog["streams"][0]["schema"]["properties"]["currency"]
        for entry in catalog["streams"][0]["metadata"]:
            if entry["breadcrumb"] != ["properties", "currency"]:
                entry["metadata"]["selected"] = entry["breadcrumb"] != ["properties", "_extra"]
        run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    *partitions, _ = told(caplog)
    assert all("values dropped (currency " in line for line in partitions)


def test_a_failed_run_has_a_summary_too(caplog: pytest.LogCaptureFixture) -> None:
    """What failed is told first, with what the next run will do about it."""
    fault = Fault(Kind.STATUS, code=404, location="1002", order_status="completed")
    with Sandbox() as sandbox:
        first = run_tap(config_for(sandbox, infer_schema=False, location_ids=["1002"]))
        before = first.bookmarks["completed", "1002"]
        sandbox.add_fault(fault)
        run_tap(config_for(sandbox, infer_schema=False), state=first.state)
    failed, *others, total = told(caplog)
    assert " from 4 of 4 partitions (1 failed) in " in total
    assert before is not None
    assert failed == (
        f"completed at 1002: no orders, 1 request; failed, the next run resumes from {before[:19]}Z"
    )
    assert len(others) == 3
    assert total.endswith("Given the last STATE, the next run resumes from the bookmarks.")


def test_what_never_settles_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A server that shuffles its pages keeps the bookmark, is named, and does not fail the run."""
    quirks = Quirks(sort="shuffled_each")
    with Sandbox(World(locations=("1001",), orders_per_location=400), quirks=quirks) as sandbox:
        run = run_tap(config_for(sandbox, page_size=10), clock=clock_of(sandbox))
    assert run.error is None
    assert run.bookmarks["completed", "1001"] is None
    assert "the completed orders of location 1001 kept moving between pages" in caplog.text
    assert "`max_read_passes`" in caplog.text
    *_, total = told(caplog)
    assert "2 re-reads; unsettled, the next run resumes from `start_date`" in caplog.text
    assert "unsettled)" in total


def test_a_full_table_read_claims_no_bookmark(caplog: pytest.LogCaptureFixture) -> None:
    """A read that moves no bookmark does not say that it does."""
    with Sandbox(ONE) as sandbox:
        config = config_for(sandbox)
        catalog = discovered(config)
        catalog["streams"][0]["replication_method"] = "FULL_TABLE"
        run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    *partitions, _ = told(caplog)
    assert all(line.endswith("; no bookmark (FULL_TABLE)") for line in partitions)
    moved = [record.__dict__.get("bookmark_to") for record in caplog.records]
    assert not any(moved)


def test_of_many_partitions_few_are_told_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    """Beyond 40 partitions the rest, of which there is nothing to tell, is told in one line."""
    world = World(locations=location_ids(30), orders_per_location=4)
    last = world.locations[-1]
    fault = Fault(Kind.STATUS, code=403, location=last, order_status="completed")
    with Sandbox(world, faults=[fault]) as sandbox:
        run = run_tap(config_for(sandbox, infer_schema=False), clock=clock_of(sandbox))
    first, *partitions, rest, total = told(caplog)
    assert len([first, *partitions]) == SUMMARY_PARTITIONS
    assert first.startswith(f"completed at {last}: no orders")
    orders = sum(int(line.split(": ")[1].split(" ")[0]) for line in partitions)
    assert rest.startswith(f"... and 20 more partitions: {len(run.records) - orders} orders, 20 r")
    assert " from 60 of 60 partitions (1 failed) in " in total


class SmallDisk(io.RawIOBase):
    """A disk with room for the records of one partition or so."""

    def __init__(self) -> None:
        self.content = b""
        self.room = 150_000

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        if len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        self.content += data
        return len(data)


def test_what_could_not_be_written_is_not_claimed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends a run, its summary has bookmarks only of partitions whose records are out."""
    disk = SmallDisk()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(disk)))
    with Sandbox(World(locations=("1001", "1002"))) as sandbox:
        catalog = discovered(config_for(sandbox))
        clock = replace(clock_of(sandbox), monotonic=lambda: 0.0)
        tap = TapXstakOMS(config=config_for(sandbox), catalog=catalog, clock=clock)
        with pytest.raises(OutputError, match="no space left"):
            tap.run()
        # What it could not take is written when it is collected.
        disk.room = sys.maxsize
        held = Counter((order.status, order.location) for order in sandbox.orders())
    *lines, _ = disk.content.split(b"\n")
    records = [message["record"] for message in map(json.loads, lines) if "record" in message]
    there = Counter((record["_order_status"], record["_location_id"]) for record in records)
    claimed = {
        (fields["order_status"], fields["location_id"])
        for fields in map(vars, caplog.records)
        if fields.get("bookmark_to")
    }
    assert claimed <= {partition for partition in held if there[partition] == held[partition]}
    assert "interrupted" in told(caplog)[-1]


def test_refused_credentials_have_a_summary(caplog: pytest.LogCaptureFixture) -> None:
    """With a catalog the run ends at its first partition, without one before any."""
    with Sandbox(ONE) as sandbox:
        catalog = discovered(config_for(sandbox))
        run_tap(config_for(sandbox, client_id="someone"), catalog=catalog)
        *_, total = told(caplog)
        reached = "Read 0 orders from 0 of 2 partitions (1 interrupted, 1 not reached) in "
        assert total.startswith(reached)
        caplog.clear()
        run_tap(config_for(sandbox, client_id="someone"))
    assert NOTHING_READ in caplog.text


def test_what_a_stream_map_drops_is_told_as_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Where `_extra` is mapped away nothing is said to be in it."""
    with Sandbox(ONE) as sandbox:
        config = config_for(sandbox)
        catalog = discovered(config)
        del catalog["streams"][0]["schema"]["properties"]["currency"]
        maps = {"sales_orders": {"_extra": "__NULL__"}}
        run_tap(config | {"stream_maps": maps}, catalog=catalog, clock=clock_of(sandbox))
    assert "Field currency has no column: 250 values are dropped." in caplog.text
