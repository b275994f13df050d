"""The way to a URL, by the proxy and certificate variables of the environment.

`requests` knows what the variables mean. Its errors are not shown: they quote the variable, which
may hold a password.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from tap_xstak_oms.config.hosts import is_host, is_loopback
from tap_xstak_oms.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a URL.

    Attributes:
        pool: The connections, shared by all threads.
        target: What follows the method in a request line, without the query.
        proxy: The variable that names the proxy; None without a proxy.
    """

    pool: urllib3.HTTPConnectionPool
    target: str
    proxy: str | None


class Routes:
    """Finds the way to a URL. Keeps one pool of connections for each host and proxy."""

    def __init__(self, max_concurrent: int) -> None:
        self._adapter = HTTPAdapter(pool_maxsize=max_concurrent)

    def find(self, url: str, url_setting: str) -> Route:
        """Find the way to a URL.

        Raises:
            RunError: The URL or its proxy cannot be used; the text names the setting or variable.
        """
        try:
            request = requests.Request("GET", url).prepare()
        except ValueError:
            raise RunError(f"`{url_setting}` cannot be used: it is no URL with a host.") from None
        with requests.Session() as session:
            found = session.merge_environment_settings(url, {}, None, None, None)
        authorities = DEFAULT_CA_BUNDLE_PATH if found["verify"] is True else found["verify"]
        parts = urlsplit(url)
        proxies = {} if is_loopback(parts.hostname or "") else found["proxies"]
        proxy = _variable(parts.scheme, proxies) if select_proxy(url, proxies) else None
        try:
            found_pool = self._adapter.get_connection_with_tls_context(
                request, authorities, proxies
            )
        except ValueError as error:
            raise _unusable(proxy, is_socks=isinstance(error, InvalidSchema)) from None
        pool = cast("urllib3.HTTPConnectionPool", found_pool)
        if pool.proxy and not is_host((pool.proxy.host or "").strip("[]")):
            raise _unusable(proxy)
        return Route(pool, self._adapter.request_url(request, proxies), proxy)


def _variable(scheme: str, proxies: Mapping[str, str]) -> str:
    """The environment variable that the proxy comes from, in Python's order of preference."""
    name = f"{scheme}_proxy" if scheme in proxies else "all_proxy"
    return next((known for known in (name, name.upper()) if os.environ.get(known)), name)


def _unusable(variable: str | None, *, is_socks: bool = False) -> RunError:
    if is_socks:
        return RunError(
            f"The proxy that the environment variable {variable} names is a SOCKS proxy: install "
            "the package PySocks to use it."
        )
    return RunError(
        f"The environment variable {variable} names no proxy that can be used: it must be a URL "
        "such as http://proxy.example.com:3128."
    )
