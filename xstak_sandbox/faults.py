"""Faults that tests script, and the counting that says when each strikes."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

RetryAfterForm = Literal["seconds", "decimal", "date"]
Struck = Literal["orders", "token"]
Coding = Literal["gzip", "members", "deflate", "gzip, gzip"]


class Kind(StrEnum):
    """What goes wrong. Those of a page strike only answers that would hold at least one order."""

    STATUS = "status"
    """Answers `code`; 401 with `revokes` also ends the token used; see `retry_after`."""
    HTML = "html"
    """200 with a web page."""
    ERROR_BODY = "error_body"
    """200 with a JSON error."""
    NOT_JSON = "not_json"
    """200, said to be JSON, with a sentence."""

    ORDERS_NULL = "orders_null"
    """A page whose `orders` is null, though its totals say otherwise."""
    NO_ORDERS = "no_orders"
    """A page without orders, though its totals say otherwise."""
    SHORT_PAGE = "short_page"
    """A page that lacks its last order, though its totals say otherwise."""
    NO_PAGE_BLOCK = "no_page_block"
    """A page without the `page` member."""
    NO_ORDERS_KEY = "no_orders_key"
    """A page without the `orders` member."""
    NEGATIVE_TOTALS = "negative_totals"
    """A page whose block tells totals of -1."""
    TEXT_NUMBERS = "text_numbers"
    """A page whose block writes its numbers as strings."""
    WRONG_PAGE = "wrong_page"
    """Another page than asked for, truly numbered; strikes where there are at least two."""
    TRUNCATED_JSON = "truncated_json"
    """A complete answer that holds the first half of the JSON."""
    BAD_UTF8 = "bad_utf8"
    """A byte that is no UTF-8 in the first string of the first order."""
    DUPLICATE_KEYS = "duplicate_keys"
    """The first order has `order_number` twice, first with the value `duplicate`."""
    NAN = "nan"
    """The first order has a member `margin` with the value NaN."""
    BYTE_ORDER_MARK = "byte_order_mark"
    """The true answer behind a byte order mark."""
    TRUNCATED_BODY = "truncated_body"
    """An answer that breaks off, short of its `Content-Length`."""

    RESET = "reset"
    """The connection is reset (TCP RST) before any answer."""
    HANG = "hang"
    """No answer until `seconds` have passed, if given, or `Sandbox.release`."""
    LATENCY = "latency"
    """The true answer, `seconds` late."""
    DRIP = "drip"
    """200, then one blank after another, as long as the client listens."""
    EARLY_HINTS = "early_hints"
    """The true answer, behind an informational one (103)."""
    BAD_HEADER = "bad_header"
    """The true answer, in whose head the request's target stands on a line of its own."""

    GZIP_MEMBERS = "gzip_members"
    """The true answer in gzip of several members, whoever accepts it."""
    GZIP_TWICE = "gzip_twice"
    """The true answer in gzip, and that in gzip."""
    BOMB = "bomb"
    """The true answer before `BOMB_BYTES` blanks, compressed as `coding` says."""
    FOREIGN_CODING = "foreign_coding"
    """An answer that says it is in Brotli."""

    SHORT_TOKEN = "short_token"
    """A token that lives `seconds`, while claiming the usual time."""
    NO_ACCESS_TOKEN = "no_access_token"
    """A token answer without `access_token`."""


