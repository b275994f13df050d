"""Send one HTTP request until it succeeds or is given up: connections, politeness, retries.

Knows nothing of tokens, orders or pages. Every error leaves here as a `TapError` in our own words,
and no library below logs anything.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlencode

import tenacity
import urllib3
from urllib3.exceptions import HTTPError

from tap_xstak_oms.api.bounds import Bounds, TooLateError, bounded
from tap_xstak_oms.api.decoding import ACCEPTED, TooLargeError
from tap_xstak_oms.api.exchange import Answer, is_good
from tap_xstak_oms.api.gate import EndedError
from tap_xstak_oms.api.problems import CONNECT_TIMEOUT_SECONDS, problem
from tap_xstak_oms.api.quiet import quiet, quieten_libraries
from tap_xstak_oms.api.request_ids import identified, request_id, with_id
from tap_xstak_oms.api.routes import Routes
from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPConnection
    from threading import Event

    from tap_xstak_oms.api.exchange import HTTPRequest
    from tap_xstak_oms.api.gate import Gate
    from tap_xstak_oms.api.routes import Route
    from tap_xstak_oms.clock import Clock

T = TypeVar("T")

LONGEST_BACKOFF_SECONDS = 60
_BACKOFF = tenacity.wait_exponential_jitter(initial=1, max=LONGEST_BACKOFF_SECONDS, jitter=1)
_BROKEN = (HTTPError, OSError, TooLargeError, TooLateError)
_SKIPPED_BYTES = 1 << 16
"""The body of an error answer is not used; a short one is read, to keep the connection."""

logger = logging.getLogger("tap-xstak-oms")


class Traffic:
    """Counts what was sent. Thread-safe.

    Attributes:
        requests: All requests.
        retries: Tries after the first.
        throttles: How often the server asked for patience (429 or a `Retry-After`).
    """

    def __init__(self) -> None:
        self.requests = self.retries = self.throttles = 0
        # Another thread may add between the read and the write of `+=`.
        self._lock = threading.Lock()

    def count(self, *, requests: int = 0, retries: int = 0, throttles: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.throttles += throttles


class Transport:
    """Sends requests. Thread-safe."""

    def __init__(
        self,
        *,
        gate: Gate,
        clock: Clock,
        timeout_seconds: int,
        max_tries: int,
        user_agent: str,
    ) -> None:
        self.traffic = Traffic()
        self._gate = gate
        self._clock = clock
        self._timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=timeout_seconds)
        self._bounds = Bounds(clock.monotonic, timeout_seconds)
        self._max_tries = max_tries
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED,
            "User-Agent": user_agent,
        }
        self._finder = Routes(gate.max_concurrent)
        self._routes: dict[str, Route] = {}

    def persist(self, name: str, attempt: Callable[[], T], ended: Event) -> T:
        """Try again after each `RetriableError`, `max_tries` times at most.

        Args:
            name: What is tried; begins each message.
            attempt: Sends one request, or a request and its replay, and reads the answer.
            ended: Set when nobody needs the result any more.

        Raises:
            PartitionError: The error of the last try, with the name before it.
            EndedError: The event was set between two tries.
        """

        def wait(seconds: float) -> None:
            self._clock.wait(ended, seconds)
            if ended.is_set():
                raise EndedError

        attempts = tenacity.Retrying(
            sleep=wait,
            stop=tenacity.stop_after_attempt(self._max_tries),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(RetriableError),
            before_sleep=lambda state: self._announce(name, state),
            reraise=True,
        )
        try:
            return attempts(attempt)
        except RetriableError as error:
            tries = f" Given up after try {self._max_tries} of {self._max_tries} (`max_tries`)."
            raise _given_up(error, PartitionError, name, tries) from None
        except PartitionError as error:
            raise _given_up(error, type(error), name) from None

    def exchange(self, request: HTTPRequest, ended: Event) -> Answer:
        """Send a request once and return the answer, whatever its status.

        Raises:
            RetriableError: No complete answer came.
            PartitionError: None can come: the server is not trusted, or speaks no TLS.
            RunError: The URL or its proxy cannot be used.
            EndedError: The event was set before the request was sent.
        """
        route = self._route(request)
        with self._gate.request(ended):
            self.traffic.count(requests=1)
            answer = self._exchange(request, route)
        if answer.asks_for_patience:
            self.traffic.count(throttles=1)
        return answer

    def _exchange(self, request: HTTPRequest, route: Route) -> Answer:
        with quiet(), self._in_words(request, route):
            response = self._open(request, route)
            found = request_id(response.headers, request)
            read = self._bounds.read if is_good(response.status) else _skip
            try:
                with identified(found), self._in_words(request, route):
                    body = read(response)
            finally:
                # An answer read to its end has handed its connection back by now.
                response.close()
        return Answer(response.status, response.headers, body, self._clock.now(), found)

    @contextmanager
    def _in_words(self, request: HTTPRequest, route: Route) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise problem(error, request, route, self._bounds) from None

    def _open(self, request: HTTPRequest, route: Route) -> urllib3.BaseHTTPResponse:
        """Send the request and return the answer, of which only the head is read."""
        query = f"?{urlencode(request.params)}" if request.params else ""
        # `requests` would take three times as long as urllib3 alone. No redirects: unlike
        # `Authorization`, a `token` header would travel to another host.
        return route.pool.urlopen(
            request.method,
            route.target + query,
            body=request.body,
            headers={**self._headers, **request.headers},
            timeout=self._timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def _route(self, request: HTTPRequest) -> Route:
        route = self._routes.get(request.url)
        if route is None:
            route = self._finder.find(request.url, request.url_setting)
            kind = cast("type[HTTPConnection]", route.pool.ConnectionCls)
            route.pool.ConnectionCls = bounded(kind, self._bounds)  # type: ignore[assignment]
            quieten_libraries()
            self._routes[request.url] = route
        return route

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Back off; if the server said how long to wait, the gate holds all workers as well."""
        asked = _error(state).retry_after
        if asked is not None:
            self._gate.pause(asked)
        return _BACKOFF(state)

    def _announce(self, name: str, state: tenacity.RetryCallState) -> None:
        self.traffic.count(retries=1)
        error = _error(state)
        logger.warning(
            "%s: %s. Try %d of %d, the next in %.0f s.",
            name,
            with_id(error),
            state.attempt_number,
            self._max_tries,
            max(state.upcoming_sleep, error.retry_after or 0.0),
            extra=error.fields,
        )


def _skip(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read a body that nobody uses, if it is short; errors do not matter."""
    with suppress(*_BROKEN):
        response.read(_SKIPPED_BYTES, decode_content=False)
    return b""


def _error(state: tenacity.RetryCallState) -> RetriableError:
    """The error of the last try: tenacity tries again only after this kind."""
    return cast("RetriableError", state.outcome and state.outcome.exception())


def _given_up(
    error: PartitionError, kind: type[PartitionError], name: str, tries: str = ""
) -> PartitionError:
    """The error of a request that is not tried again."""
    found = kind(f"{name}: {with_id(error)}.{tries}", request_id=error.request_id)
    found.gone = error.gone
    return found
