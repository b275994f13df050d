"""Writes every request into the journal, and every answer's date and request ID."""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders, QueryParams

from xstak_sandbox.journal import Entry
from xstak_sandbox.moments import in_gmt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from xstak_sandbox.clock import WorldClock
    from xstak_sandbox.journal import Endpoint, Journal
    from xstak_sandbox.quirks import Quirks

CONTROL = "/_sandbox/"


class Recorder:
    """An ASGI application around another; the control paths pass unrecorded.

    Args:
        app: What answers.
        journal: Where to write.
        clock: The world's, which the `Date` header follows.
        quirks: Of the headers `Date` and `X-Request-Id`.
        endpoints: The vendor's paths and their names.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        journal: Journal,
        clock: WorldClock,
        quirks: Quirks,
        endpoints: Mapping[str, Endpoint],
    ) -> None:
        self._app = app
        self._journal = journal
        self._clock = clock
        self._quirks = quirks
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        if scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
        else:
            await self._recorded(scope, receive, send)

    async def _recorded(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        number = self._journal.arrive(self._entry(scope, body))
        scope["state"]["number"] = number

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._journal.answered(number, message["status"])
                self._date(message)
                self._identify(message, number)
            elif not message.get("more_body", False):
                # Before the client can see the end of the answer, and ask again.
                self._journal.leave(number)
            await send(message)

        try:
            await self._app(scope, _again(body, receive), recorded)
        finally:
            self._journal.leave(number)

    def _entry(self, scope: Scope, body: bytes) -> Entry:
        headers = Headers(scope=scope)
        return Entry(
            endpoint=self._endpoints.get(scope["path"], "unknown"),
            method=scope["method"],
            path=scope["path"],
            query=tuple(QueryParams(scope["query_string"]).multi_items()),
            headers={name: ", ".join(headers.getlist(name)) for name in headers},
            raw_body=body,
            at_monotonic=time.monotonic(),
            at_world=self._clock.now(),
        )

    def _date(self, message: Message) -> None:
        if self._quirks.sends_date:
            ahead = timedelta(seconds=self._quirks.date_skew_seconds)
            date = format_datetime(in_gmt(self._clock.now() + ahead), usegmt=True)
            MutableHeaders(scope=message)["date"] = date

    def _identify(self, message: Message, number: int) -> None:
        if self._quirks.request_id_header:
            request_id = self._quirks.request_id.replace("{number}", str(number))
            MutableHeaders(scope=message)[self._quirks.request_id_header] = request_id


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the client has gone before its end."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message["body"])
        more = message["more_body"]
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
