"""From a request's parameters to what is wanted, or to a sentence about what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from xstak_sandbox.moments import PAKISTAN, milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xstak_sandbox.quirks import Quirks

T = TypeVar("T")

SHORT_OFFSET = re.compile(r"([+-])(\d:\d\d)$")
GRANT_TYPE = "client_credentials"
INTEGER = re.compile(r"-?\d{1,18}")


class BadRequestError(Exception):
    """A parameter is missing or wrong; the message says which and why."""


@dataclass(frozen=True, slots=True)
class OrdersQuery:
    """What an orders request asks for.

    Attributes:
        location: `locationId`.
        status: `order_status`.
        since: `start_date` in epoch milliseconds.
        location_code: If it was sent.
        page: Index from 0, whatever the server counts from.
        size: The size wished for, if any.
    """

    location: str
    status: str
    since: int
    location_code: int | None = None
    page: int = 0
    size: int | None = None

    def turned_to(self, page: int) -> OrdersQuery:
        """The same query for another page."""
        return replace(self, page=page)


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """What a token request carries; the grant type has been checked."""

    client_id: str
    client_secret: str
    company_code: str


class Parameters(Protocol):
    """Named values; None stands for one that was not sent."""

    def text(self, name: str) -> str | None:
        """A string, or `BadRequestError`."""

    def integer(self, name: str) -> int | None:
        """An integer, or `BadRequestError`."""


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """Parameters of a query string: an integer is a string of digits."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """The value as sent; an empty one counts as not sent."""
        return self.values.get(name) or None

    def integer(self, name: str) -> int | None:
        """The value as an integer."""
        text = self.text(name)
        if text is not None and not INTEGER.fullmatch(text):
            raise BadRequestError(f"{name} must be an integer")
        return None if text is None else int(text)


@dataclass(frozen=True, slots=True)
class BodyParameters:
    """Parameters of a JSON object, whose types must be those of the document."""

    values: Mapping[str, object]

    @classmethod
    def parse(cls, body: bytes) -> BodyParameters:
        """Read a request's body.

        Raises:
            BadRequestError: It is no JSON object.
        """
        try:
            values = json.loads(body)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise BadRequestError("the request body must be a JSON object")
        return cls(values)

    def text(self, name: str) -> str | None:
        """The value, which must be a string; an empty one counts as not sent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise BadRequestError(f"{name} must be a string")
        return value or None

    def integer(self, name: str) -> int | None:
        """The value, which must be a JSON integer."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadRequestError(f"{name} must be an integer")
        return value


def read_token_query(quirks: Quirks, query: Mapping[str, str], body: bytes) -> TokenQuery:
    """Read a token request (A2, A3; C2, C3).

    Raises:
        BadRequestError: A parameter is missing or wrong.
    """
    sent: Parameters = (
        BodyParameters.parse(body)
        if quirks.token_parameters_in == "body"
        else QueryParameters(query)
    )
    grants = [sent.text(key) for key in quirks.grant_type_keys]
    if GRANT_TYPE not in grants:
        raise BadRequestError(f"{' or '.join(quirks.grant_type_keys)} must be {GRANT_TYPE}")
    return TokenQuery(
        client_id=_required("clientId", sent.text("clientId")),
        client_secret=_required("clientSecret", sent.text("clientSecret")),
        company_code=_required("companyCode", sent.text("companyCode")),
    )


def read_orders_query(quirks: Quirks, query: Mapping[str, str], body: bytes) -> OrdersQuery:
    """Read an orders request (O3 to O6; C4 to C8).

    Raises:
        BadRequestError: A parameter is missing or wrong.
    """
    in_query = QueryParameters(query)
    sent: Parameters = BodyParameters.parse(body) if quirks.filters_in == "body" else in_query
    paging = [sent, in_query]
    page = _first_integer(paging, quirks.page_parameter)
    size = _first_integer(paging, quirks.page_size_parameter)
    if size is not None and size < 1:
        raise BadRequestError(f"{quirks.page_size_parameter} must be at least 1")
    return OrdersQuery(
        status=_required("order_status", sent.text("order_status")),
        location=_required("locationId", sent.text("locationId")),
        location_code=sent.integer("location_code"),
        since=_start_date(quirks, sent),
        # A number below the first page's is the first page, as Spring has it.
        page=0 if page is None or quirks.ignores_page else max(page - quirks.asks_from, 0),
        size=size,
    )


def _first_integer(places: list[Parameters], name: str) -> int | None:
    return next((number for place in places if (number := place.integer(name)) is not None), None)


def _required(name: str, value: T | None) -> T:
    if value is None:
        raise BadRequestError(f"{name} is required")
    return value


def _start_date(quirks: Quirks, sent: Parameters) -> int:
    if quirks.start_date_format == "iso8601":
        return milliseconds(_moment(quirks, _required("start_date", sent.text("start_date"))))
    number = _required("start_date", sent.integer("start_date"))
    return number * 1000 if quirks.start_date_format == "epoch_seconds" else number


def _moment(quirks: Quirks, text: str) -> datetime:
    if SHORT_OFFSET.search(text) and quirks.refuses_short_offset:
        raise BadRequestError("start_date must be an ISO 8601 date with an offset like +05:00")
    try:
        moment = datetime.fromisoformat(SHORT_OFFSET.sub(r"\g<1>0\g<2>", text))
    except ValueError:
        raise BadRequestError("start_date must be an ISO 8601 date") from None
    if moment.tzinfo is not None:
        return moment
    if quirks.refuses_naive_start_date:
        raise BadRequestError("start_date must include the time zone")
    return moment.replace(tzinfo=PAKISTAN)
