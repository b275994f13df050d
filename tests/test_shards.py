"""Many machines: each reads a shard of the locations, and all of them together read all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.config.settings import shard_of
from tests.config.test_settings import parse
from tests.holdings import assert_complete
from tests.shards import EMPTY, LOCATIONS, first_requests, run_shards
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local XStak with a location or more for each of four shards."""
    with Sandbox(World(locations=LOCATIONS, orders_per_location=40)) as running:
        yield running


def test_the_hash_is_pinned() -> None:
    """A location is in the shard that anyone can compute from the SHA-256 of its id."""
    # printf 1001 | sha256sum, and so on.
    assert shard_of("1001", 2**64) == 0xFE675FE7AAEE830B
    assert shard_of("1002", 2**64) == 0xB281BC2C616CB3C3
    assert shard_of("لاہور", 2**64) == 0xF35E9BAB9843D7DD
    assert [shard_of(location, 4) for location in LOCATIONS] == [3, 3, 0, 0, 0, 3, 1, 2]


@given(
    st.lists(
        st.text(min_size=1).filter(lambda text: text == text.strip() and text.isprintable()),
        min_size=1,
        unique=True,
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


def test_all_shards_find_the_same_columns(sandbox: Sandbox) -> None:
    """Discovery looks at the locations of all shards, so that one table fits the orders of all."""
    whole = discovered(config_for(sandbox))
    for shard in ({"shard_index": 1, "shard_count": 4}, EMPTY):
        sandbox.journal.clear()
        assert discovered(config_for(sandbox, **shard)) == whole
        assert len(first_requests(sandbox)) == 2 * len(LOCATIONS)
