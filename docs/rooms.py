"""The rooms of the package and the arrows between them, from its imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "tap_xstak_oms"


def rooms_picture() -> str:
    """The arrows as a Mermaid flowchart, without those that a longer way implies."""
    arrows = {room: _straight(known) for room, known in _arrows().items()}
    names = {room: room if room.endswith(".py") else f"{room}/" for room in arrows}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'    {_id(room)}["{name}"]' for room, name in names.items()]
    lines += [
        f"    {_id(room)} --> {_id(known)}" for room in arrows for known in sorted(arrows[room])
    ]
    return "\n".join([*lines, "```"])


def rooms_table() -> str:
    """Each room with its purpose and its modules, from the top down."""
    lines = ["| room | what it is for | modules |", "|---|---|---|"]
    for room in _arrows():
        path = PACKAGE / room
        if path.is_file():
            lines.append(f"| `{room}` | {_first_sentence(path)} | |")
            continue
        modules = sorted(p.stem for p in path.glob("*.py") if p.stem != "__init__")
        told = ", ".join(f"`{name}`" for name in modules)
        lines.append(f"| `{room}/` | {_first_sentence(path / '__init__.py')} | {told} |")
    return "\n".join(lines)


@cache
def _arrows() -> dict[str, set[str]]:
    """The rooms that each room imports from, from the top down."""
    sources: dict[str, list[ast.Module]] = {}
    for path in sorted(PACKAGE.glob("**/*.py")):
        if not path.name.startswith("__"):
            room = path.relative_to(PACKAGE).parts[0]
            sources.setdefault(room, []).append(ast.parse(path.read_text(encoding="utf-8")))
    arrows = {
        room: {known for tree in trees for known in _known(tree, sources)} - {room}
        for room, trees in sources.items()
    }
    return {room: arrows[room] for room in sorted(arrows, key=lambda r: (-_height(r, arrows), r))}


def _known(tree: ast.Module, rooms: dict[str, list[ast.Module]]) -> set[str]:
    """The rooms that a module imports from."""
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        parts = [name.split(".") for name in names if name.startswith(f"{PACKAGE.name}.")]
        found |= {room for part in parts for room in (part[1], f"{part[1]}.py") if room in rooms}
    return found


def _height(room: str, arrows: dict[str, set[str]]) -> int:
    """The length of the longest way down from a room."""
    return max((1 + _height(known, arrows) for known in arrows[room]), default=0)


def _straight(known: set[str]) -> set[str]:
    """The rooms in `known` that no other room in it knows."""
    arrows = _arrows()
    through = set().union(*(_below(room, arrows) for room in known))
    return known - through


def _below(room: str, arrows: dict[str, set[str]]) -> set[str]:
    return arrows[room].union(*(_below(known, arrows) for known in arrows[room]))


def _id(room: str) -> str:
    return room.removesuffix(".py")


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ")
