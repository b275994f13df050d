"""The workflow that tests and publishes: on the Pythons that the project names, and careful."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support import EXECUTABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
# YAML 1.1 takes the bare word for a truth value.
TRIGGERS = WORKFLOW[True]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def commands(job: str) -> list[str]:
    """What a job runs, step by step."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_all_supported_pythons_are_tested() -> None:
    """The matrix, the classifiers and `requires-python` name the same Pythons."""
    pythons = JOBS["test"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert pythons == named
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    [setup] = [step for step in JOBS["pythons"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["with"]["python-version"].split() == pythons[::-1]


def test_the_workflow_runs_what_a_developer_runs() -> None:
    """What `.ci/run` runs is run on each change too, as `run` knows it."""
    jobs = (command for job in JOBS for command in commands(job))
    ours = {command.removeprefix("python ") for command in jobs if command.startswith("python run")}
    assert ours > set(re.findall(r"python3 (run .*)", (ROOT / ".ci/run").read_text()))
    known = (ROOT / "run").read_text()
    assert all(f'"{words.split()[1]}": ' in known for words in ours)
    assert len(ours) == 4
    assert TRIGGERS.keys() >= {"push", "pull_request"}


def test_only_a_tag_is_published_and_only_after_the_tests() -> None:
    """What is published is what was built and tested in the same run, for a tag of a version."""
    publish = JOBS["publish"]
    assert publish["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert TRIGGERS["push"]["tags"] == ["v*"]
    assert set(publish["needs"]) == JOBS.keys() - {"publish"}
    assert "uv build" in commands("build")
    assert commands("publish") == []


def test_only_publishing_may_prove_who_it_is() -> None:
    """The right to publish is that of one job; nothing else may write, and no secret is named."""
    assert WORKFLOW["permissions"] == {}
    rights = {name: job["permissions"] for name, job in JOBS.items()}
    assert rights.pop("publish") == {"id-token": "write"}
    assert all(right == {"contents": "read"} for right in rights.values())
    assert JOBS["publish"]["environment"] == "pypi"
    assert "secrets." not in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("job", ["test", "doors", "pythons", "build"])
def test_a_checkout_has_the_tags_and_keeps_no_token(job: str) -> None:
    """The version comes from the tags, and what is run there has no right to the repository."""
    [checkout] = [s for s in JOBS[job]["steps"] if s.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_the_linter_finds_nothing() -> None:
    """Neither the workflow nor Dependabot's configuration breaks a rule of zizmor's strictest set.

    Among its rules: every action is pinned by a commit, and no job may do more than it needs.
    """
    ended = subprocess.run(
        [EXECUTABLE.with_name("zizmor"), "--offline", "--persona=pedantic", ROOT / ".github"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    assert "ci.yml" in ended.stderr
    assert "dependabot.yml" in ended.stderr


def test_the_hooks_of_a_commit_pass(tmp_path: Path) -> None:
    """pre-commit takes its configuration, and finds the checkout in style."""
    ended = subprocess.run(
        [EXECUTABLE.with_name("pre-commit"), "run", "--all-files"],
        cwd=ROOT,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path), "SKIP": "mypy"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("Passed") == 2


def test_a_pinned_action_tells_its_version() -> None:
    """A person reads a version behind each commit, which Dependabot keeps in step."""
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in uses)


def test_each_lock_file_is_kept_up_to_date() -> None:
    """Dependabot watches every uv.lock, the actions and the images."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    watched = {u["package-ecosystem"]: u.get("directories", [u.get("directory")]) for u in updates}
    locks = subprocess.run(
        ["git", "ls-files", "uv.lock", "*/uv.lock"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {f"/{lock.removesuffix('uv.lock').rstrip('/')}" for lock in locks} == set(watched["uv"])
    assert watched.keys() == {"uv", "github-actions", "docker"}
