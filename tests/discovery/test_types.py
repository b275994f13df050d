"""Which type a field's column has, and what is said of what does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.discovery.nested import is_identifier
from tap_xstak_oms.discovery.remarks import MOST_NAMES
from tap_xstak_oms.discovery.types import MAJORITY
from tests.discovery.samples import (
    COMPLETED,
    PENDING,
    column,
    infer_from,
    order_of,
    orders_with,
    remarks_of,
    warnings_of,
)

USUAL = {
    "number": ["1", "2.50", "-3e4"],
    "string": ['"a"', '"b c"'],
    "boolean": ["true"],
    "object": ['{"a":1}'],
    "array": ['["a"]', "[1]"],
}
"""Values that say something, by the type of their column."""
NOTHING = ["null", "false", '""', '" "', "[]", "[ ]", "{}", '"0000-00-00"', '"0000-00-00 00:00:00"']
TIME = '"2024-05-01T00:00:00+05:00"'


def kind(*values: str, name: str = "v") -> str | None:
    """The type of the column of a field that had these values."""
    found = column(*values, name=name)
    return None if found is None else found["type"][0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1"], "number"),
        (["1.10", "2"], "number"),
        (["1e400"], "number"),
        (["9" * 5000], "number"),
        (["true", "false"], "boolean"),
        (['"a"', "null", '"b"'], "string"),
        (["null", "1"], "number"),
    ],
)
def test_a_scalar_has_a_nullable_column_of_its_type(values: list[str], kind: str) -> None:
    """Numbers are `number`: an integer column would round later decimals."""
    assert column(*values) == {"type": [kind, "null"]}


@given(st.data(), st.sampled_from(sorted(USUAL)), st.integers(1, 99))
def test_one_odd_value_in_ten_does_not_cost_the_column(
    data: st.DataObject, usual: str, count: int
) -> None:
    """Nine in ten of the values that say something decide the type; else there is no column."""
    others = [value for other in USUAL if other != usual for value in USUAL[other]]
    odd = data.draw(st.lists(st.sampled_from(others), max_size=count))
    values = data.draw(st.permutations([*odd, *(USUAL[usual][:1] * count)]))
    share = count / len(values)
    kinds = [usual] if share >= MAJORITY else [None, *USUAL]
    assert kind(*values) in kinds
    if share >= MAJORITY:
        assert (kind(*values) == usual) == (share >= MAJORITY)


@given(st.data(), st.sampled_from(sorted(USUAL)))
def test_what_stands_for_nothing_has_no_vote(data: st.DataObject, usual: str) -> None:
    """However many of a field's values they are, up to 19 in 20."""
    said = data.draw(st.lists(st.sampled_from(USUAL[usual]), min_size=1, max_size=3))
    nothing = data.draw(st.lists(st.sampled_from(NOTHING), max_size=19 * len(said)))
    assert kind(*data.draw(st.permutations(said + nothing))) == usual


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("false", "boolean"),
        ('""', "string"),
        ('"0000-00-00"', "string"),
        ("[]", "array"),
        ("{}", "object"),
    ],
)
def test_a_field_that_only_ever_stands_for_nothing_has_the_type_of_that(
    value: str, expected: str
) -> None:
    """Nothing says otherwise, and one odd value in 40 does not."""
    assert kind(value, value) == expected
    for odd in ('"n/a"', "1", "true", '["a"]', '{"a":1}', TIME):
        found = column(*[value] * 39, odd)
        assert found is not None
        assert found["type"] == [expected, "null"]
        assert "format" not in found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-9223372036854775808", "9223372036854775807", "null"], "integer"),
        (["1", "9223372036854775808"], "number"),
        (["1", "-9223372036854775809"], "number"),
        (["1", "1.0"], "number"),
        (["1", "1e2"], "number"),
        (['"a1"'], "string"),
        ([*["1"] * 39, '"a1"'], "integer"),
        (['"a1"', *["1"] * 39], "integer"),
        (["1", *['"a1"'] * 39], "string"),
    ],
)
def test_identifiers_of_at_most_64_bits_are_integers(values: list[str], expected: str) -> None:
    """Only those whose numbers are all integers."""
    assert kind(*values, name="customer_id") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ["id", "ID", "Id", "_id", "order_id", "ORDER_ID", "order-id"]),
        *((name, True) for name in ["orderId", "orderID", "SKUId", "line2Id", "order.id", "a id"]),
        *((name, False) for name in ["paid", "PAID", "valid", "grid", "Paid", "orderid", "idea"]),
        *((name, False) for name in ["ids", "id_type", "order_ids", "", "i", "d"]),
    ],
)
def test_an_identifier_is_or_ends_in_id_as_a_word(name: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """`paid` is money."""
    assert is_identifier(name) == expected


@pytest.mark.parametrize(
    ("values", "is_timestamp"),
    [
        (['"2024-05-01T00:00:00+5:00"', "null", '"2024-05-01T00:00:00Z"'], True),
        ([TIME, '"2024-05-01T00:00:00"'], False),
        ([*[TIME] * 9, '"2024-05-01T00:00:00"'], True),
        ([*[TIME] * 8, '"2024-05-01T00:00:00"'], False),
        ([TIME, '""', '""'], True),
        ([TIME, '"0000-00-00 00:00:00"', "false"], True),
        ([*[TIME] * 9, "1714512245"], True),
        (['"2024-05-01"'], False),
        ([r'"House 12\\B"'], False),
        ([r'"2024-05-01T00:00:00\u002B05:00"'], True),
    ],
)
def test_text_that_nearly_always_is_a_time_with_an_offset_is_date_time(
    values: list[str],
    is_timestamp: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Naive ones are no instants: they stay strings."""
    found = column(*values)
    assert found is not None
    assert found["type"] == ["string", "null"]
    assert (found.get("format") == "date-time") == is_timestamp


def test_a_field_only_ever_null_has_no_column() -> None:
    """It has no type yet; the remark names it."""
    found = infer_from('{"a":null,"b":1}', '{"a":null}')
    assert list(found.properties) == ["b"]
    assert "only ever null: a." in remarks_of(found)


def test_a_field_without_a_majority_has_no_column_and_is_told_with_counts() -> None:
    """And where each type was met first, but never a value."""
    found = infer(
        {
            PENDING: [b'{"a":"secret","b":2}', b'{"a":1,"b":2}', b'{"a":1}'],
            COMPLETED: [b'{"b":{"c":1}}', b'{"b":{}}'],
        }
    )
    assert found.properties == {}
    [a, b] = [text for text in warnings_of(found) if "no column" in text]
    assert a.startswith("a: number in 2 of 3 orders, string in 1 (pending at 12): no column")
    assert b.startswith(
        "b: number in 2 of 4 orders, object in 1 (completed at 34), empty object in 1 "
        "(completed at 34): no column"
    )
    assert "secret" not in remarks_of(found)


def test_what_does_not_fit_a_column_is_told_with_counts_worst_first() -> None:
    """Fields without a column, then those with the most values that will travel in `_extra`."""
    orders = [{"tax": "1.5", "at": TIME, "mixed": "1", "fine": '"x"', "flag": "true"}] * 38
    orders += [
        {"tax": '"pending"', "at": '""', "mixed": '"a"', "fine": '""', "flag": "null"},
        {"tax": "2", "at": '"soon"', "mixed": '"a"', "fine": "null"},
        *[{"mixed": '"a"'}] * 4,
    ]
    texts = list(map(order_of, orders))
    _, mixed, at, tax = warnings_of(infer_from(*texts))
    assert mixed.startswith("mixed: number in 38 of 44 orders, string in 6 (pending at 12): no col")
    assert at == (
        "at: date-time in 38 of 40 orders, empty string in 1 (pending at 12), string in 1 "
        "(pending at 12)."
    )
    assert tax == "tax: number in 39 of 40 orders, string in 1 (pending at 12)."


def test_machines_are_told_the_same() -> None:
    """Each line has the field, its column's type and the counts as `extra` fields."""
    found = infer_from(*orders_with(["1"] * 39 + ['"n/a"'], "tax"))
    [fields] = [remark.fields for remark in found.remarks if "field" in remark.fields]
    assert fields == {
        "field": "tax",
        "column_type": "number",
        "values": {"number": 39, "string": 1},
    }


def test_remarks_are_bounded() -> None:
    """If very many fields have one fault, some are named and the others counted."""
    many = MOST_NAMES + 4
    nulls = {f"n{number}": "null" for number in range(many)}
    first = nulls | {f"m{number}": "1" for number in range(many)}
    second = {f"m{number}": '"x"' for number in range(many)}
    found = infer_from(order_of(first), order_of(second))
    assert "n19, ..." in remarks_of(found)
    assert "4 more fields have values of several types" in remarks_of(found)
    assert len(found.remarks) < many + 4
