"""Runs that end before their time, and the runs after them: nothing is lost between the two.

The installed command reads the sandbox and is ended from outside. What it wrote goes to a target
that believes a record only once a state covers it: what came after the last state has to come
again.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.holdings import Partition, assert_complete, held, partition_of
from tests.support import EXECUTABLE, ROOT, Run, config_for, discovered, written
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PATIENCE_SECONDS = 20
"""How long a test waits for an end that takes a second or two."""
SMALL = World(locations=location_ids(4), orders_per_location=24)
LARGE = World(locations=location_ids(2), orders_per_location=200)
"""Each partition is more than a pipe holds."""
HELD_STATE = {
    "bookmarks": {
        "sales_orders": {
            "partitions": [
                {
                    "context": {"_location_id": "9", "_order_status": "pending"},
                    "replication_key": "_synced_at",
                    "replication_key_value": "2026-01-01T00:00:00.000000+00:00",
                }
            ]
        }
    }
}
ENDS = {
    signal.SIGTERM: 143,
    signal.SIGINT: 130,
    signal.SIGHUP: 129,
    signal.SIGKILL: -signal.SIGKILL,
}
"""What ends a run, and its exit code."""


@dataclass
class Target:
    """What is safe of all that the runs of a pipeline wrote, and the state of the next run."""

    sandbox: Sandbox
    records: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def take(self, output: bytes, *, may_be_cut: bool = False) -> list[dict[str, Any]]:
        """Take a run's output, checking each state against the records before it."""
        *lines, rest = output.split(b"\n")
        assert may_be_cut or not rest
        messages = [json.loads(line, parse_float=Decimal) for line in lines]
        fresh = []
        for message in messages:
            if message["type"] == "RECORD":
                fresh.append(message["record"])
            elif message["type"] == "STATE":
                self.records += fresh
                self.state = message["value"]
                self._check_state()
                fresh = []
        return messages

    def _check_state(self) -> None:
        there = {record["id"] for record in self.records}
        for partition in self.finished:
            assert orders_of(self.sandbox, partition) <= there, f"the state is ahead: {partition}"

    @property
    def finished(self) -> set[Partition]:
        """The partitions that the state claims to have been read."""
        state = {"type": "STATE", "value": self.state}
        return {partition for partition, mark in Run([state]).bookmarks.items() if mark}


def orders_of(sandbox: Sandbox, partition: Partition) -> set[int]:
    """The ids of a partition's orders."""
    return {key for key, order in held(sandbox).items() if partition_of(order) == partition}


