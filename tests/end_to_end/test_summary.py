"""What the command tells at the end of a run that a signal or a closed pipe ended."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.sync.summary import NOTHING_READ
from tap_xstak_oms.tap import NO_ANSWER
from tests.support import EXECUTABLE, config_for, discovered, run_cli, written
from xstak_sandbox import Fault, Kind, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ONE = World(locations=("1001",))


def test_discovery_that_fails_is_no_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """Whoever asks for a catalog is told nothing of a run."""
    config = written(tmp_path, "config.json", config_for(sandbox, client_id="someone"))
    assert NOTHING_READ not in run_cli("--config", config, "--discover").stderr


def ended_by(sandbox: Sandbox, folder: Path, endpoint: Any, *options: str | Path) -> str:
    """What a run says on stderr that SIGTERM ends at its first request to an endpoint."""
    config = written(folder, "config.json", config_for(sandbox))
    with subprocess.Popen(
        [EXECUTABLE, "--config", config, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        sandbox.journal.wait_for(1, endpoint)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr
    return stderr


@pytest.mark.parametrize("endpoint", ["token", "orders"])
@pytest.mark.parametrize(
    ("options", "word", "other"),
    [
        ((), NOTHING_READ, NO_ANSWER),
        (("--discover",), NO_ANSWER, NOTHING_READ),
        (("--test",), NO_ANSWER, NOTHING_READ),
    ],
    ids=["run", "discover", "test"],
)
def test_a_signal_before_anything_is_read_gets_its_word(
    tmp_path: Path, endpoint: Any, options: Sequence[str], word: str, other: str
) -> None:
    """A run is told of the next one; whoever only asked something, that there is no answer."""
    with Sandbox(ONE, faults=[Fault(Kind.HANG, on=endpoint, times=9)]) as sandbox:
        stderr = ended_by(sandbox, tmp_path, endpoint, *options)
    assert word in stderr
    assert other not in stderr


def test_a_signal_before_the_first_answer_has_a_summary(tmp_path: Path) -> None:
    """While the first request hangs SIGTERM is answered with what was under way."""
    with Sandbox(ONE) as sandbox:
        catalog = written(tmp_path, "catalog.json", discovered(config_for(sandbox)))
        sandbox.journal.clear()
        sandbox.add_fault(Fault(Kind.HANG))
        stderr = ended_by(sandbox, tmp_path, "orders", "--catalog", catalog)
    assert "Stopped by SIGTERM." in stderr
    assert "pending at 1001: no orders, 1 request; interrupted, the next run resumes fr" in stderr
    assert "of 2 partitions (1 interrupted, 1 not reached)" in stderr


@pytest.mark.parametrize("lines", [0, 30])
def test_a_closed_pipe_has_a_summary(tmp_path: Path, lines: int) -> None:
    """When whoever reads the output goes away, at once or later, the run says what it came to."""
    with Sandbox(World(locations=("1001",), orders_per_location=400)) as sandbox:
        config = written(tmp_path, "config.json", config_for(sandbox))
        with subprocess.Popen(
            [EXECUTABLE, "--config", config],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            for _ in range(lines):
                process.stdout.readline()
            process.stdout.close()
            stderr = process.stderr.read()
    assert process.returncode == 1
    assert "The downstream process closed the pipe" in stderr
    if lines:
        assert "the next run resumes from the bookmarks." in stderr
        assert "only the bookmarks of the last STATE count" in stderr
    else:
        assert NOTHING_READ in stderr
