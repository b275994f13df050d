"""Errors of a request that got no answer, in our own words.

The words of the libraries below hold whole URLs, and what the server sent.
"""

from __future__ import annotations

import os
import re
import ssl
from http.client import IncompleteRead
from typing import TYPE_CHECKING

from urllib3 import exceptions as http_errors

from tap_xstak_oms.api.bounds import TIMEOUTS_AN_ANSWER, TooLateError
from tap_xstak_oms.api.decoding import TooLargeError
from tap_xstak_oms.errors import PartitionError, RetriableError, RunError

if TYPE_CHECKING:
    from tap_xstak_oms.api.bounds import Bounds
    from tap_xstak_oms.api.exchange import HTTPRequest
    from tap_xstak_oms.api.routes import Route
    from tap_xstak_oms.errors import TapError

CONNECT_TIMEOUT_SECONDS = 10
MEGABYTE = 1 << 20
_PROXY_REFUSES = re.compile(r"Tunnel connection failed: (403|407)\b")


def problem(error: Exception, request: HTTPRequest, route: Route, bounds: Bounds) -> TapError:
    """Return the error to raise for one that a library raised during a request."""
    if isinstance(error, TooLargeError):
        return PartitionError(
            f"the answer is larger than {bounds.largest_bytes // MEGABYTE} MiB{request.smaller}"
        )
    if isinstance(error, TooLateError):
        return RetriableError(
            f"the answer was not whole within {bounds.seconds:.0f} s ({TIMEOUTS_AN_ANSWER} times "
            f"`request_timeout_seconds`){request.smaller}"
        )
    if isinstance(error, http_errors.SSLError):
        return _tls_problem(error, request)
    if isinstance(error, http_errors.ProxyError) and (refusal := _PROXY_REFUSES.search(str(error))):
        return RunError(
            f"The proxy that the environment variable {route.proxy} names refused to connect "
            f"(status {refusal[1]}): check it, and the user name and password in it."
        )
    return RetriableError(
        f"{_in_words(error, request, route)}; check `{request.url_setting}` if this persists"
    )


def _tls_problem(error: http_errors.SSLError, request: HTTPRequest) -> PartitionError:
    """Tell a TLS connection that broke off, which may pass, from one that cannot be made."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)):
        return RetriableError("the secure connection (TLS) broke off")
    return PartitionError(
        f"no secure connection (TLS) could be made. Check `{request.url_setting}`, and "
        "REQUESTS_CA_BUNDLE if your network uses a certificate authority of its own"
    )


def _in_words(error: Exception, request: HTTPRequest, route: Route) -> str:
    if any(isinstance(cause, IncompleteRead) for cause in error.args):
        return "the answer was cut off"
    for kind, words in _WORDS.items():
        # To urllib3 a failed connection is a kind of timeout.
        if isinstance(error, kind) and not isinstance(error, http_errors.NewConnectionError):
            return words.format(proxy=route.proxy, smaller=request.smaller)
    return f"no connection ({_system_reason(error)})"


_WORDS: dict[type[Exception], str] = {
    http_errors.ProxyError: "the proxy of your network ({proxy}) could not be reached, or refused",
    http_errors.ConnectTimeoutError: f"no connection within {CONNECT_TIMEOUT_SECONDS} s",
    http_errors.ReadTimeoutError: "no answer in time (`request_timeout_seconds`){smaller}",
}


_MOST_CAUSES = 20
"""Errors looked at: they may name each other as causes in a circle."""


def _system_reason(error: BaseException) -> str:
    """What the operating system says, in the innermost error that has its number."""
    if isinstance(error, http_errors.NameResolutionError):
        return "the host name is not known"
    reason = "it was closed"
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if isinstance(cause, OSError) and cause.errno:
            reason = os.strerror(cause.errno).lower()
        cause = cause and (cause.__cause__ or cause.__context__)
    return reason
