"""A whole XStak in one object: what tests start and end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from xstak_sandbox.app import build_app
from xstak_sandbox.clock import WorldClock
from xstak_sandbox.faults import FaultScript
from xstak_sandbox.front import Front, Pace
from xstak_sandbox.journal import Journal
from xstak_sandbox.quirks import Quirks
from xstak_sandbox.server import ServerThread, bind
from xstak_sandbox.tokens import Credentials
from xstak_sandbox.vendor import ORDERS_PATH, Vendor, token_path
from xstak_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from starlette.types import ASGIApp

    from xstak_sandbox.faults import Fault
    from xstak_sandbox.shelf import Order


class Sandbox:
    """A local XStak on a loopback port, bound when `start` returns and gone when `stop` does.

    A context manager that starts and stops. Everything on it may be used from any thread.

    Args:
        world: The orders; a small world if not given.
        quirks: How the doubtful points of the document are read.
        faults: What goes wrong.
        clock: The world's time; it stands still at `world.start` if not given.
        credentials: What the token endpoint lets in.
        tick: World time that passes with every orders request, before it is answered.
        latency: Real time by which every answer is late.
        host: A loopback address.
        port: 0 takes any that is free.
        kept_pages: How many finished pages to keep ready, for benchmarks.

    Attributes:
        world: The orders.
        clock: The world's time.
        quirks: As given.
        credentials: As given.
        journal: What was asked.
    """

    def __init__(  # noqa: PLR0913 - each is one thing to set, and all have defaults
        self,
        world: World | None = None,
        *,
        quirks: Quirks | None = None,
        faults: Sequence[Fault] = (),
        clock: WorldClock | None = None,
        credentials: Credentials | None = None,
        tick: timedelta = timedelta(),
        latency: timedelta = timedelta(),
        host: str = "127.0.0.1",
        port: int = 0,
        kept_pages: int = 0,
    ) -> None:
        self.world = world or World()
        self.clock = clock or WorldClock(self.world.start)
        self.quirks = quirks or Quirks()
        self.credentials = credentials or Credentials()
        self.journal = Journal()
        self._faults = FaultScript(faults)
        self._host = host
        self._port = port
        self._vendor = Vendor(self.world, self.clock, self.quirks, self.credentials, kept_pages)
        self._front = Front(
            self._vendor,
            faults=self._faults,
            journal=self.journal,
            pace=Pace(tick, latency.total_seconds()),
        )
        self._server: ServerThread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bind the port and serve.

        Raises:
            OSError: The port is taken or not allowed.
            ValueError: The host is not a loopback address.
        """
        listener = bind(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._server = ServerThread(self._app(), listener)
        self._server.start()

    def stop(self) -> None:
        """End the server and every connection at once; harmless when nothing runs."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    @property
    def url(self) -> str:
        """The base of all paths, such as `http://127.0.0.1:8765`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def api_url(self) -> str:
        """The base of the order API: the same as `url`."""
        return self.url

    @property
    def token_url(self) -> str:
        """The whole URL of the token endpoint, in the spelling that is served (C1)."""
        return self.url + token_path(self.quirks)

    @property
    def orders_url(self) -> str:
        """The whole URL of the orders endpoint."""
        return self.url + ORDERS_PATH

    def config(self, start_date: str, **more: object) -> dict[str, Any]:
        """The settings with which the tap reads all of it, and more of them."""
        return {
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "company_code": self.credentials.company_code,
            "location_ids": list(self.world.locations),
            "start_date": start_date,
            "auth_url": self.token_url,
            "api_url": self.orders_url.removesuffix("/orders/sales_orders"),
        } | more

    def orders(self, *, location: str | None = None, status: str | None = None) -> list[Order]:
        """The orders that the API holds at this moment of the world."""
        return self.world.orders_at(self.clock.now(), location=location, status=status)

    def add_fault(self, fault: Fault) -> None:
        """Script one more fault, which counts requests from now on."""
        self._faults.add(fault)

    def strikes(self, fault: Fault) -> int:
        """How often a fault has struck."""
        return self._faults.strikes(fault)

    def unmet_faults(self) -> list[Fault]:
        """The scripted faults that never struck, so that whoever relied on them was mistaken."""
        return self._faults.unmet()

    def revoke_tokens(self) -> None:
        """Let no token issued so far be accepted any more."""
        self._in_server(self._vendor.tokens.revoke_all)

    def release(self) -> None:
        """Give every answer that hangs at this moment."""
        self._in_server(self._front.release)

    def _in_server(self, function: Callable[[], None]) -> None:
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        self._server.call(function)

    def _app(self) -> ASGIApp:
        return build_app(
            self._front,
            world=self.world,
            clock=self.clock,
            quirks=self.quirks,
            journal=self.journal,
        )
