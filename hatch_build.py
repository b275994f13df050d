"""What the distribution tells of itself where it is built: PyPI has no files beside the README."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE_PICTURE = re.compile(r'(<img [^>]*src=")(?!https?:)([^"]+)("[^>]*>\n*)')
_RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class AboutThisBuild(MetadataHookInterface):
    """The README with links that work anywhere, and the repository that built it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the fields that pyproject.toml calls dynamic."""
        home = repository()
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_links_for_anywhere(text, home),
        }
        metadata["urls"] = urls(home)


def urls(home: str) -> dict[str, str]:
    """Where things are, as PyPI shows them beside the README; nothing without a repository."""
    if not home:
        return {}
    return {
        "Repository": home,
        "Documentation": f"{home}/tree/HEAD/docs",
        "Changelog": f"{home}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }


def with_links_for_anywhere(text: str, home: str) -> str:
    """Have relative links lead into the repository; without one, a link is its text alone."""
    commit = os.environ.get("GITHUB_SHA", "HEAD")

    def link(found: re.Match[str]) -> str:
        picture, words, path = found.groups()
        if not home:
            return "" if picture else words
        return f"{picture}[{words}]({home}/{'raw' if picture else 'blob'}/{commit}/{path})"

    def drawn(found: re.Match[str]) -> str:
        before, path, after = found.groups()
        return f"{before}{home}/raw/{commit}/{path}{after}" if home else ""

    return _RELATIVE_PICTURE.sub(drawn, _RELATIVE_LINK.sub(link, text))


def repository() -> str:
    """The URL of the repository whose workflow runs, empty on other machines."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""
