"""What an odd value may cost: nothing, or its own partition, whatever is done to records."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tests.effort import examples_of
from tests.support import Collector, Run, clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ORDERS = 15
MAPS: dict[str, Any] = {
    "stream_maps": {"sales_orders": {"copy": "_['customer']", "n": "str(_['grand_total'])"}}
}
WAYS: dict[str, dict[str, Any]] = {
    "direct": {},
    "declared": {"nested_schema": "declared"},
    "times": {"timestamp_fields": ["created_at", "note", "grand_total", "customer", "new"]},
    "mapped": MAPS,
    "flattened": {"flattening_enabled": True, "flattening_max_depth": 1},
    "flattened deeply and mapped": {
        "flattening_enabled": True,
        "flattening_max_depth": 9,
        **MAPS,
    },
}


class Lines(Collector):
    """Keeps what was written, too, and reads no number."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    @override
    def flush(self) -> None:
        lines = b"".join(self._lines)
        self._lines, self._size = [], 0
        self.text += lines.decode()
        self.messages += [
            json.loads(line, parse_float=str, parse_int=str) for line in lines.splitlines()
        ]


def world(orders: Sequence[str] = ()) -> World:
    """Two locations, and these orders beside those of one partition."""
    raw = [RawOrder("1001", "pending", order.encode()) for order in orders]
    return World(locations=("1001", "1002"), orders_per_location=ORDERS, raw_orders=raw)


def read(orders: Sequence[str], catalog: dict[str, Any], **changes: Any) -> tuple[Run, str]:
    """A run over a partition with these orders and others without, and all that it wrote."""
    lines = Lines()
    with Sandbox(world(orders)) as sandbox:
        config = config_for(sandbox, **changes)
        run = run_tap(config, catalog=catalog, clock=clock_of(sandbox), collector=lines)
    return run, lines.text


@pytest.fixture(scope="module")
def catalog() -> dict[str, Any]:
    """What discovery finds where no order is odd."""
    with Sandbox(World(locations=("1001",), orders_per_location=ORDERS)) as sandbox:
        return discovered(config_for(sandbox), clock=clock_of(sandbox))


def assert_others_are_read(run: Run) -> None:
    """All orders came of the partitions that hold nothing odd."""
    odd = ("pending", "1001")
    found = Counter((r["_order_status"], r["_location_id"]) for r in run.records)
    del found[odd]
    with Sandbox(world()) as sandbox:
        held = Counter((order.status, order.location) for order in sandbox.orders())
    del held[odd]
    assert found == held


NUMBERS = ["1e9999999999999999999999", "0E-9999999999999999999999", "9" * 5000, f"1.{'9' * 5000}"]


@pytest.mark.parametrize("way", WAYS)
def test_numbers_beyond_python_travel(catalog: dict[str, Any], way: str) -> None:
    """In a column, nested, in `_extra`: with the digits that came, and nothing fails."""
    orders = [
        f'{{"id":{at},"grand_total":{number},"customer":{{"id":5,"loyalty_points":{number}}},'
        f'"tags":[{number}],"new":[{number}]}}'
        for at, number in enumerate(NUMBERS)
    ]
    run, text = read(orders, catalog, **WAYS[way])
    assert run.error is None
    assert len(run.records) == 2 * ORDERS + len(NUMBERS)
    for number in NUMBERS:
        assert text.count(number) >= 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("depth", [300, 700, 930, 980, 1100, 100_000])
@pytest.mark.parametrize("signs", [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deeply_fails_its_partition(
    catalog: dict[str, Any], way: str, depth: int, signs: tuple[str, str]
) -> None:
    """Wherever the depth runs out: the others are read, and no word shows the order.

    How deep a decoder goes is each Python's own: since 3.12 it is more than a thousand.
    """
    nested = f'{signs[0] * depth}"Ayesha"{signs[1] * depth}'
    run, text = read([f'{{"id":7,"customer":{nested},"new":{nested}}}'], catalog, **WAYS[way])
    assert_others_are_read(run)
    if run.error is None:
        assert depth < 100_000
        assert text.count("Ayesha") >= 2
    else:
        assert isinstance(run.error, TapError)
        assert "too deeply" in str(run.error)
        assert "Ayesha" not in str(run.error)


@pytest.mark.parametrize("begin", range(850, 1000, 25))
def test_depth_is_no_fault_of_an_expression(catalog: dict[str, Any], begin: int) -> None:
    """At no depth, not even within one call of a stream map, is it called another error."""
    for depth in range(begin, begin + 25, 4):
        nested = "[" * depth + "]" * depth
        order = f'{{"id":7,"customer":{nested},"new":{nested}}}'
        run, _ = read([order], catalog, **WAYS["flattened deeply and mapped"])
        assert run.error is None or "too deeply" in str(run.error)


# --- for any order ---

_ODD_TEXTS = ["", "\ud800", "\0", '"\\', "2024-05-01T00:00:00+99:99", "k" * 70_000]
_TEXTS = (st.sampled_from(_ODD_TEXTS) | st.text(max_size=5)).map(json.dumps)
_SCALARS = st.sampled_from([*NUMBERS, "null", "true", "-0", "1e400", "9" * 19]) | _TEXTS


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


def _lists(depth: int, inner: Sequence[str]) -> str:
    return "[" * depth + ",".join(inner) + "]" * depth


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.builds(_lists, st.sampled_from([1, 1, 300, 600]), st.lists(inner, max_size=3))
        | st.lists(st.tuples(_TEXTS, inner), max_size=3).map(_object)
    ),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    ["customer", "line_items", "grand_total", "created_at", "note", "new", "_extra", "_synced_at"]
).map(json.dumps)
_ORDERS = st.lists(st.tuples(_NAMES | _TEXTS, _VALUES), max_size=5).map(
    lambda members: _object([('"id"', "7"), *members])
)


@pytest.mark.parametrize("way", WAYS)
@given(orders=st.lists(_ORDERS, min_size=20, max_size=20))
@settings(
    max_examples=examples_of(10),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_no_order_costs_more_than_its_partition(
    catalog: dict[str, Any], way: str, orders: list[str]
) -> None:
    """The others are read to their end, every line is JSON, and what fails is told in words."""
    run, _ = read(orders, catalog, **WAYS[way])
    assert run.error is None or "the pending orders of location 1001" in str(run.error)
    assert_others_are_read(run)
    assert "kkk" not in str(run.error)
