"""Many machines: each reads a shard of the locations, and all of them together read all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.config.settings import shard_of
from tests.config.test_settings import parse
from tests.holdings import assert_complete
from tests.support import ROOT, Run, clock_of, config_for, discovered, run_cli, run_tap, written
from xstak_sandbox import Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xstak_sandbox.journal import Entry

LOCATIONS = location_ids(8)
EMPTY = {"shard_index": 5, "shard_count": 50}
"""A shard of many that has none of these locations."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local XStak with a location or more for each of four shards."""
    with Sandbox(World(locations=LOCATIONS, orders_per_location=40)) as running:
        yield running


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


def merged(folder: Path, states: list[dict[str, Any]]) -> dict[str, Any]:
    """The states merged into one by orchestration/merge_states.py."""
    files = [written(folder, f"shard-{index}.json", state) for index, state in enumerate(states)]
    state: dict[str, Any] = json.loads(merge(*files).stdout)
    return state


def merge(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run orchestration/merge_states.py with a Python that knows nothing of the tap."""
    return subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "orchestration" / "merge_states.py", *files],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


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


def test_the_hash_is_pinned() -> None:
    """A location is in the shard that anyone can compute from the SHA-256 of its id."""
    # printf 1001 | sha256sum, and so on.
    assert shard_of("1001", 2**64) == 0xFE675FE7AAEE830B
    assert shard_of("1002", 2**64) == 0xB281BC2C616CB3C3
    assert shard_of("لاہور", 2**64) == 0xF35E9BAB9843D7DD
    assert [shard_of(location, 4) for location in LOCATIONS] == [3, 3, 0, 0, 0, 3, 1, 2]


@given(
    st.lists(
        st.text(min_size=1).filter(lambda text: text == text.strip()), min_size=1, unique=True
    ).filter(lambda ids: all("," not in text for text in ids)),
    st.integers(min_value=1, max_value=9),
)
def test_shards_are_a_partition_of_the_partitions(ids: list[str], shard_count: int) -> None:
    """Whatever the ids and the count, each is in one shard, and a shard keeps the order of all."""
    whole = parse(location_ids=ids)
    shards = [
        parse(location_ids=ids, shard_index=index, shard_count=shard_count).partitions
        for index in range(shard_count)
    ]
    assert Counter(p for shard in shards for p in shard) == Counter(whole.partitions)
    for shard in shards:
        assert list(shard) == [p for p in whole.partitions if p in set(shard)]


@pytest.mark.parametrize("shard_count", [2, 3, 16, 64])
def test_shards_are_about_as_large_as_each_other(shard_count: int) -> None:
    """Ids that count up, which share most of their digits, spread as chance would have it."""
    sizes = Counter(shard_of(location, shard_count) for location in location_ids(5_000))
    mean = 5_000 / shard_count
    assert len(sizes) == shard_count
    # Four times the standard deviation of a fair draw.
    assert all(abs(size - mean) < 4 * mean**0.5 for size in sizes.values())


def test_shards_read_together_what_one_reads_alone(sandbox: Sandbox) -> None:
    """Of all shards' records each order is one, and no partition is asked for by two shards."""
    runs = run_shards(sandbox, 4)
    records = [record for run in runs for record in run.records]
    assert len(records) == len(sandbox.orders())
    assert_complete(records, sandbox)
    assert {len(starts) for starts in first_requests(sandbox).values()} == {1}
    assert len(first_requests(sandbox)) == 2 * len(LOCATIONS)


def test_numbers_may_be_text(sandbox: Sandbox) -> None:
    """A shard is the same whether its numbers come as numbers or as an environment has them."""
    as_text = config_for(sandbox, shard_index="3", shard_count="4")
    run = run_tap(as_text, clock=clock_of(sandbox))
    assert {record["_location_id"] for record in run.records} == {"1001", "1002", "1006"}


def test_a_shard_keeps_the_bookmarks_of_others_and_ignores_them(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Given the state of another shard, a shard begins at the start date and keeps that state."""
    first, *_ = run_shards(sandbox, 4)
    sandbox.journal.clear()
    config = config_for(sandbox, shard_index=3, shard_count=4, start_date="2025-01-01")
    run = run_tap(config, state=first.state, clock=clock_of(sandbox))
    assert run.error is None
    assert {start for starts in first_requests(sandbox).values() for start in starts} == {
        "2025-01-01T00:00:00+05:00"
    }
    assert first.bookmarks.items() <= run.bookmarks.items()
    assert len(run.bookmarks) == len(first.bookmarks) + 6
    assert "full refresh" not in caplog.text


def test_the_start_of_another_shard_is_no_ones_business(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A start date before that of another shard's bookmarks is not warned about."""
    late = config_for(sandbox, shard_index=0, shard_count=4, start_date="2025-12-01")
    other = run_tap(late, clock=clock_of(sandbox))
    assert other.records
    mine = config_for(sandbox, shard_index=3, shard_count=4, start_date="2025-06-01")
    run_tap(mine, state=other.state, clock=clock_of(sandbox))
    assert "full refresh" not in caplog.text


@pytest.mark.parametrize("shard_count", [1, 3, 6])
def test_a_merged_state_serves_any_count(
    sandbox: Sandbox, tmp_path: Path, shard_count: int
) -> None:
    """After a merge every partition goes on from its bookmark, whichever shard it is in now."""
    before = run_shards(sandbox, 4)
    state = merged(tmp_path, [run.state for run in before])
    marks = {key: mark for run in before for key, mark in run.bookmarks.items()}
    assert Run([{"type": "STATE", "value": state}]).bookmarks == marks
    sandbox.clock.advance(timedelta(days=2))
    after = run_shards(sandbox, shard_count, state)
    assert set(map(str, first_requests(sandbox).values())) == {"['2025-12-16T12:00:00+05:00']"}
    assert all(run.bookmarks.keys() == marks.keys() for run in after)


def test_a_merge_keeps_the_latest_bookmark(sandbox: Sandbox, tmp_path: Path) -> None:
    """Of a partition whose old bookmark lies in the states of others, the one that moved stays."""
    state = merged(tmp_path, [run.state for run in run_shards(sandbox, 4)])
    sandbox.clock.advance(timedelta(days=2))
    first, second = run_shards(sandbox, 2, state)
    assert first.bookmarks.keys() == second.bookmarks.keys()
    for states in ([first.state, second.state], [second.state, first.state]):
        run = Run([{"type": "STATE", "value": merged(tmp_path, states)}])
        assert {(mark or "")[:10] for mark in run.bookmarks.values()} == {"2026-01-17"}
        assert run.bookmarks.keys() == first.bookmarks.keys()


def test_a_merge_takes_a_shard_that_never_ran(sandbox: Sandbox, tmp_path: Path) -> None:
    """No state, and one without a bookmark, add nothing, whichever place they have."""
    state = run_tap(config_for(sandbox), clock=clock_of(sandbox)).state
    contexts = [p["context"] for p in state["bookmarks"]["sales_orders"]["partitions"]]
    unread = {"bookmarks": {"sales_orders": {"partitions": [{"context": contexts[0]}]}}}
    assert merged(tmp_path, [{}, unread, state, unread]) == state
    in_meltano = {"singer_state": state}
    assert merged(tmp_path, [{}, in_meltano]) == in_meltano


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: "),
        ([], "holds no state."),
        ({"bookmarks": None}, "holds no state."),
        ({"bookmarks": {"sales_orders": {"partitions": [7]}}}, "holds no state."),
        (
            {"bookmarks": {"sales_orders": {"partitions": [{"replication_key_value": "2026"}]}}},
            "holds a partition without 'context': give states as the tap wrote them.",
        ),
    ],
    ids=["missing", "list", "null", "number", "no context"],
)
def test_a_merge_says_what_it_cannot_read(tmp_path: Path, content: Any, words: str) -> None:
    """A file that is missing, or holds no state, ends the merge in a sentence, with no output."""
    good = written(tmp_path, "good.json", {})
    file = tmp_path / "shard.json" if content is None else written(tmp_path, "shard.json", content)
    ended = merge(good, file)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{file} {words}")
    assert len(ended.stderr.splitlines()) == 1


