"""One request and its answer, and what the status of an answer means."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_xstak_oms.api.gate import LONGEST_PAUSE_SECONDS
from tap_xstak_oms.errors import PartitionError, RefusedError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_SECONDS = re.compile(r"(?a:\d+\.?\d*|\.\d+)")


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request. Its repr leaves out what may hold a secret.

    Attributes:
        method: `GET` or `POST`.
        url: Without the query.
        url_setting: The setting that the URL comes from, for error messages.
        headers: Of this request only.
        params: The query string.
        body: JSON, or None.
        hints: What an error message adds to a status, by status.
        smaller: What an error message adds if a smaller answer may help.
    """

    method: str
    url: str
    url_setting: str
    headers: Mapping[str, str] = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    hints: Mapping[int, str] = field(default_factory=dict)
    smaller: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Its repr leaves out what the server said.

    Attributes:
        status: The status.
        headers: The headers.
        body: The decoded body; empty if the status is not 2xx.
        came_at: When it came, by our clock.
        request_id: The server's ID of the request; None if it gave none that is safe to show.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    came_at: datetime
    request_id: str | None = None

    @property
    def date(self) -> datetime | None:
        """The server's clock, in whole seconds, if the answer has a usable `Date`."""
        return _http_date(self.headers.get("Date"))

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks us to wait, if its `Retry-After` can be read."""
        text = self.headers.get("Retry-After")
        # A date follows the server's clock.
        return None if text is None else seconds_until(text, now=self.date or self.came_at)

    @property
    def asks_for_patience(self) -> bool:
        """Whether the server asks for fewer requests."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.retry_after is not None


def is_good(status: int) -> bool:
    """Whether a status means success (2xx)."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def check_status(answer: Answer, request: HTTPRequest) -> None:
    """Raise the error that an answer's status means, if any.

    Raises:
        RetriableError: 408, 429, 5xx, and any other 4xx with a `Retry-After`.
        RefusedError: Any other 4xx.
        PartitionError: Any other status but 2xx.
    """
    status = answer.status
    if is_good(status):
        return
    is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    hint = request.hints.get(status, request.smaller if is_failure else "")
    told = f"the server answered {status}{hint}"
    if status < HTTPStatus.BAD_REQUEST:
        redirects = status >= HTTPStatus.MULTIPLE_CHOICES
        raise PartitionError(told + _REDIRECT.format(request.url_setting) * redirects)
    if status in _PASSING or is_failure or answer.retry_after is not None:
        error = RetriableError(told)
        error.gone = status == HTTPStatus.INTERNAL_SERVER_ERROR
        raise error
    raise RefusedError(told)


_REDIRECT = (
    ": it redirects, which is not followed because the token must not travel to another host. "
    "Check `{}`"
)


def seconds_until(retry_after: str, *, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, in either form; `LONGEST_PAUSE_SECONDS` at most.

    Decimals are not valid, but some servers send them.
    """
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return math.ceil(min(float(text), LONGEST_PAUSE_SECONDS))
    date = _http_date(text)
    if date is None:
        return None
    return min(max(0.0, (date - now).total_seconds()), LONGEST_PAUSE_SECONDS)


def _http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value) if value else None
    except (ValueError, OverflowError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)
