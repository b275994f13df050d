"""CONTRIBUTING.md and what a contributor meets: commands and files that are there."""

from __future__ import annotations

import ast
import re

import yaml

from tests.support import ROOT, blocks

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RUN = (ROOT / "run").read_text(encoding="utf-8")
COMMANDS = set(re.findall(r"^\./run ([\w-]+)", RUN, re.MULTILINE))


def test_the_page_knows_the_commands_of_run() -> None:
    """It names no command of `./run` that there is not, and all that a contributor needs."""
    named = set(re.findall(r"\./run ([a-z-]+)", PAGE))
    assert named <= COMMANDS
    assert named >= COMMANDS - {"demo"}


def test_files_and_tests_that_the_page_names_are_there() -> None:
    """Each file that the steps name exists."""
    named = re.findall(r"`([\w/]+(?:\.py|/))`", PAGE) + re.findall(r"(tests/[\w/]+\.py) ", PAGE)
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_commit_is_checked_as_run_check_does() -> None:
    """The hooks of pre-commit are the style checks of `./run check`, with the same options."""
    [repo] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"
    hooks = [hook["entry"].removeprefix(".venv/bin/").split() for hook in repo["hooks"]]
    [verify] = [
        node
        for node in ast.parse(RUN).body
        if isinstance(node, ast.FunctionDef) and node.name == "verify"
    ]
    texts = [[a.value for a in c.args if isinstance(a, ast.Constant)] for c in calls(verify)]
    checks = [words for words in texts if words[:1] == ["ruff"]]
    assert hooks == [*checks, ["mypy"]]
    assert 'VENV_BIN / "mypy"' in ast.unparse(verify).replace("'", '"')
    assert all(hook["language"] == "system" for hook in repo["hooks"])


def calls(function: ast.FunctionDef) -> list[ast.Call]:
    """The calls of `call` in a function, in the order in which they stand."""
    found = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    named = [node for node in found if isinstance(node.func, ast.Name) and node.func.id == "call"]
    return sorted(named, key=lambda node: (node.lineno, node.col_offset))


def test_what_is_asked_of_a_report_and_a_change_is_of_today() -> None:
    """The forms parse, have a name and fields, and name the commands that there are."""
    folder = ROOT / ".github"
    for form in (folder / "ISSUE_TEMPLATE").glob("*.yml"):
        text = form.read_text(encoding="utf-8")
        if form.stem != "config":
            content = yaml.safe_load(text)
            assert content.keys() >= {"name", "description", "body"}
            ids = [field.get("id") for field in content["body"] if field["type"] != "markdown"]
            assert len(set(ids)) == len(ids) > 0
    template = (folder / "pull_request_template.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\./run ([\w-]+)", template)) <= COMMANDS


def test_setting_up_is_what_run_does() -> None:
    """The commands of the page are a clone, `./run`, and a program of the environment."""
    lines = "".join(blocks("CONTRIBUTING.md", "console")).splitlines()
    assert [line.split()[1] for line in lines] == [
        *("git", "cd", "./run", ".venv/bin/pre-commit"),
    ]
