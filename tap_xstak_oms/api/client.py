"""The two requests of the XStak API: a token, and one page of orders.

Every reading of the vendor's document that a setting can change is applied here, once
(VENDOR_API C1-C7). What an order looks like is not known here.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC
from http import HTTPStatus
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING

from tap_xstak_oms.api.auth import GRANT_TYPE, Token, XStakAuthenticator, read_token
from tap_xstak_oms.api.gate import Gate
from tap_xstak_oms.api.pages import Page, PageError, parse_page
from tap_xstak_oms.api.transport import Answer, HTTPRequest, Traffic, Transport, check_status
from tap_xstak_oms.config.schema import ORDERS_PATH
from tap_xstak_oms.errors import CredentialsError, PartitionError, RetriableError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Partition, Settings

TOKEN_HEADER = "token"  # noqa: S105 - the header's name (O2)
FIRST_PAGES = range(2)
"""The numbers that a first page can have: pages count from 0 or from 1 (C8)."""
GIVEN_UP_IN_A_ROW = 3
"""Requests given up, with no page in between, after which a run does not try its other ones."""
_JSON_BODY = {"Content-Type": "application/json"}
logger = logging.getLogger("tap-xstak-oms")
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class XStakClient:
    """Talks to one XStak account. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = Transport(
            gate=Gate(
                max_concurrent=settings.max_concurrent_requests,
                max_per_minute=settings.max_requests_per_minute,
                clock=clock,
            ),
            clock=clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_tries=settings.max_tries,
            user_agent=f"tap-xstak-oms/{version('tap-xstak-oms')}",
        )
        self._authenticator = XStakAuthenticator(self._request_token, clock)
        self._given_up_in_a_row = 0
        self._counting = threading.Lock()
        if not _tokens_in_body(settings):
            logger.warning(
                "`token_parameters_in` is query: the client secret is part of a URL, which "
                "every proxy on its way may write into a log.",
            )

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self._transport.traffic

    def pages(self, partition: Partition, start: datetime) -> PartitionPages:
        """The pages of a partition since a start date."""
        return PartitionPages(self, self._settings, self._clock, partition, start)

    def fetch(
        self,
        name: str,
        request: Callable[[Token], HTTPRequest],
        read: Callable[[Answer], Page],
        traffic: Traffic,
        is_wanted: Callable[[], bool],
    ) -> Page:
        """Send a request that needs a token until its answer can be read.

        Args:
            name: What it is, in words that begin a message.
            request: Makes the request, given the token.
            read: Reads the answer, or raises `PageError`.
            traffic: Counts what is sent for it.
            is_wanted: Asked before each try: whether anybody still waits for the answer.

        Raises:
            PartitionError: What the last try met.
            RunError: If no token can be had, or others have met the same and nothing else came.
        """
        tries = count()

        def counted(token: Token) -> HTTPRequest:
            traffic.count(requests=1)
            return request(token)

        def attempt() -> Page:
            if not is_wanted():
                raise PartitionError("the partition has ended meanwhile")
            traffic.count(retries=min(next(tries), 1))
            answer = self._authorised(counted)
            check_status(answer, url_setting="api_url", now=self._clock.now())
            return read(answer)

        try:
            page = self._transport.persist(name, attempt)
        except PartitionError as error:
            if is_wanted():
                self._give_up(error)
            raise
        with self._counting:
            self._given_up_in_a_row = 0
        return page

    def _give_up(self, error: PartitionError) -> None:
        """Give up everything where every partition would be given up, each in its time."""
        with self._counting:
            self._given_up_in_a_row = self._given_up_in_a_row + 1 if error.is_general else 0
            if self._given_up_in_a_row >= GIVEN_UP_IN_A_ROW:
                raise RunError(
                    f"{error} {GIVEN_UP_IN_A_ROW} requests in a row ended so, and nothing more is "
                    "tried."
                ) from None

    def _authorised(self, request: Callable[[Token], HTTPRequest]) -> Answer:
        """Send with the token; if it is refused, once more with another."""
        token = self._authenticator.token()
        answer = self._transport.exchange(request(token))
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        self._authenticator.invalidate(token)
        answer = self._transport.exchange(request(self._authenticator.token()))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # A token may live shorter than it claims, so another one may still do.
            raise RetriableError(
                "the server answered 401: it refused a new token as well. Check that `api_url` and "
                "`auth_url` belong together, and `company_code`",
                is_general=True,
            )
        return answer

    def _request_token(self) -> Token:
        request = token_request(self._settings)

        def attempt() -> Token:
            asked_at = self._clock.monotonic()
            answer = self._transport.exchange(request)
            if answer.status in _REFUSED:
                raise CredentialsError(_refusal(answer.status))
            check_status(answer, url_setting="auth_url", now=self._clock.now())
            return read_token(answer.body, asked_at)

        try:
            return self._transport.persist("The token request", attempt)
        except PartitionError as error:
            raise RunError(str(error)) from None


