"""Shards as commands, and their states merged into one by orchestration/merge_states.py."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.shards import EMPTY, LOCATIONS, first_requests, run_shards
from tests.support import ROOT, Run, clock_of, config_for, discovered, run_cli, run_tap, written
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local XStak with a location or more for each of four shards."""
    with Sandbox(World(locations=LOCATIONS, orders_per_location=40)) as running:
        yield running


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
    assert "orders at 8 locations since" in ended.stderr
