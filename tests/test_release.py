"""What `./run release` refuses to publish, and the README as PyPI shows it."""

from __future__ import annotations

import re

import pytest

from doors.release import dead_links, missing_entry, unfinished
from hatch_build import urls, with_links_for_anywhere
from tests.support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n- New.\n\n## 1.2.3 - 2026-11-28\n\n- Old.\n\n## 1.2.2\n\n"
)
PICTURE = re.compile(r'<img [^>]*src="([^"]+)"')
LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.mark.parametrize("version", ["1.2.3", "1.2.4.dev5+g0123456"])
def test_a_version_that_the_changelog_tells_of_passes(version: str) -> None:
    """A release has a heading of its own; what lies between two has the one of the next."""
    assert missing_entry(CHANGELOG, version) == []


@pytest.mark.parametrize("version", ["1.2.2", "1.2.4", "1.2"])
def test_a_version_without_news_is_refused(version: str) -> None:
    """A release whose heading is not there, or has nothing under it, is named."""
    [complaint] = missing_entry(CHANGELOG, version)
    assert version in complaint


def test_what_is_to_be_filled_in_is_refused() -> None:
    """A placeholder is named with its file."""
    texts = {"a.md": "See https://github.com/your-organization/x", "b.md": "Your own organization."}
    assert unfinished(texts) == ["a.md: your-organization is to be filled in"]


def test_links_of_the_readme_lead_into_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """On PyPI each link to a file leads to that file, at the commit that was built."""
    monkeypatch.setenv("GITHUB_SHA", "0123abc")
    there = LINK.findall(with_links_for_anywhere(README, "https://host/owner/name"))
    here = LINK.findall(README)
    files = [target for target in here if not target.startswith(("http", "#"))]
    assert files
    assert [target for target in there if target not in here] == [
        f"https://host/owner/name/blob/0123abc/{target}" for target in files
    ]


def test_pictures_of_the_readme_are_those_of_the_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On PyPI each picture is the one of the commit that was built; elsewhere there is none."""
    monkeypatch.setenv("GITHUB_SHA", "0123abc")
    here = PICTURE.findall(README)
    assert here
    there = PICTURE.findall(with_links_for_anywhere(README, "https://host/owner/name"))
    assert there == [f"https://host/owner/name/raw/0123abc/{path}" for path in here]
    assert PICTURE.findall(with_links_for_anywhere(README, "")) == []


def test_pypi_is_told_where_things_are() -> None:
    """A build for a repository names it, its documentation, its changes and its issues."""
    home = "https://host/owner/name"
    told = urls(home)
    assert told["Repository"] == home
    for name, path in {"Documentation": "docs", "Changelog": "CHANGELOG.md"}.items():
        assert told[name].endswith(f"/HEAD/{path}")
        assert (ROOT / path).exists()
    assert told["Issues"] == f"{home}/issues"
    assert urls("") == {}


def test_without_a_repository_no_link_is_dead() -> None:
    """Built elsewhere, the README names each file and links to none."""
    text = with_links_for_anywhere(README, "")
    assert all(target.startswith(("http", "#")) for target in LINK.findall(text))
    assert "| change the code | CONTRIBUTING.md, docs/architecture.md |" in text


@pytest.mark.parametrize("home", ["", "https://host/owner/name"])
def test_the_readme_of_a_build_has_no_dead_link(home: str) -> None:
    """With and without a repository."""
    assert dead_links(with_links_for_anywhere(README, home)) == []


@pytest.mark.parametrize(
    "dead", ["[a](docs/a.md)", "![a](docs/a.svg)", '<img alt="a" src="docs/a.svg">']
)
def test_a_link_that_is_dead_on_pypi_is_refused(dead: str) -> None:
    """There are no files beside the README there."""
    assert dead_links(f"See {dead} and [b](#b), [c](https://c).")
