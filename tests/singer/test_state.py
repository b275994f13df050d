"""The part of the state that each partition has, and states that cannot be used."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.singer.state import PartitionStates, check_state
from tap_xstak_oms.sync import bookmarks
from tests.support import clock_of, config_for, discovered, run_tap, utc
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = "sales_orders"
MARK = "2026-01-10T00:00:00.000000+00:00"
contexts = st.fixed_dictionaries(
    {
        "_location_id": st.sampled_from(["1", "2", "3"]),
        "_order_status": st.sampled_from(["pending", "completed"]),
    }
)


def context(location: str, status: str = "pending") -> dict[str, str]:
    """The context of a partition."""
    return {"_location_id": location, "_order_status": status}


def partition(location: str, mark: object = MARK, **more: object) -> dict[str, Any]:
    """The state of a partition that was read."""
    bookmark = {"replication_key": "_synced_at", "replication_key_value": mark}
    return {"context": context(location), **bookmark, **more}


def state_of(*partitions: object) -> dict[str, Any]:
    """A state with these partitions."""
    return {"bookmarks": {STREAM: {"partitions": list(partitions)}}}


TOO_EARLY, TOO_LATE = "0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"
"""Times that there are not in UTC."""
AS_INTEGER = partition("1") | {"context": {"_location_id": 1, "_order_status": "pending"}}


def manager(kind: type[StreamStateManager], state: Any) -> StreamStateManager:
    """A state manager over this state."""
    return kind(tap_name="tap", stream_name=STREAM, tap_state=state)


@given(st.lists(contexts, unique_by=lambda one: tuple(sorted(one.items()))), st.lists(contexts))
def test_it_finds_and_makes_what_the_sdk_would(
    before: list[dict[str, str]], asked: list[dict[str, str]]
) -> None:
    """Looking partitions up, known and new ones, leaves the state as the SDK's manager would."""
    states = [state_of(*({"context": known} for known in before)) for _ in range(2)]
    ours, theirs = manager(PartitionStates, states[0]), manager(StreamStateManager, states[1])
    for at, wanted in enumerate(asked):
        for one in (ours, theirs):
            one.get_context_state(wanted)["seen"] = at
    assert states[0] == states[1]
    assert ours.get_context_state(None) == theirs.get_context_state(None)


def test_a_partition_is_looked_up_without_looking_at_others() -> None:
    """Once all were looked at, each look-up is one, whatever the number of partitions."""

    class Watched(list[dict[str, Any]]):
        looks = 0

        @override
        def __iter__(self) -> Iterator[dict[str, Any]]:
            Watched.looks += 1
            return super().__iter__()

    states = Watched(partition(str(number)) for number in range(100))
    ours = manager(PartitionStates, {"bookmarks": {STREAM: {"partitions": states}}})
    for number in range(200):
        ours.get_context_state(context(str(number)))
    assert Watched.looks == 1
    assert len(states) == 200


def test_no_record_moves_a_bookmark() -> None:
    """Neither a record nor the begin of a read leaves a trace in the state."""
    state = state_of(partition("1"))
    before = json.dumps(state)
    ours = manager(PartitionStates, state)
    ours.increment_state({"_synced_at": "2030"}, context=context("1"), replication_key="_synced_at")
    ours.write_starting_replication_value(context("1"), "INCREMENTAL", "_synced_at", {})
    ours.finalize_progress_markers(None, [context("1")])
    assert json.dumps(state) == before


def test_what_is_not_configured_stays(sandbox: Sandbox) -> None:
    """Other partitions, other streams and what others have noted are there after a run."""
    foreign = [
        partition("77", note="kept"),
        {"context": {"store": [1, {"x": None}]}, "replication_key": "id"},
        {"context": context("1001"), "note": "never read"},
    ]
    state = state_of(*foreign)
    state["bookmarks"]["customers"] = {"replication_key_value": 7}
    run = run_tap(config_for(sandbox, infer_schema=False), state=state, clock=clock_of(sandbox))
    assert run.error is None
    after = run.state["bookmarks"]
    assert after["customers"] == {"replication_key_value": 7}
    assert after[STREAM]["partitions"][:2] == foreign[:2]
    read = after[STREAM]["partitions"][2]
    assert read["note"] == "never read"
    assert read["replication_key_value"]


