"""An answer's bytes as a page of orders. Knows no HTTP and no Singer.

The orders stay the bytes that came: what is inside them is the business of `records`.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotation

import msgspec

from tap_xstak_oms.api.text import TextError, clean, is_web_page
from tap_xstak_oms.errors import RetriableError


class PageError(RetriableError):
    """An answer that is not a page of orders; it never counts as the end of them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, gone=True)


class _Block(msgspec.Struct):
    """The `page` block (O7)."""

    number: int
    size: int
    totalPages: int  # noqa: N815 - the vendor's spelling
    totalElements: int  # noqa: N815 - the vendor's spelling


class _Answer(msgspec.Struct):
    orders: list[msgspec.Raw] | None
    page: _Block


class Page(msgspec.Struct, frozen=True):
    """One page of a partition.

    Attributes:
        orders: The orders, each as the bytes that came.
        number: Which page the server says this is, in its own counting (C8).
        size: How many orders a full page has, if the server can be believed (C9).
        total_pages: How many pages it says there are.
        total_elements: How many orders it says there are.
        weight: How many bytes it holds, those of its orders and around them.
        answered_at: The server's clock when it answered; ours when it was asked, where it does
            not tell.
    """

    orders: list[msgspec.Raw]
    number: int
    size: int
    total_pages: int
    total_elements: int
    weight: int
    answered_at: datetime | None = None


# Numbers are accepted as text too: how the page block is typed is an example, not a promise.
_decoder = msgspec.json.Decoder(_Answer, strict=False)


def parse_page(
    body: bytes,
    *,
    first: Page | None = None,
    answered_at: datetime | None = None,
) -> Page:
    """Read a page.

    Args:
        body: The answer.
        first: The partition's first page, None where this answer is it.
        answered_at: What the page is to say of it.

    Raises:
        PageError: If it is no page, or holds fewer orders than its own page block implies.
    """
    if is_web_page(body):
        raise PageError("the answer is a web page: check `api_url`")
    try:
        # Orders are skipped over, not looked into: what is wrong inside would go unnoticed.
        answer = _decoder.decode(clean(body))
    except TextError:
        raise PageError("the answer is not UTF-8") from None
    except msgspec.ValidationError:
        raise PageError(
            "the answer lacks `orders` or `page`, or has them in another form",
        ) from None
    except (msgspec.DecodeError, RecursionError):
        raise PageError("the answer is not JSON, was cut off, or is nested too deeply") from None
    page = Page(
        orders=answer.orders or [],
        number=answer.page.number,
        size=answer.page.size,
        total_pages=answer.page.totalPages,
        total_elements=answer.page.totalElements,
        weight=len(body),
        answered_at=answered_at,
    )
    _check(page, first or page)
    return page


def _check(page: Page, first: Page) -> None:
    if min(page.number, page.size, page.total_pages, page.total_elements) < 0:
        raise PageError("the answer's page block holds a negative number")
    if len(page.orders) > page.total_elements or page.total_elements > 0 == page.total_pages:
        raise PageError("the answer's page block announces less than there is")
    expected = _fewest_orders(page, first)
    if len(page.orders) < expected:
        raise PageError(
            f"the answer holds {len(page.orders)} orders where its own page block implies "
            f"at least {expected}",
        )


def _fewest_orders(page: Page, first: Page) -> int:
    """The fewest orders that an honest answer can hold.

    A server may report the size that was asked for instead of the one it uses (C9). Its word is
    taken where the first page was as full as it says. Otherwise only the totals count: of
    `total_elements` orders on `total_pages` pages, every page but the last holds at least the
    rounded-up share. What that lets through does not add up at the end of the pass.
    """
    pages, orders = page.total_pages, page.total_elements
    index = page.number - first.number
    if not 0 <= index < pages:
        return 0
    is_last = index == pages - 1
    believed = 0 < page.size == first.size <= len(first.orders)
    if believed and -(-orders // page.size) == pages:
        return orders - index * page.size if is_last else page.size
    share = -(-orders // pages)
    return min(1, orders) if is_last and pages > 1 else share