TOKEN_KINDS = frozenset({Kind.SHORT_TOKEN, Kind.NO_ACCESS_TOKEN})
PAGE_KINDS = frozenset(
    {
        Kind.ORDERS_NULL,
        Kind.NO_ORDERS,
        Kind.SHORT_PAGE,
        Kind.NO_PAGE_BLOCK,
        Kind.NO_ORDERS_KEY,
        Kind.NEGATIVE_TOTALS,
        Kind.TEXT_NUMBERS,
        Kind.WRONG_PAGE,
        Kind.TRUNCATED_JSON,
        Kind.BAD_UTF8,
        Kind.DUPLICATE_KEYS,
        Kind.NAN,
        Kind.BYTE_ORDER_MARK,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted fault: what goes wrong, for whom, when and how often.

    A request is struck by at most one fault; one whose turn another took strikes the next time.

    Attributes:
        kind: What goes wrong.
        on: The endpoint it hits; kinds that are only of tokens hit that one whatever this says.
        nth: It strikes from the nth matching request on; 1 if neither this nor `every` is given.
        every: It strikes every so many matching requests instead.
        times: How often it strikes; once if not given, or without end if `every` is.
        location: Only requests for this location.
        order_status: Only requests for this status.
        page: Only requests for this page, counted from 1 whatever the server counts from.
        code: The status that the kind `status` answers.
        retry_after: Seconds of a `Retry-After` header, if there is to be one.
        retry_after_as: Whether that header tells them as a whole number, with a decimal point or
            as an HTTP date.
        revokes: Whether the token that was used is revoked as well.
        seconds: Of the kinds `hang`, `latency` and `short_token`.
        coding: Of the kind `bomb`.
    """

    kind: Kind
    on: Struck = "orders"
    nth: int | None = None
    every: int | None = None
    times: int | None = None
    location: str | None = None
    order_status: str | None = None
    page: int | None = None
    code: int = 500
    retry_after: float | None = None
    retry_after_as: RetryAfterForm = "seconds"
    revokes: bool = False
    seconds: float | None = None
    coding: Coding = "gzip"

    def __post_init__(self) -> None:
        if self.nth is not None and self.every is not None:
            raise ValueError("a fault strikes from the nth request on or every so many, not both")
        if any(number is not None and number < 1 for number in (self.nth, self.every, self.times)):
            raise ValueError("nth, every and times of a fault are at least 1")

    def matches(self, sighting: Sighting) -> bool:
        """Whether the request is of those that the fault counts."""
        endpoint = "token" if self.kind in TOKEN_KINDS else self.on
        return (
            endpoint == sighting.endpoint
            and self.location in {None, sighting.location}
            and self.order_status in {None, sighting.order_status}
            and self.page in {None, sighting.page}
            and self._can_strike(sighting)
        )

    def due(self, seen: int, struck: int) -> bool:
        """Whether it strikes at the request `seen` last, having struck so often before."""
        if self.every is not None:
            return seen // self.every > struck and struck < (self.times or sys.maxsize)
        return seen >= (self.nth or 1) and struck < (self.times or 1)

    def _can_strike(self, sighting: Sighting) -> bool:
        if self.kind is Kind.WRONG_PAGE:
            return sighting.pages > 1
        return self.kind not in PAGE_KINDS or sighting.orders > 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request as faults see it.

    Attributes:
        endpoint: `orders` or `token`.
        location: Asked for; None if that cannot be read.
        order_status: Asked for; None if that cannot be read.
        page: Counted from 1.
        orders: How many orders the true answer holds; 0 if it is an error.
        pages: How many pages the true answer tells of; 0 if it is an error.
    """

    endpoint: Struck
    location: str | None = None
    order_status: str | None = None
    page: int | None = None
    orders: int = 0
    pages: int = 0


class FaultScript:
    """The scripted faults and how often each was seen and struck. Thread-safe."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._counts = [_Count(fault) for fault in faults]
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Script one more fault, which counts requests from now on."""
        with self._lock:
            self._counts.append(_Count(fault))

    def strike(self, sighting: Sighting) -> Fault | None:
        """The fault that strikes this request, the first of those that are due."""
        with self._lock:
            due = [count for count in self._counts if count.sees(sighting)]
            if not due:
                return None
            due[0].struck += 1
            return due[0].fault

    def strikes(self, fault: Fault) -> int:
        """How often a fault has struck; equal faults are told together."""
        with self._lock:
            return sum(count.struck for count in self._counts if count.fault == fault)

    def unmet(self) -> list[Fault]:
        """The faults that never struck."""
        with self._lock:
            return [count.fault for count in self._counts if not count.struck]


class _Count:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.struck = 0

    def sees(self, sighting: Sighting) -> bool:
        if not self.fault.matches(sighting):
            return False
        self.seen += 1
        return self.fault.due(self.seen, self.struck)
