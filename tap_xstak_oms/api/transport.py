"""One HTTP request until it succeeds or gives up: connections, politeness, retries.

Knows nothing of tokens, orders or pages. Every error leaves here as a `TapError` in words of our
own: exception texts of the libraries below hold whole URLs and parts of bodies.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import exceptions as http_errors

from tap_xstak_oms.api.bounds import Bounds, bounded
from tap_xstak_oms.api.gate import LONGEST_PAUSE_SECONDS, Gate
from tap_xstak_oms.errors import PartitionError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from urllib3.connection import HTTPConnection

    from tap_xstak_oms.clock import Clock

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 10
LONGEST_BACKOFF_SECONDS = 60
_BACKOFF = tenacity.wait_exponential_jitter(initial=1, max=LONGEST_BACKOFF_SECONDS, jitter=1)
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

logger = logging.getLogger("tap-xstak-oms")


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request; shown without what may hold a secret.

    Attributes:
        method: `GET` or `POST`.
        url: Without query.
        url_setting: The setting that the URL comes from, for error messages.
        headers: Of this request alone.
        params: The query string.
        body: JSON, or None.
    """

    method: str
    url: str
    url_setting: str
    headers: Mapping[str, str] = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; shown without what the server said."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def asks_for_patience(self) -> bool:
        """Whether the server says that it is asked too much."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or "Retry-After" in self.headers

    @property
    def date(self) -> datetime | None:
        """The server's clock, in whole seconds, where the answer tells it."""
        return _http_date(self.headers.get("Date"))


class Traffic:
    """What was sent. Counted by many threads.

    Attributes:
        requests: Every one, whatever came of it.
        retries: Tries after the first.
        throttles: How often the server asked for patience (429, or a `Retry-After`).
    """

    def __init__(self) -> None:
        self.requests = self.retries = self.throttles = 0
        # Adding is reading and writing, between which another thread may add.
        self._lock = threading.Lock()

    def count(self, *, requests: int = 0, retries: int = 0, throttles: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.throttles += throttles


@dataclass(frozen=True, slots=True)
class _Route:
    """The way to a URL, as the proxy and certificate variables of the environment have it.

    Attributes:
        pool: The connections, shared by all threads.
        target: What follows the method in a request, without the query.
    """

    pool: urllib3.HTTPConnectionPool
    target: str


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
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": user_agent,
        }
        self._adapter = HTTPAdapter(pool_maxsize=gate.max_concurrent)
        self._routes: dict[str, _Route] = {}
        # At debug level it writes whole URLs, which may hold a secret (C2).
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def persist(self, name: str, attempt: Callable[[], T]) -> T:
        """Try something until it succeeds or the tries are used up.

        Args:
            name: What is tried, in words that begin a message.
            attempt: Sends one request, or a request and its replay, and reads the answer. What
                it raises tells whether another try may help.

        Raises:
            PartitionError: What the last try met, with the name before it.
        """
        tries = tenacity.Retrying(
            sleep=self._clock.sleep,
            stop=tenacity.stop_after_attempt(self._max_tries),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(RetriableError),
            before_sleep=lambda state: self._announce(name, state),
            reraise=True,
        )
        try:
            return tries(attempt)
        except RetriableError as error:
            raise PartitionError(
                f"{name}: {error}. Given up after try {self._max_tries} of {self._max_tries} "
                "(`max_tries`).",
                is_general=error.is_general,
            ) from None
        except PartitionError as error:
            raise PartitionError(f"{name}: {error}.", is_general=error.is_general) from None

    def exchange(self, request: HTTPRequest) -> Answer:
        """Send a request once and return the answer, whatever its status.

        Raises:
            RetriableError: If no complete answer came.
            PartitionError: If none can come: the other side is not trusted, or speaks no TLS.
        """
        with self._gate.request():
            self.traffic.count(requests=1)
            try:
                answer = self._exchange(request)
            except http_errors.SSLError as error:
                if _may_pass(error):
                    raise RetriableError("the secure connection (TLS) broke off") from None
                raise PartitionError(
                    "no secure connection (TLS) could be made. Check "
                    f"`{request.url_setting}`, and REQUESTS_CA_BUNDLE if your network uses a "
                    "certificate authority of its own",
                    is_general=True,
                ) from None
            except (MemoryError, OverflowError):
                # One piece was announced for which there can be no room.
                raise self._bounds.too_large() from None
            except (http_errors.HTTPError, OSError) as error:
                raise RetriableError(
                    f"{_connection_problem(error)}; check `{request.url_setting}` if this persists",
                    is_general=isinstance(error, _UNREACHABLE),
                ) from None
        if answer.asks_for_patience:
            self.traffic.count(throttles=1)
        return answer

    def _exchange(self, request: HTTPRequest) -> Answer:
        route = self._route(request.url)
        query = f"?{urlencode(request.params)}" if request.params else ""
        # urllib3 itself, of which `requests` makes three times the work. A `token` header would
        # travel along to another host, which `Authorization` would not.
        response = route.pool.urlopen(
            request.method,
            route.target + query,
            body=request.body,
            headers={**self._headers, **request.headers},
            timeout=self._timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
        )
        return Answer(response.status, response.headers, response.data)

    def _route(self, url: str) -> _Route:
        route = self._routes.get(url)
        if route is None:
            route = self._routes[url] = self._find_route(url)
        return route

    def _find_route(self, url: str) -> _Route:
        """Ask `requests`, which knows the variables of the environment and what they mean."""
        with requests.Session() as session:
            found = session.merge_environment_settings(url, {}, None, None, None)
        proxies, authorities = found["proxies"], found["verify"]
        if authorities is True:
            authorities = DEFAULT_CA_BUNDLE_PATH
        request = requests.Request("GET", url).prepare()
        found_pool = self._adapter.get_connection_with_tls_context(request, authorities, proxies)
        pool = cast("urllib3.HTTPConnectionPool", found_pool)
        pool.ConnectionCls = bounded(cast("type[HTTPConnection]", pool.ConnectionCls), self._bounds)
        return _Route(pool, self._adapter.request_url(request, proxies))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Back off; where the server said how long to wait, the gate does too, for everybody."""
        asked = _retry_after(state)
        if asked is not None:
            self._gate.pause(asked)
        return _BACKOFF(state)

    def _announce(self, name: str, state: tenacity.RetryCallState) -> None:
        self.traffic.count(retries=1)
        logger.warning(
            "%s: %s. Try %d of %d, the next in %.0f s.",
            name,
            _error(state),
            state.attempt_number,
            self._max_tries,
            max(state.upcoming_sleep, _retry_after(state) or 0.0),
        )


def check_status(answer: Answer, *, url_setting: str, now: datetime) -> None:
    """Raise what an answer's status means, if it means an error.

    Raises:
        RetriableError: 408, 429 and 5xx.
        PartitionError: Any other that is not a success.
    """
    status = answer.status
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RetriableError(
            f"the server answered {status}",
            # A date is by the clock of who writes it.
            retry_after=retry_after(answer.headers.get("Retry-After"), now=answer.date or now),
        )
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        redirects = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        meaning = _REDIRECT if redirects else _MEANINGS.get(status, "")
        hint = meaning.format(url_setting=url_setting)
        raise PartitionError(f"the server answered {status}{hint}")


_REDIRECT = (
    ": it redirects, which is not followed because the token must not travel to another host. "
    "Check `{url_setting}`"
)
_MEANINGS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: (
        ": it does not accept the parameters. Check `start_date_format`, `filters_in`, "
        "`page_parameter` and `page_size_parameter`"
    ),
    HTTPStatus.FORBIDDEN: (
        ": the service account may not read this. Check `company_code` and `location_ids`"
    ),
    HTTPStatus.NOT_FOUND: ": there is nothing at that address. Check `{url_setting}`",
}


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """The seconds that `Retry-After` asks for, in either form; `LONGEST_PAUSE_SECONDS` at most."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(float(value), LONGEST_PAUSE_SECONDS)
    date = _http_date(value)
    if date is None:
        return None
    return min(max(0.0, (date - now).total_seconds()), LONGEST_PAUSE_SECONDS)


