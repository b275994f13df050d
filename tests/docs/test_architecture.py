"""docs/architecture.md draws the arrows that there are, and names modules that are there."""

from __future__ import annotations

import re

from tests.support import ROOT
from tests.test_layout import PACKAGE, ROOMS, known_to, trees_of

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_picture_shows_the_arrows_of_the_imports() -> None:
    """What one can reach along the picture's arrows is what a room imports, however far."""
    arrows: dict[str, set[str]] = {room: set() for room in ROOMS}
    for above, below in re.findall(r"^    (\w+) --> (\w+)$", PAGE, re.MULTILINE):
        arrows[above].add(below)
    assert reached(arrows) == reached({room: known_to(trees_of(room)) - {room} for room in ROOMS})


def reached(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Whom each room knows, through others too."""
    found = {room: set(known) for room, known in arrows.items()}
    for _ in arrows:
        for known in found.values():
            known |= {further for room in known for further in found[room]}
    return found


def test_the_architecture_names_modules_that_are_there() -> None:
    """Each module that docs/architecture.md sends a reader to exists."""
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)(?:`|::)", PAGE))
    assert len(named) > 20
    known = {
        path.relative_to(ROOT / PACKAGE).as_posix() for path in (ROOT / PACKAGE).glob("**/*.py")
    }
    outside = {name for name in named if (ROOT / name).exists()}
    bare = {name for name in named if any(path.endswith(f"/{name}") for path in known)}
    assert named - known - outside - bare == set()