class PartitionPages:
    """The pages of one partition since one start date. Thread-safe after the first page.

    Attributes:
        traffic: What was sent for them.
    """

    def __init__(
        self,
        client: XStakClient,
        settings: Settings,
        clock: Clock,
        partition: Partition,
        start: datetime,
    ) -> None:
        self.traffic = Traffic()
        self._client = client
        self._settings = settings
        self._clock = clock
        self._partition = partition
        self._start = start
        self._first: Page | None = None
        self._is_wanted = True

    def close(self) -> None:
        """Ask for no more: what is under way is not tried again."""
        self._is_wanted = False

    def fetch(self, asked: int | None, accept: Callable[[Page], bool]) -> Page:
        """Fetch one page.

        Args:
            asked: Its number as the server counts requests, None to name no page (C8).
            accept: Whether a page is the one asked for.
        """
        asked_at = self._clock.now()
        name = f"Page {'one' if asked is None else asked} of {self._partition}"

        def request(token: Token) -> HTTPRequest:
            return orders_request(self._settings, self._partition, self._start, asked, token)

        def read(answer: Answer) -> Page:
            first = None if asked is None else self._first
            page = parse_page(answer.body, first=first, answered_at=answer.date or asked_at)
            is_possible = asked is not None or page.number in FIRST_PAGES
            if not (is_possible and accept(page)):
                raise PageError(f"the server answered with page {page.number} instead")
            return page

        page = self._client.fetch(name, request, read, self.traffic, lambda: self._is_wanted)
        if asked is None:
            self._first = page
        return page


def token_request(settings: Settings) -> HTTPRequest:
    """The request for a token (A1-A3; C1, C2, C3)."""
    parameters = {
        "clientId": settings.client_id,
        "clientSecret": settings.client_secret,
        "companyCode": settings.company_code,
        **dict.fromkeys(settings.grant_type_keys, GRANT_TYPE),
    }
    in_body = _tokens_in_body(settings)
    return HTTPRequest(
        method="POST",
        url=settings.auth_url,
        url_setting="auth_url",
        headers=_JSON_BODY if in_body else {},
        params={} if in_body else parameters,
        body=json.dumps(parameters).encode() if in_body else None,
    )


def _tokens_in_body(settings: Settings) -> bool:
    return settings.token_parameters_in == "body"  # noqa: S105 - a place


def orders_request(
    settings: Settings,
    partition: Partition,
    start: datetime,
    asked: int | None,
    token: Token,
) -> HTTPRequest:
    """The request for one page of orders (O1-O6; C4, C5, C6, C7)."""
    filters: dict[str, str | int] = {
        "order_status": partition.order_status,
        "locationId": partition.location_id,
        "start_date": date_parameter(start, settings),
    }
    if partition.location_id in settings.location_codes:
        filters["location_code"] = settings.location_codes[partition.location_id]
    paging = {settings.page_size_parameter: settings.page_size}
    if asked is not None:
        paging[settings.page_parameter] = asked
    in_body = settings.filters_in == "body"
    return HTTPRequest(
        method="GET",
        url=settings.api_url + ORDERS_PATH,
        url_setting="api_url",
        headers={TOKEN_HEADER: token.value, **(_JSON_BODY if in_body else {})},
        params={
            name: str(value) for name, value in (paging if in_body else filters | paging).items()
        },
        body=json.dumps(filters | paging).encode() if in_body else None,
    )


def date_parameter(moment: datetime, settings: Settings) -> str | int:
    """A moment as the API is told it (C4, C5)."""
    if settings.start_date_format == "epoch_seconds":
        return int(moment.timestamp())
    if settings.start_date_format == "epoch_milliseconds":
        return int(moment.timestamp()) * 1000
    local = moment.astimezone(settings.timezone)
    offset = local.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        # A zone's mean solar time of long ago has seconds in its offset, which is not valid.
        local = moment.astimezone(UTC)
    return local.isoformat(timespec="seconds")


def _refusal(status: int) -> str:
    sent = (
        ", or how they are sent: `token_parameters_in`, `grant_type_keys`"
        if status == HTTPStatus.BAD_REQUEST
        else ""
    )
    return (
        f"The token endpoint refused the credentials (status {status}). Check `client_id`, "
        f"`client_secret` and `company_code`{sent}."
    )
