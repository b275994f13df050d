"""The vendor's two endpoints over HTTP, each answer bent by the fault that strikes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from xstak_sandbox.codings import bomb, compress, in_members
from xstak_sandbox.damage import DAMAGE
from xstak_sandbox.faults import Fault, Kind, Sighting
from xstak_sandbox.moments import in_gmt
from xstak_sandbox.responses import BadlyHeaded, BrokenOff, Dripping, Held, Hinted, Reset
from xstak_sandbox.vendor import Answer, Asked, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from xstak_sandbox.faults import FaultScript
    from xstak_sandbox.journal import Journal
    from xstak_sandbox.vendor import Vendor

HTML = "<!doctype html><html><body><h1>Service temporarily unavailable</h1></body></html>"
NOT_JSON = b"upstream connect error or disconnect/reset before headers"
ERROR_BODY = {"status": 500, "error": "Internal Server Error", "message": "please try again"}
LEAST_COMPRESSED = 512


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things go.

    Attributes:
        tick: World time that passes with every orders request.
        latency: Real seconds by which every answer is late.
    """

    tick: timedelta = timedelta()
    latency: float = 0.0

    def __post_init__(self) -> None:
        if self.tick < timedelta() or self.latency < 0:
            raise ValueError("neither the tick nor the latency is less than nothing")


@dataclass(frozen=True, slots=True)
class _Exchange:
    asked: Asked
    answer: Answer
    fault: Fault


class Front:
    """Answers requests; lives on the server's loop.

    Args:
        vendor: Gives the true answers; its clock is moved on by every orders request.
        faults: Those scripted.
        journal: Told which fault struck.
        pace: See there.
    """

    def __init__(
        self, vendor: Vendor, *, faults: FaultScript, journal: Journal, pace: Pace
    ) -> None:
        self._vendor = vendor
        self._faults = faults
        self._journal = journal
        self._pace = pace
        self._gate = asyncio.Event()
        self._benders: dict[Kind, Callable[[_Exchange], Response]] = {
            Kind.STATUS: self._status,
            Kind.HTML: lambda _: Response(HTML, media_type="text/html"),
            Kind.ERROR_BODY: lambda _: JSONResponse(ERROR_BODY),
            Kind.NOT_JSON: lambda _: Response(NOT_JSON, media_type="application/json"),
            Kind.NO_ACCESS_TOKEN: lambda _: JSONResponse({"token_type": "Bearer"}),
            Kind.RESET: lambda _: Reset(),
            Kind.TRUNCATED_BODY: self._broken_off,
            Kind.HANG: self._held,
            Kind.LATENCY: self._held,
            Kind.DRIP: lambda _: Dripping(),
            Kind.EARLY_HINTS: lambda of: Hinted(self._true(of.asked, of.answer)),
            Kind.BAD_HEADER: lambda of: BadlyHeaded(_body(of)),
            Kind.GZIP_MEMBERS: lambda of: _compressed(in_members(_body(of))),
            Kind.GZIP_TWICE: lambda of: _coded(compress(compress(_body(of))), "gzip, gzip"),
            Kind.BOMB: _bomb,
            Kind.FOREIGN_CODING: lambda of: _coded(_body(of), "br"),
        }

    def release(self) -> None:
        """Give every answer that now hangs; from the loop's thread only."""
        self._gate.set()
        self._gate = asyncio.Event()

    async def token(self, request: Request) -> Response:
        """Answer a token request."""
        asked = await _asked(request)
        fault = self._strike(Sighting("token"), request)
        short = fault is not None and fault.kind is Kind.SHORT_TOKEN
        answer = self._vendor.grant(asked, fault.seconds if fault and short else None)
        return self._late(self._bent(asked, answer, fault))

    async def orders(self, request: Request) -> Response:
        """Answer an orders request, as of its arrival."""
        asked = await _asked(request)
        now = self._vendor.clock.tick(self._pace.tick)
        answer = self._vendor.orders(asked, now)
        sighting = self._vendor.sighting(asked, answer)
        fault = self._strike(sighting, request)
        if fault is not None and fault.kind is Kind.WRONG_PAGE:
            answer = self._vendor.other_page(asked, now, sighting.pages)
        return self._late(self._bent(asked, answer, fault))

    def _strike(self, sighting: Sighting, request: Request) -> Fault | None:
        fault = self._faults.strike(sighting)
        if fault is not None:
            self._journal.struck(request.state.number, fault.kind)
        return fault

    def _bent(self, asked: Asked, answer: Answer, fault: Fault | None) -> Response:
        if fault is None:
            return self._true(asked, answer)
        if answer.page is not None and fault.kind in DAMAGE:
            return self._json(asked, DAMAGE[fault.kind](answer.page))
        bend = self._benders.get(fault.kind)
        return bend(_Exchange(asked, answer, fault)) if bend else self._true(asked, answer)

    def _true(self, asked: Asked, answer: Answer) -> Response:
        if answer.page is None:
            return self._json(asked, answer.body, answer.code)
        if self._compresses(asked):
            return _compressed(answer.page.compressed)
        return self._json(asked, answer.page.body)

    def _json(self, asked: Asked, body: bytes, code: int = 200) -> Response:
        if self._compresses(asked) and len(body) >= LEAST_COMPRESSED:
            return _compressed(compress(body), code)
        return Response(body, code, media_type="application/json")

    def _compresses(self, asked: Asked) -> bool:
        return self._vendor.quirks.compresses and "gzip" in asked.headers.get("accept-encoding", "")

    def _status(self, exchange: _Exchange) -> Response:
        fault = exchange.fault
        if fault.revokes:
            self._vendor.tokens.revoke(exchange.asked.token)
        response = self._json(exchange.asked, error(fault.code, "scripted").body, fault.code)
        if fault.retry_after is not None:
            response.headers["retry-after"] = self._retry_after(fault, fault.retry_after)
        return response

    def _retry_after(self, fault: Fault, seconds: float) -> str:
        if fault.retry_after_as != "date":
            return f"{seconds:.0f}" if fault.retry_after_as == "seconds" else str(float(seconds))
        ahead = timedelta(seconds=seconds + self._vendor.quirks.date_skew_seconds)
        return format_datetime(in_gmt(self._vendor.clock.now() + ahead), usegmt=True)

    def _broken_off(self, exchange: _Exchange) -> Response:
        return BrokenOff(_body(exchange))

    def _held(self, exchange: _Exchange) -> Response:
        hangs = exchange.fault.kind is Kind.HANG
        gate = self._gate if hangs else asyncio.Event()
        seconds = exchange.fault.seconds if hangs else exchange.fault.seconds or 0.0
        return Held(self._true(exchange.asked, exchange.answer), gate, seconds)

    def _late(self, response: Response) -> Response:
        if not self._pace.latency:
            return response
        return Held(response, asyncio.Event(), self._pace.latency)


def _body(exchange: _Exchange) -> bytes:
    page = exchange.answer.page
    return page.body if page else exchange.answer.body


def _bomb(exchange: _Exchange) -> Response:
    coding = exchange.fault.coding
    name = "gzip" if coding == "members" else coding
    return _coded(bomb(_body(exchange), coding), name)


def _compressed(body: bytes, code: int = 200) -> Response:
    return _coded(body, "gzip", code)


def _coded(body: bytes, coding: str, code: int = 200) -> Response:
    headers = {"content-encoding": coding, "vary": "accept-encoding"}
    return Response(body, code, headers, media_type="application/json")


async def _asked(request: Request) -> Asked:
    return Asked(
        query=dict(reversed(request.query_params.multi_items())),
        headers=request.headers,
        body=await request.body(),
    )
