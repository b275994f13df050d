"""Records as Python objects and back: every number keeps its digits."""

from __future__ import annotations

import copy
import json
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib.json import serialize_json

from tap_xstak_oms.records.objects import Verbatim, to_json, to_python

BEYOND = "1e9999999999999999999999"
ODD_NUMBERS = [
    BEYOND,
    "-1E-9999999999999999999999",
    "0e9999999999999999999999",
    "1.5E+1000000000000000000",
    "9" * 5000,
    f"-{'9' * 5000}",
    f"1.{'9' * 5000}",
    "1" * 4300,
    "1" * 4301,
    "-0.0",
]


def test_a_record_as_python_objects_is_exact() -> None:
    """Decimals keep their digits and integers their length."""
    record = to_python(b'{"a":1.10,"b":12345678901234567890123,"c":[1e400],"d":null}')
    assert record == {
        "a": Decimal("1.10"),
        "b": 12345678901234567890123,
        "c": [Decimal("1e400")],
        "d": None,
    }
    assert str(record["a"]) == "1.10"


@pytest.mark.parametrize("number", ODD_NUMBERS, ids=lambda text: text[:24])
def test_a_number_that_python_cannot_hold_travels(number: str) -> None:
    """With others, nested, copied, or made JSON by the SDK, it keeps its digits."""
    text = f'{{"a":{number},"b":[{{"c":{number}}}],"d":1.10,"e":{"7" * 30}}}'
    record = to_python(text.encode())
    assert to_json(copy.deepcopy(record)).decode() == text
    assert serialize_json(record) == text
    assert str(record["d"]) == "1.10"


def test_what_counts_with_such_a_number_fails() -> None:
    """An expression that does is told, and bends nothing."""
    number = Verbatim(BEYOND)
    for operation in (lambda: number * 2, lambda: number > 1, lambda: number == 1):
        with pytest.raises(InvalidOperation):
            operation()
    for kind in (int, float):
        with pytest.raises(ValueError, match="NaN"):
            kind(number)
    assert f"{number}" == str(number) == BEYOND
    assert str([number]) == f"[Decimal('{BEYOND}')]"


@pytest.mark.parametrize("value", [object(), {1, 2}.__iter__(), 3 + 4j])
def test_what_json_has_not_is_an_error(value: Any) -> None:
    """It names the kind, and shows nothing of the value."""
    with pytest.raises(TypeError, match=f"^JSON has no {type(value).__name__}$"):
        to_json([value])


_NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,24})?", fullmatch=True
)


@given(st.lists(_NUMBERS | st.integers(4295, 4310).map("9".__mul__), max_size=5))
def test_any_number_keeps_its_value(numbers: list[str]) -> None:
    """Its text may change, as from `1e5` to `1E+5`, except for numbers beyond Python."""
    text = f'{{"a":[{",".join(numbers)}]}}'
    record = to_python(text.encode())
    for number, found in zip(numbers, to_python(to_json(record))["a"], strict=True):
        if isinstance(found, Verbatim):
            assert str(found) == number
        else:
            assert Decimal(number) == Decimal(found)
    assert json.loads(to_json(record), parse_float=str, parse_int=str)
