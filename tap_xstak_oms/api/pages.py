"""Turn an answer's bytes into a page of orders. Knows no HTTP and no Singer.

Orders stay the bytes that came: `records` looks inside them.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotation

import msgspec

from tap_xstak_oms.api.text import TextError, clean, is_web_page
from tap_xstak_oms.errors import RetriableError


class PageError(RetriableError):
    """An answer is not a page of orders. It never counts as their end."""

    gone = True


class _Block(msgspec.Struct, rename="camel"):
    """The `page` block (O7)."""

    number: int
    size: int
    total_pages: int
    total_elements: int


class _Answer(msgspec.Struct):
    orders: list[msgspec.Raw] | None
    page: _Block


class Page(msgspec.Struct, frozen=True):
    """One page of a partition.

    Attributes:
        orders: The orders, each as the bytes that came.
        number: The page's number, as the server counts (C8).
        size: The size of a full page, if the server can be believed (C9).
        total_pages: How many pages there are, as the server says.
        total_elements: How many orders there are, as the server says.
        weight: The size of the answer in bytes.
        answered_at: When the server answered, by its clock; if it does not say, when the tap
            asked, by ours.
    """

    orders: list[msgspec.Raw]
    number: int
    size: int
    total_pages: int
    total_elements: int
    weight: int
    answered_at: datetime | None = None


# Numbers may be strings too: the types of the page block are an example, not a promise.
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
        first: The partition's first page; None if this is the first.
        answered_at: Kept in the page.

    Raises:
        PageError: The answer is no page, or has fewer orders than its page block implies.
    """
    if is_web_page(body):
        raise PageError("the answer is a web page: check `api_url`")
    try:
        # `clean` checks the text of the orders: the decoder skips them without a look.
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
        total_pages=answer.page.total_pages,
        total_elements=answer.page.total_elements,
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

    A server may report the page size that was asked for instead of the one it uses (C9). The size
    is believed if the first page holds just as many. Otherwise only the totals count: of
    `total_elements` orders on `total_pages` pages, every page but the last holds at least the
    rounded-up share. A gap that this misses shows in the count at the end of the pass.
    """
    pages, orders = page.total_pages, page.total_elements
    index = page.number - first.number
    if not 0 <= index < pages:
        return 0
    is_last = index == pages - 1
    believed = 0 < page.size == first.size == len(first.orders)
    if believed and -(-orders // page.size) == pages:
        return orders - index * page.size if is_last else page.size
    share = -(-orders // pages)
    return min(1, orders) if is_last and pages > 1 else share
