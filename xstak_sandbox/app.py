"""The sandbox as an ASGI application."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from xstak_sandbox.control import Control
from xstak_sandbox.recorder import Recorder
from xstak_sandbox.vendor import ORDERS_PATH, error, token_path

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from xstak_sandbox.clock import WorldClock
    from xstak_sandbox.front import Front
    from xstak_sandbox.journal import Journal
    from xstak_sandbox.quirks import Quirks
    from xstak_sandbox.world import World


def build_app(
    front: Front, *, world: World, clock: WorldClock, quirks: Quirks, journal: Journal
) -> ASGIApp:
    """Join the endpoints, the controls and the journal."""
    token = token_path(quirks)
    routes = [
        Route(token, front.token, methods=["POST"]),
        Route(ORDERS_PATH, front.orders, methods=["GET"]),
        *Control(world, clock, quirks, journal).routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refusal})
    # A slash too many is a wrong path here, not a redirect.
    app.router.redirect_slashes = False
    return Recorder(
        app,
        journal=journal,
        clock=clock,
        quirks=quirks,
        endpoints={token: "token", ORDERS_PATH: "orders"},
    )


async def _refusal(request: Request, problem: Exception) -> Response:
    code = problem.status_code if isinstance(problem, HTTPException) else 500
    message = f"{HTTPStatus(code).phrase}: {request.method} {request.url.path}"
    return Response(error(code, message).body, code, media_type="application/json")
