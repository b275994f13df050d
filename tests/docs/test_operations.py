"""docs/operations.md quotes what the tap says, and knows every field of its log."""

from __future__ import annotations

import ast
import logging
import re
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT, clock_of, config_for, discovered, run_tap
from xstak_sandbox import Fault, Kind, RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "tap_xstak_oms"
USUAL = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime"}


def section(title: str) -> str:
    """A section of the page."""
    [text] = [part for part in PAGE.split("\n## ") if part.startswith(f"{title}\n")]
    return text


def quoted() -> list[str]:
    """The messages in the first columns of the tables of lines, reasons and warnings."""
    rows = "".join(map(section, ("By the last line", "By the reason", "By the warning")))
    cells = (line.split("|")[1].strip() for line in rows.splitlines() if line.startswith("| "))
    return [found[1] for cell in cells if (found := re.match(r"`([^`]{12,})`", cell))]


def pattern_of(message: str) -> re.Pattern[str]:
    """A pattern for a message of the page, with any text for its dots."""
    words = re.split(r"\.\.\.|\d+", message)
    return re.compile(".*".join(re.escape(part.strip()) for part in words), re.DOTALL)


def said() -> Iterator[str]:
    """Every text of the package, what is filled in as dots."""
    for path in PACKAGE.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "..." for p in node.values)
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[.\d]*\w", "...", node.value)


@pytest.mark.parametrize("message", quoted())
def test_the_tap_says_what_the_page_quotes(message: str) -> None:
    """Each line or reason that the page explains is one of the tap's, word for word."""
    assert any(map(pattern_of(message).search, said()))


def warnings_of_a_run() -> Iterator[str]:
    """What a run may warn of: each text, what is filled in as dots."""
    for path in (PACKAGE / "sync").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "warning":
                text = getattr(node.args[0], "value", "")
                # What begins with a name tells of a partition, or is another one's words.
                if not text.startswith("%s "):
                    yield re.sub(r"%[.\d]*\w", "...", text)


@pytest.mark.parametrize("warning", sorted(set(warnings_of_a_run())))
def test_each_warning_of_a_run_is_explained(warning: str) -> None:
    """The page has a row for it."""
    assert any(pattern_of(row).search(warning) for row in quoted())


def test_the_table_of_fields_is_complete(caplog: pytest.LogCaptureFixture) -> None:
    """The fields that the page explains are those of a run that meets everything, and no other."""
    caplog.set_level(logging.INFO)
    same_key = [
        RawOrder(location, "pending", b'{"id":%d,"note":"%b"}' % (number, note))
        for location, note in (("1001", b"a"), ("1001", b"b"), ("1002", b"c"))
        for number in range(5)
    ]
    locations = ("1001", "1002", "1003")
    world = World(locations=locations, orders_per_location=30, raw_orders=same_key)
    with Sandbox(world) as sandbox:
        sandbox.add_fault(Fault(Kind.STATUS, code=403, location="1003"))
        config = config_for(
            sandbox,
            location_ids=[*locations, "no-such-location"],
            order_statuses=["pending", "no-such-status"],
            primary_keys=["id"],
        )
        catalog = discovered(config_for(sandbox, location_ids=["1001"]))
        # Every look at the clock takes a second: so there is a line of progress.
        seconds = count()
        clock = replace(clock_of(sandbox), monotonic=lambda: next(seconds))
        caplog.clear()
        run = run_tap(config, catalog=catalog, clock=clock)
    assert run.error is not None
    ours = [record for record in caplog.records if record.name.startswith("tap-xstak-oms")]
    fields = {name for record in ours for name in record.__dict__.keys() - USUAL}
    rows = re.findall(r"^\| (`.*?) \|", section("The log"), re.MULTILINE)
    assert fields == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
