"""The ID that a server gives to a request: its operators can find the request by it."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_xstak_oms.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_xstak_oms.api.exchange import HTTPRequest

HEADERS = (
    "X-Request-Id",
    "Request-Id",
    "X-Correlation-Id",
    "Correlation-Id",
    "X-Amzn-RequestId",
    "X-Amz-Request-Id",
    "X-Trace-Id",
    "X-B3-TraceId",
    "traceparent",
    "CF-Ray",
)
"""Where servers, gateways and tracers write it, the nearest to the application first."""
_SAFE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SECRET_LENGTH = 8
"""A shorter value that was sent is no secret; an ID may hold it by chance."""


def request_id(headers: Mapping[str, str], request: HTTPRequest) -> str | None:
    """The ID in an answer's headers; None if there is none that is safe to show.

    It must look like an ID and must not echo what was sent, which may be a secret.
    """
    for name in HEADERS:
        value = headers.get(name, "").strip()
        if _SAFE.fullmatch(value) and not _is_echo(value, request):
            return value
    return None


def _is_echo(value: str, request: HTTPRequest) -> bool:
    body = json.loads(request.body) if request.body else {}
    sent = map(str, (*request.headers.values(), *request.params.values(), *body.values()))
    return any(value in one or (len(one) >= _SECRET_LENGTH and one in value) for one in sent)


@contextmanager
def identified(found: str | None) -> Iterator[None]:
    """Add the ID of the request to an error that is raised inside."""
    try:
        yield
    except TapError as error:
        error.request_id = found
        raise


def with_id(error: TapError) -> str:
    """An error's text, followed by the ID of its request."""
    return f"{error} (request ID {error.request_id})" if error.request_id else str(error)
