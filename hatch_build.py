"""What the distribution tells of itself where it is built: PyPI has no files beside the README."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

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
        metadata["urls"] = {"Repository": home} if home else {}


def with_links_for_anywhere(text: str, home: str) -> str:
    """Have relative links lead into the repository; without one, a link is its text alone."""

    def replaced(link: re.Match[str]) -> str:
        picture, words, path = link.groups()
        if not home:
            return "" if picture else words
        commit = os.environ.get("GITHUB_SHA", "HEAD")
        return f"{picture}[{words}]({home}/{'raw' if picture else 'blob'}/{commit}/{path})"

    return _RELATIVE_LINK.sub(replaced, text)


def repository() -> str:
    """The URL of the repository whose workflow runs, empty on other machines."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""
