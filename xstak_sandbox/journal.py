"""What the sandbox was asked, in order of arrival."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Endpoint = Literal["token", "orders", "unknown"]

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request and how it was answered.

    Attributes:
        endpoint: Which of the vendor's endpoints it met.
        method: Upper case.
        path: Without the query.
        query: Decoded pairs of name and value in the order sent.
        headers: Lower-case names; a header sent twice is joined with a comma.
        raw_body: The bytes of the body.
        at_monotonic: Real seconds of its arrival, on `time.monotonic`.
        at_world: The world's time of its arrival.
        in_flight: Requests being answered at that moment, this one included.
        status: The status of its answer; None while there is none, and for ever after a reset.
        fault: The kind of fault that struck it, if any.
    """

    endpoint: Endpoint
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    raw_body: bytes
    at_monotonic: float
    at_world: datetime
    in_flight: int = 0
    status: int | None = None
    fault: str | None = None

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON is of any type
        """The parsed body; None when it is empty or no JSON."""
        try:
            return json.loads(self.raw_body)
        except ValueError:
            return None

    def as_json(self) -> dict[str, object]:
        """The entry as plain JSON values, the body as text."""
        return {
            "endpoint": self.endpoint,
            "method": self.method,
            "path": self.path,
            "query": [list(pair) for pair in self.query],
            "headers": self.headers,
            "body": self.raw_body.decode(errors="replace"),
            "json": self.json,
            "at_monotonic": self.at_monotonic,
            "at_world": self.at_world.isoformat(),
            "in_flight": self.in_flight,
            "status": self.status,
            "fault": self.fault,
        }


class Journal:
    """Entries in order of arrival. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._entries: dict[int, Entry] = {}
        self._arrivals = 0
        self._in_flight: set[int] = set()
        self._max_in_flight = 0

    def entries(self, endpoint: Endpoint | None = None) -> list[Entry]:
        """A snapshot of all entries, or of those of one endpoint."""
        with self._lock:
            entries = list(self._entries.values())
        return [entry for entry in entries if endpoint in {None, entry.endpoint}]

    @property
    def orders(self) -> list[Entry]:
        """A snapshot of the requests for orders."""
        return self.entries("orders")

    @property
    def tokens(self) -> list[Entry]:
        """A snapshot of the requests for tokens."""
        return self.entries("token")

    @property
    def max_in_flight(self) -> int:
        """The most requests that were ever being answered at once."""
        with self._lock:
            return self._max_in_flight

    def wait_for(
        self, count: int, endpoint: Endpoint | None = None, *, timeout: float = PATIENCE_SECONDS
    ) -> None:
        """Return when so many requests are written down, of all or of one endpoint.

        A fault has then struck, if one does: `Sandbox.release` frees a request that hangs.

        Raises:
            TimeoutError: They did not come within `timeout` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._count(endpoint) >= count, timeout):
                raise TimeoutError(f"{self._count(endpoint)} requests came, not {count}")

    def clear(self) -> None:
        """Forget everything; requests being answered still count as in flight."""
        with self._lock:
            self._entries.clear()
            self._max_in_flight = len(self._in_flight)

    def arrive(self, entry: Entry) -> int:
        """Write a request down and tell its number, by which to complete it."""
        with self._lock:
            self._arrivals += 1
            self._in_flight.add(self._arrivals)
            in_flight = len(self._in_flight)
            self._max_in_flight = max(self._max_in_flight, in_flight)
            self._entries[self._arrivals] = replace(entry, in_flight=in_flight)
            self._arrived.notify_all()
            return self._arrivals

    def struck(self, number: int, fault: str) -> None:
        """Write down that a fault struck a request."""
        self._change(number, lambda entry: replace(entry, fault=fault))

    def answered(self, number: int, status: int) -> None:
        """Write down the status of a request's answer."""
        self._change(number, lambda entry: replace(entry, status=status))

    def leave(self, number: int) -> None:
        """A request is being answered no longer; once is enough."""
        with self._lock:
            self._in_flight.discard(number)

    def _count(self, endpoint: Endpoint | None) -> int:
        return sum(endpoint in {None, entry.endpoint} for entry in self._entries.values())

    def _change(self, number: int, change: Callable[[Entry], Entry]) -> None:
        with self._lock:
            if number in self._entries:
                self._entries[number] = change(self._entries[number])
