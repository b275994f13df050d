"""Control over HTTP, for a sandbox that is its own process."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xstak_sandbox.moments import milliseconds
from xstak_sandbox.pages import since
from xstak_sandbox.recorder import CONTROL

if TYPE_CHECKING:
    from starlette.requests import Request

    from xstak_sandbox.clock import WorldClock
    from xstak_sandbox.journal import Journal
    from xstak_sandbox.quirks import Quirks
    from xstak_sandbox.world import World

UNITS = frozenset({"days", "hours", "minutes", "seconds"})


class Control:
    """Answers the control paths."""

    def __init__(self, world: World, clock: WorldClock, quirks: Quirks, journal: Journal) -> None:
        self._world = world
        self._clock = clock
        self._quirks = quirks
        self._journal = journal

    def routes(self) -> list[Route]:
        """The control paths."""
        return [
            Route(f"{CONTROL}health", self.health),
            Route(f"{CONTROL}journal", self.journal),
            Route(f"{CONTROL}journal", self.clear, methods=["DELETE"]),
            Route(f"{CONTROL}advance", self.advance, methods=["POST"]),
            Route(f"{CONTROL}summary", self.summary),
        ]

    async def health(self, _: Request) -> Response:
        """Tell that it lives, and the world's time."""
        return JSONResponse({"status": "ok", "now": self._clock.now().isoformat()})

    async def journal(self, _: Request) -> Response:
        """Tell every request so far."""
        entries = [entry.as_json() for entry in self._journal.entries()]
        return JSONResponse({"max_in_flight": self._journal.max_in_flight, "entries": entries})

    async def clear(self, _: Request) -> Response:
        """Forget every request so far."""
        self._journal.clear()
        return Response(status_code=204)

    async def advance(self, request: Request) -> Response:
        """Let time pass: an object of `days`, `hours`, `minutes` and `seconds`."""
        try:
            self._clock.advance(_delta(await request.json()))
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return await self.health(request)

    async def summary(self, request: Request) -> Response:
        """Count the orders per location and status, as of now and from `?start=`, if given."""
        try:
            start = datetime.fromisoformat(request.query_params.get("start", "1970-01-01T00:00Z"))
            moment = milliseconds(start)
        except (ValueError, TypeError):
            return JSONResponse({"message": "start must be a date with an offset"}, 400)
        now = self._clock.now()
        orders = since(self._world.orders_at(now), moment, self._quirks)
        counts = Counter((order.location, order.status) for order in orders)
        rows = [
            {"location": location, "status": status, "orders": counts[location, status]}
            for location in self._world.locations
            for status in self._world.statuses
        ]
        return JSONResponse({"now": now.isoformat(), "total": len(orders), "orders": rows})


def _delta(units: object) -> timedelta:
    if not isinstance(units, dict) or not units or not units.keys() <= UNITS:
        raise ValueError(f"send an object of {', '.join(sorted(UNITS))}")
    if not all(type(amount) in {int, float} for amount in units.values()):
        raise ValueError("each amount must be a number")
    return timedelta(**units)
