"""What each fault of a page makes of it."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from xstak_sandbox.faults import Kind
from xstak_sandbox.pages import page_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from xstak_sandbox.pages import Page


def _no_page_block(page: Page) -> bytes:
    return b'{"orders":' + page.orders_json + b"}"


def _no_orders_key(page: Page) -> bytes:
    return b'{"page":' + page_json(b"[]", page.block).removeprefix(b'{"orders":[],"page":')


def _negative_totals(page: Page) -> bytes:
    return page_json(page.orders_json, {**page.block, "totalPages": -1, "totalElements": -1})


def _text_numbers(page: Page) -> bytes:
    return page_json(page.orders_json, {name: str(value) for name, value in page.block.items()})


def _short_page(page: Page) -> bytes:
    return page_json(b"[" + b",".join(page.orders[:-1]) + b"]", page.block)


def _in_first_order(page: Page, member: bytes) -> bytes:
    return page.body.replace(b'{"id":', b"{" + member + b',"id":', 1)


DAMAGE: dict[Kind, Callable[[Page], bytes]] = {
    Kind.ORDERS_NULL: lambda page: page_json(b"null", page.block),
    Kind.NO_ORDERS: lambda page: page_json(b"[]", page.block),
    Kind.SHORT_PAGE: _short_page,
    Kind.NO_PAGE_BLOCK: _no_page_block,
    Kind.NO_ORDERS_KEY: _no_orders_key,
    Kind.NEGATIVE_TOTALS: _negative_totals,
    Kind.TEXT_NUMBERS: _text_numbers,
    Kind.TRUNCATED_JSON: lambda page: page.body[: len(page.body) // 2],
    Kind.BAD_UTF8: lambda page: page.body.replace(b':"', b':"\xff', 1),
    Kind.DUPLICATE_KEYS: lambda page: _in_first_order(page, b'"order_number":"duplicate"'),
    Kind.NAN: lambda page: _in_first_order(page, b'"margin":NaN'),
    Kind.BYTE_ORDER_MARK: lambda page: codecs.BOM_UTF8 + page.body,
}
"""The answer's bytes for each kind that bends the true page; the page is not empty."""
