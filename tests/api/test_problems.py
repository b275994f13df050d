"""What is said of the errors of libraries."""

from __future__ import annotations

import errno
import time

import urllib3
from urllib3.exceptions import ProtocolError

from tap_xstak_oms.api.bounds import Bounds
from tap_xstak_oms.api.exchange import HTTPRequest
from tap_xstak_oms.api.problems import problem
from tap_xstak_oms.api.routes import Route

URL = "https://api.example.com"


def test_causes_that_form_a_circle_end() -> None:
    """Errors may name each other as causes: the reason is found, and no worker looks for ever."""
    error, cause = ProtocolError("Connection broken"), OSError(errno.ECONNRESET, "reset")
    error.__cause__, cause.__cause__ = cause, error
    request = HTTPRequest("GET", URL, "api_url", {}, {})
    with urllib3.HTTPSConnectionPool("api.example.com") as pool:
        said = problem(error, request, Route(pool, "/", None), Bounds(time.monotonic, 1))
    assert str(said) == (
        "no connection (connection reset by peer); check `api_url` if this persists"
    )