@dataclass
class Pipeline:
    """Runs of the command against one sandbox, each from the state of the one before."""

    sandbox: Sandbox
    folder: Path
    catalog: dict[str, Any]
    target: Target

    @contextmanager
    def run(
        self,
        *arguments: str,
        stdout: int = subprocess.PIPE,
        sampling: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start the command; it has ended afterwards in any case."""
        config = config_for(self.sandbox, max_concurrent_requests=2)
        files = {"--config": config, "--state": self.target.state, "--catalog": self.catalog}
        if sampling:
            del files["--catalog"]
        options = [
            word
            for option, content in files.items()
            for word in (option, written(self.folder, f"{option[2:]}.json", content))
        ]
        with (
            self.stderr.open("wb") as stderr,
            subprocess.Popen(
                [EXECUTABLE, *options, *arguments],
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **(env or {})},
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    @property
    def stderr(self) -> Path:
        """What the last run told people."""
        return self.folder / "stderr.log"

    def finish(self) -> None:
        """Run once more, to the end, and compare the target with the sandbox."""
        with self.run() as process:
            self.target.take(stdout_of(process).read())
            assert process.wait(PATIENCE_SECONDS) == 0
        assert_complete(self.target.records, self.sandbox)


@contextmanager
def pipeline(folder: Path, world: World, *faults: Fault) -> Iterator[Pipeline]:
    """A pipeline over a world that stands still."""
    quirks = Quirks(fixed_page_size=8)
    with Sandbox(world, quirks=quirks, latency=timedelta(milliseconds=5)) as sandbox:
        catalog = discovered(config_for(sandbox))
        sandbox.journal.clear()
        for fault in faults:
            sandbox.add_fault(fault)
        yield Pipeline(sandbox, folder, catalog, Target(sandbox))


def stdout_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """The pipe to read a run's output from."""
    assert process.stdout is not None
    return process.stdout


def lines_of(process: subprocess.Popen[bytes], count: int) -> bytes:
    """Read so many lines, or all if there are fewer."""
    return b"".join(stdout_of(process).readline() for _ in range(count))


def end(process: subprocess.Popen[bytes], *numbers: signal.Signals) -> bytes:
    """Send signals, and return what else is written before one of them has ended the run."""
    for number in numbers:
        process.send_signal(number)
    output = stdout_of(process).read() if process.stdout else b""
    assert process.wait(PATIENCE_SECONDS) in {ENDS[number] for number in numbers}
    return output


READ_BEFORE_HANGING = 3


def hang(world: World) -> Fault:
    """A request that is never answered, when three partitions have been read."""
    location = world.locations[READ_BEFORE_HANGING]
    return Fault(Kind.HANG, order_status="pending", location=location)


def read_until_it_hangs(run: Pipeline, process: subprocess.Popen[bytes]) -> bytes:
    """Read the output until all records of the first three partitions are there."""
    locations = run.sandbox.world.locations[:READ_BEFORE_HANGING]
    wanted = {
        key
        for key, order in held(run.sandbox).items()
        if order["status"] == "pending" and order["location_id"] in locations
    }
    output = b""
    while wanted:
        line = stdout_of(process).readline()
        wanted -= {json.loads(line).get("record", {}).get("id")}
        output += line
    return output


def assert_nearly_all_is_in_the_state(run: Pipeline) -> None:
    """The state has the partitions read, but for the last, whose end nothing outside shows."""
    locations = run.sandbox.world.locations[: READ_BEFORE_HANGING - 1]
    assert {("pending", location) for location in locations} <= run.target.finished


@contextmanager
def unread(
    run: Pipeline, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A run whose output nobody reads, once it is stuck in a write, and the pipe's other end."""
    reading, writing = os.pipe()
    try:
        with run.run(stdout=writing, env=env) as process:
            while select.select([], [writing], [], 0)[1]:
                assert process.poll() is None
                time.sleep(0.01)
            os.close(writing)
            yield process, reading
    finally:
        os.close(reading)


def read_all(descriptor: int) -> bytes:
    """Read to the end."""
    with open(descriptor, "rb", closefd=False) as file:
        return file.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_hanging_run_with_all_that_was_read(
    tmp_path: Path, number: signal.Signals
) -> None:
    """While a request hangs a signal ends the run, and its state has every finished partition."""
    with pipeline(tmp_path, SMALL, hang(SMALL)) as run:
        with run.run() as process:
            output = read_until_it_hangs(run, process)
            messages = run.target.take(output + end(process, number))
        assert messages[-1]["type"] == "STATE"
        assert_nearly_all_is_in_the_state(run)
        assert not run.sandbox.unmet_faults()
        assert not gave_up_waiting(run)
        run.finish()


def gave_up_waiting(run: Pipeline) -> bool:
    """Whether a request was tried again, so that nothing hung any more."""
    return "the next in" in run.stderr.read_text()


def test_a_signal_loses_no_record_where_no_bookmark_moves(tmp_path: Path) -> None:
    """What was read is written, also where the state stays what it was."""
    with pipeline(tmp_path, SMALL) as run:
        with run.run() as process:
            run.target.take(stdout_of(process).read())
        run.catalog["streams"][0]["replication_method"] = "FULL_TABLE"
        run.sandbox.add_fault(hang(SMALL))
        with run.run() as process:
            output = read_until_it_hangs(run, process) + end(process, signal.SIGTERM)
        records = [line for line in output.splitlines() if b'"RECORD"' in line]
        assert f"Read {len(records)} orders from 3 of " in run.stderr.read_text()
        assert not gave_up_waiting(run)


def test_a_signal_ends_a_busy_run(tmp_path: Path) -> None:
    """In mid-run SIGTERM ends with 143, behind a whole line and a state that claims no more."""
    with pipeline(tmp_path, LARGE) as run:
        with run.run() as process:
            output = lines_of(process, 120)
            messages = run.target.take(output + end(process, signal.SIGTERM))
        assert messages[-1]["type"] == "STATE"
        assert len(messages) < len(held(run.sandbox))
        run.finish()


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    """Whoever presses Ctrl-C after a SIGTERM does not disturb the end that is under way."""
    with pipeline(tmp_path, SMALL, hang(SMALL)) as run:
        with run.run() as process:
            output = read_until_it_hangs(run, process)
            numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGTERM)
            run.target.take(output + end(process, *numbers))
        assert_nearly_all_is_in_the_state(run)


def test_a_signal_while_the_token_hangs_keeps_the_state(tmp_path: Path) -> None:
    """Before anything was read, the state that was given is the one that stays."""
    with pipeline(tmp_path, SMALL, Fault(Kind.HANG, on="token")) as run:
        run.target.state = HELD_STATE
        with run.run() as process:
            run.sandbox.journal.wait_for(1, "token")
            messages = [json.loads(line) for line in end(process, signal.SIGTERM).splitlines()]
        assert {m["type"] for m in messages} <= {"SCHEMA", "STATE"}
        assert [m["value"] for m in messages if m["type"] == "STATE"] == [HELD_STATE]


@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--test",)])
@pytest.mark.parametrize("endpoint", ["token", "orders"])
def test_a_signal_during_discovery_writes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], endpoint: Any
) -> None:
    """While orders are sampled there is nothing to say, least of all a state without bookmarks."""
    with pipeline(tmp_path, SMALL, Fault(Kind.HANG, on=endpoint, times=9)) as run:
        run.target.state = HELD_STATE
        with run.run(*arguments, sampling=True) as process:
            run.sandbox.journal.wait_for(1, endpoint)
            assert end(process, signal.SIGTERM) == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_end_while_nobody_reads_loses_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Stuck in a write, the run ends all the same; behind half a line nothing is written."""
    with pipeline(tmp_path, LARGE) as run:
        with unread(run) as (process, reading):
            end(process, number)
            output = read_all(reading)
        run.target.take(output, may_be_cut=True)
        assert run.stderr.read_text().count("Traceback") == 0
        run.finish()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_on_after_a_signal_gets_whole_lines(
    tmp_path: Path, unbuffered: str
) -> None:
    """A write that a signal interrupts is finished before the state, buffered by Python or not."""
    with pipeline(tmp_path, LARGE) as run:
        with unread(run, {"PYTHONUNBUFFERED": unbuffered}) as (process, reading):
            process.send_signal(signal.SIGTERM)
            output = read_all(reading)
            assert process.wait(PATIENCE_SECONDS) == ENDS[signal.SIGTERM]
        # Cut only where this machine took longer to read on than the run waits for a reader.
        run.target.take(output, may_be_cut=True)
        run.finish()


@pytest.mark.parametrize("lines", [1, 60])
def test_a_closed_pipe_ends_the_run_in_words(tmp_path: Path, lines: int) -> None:
    """When whoever reads goes away the run fails with a sentence, and the next one goes on."""
    with pipeline(tmp_path, LARGE) as run:
        with run.run() as process:
            output = lines_of(process, lines)
            stdout_of(process).close()
            assert process.wait(PATIENCE_SECONDS) == 1
        run.target.take(output)
        told = run.stderr.read_text()
        assert "The downstream process closed the pipe" in told
        assert "Traceback" not in told
        assert "Exception ignored" not in told
        run.finish()


def test_a_signal_after_the_reader_has_gone_ends_the_run(tmp_path: Path) -> None:
    """When a pipeline is ended as a whole and its reader goes first, the end is as plain."""
    with pipeline(tmp_path, SMALL, hang(SMALL)) as run:
        with run.run() as process:
            output = read_until_it_hangs(run, process)
            stdout_of(process).close()
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == ENDS[signal.SIGTERM]
        run.target.take(output)
        assert "Traceback" not in run.stderr.read_text()
        run.finish()


def end_somewhere(rng: random.Random, run: Pipeline) -> bool:
    """Run, and end at some line or at some request; False if the run has ended before."""
    number = rng.choice(list(ENDS))
    with run.run() as process:
        output = b""
        if rng.random() < 0.5:
            output = lines_of(process, rng.randint(1, 80))
        else:
            run.sandbox.journal.wait_for(rng.randint(1, least_requests(run)))
        process.send_signal(number)
        output += stdout_of(process).read()
        code = process.wait(PATIENCE_SECONDS)
    run.target.take(output, may_be_cut=number == signal.SIGKILL)
    run.sandbox.journal.clear()
    if code == ENDS[number]:
        return True
    # The run was over: the signal found nothing, or a Python that has let go of its handlers.
    assert code in {0, -number}
    assert run.target.finished == {partition_of(order) for order in held(run.sandbox).values()}
    return False


def least_requests(run: Pipeline) -> int:
    """As many as any run makes: for a token and the first page of each partition."""
    return 1 + len(run.sandbox.world.statuses) * len(run.sandbox.world.locations)


def test_a_run_ended_at_20_points_loses_nothing(tmp_path: Path) -> None:
    """However often a run is ended, and however, the states in between lead to all orders."""
    rng = random.Random(20)
    ended = 0
    with pipeline(tmp_path, SMALL) as run:
        while ended < 20:
            ended += end_somewhere(rng, run)
        run.finish()


def test_a_signal_at_any_step_of_the_writer_ends_in_order() -> None:
    """Wherever it comes, what was written is whole lines in order, then the last state, and 143.

    That state never claims a partition whose records are not before it.
    """
    told = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.signal_anywhere"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=120,
    ).stdout
    endings = [json.loads(line) for line in told.splitlines()]
    assert len(endings) > 100
    for exit_code, output in endings:
        assert exit_code == 143
        assert output.endswith("\n")
        messages = [json.loads(line) for line in output.splitlines()]
        assert messages[-1]["value"]["last"]
        assert_in_order(messages)


def assert_in_order(messages: list[dict[str, Any]]) -> None:
    """Each partition has two records, and is claimed by no state before both are there."""
    records = 0
    for message in messages:
        if message["type"] == "RECORD":
            assert message["partition"] == records // 2
            records += 1
        else:
            assert message["value"]["partitions"] <= records // 2


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_hangup_is_a_termination(tmp_path: Path, *, is_ignored: bool) -> None:
    """It ends a run behind a state, unless whoever started the run had it ignored (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)
    try:
        with pipeline(tmp_path, LARGE) as run:
            with run.run() as process:
                output = lines_of(process, 2)
                process.send_signal(signal.SIGHUP)
                output += stdout_of(process).read()
                assert process.wait(PATIENCE_SECONDS) == (0 if is_ignored else 129)
            messages = run.target.take(output)
            assert messages[-1]["type"] == "STATE"
            assert ("Stopped by SIGHUP" in run.stderr.read_text()) != is_ignored
            run.finish()
    finally:
        signal.signal(signal.SIGHUP, before)
