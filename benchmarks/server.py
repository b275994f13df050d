"""The local XStak as a process of its own, with every page finished before anyone is timed."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from benchmarks.process import ROOT, BenchmarkError, environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STATUSES = ("pending", "completed")
NOW = "2026-01-15T12:00:00+05:00"
START_DATE = "2025-01-01T00:00:00+05:00"
TOKEN_PATH = "/v1/admin/service-account/token"  # noqa: S105 - a path
ORDERS_PATH = "/oe/v2/orders/sales_orders"
PAGES_AT_ONCE = 16
CEILING_READERS = 4
CEILING_REQUESTS = 2000


@dataclass(frozen=True, slots=True)
class Size:
    """How much a server holds.

    Attributes:
        locations: How many.
        orders: For each of them.
        page_size: Orders a page.
        latency_ms: By which each answer is late.
        days: Over which the orders came.
        now: Its time at start.
        hours_later: That have passed since then.
        start_date: Since when there are orders.
    """

    locations: int = 20
    orders: int = 5000
    page_size: int = 100
    latency_ms: int = 0
    days: int = 60
    now: str = NOW
    hours_later: float = 0
    start_date: str = START_DATE


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        url: Its base.
        size: What it holds.
        totals: The orders of each location, both statuses together, in order.
        pages: How many pages there are.
        ceiling: Requests a second that it can answer, where that was measured.
    """

    url: str
    size: Size
    totals: Sequence[int]
    pages: int
    ceiling: float

    def config(self, locations: int | None = None, **more: object) -> dict[str, Any]:
        """The configuration that reads it, or its first locations."""
        return {
            "client_id": "demo-client",
            "client_secret": "demo-secret",
            "company_code": "demo-company",
            "location_ids": _location_ids(locations or self.size.locations),
            "start_date": self.size.start_date,
            "auth_url": self.url + TOKEN_PATH,
            "api_url": self.url + "/oe/v2",
            **more,
        }

    def orders(self, locations: int | None = None) -> int:
        """How many orders it has, or its first locations have."""
        return sum(self.totals[:locations])

    def every_page(self, start_date: str) -> Iterator[bytes]:
        """Every page since a date, as it travels; the server has it at hand from then on."""
        client = _Client(self.url, replace(self.size, start_date=start_date))
        partitions = [
            (status, location)
            for status in STATUSES
            for location in _location_ids(self.size.locations)
        ]
        with ThreadPoolExecutor(PAGES_AT_ONCE) as pool:
            for partition, first in zip(
                partitions, pool.map(lambda one: client.get(*one), partitions), strict=True
            ):
                yield first
                others = range(2, _block(first)["totalPages"] + 1)
                yield from pool.map(partial(client.get, *partition), others)


@contextmanager
def serving(size: Size) -> Iterator[Server]:
    """Start a server, make its pages, and end it."""
    command = [sys.executable, "-m", "xstak_sandbox", "--port=0", "--clock-stands"]
    command += [f"--locations={size.locations}", f"--orders={size.orders}"]
    command += [f"--now={size.now}", f"--days={size.days}"]
    command += [f"--latency-ms={size.latency_ms}", "--keep-pages=1000000"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise BenchmarkError("the server did not start")
            if size.hours_later:
                _advance(url, size.hours_later)
            yield _warmed_up(url, size)
        finally:
            process.terminate()


def _advance(url: str, hours: float) -> None:
    """Let time pass in the server's world."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/_sandbox/advance", json.dumps({"hours": hours}), headers)
    connection.getresponse().read()
    connection.close()


def _warmed_up(url: str, size: Size) -> Server:
    """Ask for every page once."""
    client = _Client(url, size)
    totals = dict.fromkeys(_location_ids(size.locations), 0)
    queries: list[tuple[str, str, int]] = []
    with ThreadPoolExecutor(PAGES_AT_ONCE if size.latency_ms else 1) as pool:
        for status in STATUSES:
            firsts = pool.map(partial(client.first, status), totals)
            for location, page in zip(totals, firsts, strict=True):
                totals[location] += page["totalElements"]
                queries += [(status, location, n) for n in range(2, page["totalPages"] + 1)]
        _drop(pool.map(lambda query: client.get(*query), queries))
    pages = len(queries) + len(STATUSES) * size.locations
    ceiling = 0.0 if size.latency_ms else _ceiling(client, queries)
    return Server(url, size, list(totals.values()), pages, ceiling)


def _ceiling(client: _Client, queries: list[tuple[str, str, int]]) -> float:
    """How many requests a second a few bare readers get answered."""
    wanted = (queries * (CEILING_REQUESTS // max(len(queries), 1) + 1))[:CEILING_REQUESTS]
    with ThreadPoolExecutor(CEILING_READERS) as pool:
        began = time.monotonic()
        _drop(pool.map(lambda query: client.get(*query), wanted))
        return len(wanted) / (time.monotonic() - began)


def _drop(pages: Iterable[bytes]) -> None:
    """Keep none: a child's peak memory begins at what its parent holds."""
    deque(pages, maxlen=0)


class _Client:
    """The barest reader: `http.client`, and nothing done with what comes."""

    def __init__(self, url: str, size: Size) -> None:
        self._host = urlsplit(url).netloc
        self._size = size
        self._idle: list[http.client.HTTPConnection] = []
        self._headers = {"Accept-Encoding": "gzip", "token": self._fetch_token()}

    def first(self, status: str, location: str) -> dict[str, int]:
        """The page block of the first page."""
        return _block(self.get(status, location))

    def get(self, status: str, location: str, page: int | None = None) -> bytes:
        """A page as it travels."""
        query = {
            "order_status": status,
            "locationId": location,
            "start_date": self._size.start_date,
            "size": self._size.page_size,
            **({} if page is None else {"page": page}),
        }
        return self._exchange("GET", f"{ORDERS_PATH}?{urlencode(query)}", headers=self._headers)

    def _exchange(
        self, method: str, path: str, body: str | None = None, *, headers: dict[str, str]
    ) -> bytes:
        connection = self._idle.pop() if self._idle else http.client.HTTPConnection(self._host)
        connection.request(method, path, body, headers)
        answer = connection.getresponse().read()
        self._idle.append(connection)
        return answer

    def _fetch_token(self) -> str:
        body = {
            "clientId": "demo-client",
            "clientSecret": "demo-secret",
            "companyCode": "demo-company",
            "grantType": "client_credentials",
        }
        headers = {"Content-Type": "application/json"}
        answer = self._exchange("POST", TOKEN_PATH, json.dumps(body), headers=headers)
        return str(json.loads(answer)["access_token"])


def _block(page: bytes) -> dict[str, int]:
    """The page block of a page as it travels."""
    block: dict[str, int] = json.loads(gzip.decompress(page))["page"]
    return block


def _location_ids(count: int) -> list[str]:
    return [str(1001 + index) for index in range(count)]
