"""What docs/scaling.md says: its arithmetic, its commands as written, and its Job."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from docs.arithmetic import DAILY_DAYS, HOURLY_DAYS, MODEL, order_requests, token_requests
from tests.end_to_end.machine import Ended, Machine
from tests.support import blocks, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")
"""All that load through Meltano share its folder, and one database."""
PAGE = "docs/scaling.md"
CHANGE = "Change the number of shards"
[JOB] = [yaml.safe_load(text)["spec"] for text in blocks(PAGE, "yaml")]
[CONTAINER] = JOB["template"]["spec"]["containers"]
START_DATE = "2025-01-01T00:00:00+05:00"
LOCATIONS = location_ids(8)


def commands(section: str) -> list[str]:
    """The commands of a section, in order."""
    lines = "".join(blocks(PAGE, "console", under=section)).splitlines()
    return [line.removeprefix("$ ") for line in lines]


# --- The arithmetic ---


def requests_of_a_run(sandbox: Sandbox, **changes: Any) -> Counter[str]:
    """The requests of a run with a catalog, by endpoint."""
    catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
    sandbox.journal.clear()
    run = run_tap(config_for(sandbox, **changes), catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    return Counter(entry.endpoint for entry in sandbox.journal.entries())


@pytest.mark.parametrize("page_size", [1, 7, 100])
def test_the_arithmetic_counts_the_requests_of_a_run(page_size: int) -> None:
    """Partitions of any size, empty ones too, take as many requests as the tap sends for them."""
    sizes = {"1001": (0, 1), "1002": (7, 8), "1003": (14, 101)}
    raw = [
        RawOrder(location, status, b'{"id":%s%d%d}' % (location.encode(), index, number))
        for location, counts in sizes.items()
        for index, status in enumerate(("pending", "completed"))
        for number in range(counts[index])
    ]
    with Sandbox(World(locations=list(sizes), orders_per_location=0, raw_orders=raw)) as sandbox:
        sent = requests_of_a_run(sandbox, page_size=page_size)
    partitions = [count for counts in sizes.values() for count in counts]
    assert sent == {
        "orders": order_requests(partitions, page_size),
        "token": token_requests(0),
    }


@pytest.mark.parametrize("days", [HOURLY_DAYS, DAILY_DAYS, MODEL.first_days])
def test_the_tables_count_the_requests_of_a_run(days: int) -> None:
    """A run that meets what the tables suppose sends as many requests as they say."""
    pending = min(days, MODEL.days_pending) * MODEL.orders_per_day
    raw = [
        RawOrder(location, "pending" if n < pending else "completed", b'{"id":%d%05d}' % (at, n))
        for at, location in enumerate(LOCATIONS[:2], 1)
        for n in range(round(days * MODEL.orders_per_day))
    ]
    world = World(locations=LOCATIONS[:2], orders_per_location=0, raw_orders=raw)
    with Sandbox(world) as sandbox:
        sent = requests_of_a_run(sandbox)
    assert sent.total() == MODEL.requests(2, days)


# --- The commands ---


@pytest.fixture(scope="module")
def stages(
    meltano_folder: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Ended]]:
    """Two shards by the page's commands, then the change to three, which an indexed Job reads."""
    server = f"{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/{postgres.database}"
    state = {"MELTANO_DATABASE_URI": f"postgresql+psycopg://{server}"}
    with Sandbox(World(locations=LOCATIONS, orders_per_location=20)) as sandbox:
        folder = tmp_path_factory.mktemp("scaling")
        machine = Machine(sandbox, postgres, folder, meltano_folder, **state)
        found = {"prepared": machine.run(*commands("Kubernetes"))}
        found["two"] = machine.run(*commands("Many processes"))
        sandbox.clock.advance(timedelta(days=2))
        found["two again"] = machine.run(*commands("Many processes"))
        found["changed"] = machine.run(*commands(CHANGE))
        sandbox.clock.advance(timedelta(days=2))
        job = " ".join(CONTAINER["args"])
        for index in range(3):
            found[f"pod {index}"] = machine.run(
                job, JOB_COMPLETION_INDEX=str(index), TAP_XSTAK_OMS_SHARD_COUNT="3"
            )
        found["held"] = Ended({}, sorted(order.location for order in sandbox.orders()))
        yield found
    postgres.execute("DROP SCHEMA xstak CASCADE")


def test_shards_load_into_one_table(stages: dict[str, Ended]) -> None:
    """All orders are loaded, each partition from the start date."""
    two = stages["two"]
    assert stages["prepared"] == Ended({}, [])
    assert {partition: set(starts) for partition, starts in two.asked.items()} == {
        (status, location): {START_DATE}
        for status in ("pending", "completed")
        for location in LOCATIONS
    }
    assert Counter(two.rows) == dict.fromkeys(LOCATIONS, 20)


def test_each_shard_goes_on_from_its_own_state(stages: dict[str, Ended]) -> None:
    """In the next run each partition is asked for once, by one shard, not from the start date."""
    asked = stages["two again"].asked
    assert asked.keys() == stages["two"].asked.keys()
    assert {len(starts) for starts in asked.values()} == {1}
    assert START_DATE not in {start for starts in asked.values() for start in starts}


def test_the_recipe_takes_the_bookmarks_to_another_number(stages: dict[str, Ended]) -> None:
    """After the change the pods of a Job go on, with no partition from the start date again."""
    assert stages["changed"].asked == {}
    pods = [stages[f"pod {index}"].asked for index in range(3)]
    reads = Counter(partition for asked in pods for partition in asked)
    assert reads == dict.fromkeys(stages["two"].asked, 1)
    starts = [start for asked in pods for starts in asked.values() for start in starts]
    assert len(starts) == len(reads)
    assert START_DATE not in starts
    assert stages["pod 2"].rows == stages["held"].rows


def test_the_job_has_a_pod_for_each_shard() -> None:
    """Its completions are the number of shards that it tells the tap."""
    [count] = [variable["value"] for variable in CONTAINER["env"]]
    assert [variable["name"] for variable in CONTAINER["env"]] == ["TAP_XSTAK_OMS_SHARD_COUNT"]
    assert JOB["completionMode"] == "Indexed"
    assert (JOB["completions"], JOB["parallelism"]) == (int(count), int(count))
    assert CONTAINER["command"] == ["sh", "-c"]
