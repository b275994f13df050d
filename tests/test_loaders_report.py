"""What `./run loaders` tells: each way in which a loader can fail its user has its own word."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from doors.loaders.compare import COLUMNS, DIGITS, VALUES, bent_columns, latest_of, outdated
from doors.loaders.definitions import LOADERS
from doors.loaders.report import Outcome, page
from tests.support import ROOT

PAGE = (ROOT / "docs" / "loaders.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = {
    "id": {"type": ["integer", "null"]},
    "_synced_at": {"type": ["string", "null"], "format": "date-time"},
    "paid": {"type": ["number", "null"]},
    "note": {"type": ["string", "null"]},
    "is_gift": {"type": ["boolean", "null"]},
    "customer": {"type": ["object", "null"]},
    "tags": {"type": ["array", "null"]},
}
ORDER: dict[str, Any] = {
    "id": 1,
    "_synced_at": "2026-01-15T07:00:00.000000+00:00",
    "paid": Decimal("12345678901234567890.10"),
    "note": "a\tb",
    "is_gift": True,
    "customer": {"name": "گاہک", "points": Decimal("1.50")},
    "tags": [Decimal("1.10"), "x"],
}


def bent(**changes: Any) -> dict[str, str]:
    """What is told of the order's columns where some hold this instead."""
    found = bent_columns(SCHEMA, {1: ORDER}, {1: ORDER | changes})
    return {name: column.kind for name, column in found.items()}


@pytest.mark.parametrize(
    "as_loaded",
    [
        {"_synced_at": "2026-01-15T07:00:00"},
        {"_synced_at": "2026-01-15 12:00:00+05:00"},
        {"paid": "12345678901234567890.10", "is_gift": "True"},
        {"is_gift": 1, "tags": '[1.1, "x"]'},
        {"customer": '{"points": 1.5, "name": "\\u06af\\u0627\\u06c1\\u06a9"}'},
    ],
)
def test_another_form_of_a_value_is_the_value(as_loaded: dict[str, Any]) -> None:
    """A time in another zone, text of a number and JSON in text are no differences."""
    assert bent(**as_loaded) == {}


@pytest.mark.parametrize(
    ("as_loaded", "kinds"),
    [
        ({"paid": 12345678901234567890.10}, {"paid": DIGITS}),
        ({"paid": Decimal("20475.8")}, {"paid": VALUES}),
        ({"note": "a\\tb"}, {"note": VALUES}),
        ({"note": None}, {"note": VALUES}),
        ({"is_gift": False}, {"is_gift": VALUES}),
        ({"customer": "{'name': 'x'}"}, {"customer": VALUES}),
        ({"customer": {"name": "گاہک"}}, {"customer": VALUES}),
        ({"tags": [Decimal("1.10")]}, {"tags": VALUES}),
    ],
)
def test_another_value_is_told(as_loaded: dict[str, Any], kinds: dict[str, str]) -> None:
    """What a float would hold as well is told apart from any other value."""
    assert bent(**as_loaded) == kinds


def test_a_column_that_is_not_there_is_told() -> None:
    """Not as values that are gone: there is no such column."""
    without = {name: value for name, value in ORDER.items() if name != "customer"}
    assert bent_columns(SCHEMA, {1: ORDER}, {1: without})["customer"].kind == COLUMNS


def test_an_order_that_is_gone_or_old_is_told() -> None:
    """The last row of each order counts, and is as it was written last."""
    old = ORDER | {"_synced_at": "2026-01-14T07:00:00"}
    written = {1: ORDER, 2: ORDER | {"id": 2}}
    assert outdated(SCHEMA, written, latest_of([old, ORDER])) == {2}
    assert outdated(SCHEMA, written, latest_of([ORDER, old, ORDER | {"id": "2"}])) == {1}


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome("x", "open"), "safe"),
        (Outcome("x", "open", problem="exit code 1"), "**does not run**"),
        (Outcome("x", "open", lost=[0, 1]), "**loses orders**"),
        (Outcome("x", "open", bent=bent_columns(SCHEMA, {1: ORDER}, {1: {}})), "**lacks columns**"),
    ],
)
def test_the_worst_is_the_verdict(outcome: Outcome, verdict: str) -> None:
    """One word tells what a user of that loader has to fear most."""
    assert outcome.verdict == verdict
    assert f"| {verdict} |" in page([outcome])


def test_the_table_is_of_all_loaders() -> None:
    """Each loader that the command tries, with its version, has its row in the page."""
    [table] = re.findall(r"<!-- loaders -->\n(.*?)\n<!-- /loaders -->", PAGE, re.DOTALL)
    told = dict.fromkeys(line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:])
    assert list(told) == [loader.name for loader in LOADERS]
