"""The stream of reads: a record for each partition read, before the STATE that covers it."""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.sync.reads import KEY, SCHEMA
from tests.shards import EMPTY, LOCATIONS
from tests.support import Collector, Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, Quirks, RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ORDERS, READS = "sales_orders", "sales_order_reads"
Catalog = dict[str, Any]
GONE = Fault(Kind.STATUS, code=404, location="1002", order_status="completed", every=1)


def selecting(
    catalog: Catalog, streams: Collection[str], *, without: Collection[str] = ()
) -> Catalog:
    """A catalog with these streams selected, but for some columns of the reads."""
    catalog = copy.deepcopy(catalog)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
            elif stream["tap_stream_id"] == READS and entry["breadcrumb"][-1] in without:
                entry["metadata"]["selected"] = False
    return catalog


def reads_of(run: Run) -> list[dict[str, Any]]:
    """The records of reads."""
    return [m["record"] for m in run.messages if m["type"] == "RECORD" and m["stream"] == READS]


def orders_of(run: Run) -> list[dict[str, Any]]:
    """The records of orders."""
    return [m["record"] for m in run.messages if m["type"] == "RECORD" and m["stream"] == ORDERS]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What discovery makes of the orders of the sandbox."""
    with Sandbox() as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def test_each_read_is_told(catalog: Catalog) -> None:
    """What was asked for, announced, met and emitted, and that it was all; it joins its orders."""
    with Sandbox(World(locations=("1001", "1002"), orders_per_location=30)) as sandbox:
        run = run_tap(
            config_for(sandbox, page_size=20),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
        sent = len(sandbox.journal.orders)
    reads = reads_of(run)
    counts = run.counts()
    assert {(read["_order_status"], read["_location_id"]) for read in reads} == set(run.bookmarks)
    for read in reads:
        place = read["_order_status"], read["_location_id"]
        orders = [r for r in orders_of(run) if (r["_order_status"], r["_location_id"]) == place]
        assert {order["_synced_at"] for order in orders} == {read["_synced_at"]}
        assert read["announced"] == read["met"] == read["emitted"] == len(orders)
        assert (read["complete"], read["quiet"]) == (True, True)
        assert (read["error"], read["passes"]) == (None, 1)
        assert read["read_since"] == "2024-12-31T19:00:00.000000+00:00"
        assert read["ended_at"] >= read["_synced_at"][:19]
    assert counts.total() - len(reads) == len(orders_of(run))
    assert sum(read["requests"] for read in reads) == sent
    assert set(reads[0]) == set(SCHEMA["properties"])


def test_a_read_is_told_before_the_state_that_covers_it(catalog: Catalog) -> None:
    """Whenever a bookmark is there, the record of its read was before it; a SCHEMA before both."""
    with Sandbox() as sandbox:
        clock = clock_of(sandbox)
        ticks = iter(range(0, 10**6, 10))
        clock = replace(clock, monotonic=lambda: next(ticks))
        run = run_tap(config_for(sandbox), catalog=selecting(catalog, [ORDERS, READS]), clock=clock)
    told: set[tuple[str, str]] = set()
    has_schema = False
    states = 0
    for message in run.messages:
        if message["type"] == "SCHEMA":
            has_schema |= message["stream"] == READS
        elif message["type"] == "RECORD" and message["stream"] == READS:
            assert has_schema
            record = message["record"]
            told.add((record["_order_status"], record["_location_id"]))
        elif message["type"] == "STATE":
            states += 1
            assert set(Run([message]).bookmarks) <= told
    assert states > 2


def test_a_failed_read_is_told(catalog: Catalog) -> None:
    """It has its record too, with the words of the failure; so has an empty one."""
    world = World(locations=("1001", "1002"), orders_per_location=1)
    with Sandbox(world, faults=[GONE]) as sandbox:
        run = run_tap(
            config_for(sandbox),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
    assert isinstance(run.error, TapError)
    reads = {(read["_order_status"], read["_location_id"]): read for read in reads_of(run)}
    assert len(reads) == 4
    failed = reads["completed", "1002"]
    assert (failed["complete"], failed["quiet"], failed["emitted"]) == (False, False, 0)
    assert "the server answered 404" in failed["error"]
    empty = [read for read in reads.values() if read["announced"] == 0 and read["complete"]]
    assert empty
    assert all(read["_synced_at"] for read in reads.values())


def test_what_never_settles_is_not_complete(catalog: Catalog) -> None:
    """A server that shuffles its pages gives no proof of what is not there."""
    quirks = Quirks(sort="shuffled_each")
    with Sandbox(World(locations=("1001",), orders_per_location=400), quirks=quirks) as sandbox:
        run = run_tap(
            config_for(sandbox, page_size=10),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
    [read] = [read for read in reads_of(run) if read["_order_status"] == "completed"]
    assert (read["complete"], read["quiet"], read["passes"], read["error"]) == (
        False,
        False,
        3,
        None,
    )


def test_a_read_that_met_fewer_orders_than_announced_is_not_quiet(catalog: Catalog) -> None:
    """A server that lists an order twice is read whole, and proves of no other that it is gone."""
    raw = [RawOrder("1001", "pending", b'{"id":%d}' % number) for number in (1, 2, 3, 4, 4)]
    with Sandbox(World(locations=("1001",), orders_per_location=0, raw_orders=raw)) as sandbox:
        run = run_tap(
            config_for(sandbox, order_statuses=["pending"], page_size=2),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
    [read] = reads_of(run)
    assert (read["announced"], read["met"]) == (5, 4)
    assert (read["complete"], read["quiet"]) == (True, False)


def test_reads_alone_emit_no_order_and_move_no_bookmark(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    """Orders are read and not written, which is said; the next run with orders misses none."""
    caplog.set_level(logging.INFO)
    with Sandbox() as sandbox:
        config = config_for(sandbox)
        first = run_tap(config, catalog=selecting(catalog, [ORDERS]), clock=clock_of(sandbox))
        sandbox.clock.advance(timedelta(days=1))
        alone = run_tap(
            config,
            state=first.state,
            catalog=selecting(catalog, [READS]),
            clock=clock_of(sandbox),
        )
    assert alone.error is None
    assert not orders_of(alone)
    assert len(reads_of(alone)) == 4
    assert {read["emitted"] for read in reads_of(alone)} == {0}
    assert all(read["met"] == read["announced"] for read in reads_of(alone))
    assert alone.bookmarks == first.bookmarks
    assert "Orders are read and not emitted" in caplog.text


@pytest.mark.parametrize("is_listed", [True, False], ids=["deselected", "not in the catalog"])
def test_without_the_stream_nothing_changes(
    catalog: Catalog,
    is_listed: bool,  # noqa: FBT001 - a case
) -> None:
    """Deselected, or in no catalog of before, it leaves not a byte of the output different."""
    outputs = []
    for streams in ([ORDERS], [ORDERS, READS]):
        given = selecting(catalog, streams)
        if not is_listed and streams == [ORDERS]:
            given["streams"] = [s for s in given["streams"] if s["tap_stream_id"] == ORDERS]
        with Sandbox() as sandbox:
            run = run_tap(config_for(sandbox), catalog=given, clock=clock_of(sandbox))
        for message in run.messages:
            message.pop("time_extracted", None)
            message.get("value", {}).get("bookmarks", {}).pop(READS, None)
        kept = [m for m in run.messages if m.get("stream") != READS and m["type"] != "STATE"]
        outputs.append(json.dumps([*kept, run.state], default=str))
        assert bool(reads_of(run)) == (READS in streams)
    assert outputs[0] == outputs[1]


def test_some_of_its_columns_may_be_deselected(catalog: Catalog) -> None:
    """What is deselected is in no record; the key always is."""
    out = ["tap_version", "error"]
    given = selecting(catalog, [ORDERS, READS], without=[*out, *KEY])
    with Sandbox() as sandbox:
        run = run_tap(config_for(sandbox), catalog=given, clock=clock_of(sandbox))
    schemas = [m for m in run.messages if m["type"] == "SCHEMA" and m["stream"] == READS]
    assert schemas
    for schema in schemas:
        assert set(SCHEMA["properties"]) - set(schema["schema"]["properties"]) == set(out)
        assert schema["key_properties"] == list(KEY)
    assert len(reads_of(run)) == 4
    for read in reads_of(run):
        assert set(SCHEMA["properties"]) - set(read) == set(out)


def test_stream_maps_apply(catalog: Catalog) -> None:
    """It can be renamed, and its columns changed, as those of orders."""
    maps = {READS: {"__alias__": "'reads'", "missing": "announced - met", "error": None}}
    with Sandbox() as sandbox:
        run = run_tap(
            config_for(sandbox, stream_maps=maps),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
    mapped = [m["record"] for m in run.messages if m.get("stream") == "reads" and "record" in m]
    assert len(mapped) == 4
    assert {record["missing"] for record in mapped} == {0}
    assert not any("error" in record for record in mapped)


@pytest.mark.parametrize("stream", [0, 1], ids=[ORDERS, READS])
def test_a_full_table_read_is_told_as_well(catalog: Catalog, stream: int) -> None:
    """FULL_TABLE of the orders moves no bookmark; of the reads it changes nothing."""
    given = selecting(catalog, [ORDERS, READS])
    given["streams"][stream]["replication_method"] = "FULL_TABLE"
    with Sandbox() as sandbox:
        run = run_tap(config_for(sandbox), catalog=given, clock=clock_of(sandbox))
    assert run.error is None
    assert len(reads_of(run)) == 4
    assert all(read["complete"] and read["quiet"] for read in reads_of(run))
    assert all(run.bookmarks.values()) == (given["streams"][stream]["tap_stream_id"] == READS)


class Stopping(Collector):
    """Ends the run where a partition is half read, as a signal does."""

    def __init__(self) -> None:
        super().__init__()
        self._records = 0

    @override
    def write_lines(self, pieces: Sequence[bytes]) -> None:
        super().write_lines(pieces)
        before, self._records = self._records, self._records + len(pieces)
        if before <= STOP_AFTER < self._records:
            raise KeyboardInterrupt


STOP_AFTER = 150


def test_a_run_that_is_stopped_tells_of_the_reads_that_ended(catalog: Catalog) -> None:
    """Of the one under way there is no record; all others are before the last STATE."""
    messages = Stopping()
    world = World(locations=("1001", "1002", "1003"), orders_per_location=60)
    with Sandbox(world) as sandbox, pytest.raises(KeyboardInterrupt):
        run_tap(
            config_for(sandbox, page_size=10),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
            collector=messages,
        )
    run = Run(messages.messages)
    told = {(read["_order_status"], read["_location_id"]) for read in reads_of(run)}
    met = {(order["_order_status"], order["_location_id"]) for order in orders_of(run)}
    assert 0 < len(told) == len(met) - 1
    assert told == set(run.bookmarks) < met
    assert run.messages[-1]["type"] == "STATE"


def test_each_shard_tells_of_its_own_reads(catalog: Catalog) -> None:
    """Together they tell of each partition once; a shard without a location tells of none."""
    reads = []
    with Sandbox(World(locations=LOCATIONS, orders_per_location=5)) as sandbox:
        for shard in (*({"shard_index": at, "shard_count": 3} for at in range(3)), EMPTY):
            run = run_tap(
                config_for(sandbox, **shard),
                catalog=selecting(catalog, [ORDERS, READS]),
                clock=clock_of(sandbox),
            )
            assert run.error is None
            assert bool(reads_of(run)) == (shard != EMPTY)
            reads += [(read["_order_status"], read["_location_id"]) for read in reads_of(run)]
    assert sorted(reads) == sorted((s, at) for s in ("pending", "completed") for at in LOCATIONS)


def test_it_is_counted_in_metrics(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    """The record counter tells how many records of reads there were."""
    caplog.set_level(logging.INFO)
    with Sandbox() as sandbox:
        run_tap(
            config_for(sandbox),
            catalog=selecting(catalog, [ORDERS, READS]),
            clock=clock_of(sandbox),
        )
    points = [json.loads(m.removeprefix("METRIC: ")) for m in caplog.messages if "METRIC" in m]
    counts = {p["tags"]["stream"]: p["value"] for p in points if p["metric"] == "record_count"}
    assert counts[READS] == 4
