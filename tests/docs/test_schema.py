"""Each row of the tables of docs/schema.md, run on the orders that it shows."""

from __future__ import annotations

import re
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.records.timestamps import time_in
from tests.discovery.samples import column, infer_from
from tests.support import ROOT

PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
NOTHING = "none"


class Row(NamedTuple):
    """A row of a table: the rule, the examples, what comes of them."""

    rule: str
    examples: list[str]
    outcome: list[str]


def cells(title: str) -> list[list[str]]:
    """The cells of the table in a section, row by row."""
    [section] = [part for part in PAGE.split("\n## ") if part.startswith(f"{title}\n")]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def table(title: str) -> list[Row]:
    """Its rows; a rule stands for the rows below it that have none, too."""
    found: list[Row] = []
    for rule, examples, outcome in cells(title):
        found.append(Row(rule or found[-1].rule, _written_out(examples), _spans(outcome)))
    return found


def _written_out(cell: str) -> list[str]:
    """The JSON of a cell, each as often as it says, with another number in each."""
    numbers = count(1)
    return [
        text.replace("#", str(next(numbers)))
        for times, text in re.findall(r"(?:(\d+) \u00d7 )?`([^`]+)`", cell)
        for _ in range(int(times or 1))
    ]


def _spans(cell: str) -> list[str]:
    return [] if cell == NOTHING else re.findall(r"`([^`]+)`", cell)


def rows(title: str) -> pytest.MarkDecorator:
    """Run a test on each row of a table."""
    found = table(title)
    return pytest.mark.parametrize(
        "row", found, ids=[f"{at}: {row.rule[:40]}" for at, row in enumerate(found)]
    )


@rows("The type of a column")
def test_a_column_has_the_type_that_the_page_says(row: Row) -> None:
    """Its type, its format, or no column."""
    found = column(*row.examples) or {"type": [None]}
    assert [found["type"][0], found.get("format")] == [*row.outcome, None, None][:2]
    assert found["type"][1:] in ([], ["null"])


@rows("The inside of objects and lists")
def test_the_catalog_shows_the_members_that_the_page_says(row: Row) -> None:
    """For the object itself, or for objects in a list."""
    found = column(*row.examples)
    assert found is not None
    assert list(found.get("items", found).get("properties", {})) == row.outcome


@rows("The key")
def test_the_key_is_the_one_that_the_page_says(row: Row) -> None:
    """The key is the one of the page, or there is none."""
    assert list(infer_from(*row.examples).key) == row.outcome


@rows("Times")
def test_a_time_becomes_what_the_page_says(row: Row) -> None:
    """With `timezone` set to the zone that the page names."""
    read = time_in(ZoneInfo("Asia/Karachi"))
    [value] = row.examples
    moved = read(value.encode())
    assert ["_extra" if moved is None else moved.decode().strip('"')] == row.outcome


def test_the_page_tells_the_fields_for_machines() -> None:
    """Each name that it tells is one that some remark has, and the reverse."""
    told = {name for _, fields in cells("What discovery says") for name in _spans(fields)}
    at = '"2024-05-01 00:00:00"'
    numbered_by_location = infer(
        {
            Partition("new", "1"): [
                b'{"id":1,"a":1,"n":null}',
                b'{"id":2,"a":"x","at":%b}' % at.encode(),
            ],
            Partition("new", "2"): [b'{"id":1,"b":2}'],
        }
    )
    wrapped = infer_from('{"order":{"id":1}}', '{"order":{"id":2}}', "7")
    remarks = [*numbered_by_location.remarks, *wrapped.remarks]
    assert {name for remark in remarks for name in remark.fields} == told
