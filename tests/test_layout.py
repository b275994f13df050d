"""Who may know whom, asserted from the imports: a rule for each room."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = "tap_xstak_oms"
FLOOR = {"errors", "clock", "wording"}
"""What every room stands on; they know nothing of the tap but each other."""
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
"""Without its docstring."""
MAY_KNOW = {
    "config": FLOOR,
    "api": FLOOR | {"config"},
    "reading": set[str](),
    "records": FLOOR,
    "discovery": FLOOR | {"config", "api", "reading", "records"},
    "sync": FLOOR | {"config", "api", "reading", "records"},
    "singer": FLOOR | {"config", "records"},
    "streams": FLOOR | {"config", "records", "sync", "singer"},
    "tap": FLOOR | {"config", "api", "records", "discovery", "sync", "singer", "streams"},
    "process": FLOOR,
    "cli": FLOOR | {"process", "config", "singer", "tap"},
    "airbyte": FLOOR | {"process", "config", "records", "singer", "streams", "tap", "cli"},
}
"""The rooms, from the ground up, and what each may import beside its own modules."""
TREES = {
    path.relative_to(ROOT / PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / PACKAGE).glob("**/*.py"))
    if path.name not in ("__init__.py", "__main__.py") or path.parent.name != PACKAGE
}
ROOMS = sorted({path.parts[0].removesuffix(".py") for path in TREES})


def imports(tree: ast.AST) -> set[str]:
    """The full names of all modules that a module imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def trees_of(room: str) -> dict[Path, ast.Module]:
    """The modules of a room."""
    return {path: tree for path, tree in TREES.items() if path.parts[0].split(".")[0] == room}


def known_to(trees: dict[Path, ast.Module]) -> set[str]:
    """The rooms that some modules import from."""
    parts = (full.split(".") for tree in trees.values() for full in imports(tree))
    return {part[1] for part in parts if part[0] == PACKAGE and len(part) > 1}


def test_arrows_go_one_way() -> None:
    """No module knows one that knows it, through however many others."""
    dotted = {
        ".".join((PACKAGE, *path.with_suffix("").parts)): tree for path, tree in TREES.items()
    }
    graph = {name: imports(tree) & dotted.keys() for name, tree in dotted.items()}
    TopologicalSorter(graph).prepare()
    rooms = {room: known_to(trees_of(room)) - {room} for room in ROOMS}
    TopologicalSorter(rooms).prepare()


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_knows_what_it_may(room: str) -> None:
    """A room imports from itself and from those below that its rule names."""
    allowed = FLOOR if room in FLOOR else MAY_KNOW[room]
    assert known_to(trees_of(room)) - {room} <= allowed


@pytest.mark.parametrize("path", TREES, ids=str)
def test_modules_and_functions_are_small(path: Path) -> None:
    """Who opens one can read all of it."""
    lines = (ROOT / PACKAGE / path).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            told = len((ast.get_docstring(node, clean=False) or "").splitlines())
            assert node.end_lineno - node.lineno + 1 - told <= MOST_LINES_OF_A_FUNCTION, node.name


def test_the_reader_needs_the_standard_library_alone() -> None:
    """Threads, order and passes know no HTTP, no Singer and no vocabulary of the tap."""
    foreign = {
        full.split(".")[0] for tree in trees_of("reading").values() for full in imports(tree)
    }
    assert foreign - set(sys.stdlib_module_names) <= {PACKAGE}


@pytest.mark.parametrize("room", ["api", "reading", "records", "sync", "discovery"])
def test_singer_is_known_at_the_top_alone(room: str) -> None:
    """What reads, fits and judges can be tried without the SDK."""
    known = {full.split(".")[0] for tree in trees_of(room).values() for full in imports(tree)}
    assert "singer_sdk" not in known


def test_threads_live_in_one_place() -> None:
    """Only the reader starts threads; the writer has a timer for the end of the process."""
    starters = {
        path.as_posix()
        for path, tree in TREES.items()
        if imports(tree) & {"threading.Thread", "threading.Timer", "concurrent.futures"}
        or any(
            isinstance(node, ast.Attribute) and node.attr in {"Thread", "Timer"}
            for node in ast.walk(tree)
        )
    }
    assert starters == {"reading/reader.py", "singer/writer.py"}


def test_tap_and_sandbox_do_not_know_each_other() -> None:
    """Nothing in the tap can know that it talks to a sandbox, and the reverse."""
    for folder, stranger in ((PACKAGE, "xstak_sandbox"), ("xstak_sandbox", PACKAGE)):
        for path in Path(ROOT / folder).glob("**/*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not any(full.split(".")[0] == stranger for full in imports(tree)), path
