"""From a query to a page of orders."""

from __future__ import annotations

import json
import random
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from xstak_sandbox.codings import compress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from xstak_sandbox.query import OrdersQuery
    from xstak_sandbox.quirks import Quirks
    from xstak_sandbox.shelf import Order
    from xstak_sandbox.world import World

T = TypeVar("T")

KEPT_SELECTIONS = 64


class NoSuchPageError(Exception):
    """The page is beyond the end, on a server that then has none to give."""


@dataclass(frozen=True)
class Page:
    """A page as the document's example response has it (O7).

    Attributes:
        orders: The exact JSON of each order.
        block: The `page` member: number, size, totalPages, totalElements.
    """

    orders: tuple[bytes, ...]
    block: Mapping[str, int]

    @property
    def orders_json(self) -> bytes:
        """The orders as a JSON array."""
        return b"[" + b",".join(self.orders) + b"]"

    @cached_property
    def body(self) -> bytes:
        """The whole answer, kept once it was asked for."""
        return page_json(self.orders_json, self.block)

    @cached_property
    def compressed(self) -> bytes:
        """The whole answer in gzip, kept once it was asked for."""
        return compress(self.body)


def page_json(orders: bytes, block: Mapping[str, object]) -> bytes:
    """An answer's JSON from that of its orders and a page block."""
    return b'{"orders":' + orders + b',"page":' + json.dumps(block).encode() + b"}"


class Book:
    """Turns queries into pages. Not thread-safe: the server's loop owns it.

    Args:
        world: Where the orders come from.
        quirks: C8, C9, C11 and C12.
        kept_pages: How many finished pages to keep for the next who asks for the same.
    """

    def __init__(self, world: World, quirks: Quirks, kept_pages: int = 0) -> None:
        self._world = world
        self._quirks = quirks
        self._answers = 0
        self._selections: _Kept[list[Order]] = _Kept(KEPT_SELECTIONS)
        self._pages: _Kept[Page] = _Kept(kept_pages)

    def page(self, query: OrdersQuery, now: datetime) -> Page:
        """The page asked for, as of `now`.

        Raises:
            NoSuchPageError: It is beyond the end, and `beyond_end` gives no page.
        """
        if self._quirks.sort == "shuffled_each":
            return self._make(query, self._shuffled(self._selection(query, now)))
        key = (self._world.version(query.location, now), query)
        page = self._pages.get(key)
        if page is None:
            page = self._make(query, self._selection(query, now))
            self._pages.put(key, page)
        return page

    def _make(self, query: OrdersQuery, orders: list[Order]) -> Page:
        quirks = self._quirks
        size = quirks.size_for(query.size)
        filled = -(-len(orders) // size)
        index = self._index(query.page, max(filled, 1))
        told = query.size if quirks.reports_asked_size else size
        return Page(
            tuple(order.body for order in orders[index * size : (index + 1) * size]),
            {
                "number": index + quirks.reports_from,
                "size": told or size,
                "totalPages": filled or quirks.pages_when_empty,
                "totalElements": len(orders),
            },
        )

    def _index(self, asked: int, pages: int) -> int:
        if asked < pages or self._quirks.beyond_end == "empty":
            return asked
        if self._quirks.beyond_end == "last":
            return pages - 1
        raise NoSuchPageError

    def _selection(self, query: OrdersQuery, now: datetime) -> list[Order]:
        version = self._world.version(query.location, now)
        key = (version, query.location, query.status, query.since, query.location_code)
        orders = self._selections.get(key)
        if orders is None:
            orders = self._sorted(self._select(query, now))
            self._selections.put(key, orders)
        return orders

    def _select(self, query: OrdersQuery, now: datetime) -> list[Order]:
        code = self._world.location_code(query.location)
        if query.location_code not in {None, code}:
            return []
        held = self._world.orders_at(now, location=query.location, status=query.status)
        return since(held, query.since, self._quirks)

    def _sorted(self, orders: list[Order]) -> list[Order]:
        quirks = self._quirks
        if quirks.sort == "shuffled_once":
            return sorted(orders, key=lambda order: zlib.crc32(str(order.id).encode()))
        newest_first = quirks.sort == "new_first"
        return sorted(
            orders, key=lambda order: _moment(order, quirks.sort_on), reverse=newest_first
        )

    def _shuffled(self, orders: list[Order]) -> list[Order]:
        self._answers += 1
        rng = random.Random(f"{self._world.seed}/answer/{self._answers}")
        return sorted(orders, key=lambda _: rng.random())


def since(orders: list[Order], moment: int, quirks: Quirks) -> list[Order]:
    """Those created or last changed (C11) at `moment`, in epoch milliseconds, or later."""
    return [
        order
        for order in orders
        if order.created is None or _moment(order, quirks.filters_on) >= moment
    ]


def _moment(order: Order, which: str) -> int:
    return (order.created if which == "created" else order.updated) or 0


class _Kept(Generic[T]):
    """The values last used, up to a number."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[object, T] = OrderedDict()

    def get(self, key: object) -> T | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: object, value: T) -> None:
        self._values[key] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
