"""What `./run` says of itself, and of what it does not know."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support import ROOT


def listed(text: str) -> list[str]:
    """The commands of the list at the top of the script."""
    return re.findall(r"^\./run ([\w-]+) ", text, re.MULTILINE)


COMMANDS = listed((ROOT / "run").read_text())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a person would."""
    return subprocess.run(
        [sys.executable, ROOT / "run", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_tells_what_it_does(command: str) -> None:
    """`./run COMMAND --help` answers in words, without doing anything."""
    told = run(command, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout.split()) > 10


@pytest.mark.parametrize(
    ("arguments", "problem"), [(["foo"], "there is no command 'foo'"), ([], "no command is given")]
)
def test_what_it_does_not_know_is_said(arguments: list[str], problem: str) -> None:
    """A command that there is not ends in words, below a list of those that there are."""
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert listed(ended.stderr) == COMMANDS
    assert ended.stderr.splitlines()[-1] == f"run: {problem}: see above."


def test_arguments_that_mean_nothing_are_refused() -> None:
    """Nobody believes to have asked for something that is ignored."""
    ended = run("demo", "--fast")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "run: demo takes no arguments: see ./run demo --help.\n"


@pytest.mark.xdist_group("kept")
def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    """Where tests run on all cores, those that share a folder or a server run one by one."""
    by_group = getattr(request.config.option, "loadgroup", False)
    assert by_group == request.node.nodeid.endswith("@kept")