def test_a_partition_with_an_order_without_its_key_keeps_its_bookmark() -> None:
    """Although all its pages came, it was not emitted whole: the next run reads it again."""
    keyless = RawOrder("1001", "pending", b'{"note":"no id"}')
    with Sandbox(World(orders_per_location=20, raw_orders=[keyless])) as sandbox:
        config = config_for(sandbox, primary_keys=["id"])
        catalog = discovered(config, clock=clock_of(sandbox))
        run = run_tap(config, catalog=catalog, clock=clock_of(sandbox))
    assert "1 of 4 partitions failed" in str(run.error)
    assert [one for one, mark in run.bookmarks.items() if not mark] == [("pending", "1001")]
    assert run.counts()[("pending", "1001")] > 0


@pytest.mark.parametrize(
    "harmless",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {STREAM: {}}},
        {"bookmarks": {STREAM: {"replication_key": "updated_at", "replication_key_value": "x"}}},
        state_of(),
        state_of({"context": context("1001")}),
        state_of(partition("1001", None)),
        state_of(partition("1001") | {"replication_key": "updated_at"}),
        {"currently_syncing": None, "bookmarks": {}},
    ],
)
def test_a_state_without_a_bookmark_of_ours_begins_at_the_start(
    sandbox: Sandbox, harmless: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What other taps or earlier versions left, and what is not there, does no harm."""
    config = config_for(sandbox, infer_schema=False)
    run = run_tap(config, state=harmless, clock=clock_of(sandbox))
    assert run.error is None
    assert len({record["_extra"]["id"] for record in run.records}) == len(sandbox.orders())
    assert all(run.bookmarks.values())
    assert "The state has no `bookmarks`" not in caplog.text


def test_a_state_without_bookmarks_is_warned_about(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever gives a part of a state, or its envelope, is told why everything is read again."""
    part = {"singer_state": state_of(partition("1001"))}
    run = run_tap(config_for(sandbox, infer_schema=False), state=part, clock=clock_of(sandbox))
    assert run.error is None
    assert "The state has no `bookmarks`" in caplog.text


@pytest.mark.parametrize(
    ("state", "is_told"),
    [
        (state_of(partition("1001"), partition("1002", "2030-01-01T00:00:00+00:00")), True),
        (state_of(partition("1001", "2026-01-15T07:01:00.000001+00:00")), True),
        (state_of(partition("1001", "2026-01-15T07:01:00.000000+00:00")), False),
        (state_of(partition("77", "2030-01-01T00:00:00+00:00")), False),
        ({"bookmarks": {"other": {"partitions": [partition("1001", "2030-01-01")]}}}, False),
    ],
    ids=["ahead", "just ahead", "as clocks differ", "not configured", "of another stream"],
)
def test_a_bookmark_in_the_future_is_warned_about(
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    state: dict[str, Any],
    is_told: bool,  # noqa: FBT001 - a case
) -> None:
    """One warning names the bookmark that is furthest ahead, and from where is read instead."""
    assert sandbox.clock.now() == utc("2026-01-15T07:00:00+00:00")
    config = config_for(sandbox, infer_schema=False, order_statuses=["pending"], overlap_hours=6)
    run_tap(config, state=state, clock=clock_of(sandbox))
    said = [record.message for record in caplog.records if "in the future" in record.message]
    asked = {entry.parameter("start_date") for entry in sandbox.journal.orders}
    assert len(said) == is_told
    if is_told:
        assert "2026-01-15T06:00:00+05:00" in asked
        assert "is read from 2026-01-15T01:00:00Z;" in said[0]


@pytest.mark.parametrize(
    ("junk", "place"),
    [
        ([1], "it is not an object"),
        ("state", "it is not an object"),
        (5, "it is not an object"),
        ({"type": "STATE", "value": None}, "value is not an object"),
        ({"type": "STATE", "value": {"bookmarks": []}}, "bookmarks is not an object"),
        ({"bookmarks": None}, "bookmarks is not an object"),
        ({"bookmarks": []}, "bookmarks is not an object"),
        ({"bookmarks": {"other": None}}, "bookmarks.other is not an object"),
        ({"bookmarks": {STREAM: 5}}, "bookmarks.sales_orders is not an object"),
        ({"bookmarks": {STREAM: {"partitions": None}}}, "partitions is not a list"),
        ({"bookmarks": {STREAM: {"progress_markers": None}}}, "progress_markers is not an object"),
        (state_of(None), "partitions[0] is not an object"),
        (state_of(partition("1"), 5), "partitions[1] is not an object"),
        (state_of({}), "partitions[0].context is not an object"),
        (state_of({"context": None}), "partitions[0].context is not an object"),
        (state_of(partition("1", progress_markers=[])), "progress_markers is not an object"),
        (state_of(partition("1", "soon")), "partitions[0].replication_key_value is not a date"),
        (state_of(partition("1", 20260110)), "partitions[0].replication_key_value is not a date"),
        (state_of(partition("1", "")), "partitions[0].replication_key_value is not a date"),
        (state_of(partition("1", TOO_EARLY)), "replication_key_value is not a date"),
        (state_of(partition("1", TOO_LATE)), "replication_key_value is not a date"),
        (state_of(partition("1", read_since=TOO_EARLY)), "read_since is not a date"),
        (state_of(partition("1", read_since=TOO_LATE)), "read_since is not a date"),
        (state_of(partition("1", read_since={})), "partitions[0].read_since is not a date"),
        (state_of(partition("1"), AS_INTEGER), "is the same partition as an earlier one"),
        (state_of(partition("1"), partition("1")), "is the same partition as an earlier one"),
    ],
)
def test_a_state_that_cannot_be_used_is_told_by_place(junk: Any, place: str) -> None:
    """Junk ends in a sentence that names the place, and no bookmark is thrown away silently."""
    with pytest.raises(TapError, match="The state cannot be used") as caught:
        check_state(junk, STREAM)
    assert place in str(caught.value)


def test_an_id_is_the_same_as_an_integer(sandbox: Sandbox) -> None:
    """A state that holds an id as an integer is gone on from, and gets no second entry for it."""
    config = config_for(sandbox, infer_schema=False, order_statuses=["pending"])
    state = run_tap(config, clock=clock_of(sandbox)).state
    for entry in state["bookmarks"][STREAM]["partitions"]:
        entry["context"]["_location_id"] = int(entry["context"]["_location_id"])
    sandbox.journal.clear()
    sandbox.clock.advance(timedelta(hours=1))
    after = run_tap(config, state=state, clock=clock_of(sandbox)).state
    assert len(after["bookmarks"][STREAM]["partitions"]) == len(sandbox.world.locations)
    starts = {entry.parameter("start_date") for entry in sandbox.journal.orders}
    assert starts == {"2026-01-14T12:00:00+05:00"}
    marks = zip(*(each["bookmarks"][STREAM]["partitions"] for each in (state, after)), strict=True)
    key = "replication_key_value"
    assert all(later[key] > earlier[key] for earlier, later in marks)


def test_synced_at_is_of_one_form_on_records_and_in_the_state(sandbox: Sandbox) -> None:
    """As text, records of a later run and of a later status of a location compare as greater."""
    config = config_for(sandbox, infer_schema=False)
    first = run_tap(config, clock=clock_of(sandbox))
    second = run_tap(config, state=first.state, clock=clock_of(sandbox))
    texts = {record["_synced_at"] for run in (first, second) for record in run.records}
    assert {len(text) for text in texts} == {len(MARK)}
    assert {bookmarks.to_text(utc(text)) for text in texts} == texts
    for run in (first, second):
        assert set(run.bookmarks.values()) <= texts
        for location in sandbox.world.locations:
            moments = [run.bookmarks[(status, location)] or "" for status in sandbox.world.statuses]
            assert moments == sorted(set(moments))
