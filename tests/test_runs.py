"""Runs and the runs after them: what is read, what is kept, what is asked for next."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tap_xstak_oms.errors import RunError
from tests.support import Run, clock_of, config_for, discovered, run_tap, utc
from xstak_sandbox import Entry, Fault, Kind, Quirks, Sandbox, World


def orders_by_id(sandbox: Sandbox) -> dict[int, dict[str, Any]]:
    """What the API holds at this moment, by id."""
    orders = (json.loads(order.body, parse_float=Decimal) for order in sandbox.orders())
    return {order["id"]: order for order in orders}


def starts(entries: list[Entry]) -> dict[tuple[str | None, str | None], str | None]:
    """The start date that each partition was asked from."""
    return {
        (entry.parameter("order_status"), entry.parameter("locationId")): entry.parameter(
            "start_date"
        )
        for entry in entries
        if entry.endpoint == "orders"
    }


def next_starts(sandbox: Sandbox, run: Run, **changes: Any) -> set[str | None]:
    """The start dates that a run after this one asks from."""
    sandbox.journal.clear()
    config = config_for(sandbox, infer_schema=False, **changes)
    after = run_tap(config, state=run.state, clock=clock_of(sandbox))
    assert after.error is None
    return set(starts(sandbox.journal.entries()).values())


def test_every_order_arrives_with_every_field(sandbox: Sandbox) -> None:
    """Whatever the API holds is emitted, each field in its column or in `_extra`."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    assert run.error is None
    held = orders_by_id(sandbox)
    assert {record["id"] for record in run.records} == set(held)
    for record in run.records:
        order = held[record["id"]]
        extra = record["_extra"] or {}
        for name, value in order.items():
            if name.endswith("_at") and value is not None:
                assert utc(record[name]) == utc(value)
            else:
                assert value == record.get(name, extra.get(name))


