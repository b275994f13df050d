"""Each version and loader that a page claims is one that was run: it has its line in a table."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from doors.environments import CLAIMED, PROJECT
from doors.loaders.definitions import LOADERS
from tests.support import ROOT

PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
PYTHONS, DEPENDENCIES = (
    [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    for table in re.findall(r"<!-- versions -->\n(.*?)\n\n(.*?)\n<!--", PAGE, re.DOTALL)[0]
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED_LOADERS = {
    (loader, version)
    for page in PAGES
    for loader, version in re.findall(
        r"`?\b((?:[a-z0-9]+-)*target-[a-z0-9-]+)`?(?:==| )(\d+\.\d+\.\d+)",
        page.read_text(encoding="utf-8"),
    )
}


def door(name: str) -> dict[str, str]:
    """The versions with which a door's tests are run."""
    lock = tomllib.loads((ROOT / "tests" / "doors" / name / "uv.lock").read_text("utf-8"))
    return {package["name"]: package.get("version", "") for package in lock["package"]}


def numbers(version: str) -> list[int]:
    """A version as it is ordered; what follows its numbers is left out."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def test_each_python_that_is_claimed_was_run() -> None:
    """pyproject.toml, the Hub's definition, the workflow and the table name the same."""
    assert PROJECT["requires-python"] == f">={CLAIMED[0]}"
    hub = yaml.safe_load((ROOT / "docs" / "hub.yml").read_text(encoding="utf-8"))
    assert hub["supported_python_versions"] == CLAIMED
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == CLAIMED
    assert [row[0].rpartition(".")[0] for row in PYTHONS] == CLAIMED
    assert all(cell in ("pass", "works") for row in PYTHONS for cell in row[1:])


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_each_bound_of_a_dependency_was_run(requirement: str) -> None:
    """The lowest version was, and the newest that was is below the upper bound."""
    name, lowest, upper = re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<([\d.]+))?", requirement).groups()  # type: ignore[union-attr] # else the test fails
    [(_, _, oldest, newest)] = [row for row in DEPENDENCIES if row[0] == name]
    assert numbers(oldest)[: len(numbers(lowest))] == numbers(lowest)
    assert not any(numbers(oldest)[len(numbers(lowest)) :])
    assert not upper or numbers(newest) < numbers(upper)


def test_each_loader_that_is_named_was_looked_at() -> None:
    """It has its row, is told to have been tried by hand, or to have been read only."""
    text = (ROOT / "docs" / "loaders.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    tried = {tuple(loader.package.split("==")) for loader in LOADERS}
    by_hand = {each for each in NAMED_LOADERS if "`{}` {}".format(*each) in rows}
    # By the names under which Meltano knows them.
    plain = {(name.removeprefix("meltanolabs-"), version) for name, version in tried}
    assert tried | by_hand | plain >= NAMED_LOADERS


def test_meltano_yml_names_loaders_that_were_run() -> None:
    """What people copy has a row of its own, and is safe there."""
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    named = {loader["pip_url"] for loader in plugins["loaders"]}
    assert named <= {loader.package for loader in LOADERS}
    text = (ROOT / "docs" / "loaders.md").read_text(encoding="utf-8")
    for package in named:
        name, _, version = package.partition("==")
        rows = re.findall(rf"^\| `{name}` {version}.*?\|.*?\| (.*?) \|", text, re.MULTILINE)
        assert rows[0] == "safe"


def engines() -> dict[str, Any]:
    """The engines that the page names, and the versions with which tests are run."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    [meltano] = [one["version"] for one in lock["package"] if one["name"] == "meltano"]
    return {
        r"\*\*Meltano\*\* ([\d.]+)": meltano,
        r"In ([\d.]+) the name comes first": door("meltano")["meltano"],
        r"PyAirbyte ([\d.]+\d)": door("airbyte")["airbyte"],
        r"`airbyte-cdk` ([\d.]+\d)": door("airbyte")["airbyte-cdk"],
        r"\*\*Airflow\*\* ([\d.]+)": door("airflow")["apache-airflow"],
    }


@pytest.mark.parametrize(("pattern", "version"), engines().items())
def test_each_engine_that_is_named_is_run(pattern: str, version: str) -> None:
    """By the version that the tests of its door have."""
    [named] = re.findall(pattern, PAGE)
    assert f"{version}.".startswith(f"{named}.")
