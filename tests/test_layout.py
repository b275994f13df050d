"""Who may know whom, asserted from the imports."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = "tap_xstak_oms"
TREES = {
    path.stem: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / PACKAGE).glob("*.py"))
    if path.stem != "__init__"
}
# What anyone may speak of: failures, the time, and which orders are meant.
VOCABULARY = {"errors", "clock", "settings", "settings_schema"}
LEAVES = {
    "auth": set[str](),
    "bookmarks": set[str](),
    "bounds": set[str](),
    "columns": {"timestamps"},
    "files": set[str](),
    "flattening": {"columns"},
    "inference": {"columns", "timestamps"},
    "layout": {"columns"},
    "lookahead": set[str](),
    "memory": set[str](),
    "pages": {"text"},
    "passes": set[str](),
    "politeness": set[str](),
    "progress": set[str](),
    "reader": {"lookahead", "passes"},
    "records": {"columns", "layout", "text"},
    "sdk_settings": set[str](),
    "state": set[str](),
    "stream_maps": set[str](),
    "text": set[str](),
    "timestamps": set[str](),
    "transport": {"bounds", "politeness"},
    "writer": set[str](),
}
READER = ("reader", "lookahead", "passes")


def imports(tree: ast.AST) -> set[str]:
    """The full names of all modules that a module imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def siblings(name: str) -> set[str]:
    """The modules of the package that a module of it imports."""
    parts = (full.split(".") for full in imports(TREES[name]))
    return {part[1] for part in parts if part[0] == PACKAGE and len(part) > 1} & set(TREES)


def test_arrows_go_one_way() -> None:
    """No module knows one that knows it, through however many others."""
    TopologicalSorter({name: siblings(name) for name in TREES}).prepare()


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_leaves_know_little(name: str) -> None:
    """A leaf knows the common vocabulary and the few modules it is made of."""
    assert siblings(name) - VOCABULARY <= LEAVES[name]


@pytest.mark.parametrize("name", READER)
def test_the_reader_needs_the_standard_library_alone(name: str) -> None:
    """Threads, order and passes know no HTTP, no Singer and no vocabulary of the tap."""
    foreign = {full.split(".")[0] for full in imports(TREES[name])}
    assert foreign - set(sys.stdlib_module_names) <= {PACKAGE}
    assert siblings(name) <= set(READER)


def test_threads_live_in_one_place() -> None:
    """Only the reader starts threads; the writer has a timer for the end of the process."""
    starters = {
        name
        for name, tree in TREES.items()
        if imports(tree) & {"threading.Thread", "threading.Timer", "concurrent.futures"}
        or any(
            isinstance(node, ast.Attribute) and node.attr in {"Thread", "Timer"}
            for node in ast.walk(tree)
        )
    }
    assert starters == {"reader", "writer"}


def test_tap_and_sandbox_do_not_know_each_other() -> None:
    """Nothing in the tap can know that it talks to a sandbox, and the reverse."""
    for folder, stranger in ((PACKAGE, "xstak_sandbox"), ("xstak_sandbox", PACKAGE)):
        for path in Path(ROOT / folder).glob("**/*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not any(full.split(".")[0] == stranger for full in imports(tree)), path
