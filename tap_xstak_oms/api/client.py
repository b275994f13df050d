"""The two requests of the XStak API: one for a token, one for a page."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from http import HTTPStatus
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING

from tap_xstak_oms.api.auth import Token, XStakAuthenticator, read_token
from tap_xstak_oms.api.exchange import Answer, check_status
from tap_xstak_oms.api.gate import Gate
from tap_xstak_oms.api.outage import Outage
from tap_xstak_oms.api.pages import Page, PageError, parse_page
from tap_xstak_oms.api.parameters import are_tokens_in_body, orders_request, token_request
from tap_xstak_oms.api.request_ids import identified
from tap_xstak_oms.api.transport import Traffic, Transport
from tap_xstak_oms.errors import CredentialsError, PartitionError, RetriableError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from threading import Event

    from tap_xstak_oms.api.gate import Wait
    from tap_xstak_oms.clock import Clock
    from tap_xstak_oms.config.settings import Partition, Settings

FIRST_PAGES = range(2)
"""The possible numbers of a first page: pages count from 0 or from 1 (C8)."""
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

logger = logging.getLogger("tap-xstak-oms")


class XStakClient:
    """The API of one XStak account. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._gate = Gate(
            max_concurrent=settings.max_concurrent_requests,
            max_per_minute=settings.max_requests_per_minute,
            clock=clock,
        )
        self._transport = Transport(
            gate=self._gate,
            clock=clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_tries=settings.max_tries,
            user_agent=f"tap-xstak-oms/{version('tap-xstak-oms')}",
        )
        self._authenticator = XStakAuthenticator(self._request_token, clock)
        self._outage = Outage(settings.max_concurrent_requests)
        if not are_tokens_in_body(settings):
            logger.warning(
                "`token_parameters_in` is query: the client secret is part of a URL, which every "
                "proxy on the way may write into a log.",
            )

    @property
    def traffic(self) -> Traffic:
        """What was sent so far, tokens included."""
        return self._transport.traffic

    @property
    def wait(self) -> Wait | None:
        """What requests wait for now; None if they wait only for answers."""
        return self._gate.wait()

    def pages(self, partition: Partition, start: datetime) -> PartitionPages:
        """The pages of a partition since a start date."""
        return PartitionPages(self, partition, start)

    def fetch(
        self,
        source: PartitionPages,
        asked: int | None,
        accept: Callable[[Page], bool],
        ended: Event,
    ) -> Page:
        """Fetch one page; see `PartitionPages.fetch`."""
        asked_at = self._clock.now()
        tries = count()

        def attempt() -> Page:
            source.traffic.count(retries=min(next(tries), 1))
            answer = self._authorised(source, asked, ended)
            with _about(answer):
                page = parse_page(
                    answer.body,
                    first=None if asked is None else source.first,
                    answered_at=answer.date or asked_at,
                )
                is_possible = asked is not None or page.number in FIRST_PAGES
                if not (is_possible and accept(page)):
                    raise PageError(f"the server answered with page {page.number} instead")
            return page

        name = f"Page {'one' if asked is None else asked} of {source.partition}"
        try:
            page = self._transport.persist(name, attempt, ended)
        except PartitionError as error:
            self._outage.meet(source.partition, error)
            raise
        self._outage.end()
        return page

    def _authorised(self, source: PartitionPages, asked: int | None, ended: Event) -> Answer:
        """Send the request with the token; if the server refuses it, once more with a new one."""
        token = self._authenticator.token(ended)
        answer = self._send(source, asked, token, ended)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._authenticator.invalidate(token)
            answer = self._send(source, asked, self._authenticator.token(ended), ended)
        with _about(answer):
            if answer.status == HTTPStatus.UNAUTHORIZED:
                # A token may live shorter than it claims, so the next one may do.
                raise RetriableError(
                    "the server answered 401: it refused a new token as well. Check that `api_url` "
                    "and `auth_url` belong together, and `company_code`"
                )
        return answer

    def _send(
        self, source: PartitionPages, asked: int | None, token: Token, ended: Event
    ) -> Answer:
        request = orders_request(self._settings, source.partition, source.start, asked, token)
        source.traffic.count(requests=1)
        answer = self._transport.exchange(request, ended)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            with _about(answer):
                check_status(answer, request)
        return answer

    def _request_token(self, ended: Event) -> Token:
        request = token_request(self._settings)

        def attempt() -> Token:
            asked_at = self._clock.monotonic()
            answer = self._transport.exchange(request, ended)
            with _about(answer):
                if answer.status in _REFUSED and not answer.asks_for_patience:
                    raise CredentialsError(_refusal(answer))
                check_status(answer, request)
                return read_token(answer.body, asked_at)

        try:
            return self._transport.persist("The token request", attempt, ended)
        except PartitionError as error:
            raise RunError(str(error), request_id=error.request_id) from None


class PartitionPages:
    """The pages of one partition since one start date. Thread-safe after the first page.

    Attributes:
        partition: Whose pages.
        start: The start date.
        traffic: What was sent for them.
        first: The first page, once it has come.
    """

    def __init__(self, client: XStakClient, partition: Partition, start: datetime) -> None:
        self.partition = partition
        self.start = start
        self.traffic = Traffic()
        self.first: Page | None = None
        self._client = client

    def fetch(self, asked: int | None, accept: Callable[[Page], bool], ended: Event) -> Page:
        """Fetch one page.

        Args:
            asked: Its number as the server counts requests; None to name no page (C8).
            accept: Whether a page is the one asked for.
            ended: Set when nobody needs it any more.

        Raises:
            PartitionError: The error of the last try.
            RunError: No token can be had, or there is an outage.
            EndedError: The event was set.
        """
        page = self._client.fetch(self, asked, accept, ended)
        if asked is None:
            self.first = page
        return page


@contextmanager
def _about(answer: Answer) -> Iterator[None]:
    """Add to an error what its answer says: the ID of the request, and when to try again."""
    try:
        with identified(answer.request_id):
            yield
    except RetriableError as error:
        error.retry_after = answer.retry_after
        raise


def _refusal(answer: Answer) -> str:
    is_bad = answer.status == HTTPStatus.BAD_REQUEST
    sent = ", or how they are sent: `token_parameters_in`, `grant_type_keys`" if is_bad else ""
    known = f" (request ID {answer.request_id})" if answer.request_id else ""
    return (
        f"The token endpoint refused the credentials (status {answer.status}). Check `client_id`, "
        f"`client_secret` and `company_code`{sent}{known}."
    )
