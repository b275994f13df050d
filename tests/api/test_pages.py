"""An answer's bytes as a page of orders."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_xstak_oms.api.pages import PageError, parse_page


def answer(
    orders: object, number: int = 1, size: int = 10, pages: int = 1, total: int = 0
) -> bytes:
    """An answer in the form of the document (O7)."""
    block = {"number": number, "size": size, "totalPages": pages, "totalElements": total}
    return json.dumps({"orders": orders, "page": block}).encode()


def test_orders_are_the_bytes_that_came() -> None:
    """Nothing inside an order is touched: digits, spaces, escapes."""
    body = (
        b'{"orders": [ {"a": 1.10, "b":"\\u0627"} ,{"a":1e400}], "new": 1,'
        b'"page":{"number":1,"size":10,"totalPages":1,"totalElements":2,"new":2}}'
    )
    assert [bytes(order) for order in parse_page(body).orders] == [
        b'{"a": 1.10, "b":"\\u0627"}',
        b'{"a":1e400}',
    ]


def test_the_example_of_the_document_is_an_empty_page() -> None:
    """No orders and a total of 0 on one page is an empty partition (O7)."""
    page = parse_page(answer([]))
    assert (page.orders, page.number, page.total_pages, page.total_elements) == ([], 1, 1, 0)


def test_no_page_of_no_orders_is_an_empty_page() -> None:
    """Some servers count no page where there is no order."""
    page = parse_page(answer([], pages=0, total=0))
    assert (page.orders, page.total_pages, page.total_elements) == ([], 0, 0)


def test_null_orders_with_a_total_of_zero_are_none() -> None:
    """`orders: null` is an empty partition where the totals agree."""
    assert parse_page(answer(None)).orders == []


def test_numbers_written_as_text_are_numbers() -> None:
    """How the page block is typed is an example, not a promise."""
    body = b'{"orders":[1],"page":{"number":"1","size":"10","totalPages":"1","totalElements":"1"}}'
    assert parse_page(body).total_elements == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"orders": []}',
        b'{"page": {"number":1,"size":1,"totalPages":1,"totalElements":0}}',
        b'{"error": "try later"}',
        b'{"orders": {}, "page": {"number":1,"size":1,"totalPages":1,"totalElements":0}}',
        b'{"orders": [], "page": {"number":1,"size":1,"totalPages":1}}',
        b'{"orders": [], "page": {"number":-1,"size":1,"totalPages":1,"totalElements":0}}',
        b'{"orders": [], "page": {"number":1,"size":1,"totalPages":1,"totalElements":-1}}',
        b'{"orders": ["\xff"], "page": {"number":1,"size":1,"totalPages":1,"totalElements":1}}',
        answer([1, 2, 3], total=3)[:-4],
        answer([1, 2, 3], total=2),
        answer([1, 2, 3], pages=0, total=500),
        answer([], pages=0, total=500),
    ],
)
def test_what_is_no_page_is_an_error_and_never_the_end(body: bytes) -> None:
    """Anything but a whole page of the documented form raises."""
    with pytest.raises(PageError):
        parse_page(body)


FULL_FIRST = parse_page(answer([1] * 10, 1, 10, 3, 25))


@pytest.mark.parametrize(
    ("orders", "number", "pages", "total"),
    [
        ([], 2, 3, 25),
        (None, 2, 3, 25),
        ([1] * 9, 2, 3, 25),
        ([1] * 4, 3, 3, 25),
    ],
)
def test_fewer_orders_than_the_block_implies_are_an_error(
    orders: object, number: int, pages: int, total: int
) -> None:
    """A page that lacks orders by its own totals is asked for again."""
    with pytest.raises(PageError, match="implies"):
        parse_page(answer(orders, number, 10, pages, total), first=FULL_FIRST)


@pytest.mark.parametrize(
    ("orders", "pages", "total"),
    [([], 3, 25), (None, 3, 25), ([1] * 8, 3, 25), ([], 1, 1), ([1] * 9, 1, 10)],
)
def test_a_first_page_that_cannot_be_whole_is_an_error(
    orders: object, pages: int, total: int
) -> None:
    """Whatever size the server uses, a first page holds its share of the total."""
    with pytest.raises(PageError, match="implies"):
        parse_page(answer(orders, 1, 10, pages, total))


@given(
    total=st.integers(0, 100),
    used=st.integers(1, 40),
    told=st.integers(1, 40),
    base=st.integers(0, 1),
)
@example(total=19, used=6, told=5, base=1)
def test_an_honest_page_is_never_refused(total: int, used: int, told: int, base: int) -> None:
    """A server may tell the size it was asked for, larger or smaller than the one it uses (C9)."""
    held = [1] * total
    pages = max(1, -(-total // used))
    first = None
    for index in range(pages):
        orders = held[index * used : (index + 1) * used]
        page = parse_page(answer(orders, base + index, told, pages, total), first=first)
        assert len(page.orders) == len(orders)
        first = first or page


def test_a_page_beyond_the_end_is_a_page() -> None:
    """When the end has moved there is nothing to miss."""
    assert parse_page(answer([], number=4, pages=3, total=25), first=FULL_FIRST).orders == []
