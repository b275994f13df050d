"""Orders of every JSON shape, as text: what a server may send, however odd."""

from __future__ import annotations

import json

from hypothesis import strategies as st

_ODD_TEXTS = [
    r'"House 12\\B"',
    r'"\\"',
    r'"\""',
    r'"\u0000"',
    r'"\ud83d"',
    r'"\ude00\ud83d"',
    r'"\ud83d\ude00"',
    r'"2024-05-01T00:00:00\u002B05:00"',
    r'"2024-05-01\\T00:00:00Z"',
    '"2024-05-01T00:00:00+5:00"',
    '"2024-05-01 00:00:00"',
    '"0000-00-00 00:00:00"',
    '"99999-99-99T99:99:99Z"',
    r'"\/Date(1714512245000)\/"',
    '"1714512245"',
]
_ODD_NUMBERS = [
    "-0",
    "-0.0",
    "1E400",
    "1e-400",
    "1.10",
    "9223372036854775808",
    "-9223372036854775809",
    "1714512245",
    "1714512245000",
    "9" * 5000,
]
_ODD_NAMES = ["id", "ID", "order_id", "_id", "_extra", "_sdc_x", "", "$ref", "type", "properties"]
_TEXTS = st.sampled_from(_ODD_TEXTS) | st.text(max_size=4).map(json.dumps)
_NUMBERS = st.sampled_from(_ODD_NUMBERS) | st.integers().map(str)
_FRACTIONS = st.floats(allow_nan=False, allow_infinity=False).map(repr)
_WORDS = st.sampled_from(["null", "true", "false", '""', "[]", "{}", "[ ]", "{ }"])
_NAMES = st.sampled_from(_ODD_NAMES).map(json.dumps) | _TEXTS


def _lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda items: f"[{','.join(items)}]")


def _objects(values: st.SearchStrategy[str], *, max_size: int = 3) -> st.SearchStrategy[str]:
    """Objects; some repeat a name."""
    members = st.tuples(_NAMES, values).map(": ".join)
    return st.lists(members, max_size=max_size).map(lambda found: f"{{{','.join(found)}}}")


_DEEP = st.sampled_from(
    [opening * 200 + "1" + closing * 200 for opening, closing in (("[", "]"), ('{"a":', "}"))]
)
VALUES = st.recursive(
    _TEXTS | _NUMBERS | _FRACTIONS | _WORDS | _DEEP,
    lambda values: _lists(values) | _objects(values),
    max_leaves=6,
)
ORDERS = st.lists(_objects(VALUES, max_size=6) | VALUES, min_size=1, max_size=6)
"""The texts of some orders; most are objects."""