def _http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value) if value else None
    except (ValueError, OverflowError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _retry_after(state: tenacity.RetryCallState) -> float | None:
    error = _error(state)
    return error.retry_after if isinstance(error, RetriableError) else None


def _connection_problem(error: Exception) -> str:
    """What a failed connection met. Never the exception's text, for that holds the whole URL."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind) and not isinstance(error, http_errors.NewConnectionError):
            return words
    if any(isinstance(cause, IncompleteRead) for cause in error.args):
        return "the answer was cut off"
    return f"no connection ({_system_reason(error)})"


_UNREACHABLE = (
    http_errors.NewConnectionError,
    http_errors.ConnectTimeoutError,
    http_errors.ProxyError,
)
_WORDS: dict[type[Exception], str] = {
    http_errors.ProxyError: "the proxy of your network could not be reached or refused",
    http_errors.ConnectTimeoutError: f"no connection within {CONNECT_TIMEOUT_SECONDS} s",
    http_errors.ReadTimeoutError: "no answer in time (`request_timeout_seconds`)",
    http_errors.DecodeError: "the answer's compression is broken",
}


def _may_pass(error: http_errors.SSLError) -> bool:
    """Whether a TLS connection was broken off, rather than impossible to make."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))


def _system_reason(error: BaseException) -> str:
    """The operating system's word for it, from the innermost error that has one."""
    seen: list[BaseException] = []
    queue: list[Any] = [error]
    while queue and len(seen) < 20:  # noqa: PLR2004 - a bound, for causes may form a circle
        current = queue.pop(0)
        if not isinstance(current, BaseException) or current in seen:
            continue
        seen.append(current)
        queue += [*current.args, getattr(current, "reason", None)]
        queue += [current.__cause__, current.__context__]
    reasons = [os.strerror(e.errno) for e in seen if isinstance(e, OSError) and e.errno]
    unknown = any("NameResolution" in type(e).__name__ for e in seen)
    return "the host name is not known" if unknown else (reasons or ["it was closed"])[-1].lower()