def test_each_record_tells_its_partition(sandbox: Sandbox) -> None:
    """`_location_id` and `_order_status` are what was asked for, on every record."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    for record in run.records:
        assert record["_location_id"] == record["location_id"]
        assert record["_order_status"] == record["status"]


def test_the_bookmark_is_when_the_read_began_by_the_servers_clock(sandbox: Sandbox) -> None:
    """Each partition's bookmark is its first answer's time, and its records carry it."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    for (status, location), bookmark in run.bookmarks.items():
        carried = {
            record["_synced_at"]
            for record in run.records
            if (record["_order_status"], record["_location_id"]) == (status, location)
        }
        assert carried == {bookmark}
        assert utc(bookmark or "") - utc(sandbox.clock.now().isoformat()) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("days", "used"), [(-20_000, "this machine's"), (-2, "the server's"), (2, "this machine's")]
)
def test_a_servers_clock_that_is_off_is_told_once(
    days: int, used: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Bookmarks are of the earlier clock that is possible; one warning for all partitions."""
    quirks = Quirks(date_skew_seconds=days * 86_400)
    with Sandbox(World(locations=("1001", "1002")), quirks=quirks) as sandbox:
        clock = clock_of(sandbox)
        before = clock.now() + timedelta(days=days if used == "the server's" else 0)
        run = run_tap(config_for(sandbox, infer_schema=False), clock=clock)
        for bookmark in run.bookmarks.values():
            assert timedelta() <= utc(bookmark or "") - before <= timedelta(seconds=1)
    [warning] = [line for line in caplog.messages if "clock" in line]
    assert f"Bookmarks come from {used} clock" in warning


def test_a_read_of_many_pages_began_with_its_first_answer() -> None:
    """However long it takes, and though our clock is ahead, all its records tell that moment."""
    quirks = Quirks(fixed_page_size=5, date_skew_seconds=-90)
    with Sandbox(World(locations=("1001",)), quirks=quirks, tick=timedelta(seconds=7)) as sandbox:
        changes = {"max_concurrent_requests": 1, "infer_schema": False}
        run = run_tap(config_for(sandbox, **changes), clock=clock_of(sandbox))
        first: dict[str, Entry] = {}
        for entry in sandbox.journal.orders:
            first.setdefault(str(entry.parameter("order_status")), entry)
    assert run.error is None
    for status, entry in first.items():
        # The world goes on by a tick before a request is answered.
        answered = utc(entry.at_world.isoformat()) + timedelta(seconds=7 - 90)
        told = {r["_synced_at"] for r in run.records if r["_order_status"] == status}
        assert told == {run.bookmarks[(status, "1001")]}
        assert abs(utc(told.pop()) - answered) < timedelta(seconds=1)


def test_without_a_date_the_bookmark_is_when_we_asked() -> None:
    """A server that does not tell its time is taken to have answered when it was asked."""
    with Sandbox(World(locations=("1001",)), quirks=Quirks(sends_date=False)) as sandbox:
        run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
        assert run.bookmarks[("pending", "1001")] == "2026-01-15T07:00:00.000000+00:00"


def test_the_next_run_of_a_day_asks_an_overlap_back(sandbox: Sandbox) -> None:
    """An hour later the bookmark minus `overlap_hours` is asked for."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.clock.advance(timedelta(hours=1))
    assert next_starts(sandbox, run, overlap_hours=6) == {"2026-01-15T06:00:00+05:00"}


def test_the_first_run_of_a_day_asks_a_look_back_back(sandbox: Sandbox) -> None:
    """After midnight in the account's zone the bookmark minus `lookback_days` is asked for."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.clock.advance(timedelta(hours=12))
    assert next_starts(sandbox, run, lookback_days=10) == {"2026-01-05T12:00:00+05:00"}


def test_every_partition_looks_back_every_day() -> None:
    """Also where the last run of each day passes midnight, so that some answers are of the next."""
    looked_back = set()
    quirks = Quirks(max_page_size=5000)
    world = World(locations=("1001",), orders_per_location=2000)
    with Sandbox(world, quirks=quirks, tick=timedelta(minutes=10)) as sandbox:
        config = config_for(sandbox, infer_schema=False, lookback_days=10, page_size=5000)
        state = run_tap(config, clock=clock_of(sandbox)).state
        for hour in (17, 23) * 3:
            now = sandbox.clock.now()
            sandbox.clock.advance(now.replace(hour=hour, minute=45) - now)
            began = sandbox.clock.now()
            sandbox.journal.clear()
            state = run_tap(config, state=state, clock=clock_of(sandbox)).state
            looked_back |= {
                (began.day, partition)
                for partition, start in starts(sandbox.journal.entries()).items()
                if began - utc(start or "") > timedelta(days=9)
            }
            sandbox.clock.advance(timedelta(hours=1))
    assert len(looked_back) == 2 * 2, "the first of the three days is that of the first run"


def test_a_run_with_a_state_emits_what_is_new(sandbox: Sandbox) -> None:
    """New orders and orders that moved on arrive with the run after."""
    first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    before = orders_by_id(sandbox)
    sandbox.clock.advance(timedelta(days=1))
    second = run_tap(config_for(sandbox), state=first.state, clock=clock_of(sandbox))
    after = orders_by_id(sandbox)
    latest = {record["id"]: record for record in first.records + second.records}
    assert set(after) > set(before)
    assert {key: row["_order_status"] for key, row in latest.items()} == {
        key: order["status"] for key, order in after.items()
    }


def test_bookmarks_never_move_back_and_others_stay(sandbox: Sandbox) -> None:
    """A location that is no longer configured keeps its bookmark; the others advance."""
    first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.clock.advance(timedelta(days=1))
    config = config_for(sandbox, location_ids=["1002"])
    second = run_tap(config, state=first.state, clock=clock_of(sandbox))
    for partition, bookmark in second.bookmarks.items():
        before = first.bookmarks[partition] or ""
        if partition[1] == "1001":
            assert bookmark == before
        else:
            assert (bookmark or "") > before


def test_an_empty_partition_keeps_its_bookmark(sandbox: Sandbox) -> None:
    """Where nothing came, nothing is claimed to have been read."""
    run = run_tap(config_for(sandbox, location_ids=["1001", "77"]), clock=clock_of(sandbox))
    assert run.bookmarks[("pending", "77")] is None
    assert run.bookmarks[("pending", "1001")] is not None


def test_a_state_holds_bookmarks_and_nothing_in_progress(sandbox: Sandbox) -> None:
    """The last state has a context, a bookmark and the first start of each partition."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    partitions = run.state["bookmarks"]["sales_orders"]["partitions"]
    assert len(partitions) == 4
    for partition in partitions:
        assert set(partition) == {
            "context",
            "replication_key",
            "replication_key_value",
            "read_since",
        }
        assert set(partition["context"]) == {"_location_id", "_order_status"}
        assert partition["replication_key"] == "_synced_at"


def test_full_table_reads_all_and_moves_no_bookmark(sandbox: Sandbox) -> None:
    """FULL_TABLE in a catalog begins at the start date and leaves the state as it was."""
    first = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
    catalog["streams"][0]["replication_method"] = "FULL_TABLE"
    sandbox.clock.advance(timedelta(days=1))
    sandbox.journal.clear()
    config = config_for(sandbox)
    run = run_tap(config, state=first.state, catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    assert set(starts(sandbox.journal.entries()).values()) == {config["start_date"]}
    assert {r["id"] for r in run.records} == set(orders_by_id(sandbox))
    assert run.bookmarks == first.bookmarks


def test_a_start_date_moved_back_is_warned_about(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """State does not reach back; whoever moves the start date back is told what does."""
    config = config_for(sandbox, start_date="2025-12-01")
    first = run_tap(config, clock=clock_of(sandbox))
    sandbox.clock.advance(timedelta(days=1))
    second = run_tap(config, state=first.state, clock=clock_of(sandbox))
    assert "full refresh" not in caplog.text
    run_tap(config_for(sandbox, start_date="2025-06-01"), state=second.state)
    assert "full refresh" in caplog.text


def test_a_state_of_half_a_run_is_not_ahead_of_its_records(sandbox: Sandbox) -> None:
    """In every prefix of the output the state claims no partition whose records are not out."""
    run = run_tap(config_for(sandbox), clock=clock_of(sandbox))
    held = {(order.status, order.location) for order in sandbox.orders()}
    seen: dict[tuple[str, str], int] = {}
    for message in run.messages:
        if message["type"] == "RECORD":
            record = message["record"]
            partition = (record["_order_status"], record["_location_id"])
            seen[partition] = seen.get(partition, 0) + 1
        elif message["type"] == "STATE":
            for partition, bookmark in Run([message]).bookmarks.items():
                assert bookmark is None or seen[partition] == run.counts()[partition]
    assert set(seen) == held


def test_refused_credentials_at_mid_run_keep_what_was_read() -> None:
    """When the account is shut while a run is under way, finished partitions are in the state."""
    faults = [
        Fault(Kind.STATUS, code=401, revokes=True, order_status="completed"),
        Fault(Kind.STATUS, code=401, on="token", nth=2),
    ]
    with Sandbox(World(locations=("1001",)), faults=faults) as sandbox:
        run = run_tap(config_for(sandbox, infer_schema=False), clock=clock_of(sandbox))
        assert not sandbox.unmet_faults()
    assert "refused the credentials" in str(run.error)
    assert run.bookmarks[("pending", "1001")] is not None
    assert run.bookmarks.get(("completed", "1001")) is None


def test_the_end_of_a_run_tells_what_was_read_since_the_last_state() -> None:
    """However lately a state was written, a run that breaks off writes one more."""
    faults = [
        Fault(Kind.STATUS, code=401, revokes=True, order_status="completed", location="1002"),
        Fault(Kind.STATUS, code=401, on="token", nth=2),
    ]
    with Sandbox(World(), faults=faults) as sandbox:
        clock = replace(clock_of(sandbox), monotonic=lambda: 0.0)
        run = run_tap(config_for(sandbox, infer_schema=False), clock=clock)
        assert not sandbox.unmet_faults()
    assert "refused the credentials" in str(run.error)
    # That of 1002 is not asked for before these have ended.
    assert {("pending", "1001"), ("pending", "1002")} <= {
        partition for partition, bookmark in run.bookmarks.items() if bookmark
    }


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_any_concurrency_emits_the_same(concurrency: int) -> None:
    """However many requests are under way, records and their order are those of one at a time."""
    with Sandbox(World(orders_per_location=40), quirks=Quirks(fixed_page_size=7)) as sandbox:
        config = config_for(sandbox)
        alone = run_tap(config | {"max_concurrent_requests": 1}, clock=clock_of(sandbox))
        many = run_tap(config | {"max_concurrent_requests": concurrency}, clock=clock_of(sandbox))
        assert many.records == alone.records
        assert sandbox.journal.max_in_flight <= concurrency


def test_so_many_partitions_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    """Up to `max_failed_partitions` the run ends well, with a warning; the bookmarks stay."""
    fault = Fault(Kind.STATUS, code=404, location="1002", order_status="completed")
    with Sandbox(faults=[fault]) as sandbox:
        config = config_for(sandbox, infer_schema=False, max_failed_partitions=1)
        run = run_tap(config, clock=clock_of(sandbox))
    assert run.error is None
    assert "1 of 4 partitions failed; the next run resumes from their bookmarks." in caplog.text
    assert "`max_failed_partitions`" in caplog.text
    assert run.bookmarks["completed", "1002"] is None


def test_where_all_partitions_fail_none_may() -> None:
    """A run that could read nothing has failed, whatever may fail, and says so by its exit code."""
    fault = Fault(Kind.STATUS, code=404, every=1)
    with Sandbox(faults=[fault]) as sandbox:
        config = config_for(sandbox, infer_schema=False, max_failed_partitions=100)
        run = run_tap(config, clock=clock_of(sandbox))
    assert isinstance(run.error, RunError)
    assert run.error.exit_code == 4
    assert "4 of 4 partitions failed" in str(run.error)


def test_metrics_tell_the_truth(caplog: pytest.LogCaptureFixture) -> None:
    """A run of which a partition failed has not succeeded; figures of all have no one's context."""
    caplog.set_level(logging.INFO)
    fault = Fault(Kind.STATUS, code=404, location="1002", order_status="completed")
    statuses = []
    for faults in ([], [fault]):
        caplog.clear()
        with Sandbox(faults=faults) as sandbox:
            run = run_tap(config_for(sandbox, infer_schema=False), clock=clock_of(sandbox))
        points = [
            json.loads(line.removeprefix("METRIC: "))
            for line in caplog.messages
            if line.startswith("METRIC: ")
        ]
        assert not [point for point in points if "context" in point["tags"]]
        [count] = [point["value"] for point in points if point["metric"] == "record_count"]
        assert count == len(run.records)
        statuses += [p["tags"]["status"] for p in points if p["metric"] == "sync_duration"]
    assert statuses == ["succeeded", "failed"]