def test_a_merge_of_nothing_says_how_to_ask() -> None:
    """Without a file the program tells its use."""
    assert "python3 merge_states.py" in merge().stderr


def test_all_shards_find_the_same_columns(sandbox: Sandbox) -> None:
    """Discovery looks at the locations of all shards, so that one table fits the orders of all."""
    whole = discovered(config_for(sandbox))
    for shard in ({"shard_index": 1, "shard_count": 4}, EMPTY):
        sandbox.journal.clear()
        assert discovered(config_for(sandbox, **shard)) == whole
        assert len(first_requests(sandbox)) == 2 * len(LOCATIONS)


def test_a_shard_without_locations_asks_for_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """It writes its SCHEMA and the state as it was, and ends well, having sent no request."""
    catalog = discovered(config_for(sandbox))
    state = run_tap(config_for(sandbox), clock=clock_of(sandbox)).state
    sandbox.journal.clear()
    ended = run_cli(
        *("--config", written(tmp_path, "config.json", config_for(sandbox, **EMPTY))),
        *("--catalog", written(tmp_path, "catalog.json", catalog)),
        *("--state", written(tmp_path, "state.json", state)),
    )
    assert ended.returncode == 0, ended.stderr
    run = Run([json.loads(line) for line in ended.stdout.splitlines()])
    assert run.schema["schema"]["properties"].keys() >= {"id", "_extra"}
    assert run.schema["key_properties"] == ["id"]
    assert not run.records
    assert run.state == state
    assert "Shard 5 of 50" in ended.stderr
    assert sandbox.journal.entries() == []


def test_a_check_of_the_connection_looks_at_all_shards(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test` asks whether the account can be read, whichever shard it is asked for."""
    config = written(tmp_path, "config.json", config_for(sandbox, **EMPTY))
    ended = run_cli("--config", config, "--test")
    assert ended.returncode == 0, ended.stderr
    assert "8 of 8 locations told" in ended.stderr
