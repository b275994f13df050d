"""The workflow that tests and publishes: on the Pythons that the project names, and careful."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.support import ROOT

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


def test_the_workflow_runs_what_a_developer_runs() -> None:
    """`./run test` and `./run test-doors` are run on each change, as `run` knows them."""
    assert commands("test")[-1] == "python run test"
    assert commands("doors") == ["python run test-doors"]
    known = (ROOT / "run").read_text()
    assert '"test": test,' in known
    assert '"test-doors": test_doors,' in known
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
    assert WORKFLOW["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}
    assert rights == {"publish": {"id-token": "write"}}
    assert JOBS["publish"]["environment"] == "pypi"
    assert "secrets." not in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("job", ["test", "doors", "build"])
def test_a_checkout_has_the_tags_and_keeps_no_token(job: str) -> None:
    """The version comes from the tags, and what is run there has no right to the repository."""
    [checkout] = [s for s in JOBS[job]["steps"] if s.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
