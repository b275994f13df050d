"""Standard streams that are full or closed, for both commands: exit codes and words."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.test_airbyte_source import SOURCE, configured
from tests.support import EXECUTABLE, config_for, discovered, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xstak_sandbox import Sandbox

PATIENCE_SECONDS = 60
FULL = "> /dev/full"
CLOSED = ">&-"
WORDS = {FULL: "Cannot write to stdout (no space left on device)", CLOSED: "stdout is closed"}


@dataclass
class Shell:
    """A shell in which both commands can be started, with their files."""

    folder: Path
    files: Mapping[str, Path]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line, in which the names of files stand in braces."""
        return subprocess.run(
            ["sh", "-c", line.format(tap=EXECUTABLE, source=SOURCE, **self.files)],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=self.folder,
        )


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A shell beside the files of a configuration that reads the sandbox."""
    config = config_for(sandbox)
    catalog: dict[str, Any] = discovered(config)
    [entry, _] = catalog["streams"]
    stream = {"name": "sales_orders", "json_schema": entry["schema"]}
    contents = {"config": config, "catalog": catalog, "configured": configured(stream)}
    return Shell(
        tmp_path,
        {name: written(tmp_path, f"{name}.json", held) for name, held in contents.items()},
    )


WRITERS = [
    "{tap} --config {config} --catalog {catalog}",
    "{tap} --config {config} --discover",
    "{tap} --help",
    "{source} spec",
    "{source} check --config {config}",
    "{source} read --config {config} --catalog {configured}",
]


@pytest.mark.parametrize("stdout", WORDS)
@pytest.mark.parametrize("command", WRITERS)
def test_a_stdout_that_takes_nothing_is_told(shell: Shell, command: str, stdout: str) -> None:
    """What cannot be written is a failure, in words on stderr, without a traceback."""
    ended = shell.run(f"{command} {stdout}")
    assert ended.returncode == 1
    assert WORDS[stdout] in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


def test_who_writes_nothing_needs_no_stdout(shell: Shell) -> None:
    """`--test` tells by its exit code, and on stderr."""
    ended = shell.run(f"{{tap}} --config {{config}} --test {CLOSED}")
    assert (ended.returncode, ended.stdout) == (0, "")


READERS = [
    "{tap} --config {config} --catalog {catalog}",
    "{source} read --config {config} --catalog {configured}",
]


@pytest.mark.parametrize("stderr", ["2> /dev/full", "2>&-", "<&- 2>&-"])
@pytest.mark.parametrize("command", READERS)
def test_a_run_goes_on_without_stderr(
    sandbox: Sandbox, shell: Shell, command: str, stderr: str
) -> None:
    """All orders arrive, and the exit code says so; nothing of the log is among them."""
    ended = shell.run(f"{command} {stderr}")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert all(line.startswith("{") for line in lines)
    assert sum('"type":"RECORD"' in line for line in lines) == len(sandbox.orders())


@pytest.mark.parametrize(("stderr", "code"), [("2>&-", 2), ("2> /dev/full", 2)])
def test_a_mistake_keeps_its_exit_code_without_stderr(shell: Shell, stderr: str, code: int) -> None:
    """Where nobody can be told, the exit code still tells."""
    assert shell.run(f"{{tap}} --config nowhere.json {stderr}").returncode == code


def test_nothing_can_be_told_at_all(shell: Shell) -> None:
    """Without stdout and stderr a run still fails, for nothing of it arrived."""
    assert shell.run(f"{WRITERS[0]} >&- 2>&-").returncode == 1


def test_a_pipe_that_does_not_block_takes_everything(sandbox: Sandbox, shell: Shell) -> None:
    """Some programs leave their pipes so that a write into a full one fails at once."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    words: list[str | Path] = [
        EXECUTABLE,
        "--config",
        shell.files["config"],
        "--catalog",
        shell.files["catalog"],
    ]
    with (
        subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE, text=True) as process,
        os.fdopen(reading, "rb") as pipe,
    ):
        os.close(writing)
        assert process.stderr is not None
        # Nothing is read before there is more to read than a pipe holds.
        process.stderr.readline()
        records = sum(b'"type":"RECORD"' in line for line in pipe)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert records == len(sandbox.orders())
