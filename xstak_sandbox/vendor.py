"""What XStak answers when nothing goes wrong. Knows no web framework and no faults."""

from __future__ import annotations

import hmac
import json
from dataclasses import astuple, dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from xstak_sandbox.faults import Sighting
from xstak_sandbox.pages import Book, NoSuchPageError
from xstak_sandbox.query import (
    BadRequestError,
    OrdersQuery,
    TokenQuery,
    read_orders_query,
    read_token_query,
)
from xstak_sandbox.tokens import TokenOffice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from xstak_sandbox.clock import WorldClock
    from xstak_sandbox.pages import Page
    from xstak_sandbox.quirks import Quirks
    from xstak_sandbox.tokens import Credentials
    from xstak_sandbox.world import World

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
BEYOND_END = {"missing": 404, "refused": 400, "broken": 500, "void": 200}
ORDERS_PATH = "/oe/v2/orders/sales_orders"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the vendor reads it: header names in lower case, the first of equal names."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str | None:
        """The access token it carries (O2)."""
        return self.headers.get("token")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a JSON body, or with a page that is rendered when needed."""

    code: int
    body: bytes = b""
    page: Page | None = None


def error(code: int, message: str) -> Answer:
    """An error body in the shape that Spring gives it."""
    reason = _PHRASES.get(code, "Unassigned")
    return Answer(code, _json({"status": code, "error": reason, "message": message}))


def token_path(quirks: Quirks) -> str:
    """The path of the token endpoint (A1, C1)."""
    return f"/v1/admin/{quirks.token_path}/token"


class Vendor:
    """The two endpoints as functions. Not thread-safe: the server's loop owns it.

    Attributes:
        clock: The world's time.
        quirks: How the document is read.
        tokens: Those issued.
    """

    def __init__(
        self,
        world: World,
        clock: WorldClock,
        quirks: Quirks,
        credentials: Credentials,
        kept_pages: int = 0,
    ) -> None:
        self.tokens = TokenOffice(clock, world.seed)
        self.clock = clock
        self.quirks = quirks
        self._credentials = credentials
        self._book = Book(world, quirks, kept_pages)

    def grant(self, asked: Asked, true_seconds: float | None = None) -> Answer:
        """Answer a token request (A1 to A4).

        Args:
            asked: The request.
            true_seconds: How long the token lives, if not as long as it says.
        """
        try:
            query = read_token_query(self.quirks, asked.query, asked.body)
        except BadRequestError as problem:
            return error(400, str(problem))
        if not self._known(query):
            return error(self.quirks.refused_credentials_code, "invalid client credentials")
        return Answer(200, _json(self.tokens.issue(self.quirks.token_seconds, true_seconds)))

    def orders(self, asked: Asked, now: datetime) -> Answer:
        """Answer an orders request (O1 to O7) as of `now`."""
        if not self.tokens.accepts(asked.token):
            return error(401, "the token is missing, unknown, expired or revoked")
        try:
            return self._page(read_orders_query(self.quirks, asked.query, asked.body), now)
        except BadRequestError as problem:
            return error(400, str(problem))

    def other_page(self, asked: Asked, now: datetime, pages: int) -> Answer:
        """The page after the one asked for, or the first after the last, of `pages`."""
        query = read_orders_query(self.quirks, asked.query, asked.body)
        return self._page(query.turned_to((query.page + 1) % pages), now)

    def sighting(self, asked: Asked, answer: Answer) -> Sighting:
        """An orders request and its true answer as faults see them."""
        try:
            query = read_orders_query(self.quirks, asked.query, asked.body)
        except BadRequestError:
            return Sighting("orders")
        page = answer.page
        return Sighting(
            "orders",
            location=query.location,
            order_status=query.status,
            page=query.page + 1,
            orders=len(page.orders) if page else 0,
            pages=page.block["totalPages"] if page else 0,
        )

    def _page(self, query: OrdersQuery, now: datetime) -> Answer:
        try:
            return Answer(200, page=self._book.page(query, now))
        except NoSuchPageError:
            return replace(
                error(404, "there is no such page"), code=BEYOND_END[self.quirks.beyond_end]
            )

    def _known(self, query: TokenQuery) -> bool:
        sent = "\n".join(astuple(query)).encode()
        return hmac.compare_digest(sent, "\n".join(astuple(self._credentials)).encode())


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
