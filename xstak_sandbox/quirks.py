"""The doubtful points of the vendor document, each one a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TokenPath = Literal["service-account", "serviceaccount"]
Place = Literal["body", "query"]
DateFormat = Literal["iso8601", "epoch_seconds", "epoch_milliseconds"]
Moment = Literal["created", "updated"]
Sort = Literal["old_first", "new_first", "shuffled_once", "shuffled_each"]
BeyondEnd = Literal["empty", "last", "missing", "refused", "broken", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How this XStak reads its own document; C1 to C12 are the numbers of VENDOR_API.

    How orders write their own times (C5) is a property of the `World`.

    Attributes:
        token_path: C1, the spelling of the token endpoint's path.
        token_parameters_in: C2, where the token call's parameters are looked for.
        grant_type_keys: C3, the keys of which at least one must say `client_credentials`.
        start_date_format: C4, how `start_date` must be written.
        refuses_naive_start_date: C5, a `start_date` without an offset is an error (else +05:00).
        refuses_short_offset: C5, a `start_date` with an offset like `+5:00` is an error.
        filters_in: C6, where an orders request's parameters are looked for. In a body they must
            have the JSON types of the document; paging is then found in the query as well.
        page_parameter: C7, the name that asks for a page.
        page_size_parameter: C7, the name that asks for a page size.
        asks_from: C8, the number that asks for the first page.
        reports_from: C8, the number under which the first page is reported.
        ignores_page: C8, every answer is the first page.
        beyond_end: What a page after the last one is: an `empty` page of that number, the `last`
            page, or no page at all: `missing` (404), `refused` (400), `broken` (500) or `void`
            (200 with an error body).
        page_size: C9, the size of a page when none is asked for.
        max_page_size: C9, the size above which a wish is cut down.
        fixed_page_size: C9, the size of every page whatever is asked for, if given.
        reports_asked_size: C9, the page block repeats the size asked for, though it was cut down.
        pages_when_empty: `totalPages` of a result without orders; the document's example says 1.
        filters_on: C11, the moment of an order that `start_date` is compared with.
        sort: C12, the order of the orders.
        sort_on: C12, the moment that `old_first` and `new_first` sort by.
        token_seconds: How long a token lives, and what `expires_in` says.
        refused_credentials_code: The status that answers wrong credentials.
        sends_date: Whether answers carry a `Date` header.
        date_skew_seconds: How far the server's own clock, which writes the headers `Date` and
            `Retry-After`, is ahead of the world's.
        compresses: Whether answers are compressed for who accepts gzip.
        request_id_header: The header of each answer that holds the request's ID; none if empty.
        request_id: That ID, in which {number} stands for the request's place in the journal.
    """

    token_path: TokenPath = "service-account"
    token_parameters_in: Place = "body"
    grant_type_keys: tuple[str, ...] = ("grantType", "grant type", "grant_type")
    start_date_format: DateFormat = "iso8601"
    refuses_naive_start_date: bool = True
    refuses_short_offset: bool = True
    filters_in: Place = "query"
    page_parameter: str = "page"
    page_size_parameter: str = "size"
    asks_from: int = 1
    reports_from: int = 1
    ignores_page: bool = False
    beyond_end: BeyondEnd = "empty"
    page_size: int = 10
    max_page_size: int = 100
    fixed_page_size: int | None = None
    reports_asked_size: bool = False
    pages_when_empty: int = 1
    filters_on: Moment = "created"
    sort: Sort = "old_first"
    sort_on: Moment = "created"
    token_seconds: int = 300
    refused_credentials_code: int = 401
    sends_date: bool = True
    date_skew_seconds: float = 0.0
    compresses: bool = True
    request_id_header: str = "X-Request-Id"
    request_id: str = "req-{number}"

    def size_for(self, asked: int | None) -> int:
        """The number of orders on a full page when `asked` were wished for (C9)."""
        if self.fixed_page_size is not None:
            return self.fixed_page_size
        return min(self.page_size if asked is None else asked, self.max_page_size)
