"""Accounts of several shapes that hold odd values and grow new fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.discovery.simulation import SHAPES, Figures, figures_of, total

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(SHAPES.glob("*.json"))
# In one process, for the trials take a while.
pytestmark = pytest.mark.xdist_group("simulation")


@pytest.fixture(scope="module")
def figures() -> dict[Path, Figures]:
    """What came of the trials, by shape."""
    return {shape: figures_of(shape) for shape in FILES}


def test_nothing_is_lost_and_only_the_odd_value_leaves_its_column(
    figures: dict[Path, Figures],
) -> None:
    """Any order that comes after discovery, in any shape."""
    found = total(list(figures.values()))
    assert found.later > 0
    assert (found.lost, found.moved) == (0, 0)


def test_a_column_outlives_one_odd_value_among_40(figures: dict[Path, Figures]) -> None:
    """In 19 of 20 trials, and with its type."""
    found = total(list(figures.values()))
    assert found.sampled > 0
    assert found.vanished + found.retyped <= 0.05 * found.sampled


def test_an_account_that_grew_has_columns_for_its_new_fields(figures: dict[Path, Figures]) -> None:
    """At most one order in ten has an `_extra` because not all orders were seen."""
    found = total(list(figures.values()))
    assert found.grown > 0
    assert found.with_extra <= 0.1 * found.grown
    assert found.strayed <= 0.1 * found.values


def test_no_nested_value_moves_whole(figures: dict[Path, Figures]) -> None:
    """Any odd value inside it."""
    found = total(list(figures.values()))
    assert found.nested > 0
    assert found.moved_whole == 0


@pytest.mark.parametrize("shape", FILES, ids=lambda shape: shape.stem)
def test_the_key_is_found_where_the_order_has_one(
    shape: Path, figures: dict[Path, Figures]
) -> None:
    """And none where it lies inside an object."""
    true = json.loads(shape.read_text(encoding="utf-8"))["key"]
    assert figures[shape].key == (() if "." in true[0] else tuple(true))
