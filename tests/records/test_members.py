"""The members of an order that repeats names."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.records.members import distinct_members


@given(
    st.lists(
        st.tuples(
            st.text(max_size=3),
            st.sampled_from(
                ["1.10", "-0", "1e400", '"\\u002b,:}"', "[ 1,{ } ]", "null", "9" * 5000]
            ),
        ),
        max_size=5,
    ),
    st.sampled_from(["", " ", "\n\t "]),
)
def test_members_are_told_one_by_one(pairs: list[tuple[str, str]], blank: str) -> None:
    """Repeated names are included, and each value is unchanged, with any blanks between them."""
    inside = ",".join(
        f"{blank}{json.dumps(name)}{blank}:{blank}{value}{blank}" for name, value in pairs
    )
    found = list(distinct_members(f"{blank}{{{blank}{inside}}}{blank}".encode()))
    assert [(name, value.decode()) for name, _, value in found] == pairs
    new_names = [new for _, new, _ in found]
    assert len(set(new_names)) == len(pairs)
    assert set(new_names) >= {name for name, _ in pairs}


def test_of_a_repeated_name_the_last_member_keeps_it() -> None:
    """The earlier ones are numbered in their order, past the names in use."""
    found = distinct_members(b'{"v":1,"v":2,"v#2":3,"v":4}', ["v#1"])
    assert [(new, value) for _, new, value in found] == [
        ("v#3", b"1"),
        ("v#4", b"2"),
        ("v#2", b"3"),
        ("v", b"4"),
    ]
