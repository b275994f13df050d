"""Shards of one machine by orchestration/run_shards.py: failures, signals, logs."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.machine import Machine, Partition
from tests.support import ROOT
from xstak_sandbox import Fault, Kind, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

pytestmark = pytest.mark.xdist_group("meltano")

LOCATIONS = location_ids(8)
FAILING = "1003"
"""A location of the first of two shards."""
START_DATE = "2025-01-01T00:00:00+05:00"
RUN = "exec python3 orchestration/run_shards.py 2"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Eight locations, four for each of two shards."""
    with Sandbox(World(locations=LOCATIONS, orders_per_location=20)) as running:
        yield running


@pytest.fixture
def machine(
    sandbox: Sandbox, postgres: Postgres, tmp_path: Path, meltano_folder: Path
) -> Iterator[Machine]:
    """A machine whose shards keep their states in folders of their own."""
    yield Machine(sandbox, postgres, tmp_path, meltano_folder)
    postgres.execute("DROP SCHEMA IF EXISTS xstak CASCADE")


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """The exit code of a process, and the lines that it said."""
    said, _ = process.communicate(timeout=300)
    return process.returncode, said.splitlines()


def refused(*, every: int | None = None) -> Fault:
    """A location that the server refuses to tell of, once or each time."""
    return Fault(Kind.STATUS, code=403, order_status="pending", location=FAILING, every=every)


def test_a_shard_that_fails_once_is_run_once_more(machine: Machine) -> None:
    """The run succeeds, and only what the first try had not read is read from the start date."""
    machine.sandbox.add_fault(refused())
    asked = machine.run(RUN).asked
    assert machine.rows() == sorted(order.location for order in machine.sandbox.orders())
    again: dict[Partition, list[str | None]] = {
        partition: starts[1:] for partition, starts in asked.items() if starts[1:]
    }
    assert again["pending", FAILING] == [START_DATE]
    assert START_DATE not in again["completed", FAILING]


def test_a_shard_that_fails_stops_no_other(machine: Machine) -> None:
    """After two tries the exit code is 1, the shard is named, and all else is loaded."""
    machine.sandbox.add_fault(refused(every=1))
    code, lines = ended(machine.start(RUN))
    assert code == 1
    assert lines[-2:] == [
        "1 of 2 shards succeeded.",
        "Not done: shard-0. The next run resumes where it stopped.",
    ]
    assert len([line for line in lines if "shard-0 | Ended with exit code 1." in line]) == 2
    missing = machine.sandbox.orders(location=FAILING, status="pending")
    rows = machine.rows()
    assert len(rows) == len(machine.sandbox.orders()) - len(missing)
    assert set(rows) == set(LOCATIONS)


def test_a_signal_ends_every_shard(machine: Machine, tmp_path: Path) -> None:
    """SIGTERM while requests hang: exit code 143, no second try, and no process is left."""
    machine.sandbox.add_fault(Fault(Kind.HANG, every=1))
    process = machine.start(RUN)
    for line in process.stdout or ():
        if line.startswith("shard-1 | ") and "Reading orders" in line:
            break
    process.send_signal(signal.SIGTERM)
    code, lines = ended(process)
    assert code == 128 + signal.SIGTERM
    assert lines[-2] == "0 of 2 shards succeeded."
    assert not [line for line in lines if "once more" in line]
    assert not left_in(tmp_path)


def left_in(folder: Path) -> list[str]:
    """The taps and loaders that run with a system directory in a folder."""
    listed = subprocess.run(["ps", "-e", "-o", "args="], check=True, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if f"{folder}/.meltano" in line]


def test_lines_of_json_stay_json(machine: Machine) -> None:
    """In JSON logs no line gets a prefix, and each tells the state of its shard."""
    process = machine.start(RUN, {"MELTANO_CLI_LOG_FORMAT": "json"})
    code, lines = ended(process)
    assert code == 0
    assert lines[-1] == "2 of 2 shards succeeded."
    assert not [line for line in lines if line.startswith("shard") and line.endswith("}")]
    names = {json.loads(line).get("job_name", "") for line in lines if line.startswith("{")}
    assert {name.rpartition(":")[2] for name in names if name} == {"shard-0", "shard-1"}


@pytest.mark.parametrize("count", [[], ["0"], ["two"]])
def test_a_count_is_needed(count: list[str]) -> None:
    """Without a number of shards the script tells how it is used."""
    script = ROOT / "orchestration" / "run_shards.py"
    ended = subprocess.run(["python3", script, *count], check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "python3 run_shards.py COUNT [ARGUMENT ...]" in ended.stderr
