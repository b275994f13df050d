"""Answers that no well-behaved server gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


WIRE = "wire"
BETWEEN_DROPS_SECONDS = 0.005


class Wire(Protocol):
    """The connections under the requests, each known by the peer's host and port.

    The server puts it into every request's state under the name `WIRE`.
    """

    def reset(self, peer: tuple[str, int]) -> None:
        """End a connection at once with a TCP RST."""

    def close(self, peer: tuple[str, int]) -> None:
        """End a connection after what was written to it."""

    def write(self, peer: tuple[str, int], data: bytes) -> None:
        """Write to a connection, whatever HTTP says."""


class Reset(Response):
    """No answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        del send
        _wire(scope).reset(scope["client"])
        await _disconnected(receive)


class BrokenOff(Response):
    """The first half of a body whose length is told truly, then the end of the connection."""

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        half = bytes(self.body)[: len(self.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _wire(scope).close(scope["client"])
        await _disconnected(receive)


class Dripping(Response):
    """A body that never ends and never says anything."""

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        del scope
        gone = asyncio.ensure_future(_disconnected(receive))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while not gone.done():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.wait({gone}, timeout=BETWEEN_DROPS_SECONDS)


class Hinted(Response):
    """Another answer, behind an informational one.

    Args:
        answer: What is given in the end.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
        _wire(scope).write(scope["client"], hints)
        await self._answer(scope, receive, send)


class BadlyHeaded(Response):
    """A body behind a head of which one line, with the request's target, is no header."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        del send
        target = scope["path"].encode() + b"?" + scope["query_string"]
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n\r\n"
        body = bytes(self.body)
        _wire(scope).write(scope["client"], head % (len(body), target) + body)
        _wire(scope).close(scope["client"])
        await _disconnected(receive)


class Held(Response):
    """Another answer, held back until a gate opens or a time has passed.

    Args:
        answer: What is given in the end, unless the client has gone.
        gate: Opens it early.
        seconds: How long to hold it at most; None: for ever.
    """

    def __init__(self, answer: Response, gate: asyncio.Event, seconds: float | None) -> None:
        super().__init__()
        self._answer = answer
        self._gate = gate
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        gone = asyncio.ensure_future(_disconnected(receive))
        opened = asyncio.ensure_future(self._gate.wait())
        done, waiting = await asyncio.wait(
            {gone, opened}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        if gone not in done:
            await self._answer(scope, receive, send)


def _wire(scope: Scope) -> Wire:
    wire: Wire = scope["state"][WIRE]
    return wire


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
