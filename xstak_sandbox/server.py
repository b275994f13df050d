"""An ASGI application on a loopback socket, in a thread that ends when told to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import threading
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from xstak_sandbox.responses import WIRE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

IDLE_CONNECTION_SECONDS = 3600
BACKLOG = 1024
HIGHEST_PORT = 65535
# On, and for no time at all: closing then throws away what was not sent and tells the peer so.
LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free.

    Raises:
        ValueError: There is no such port, or the host is not this machine's loopback: anyone
            knows the sandbox's secrets.
        OSError: The port is taken or not allowed.
    """
    if host != "localhost" and not _is_loopback(host):
        raise ValueError(f"the sandbox listens on loopback addresses only, not on {host}")
    if not 0 <= port <= HIGHEST_PORT:
        raise ValueError(f"a port is a number from 0 to {HIGHEST_PORT}, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only if the protocol is named does asyncio switch Nagle off, which else costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class ServerThread:
    """Serves from the moment it is made until `stop`; also the `Wire` under its requests."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._app = app
        self._server = _Server(
            uvicorn.Config(
                self._wired,
                interface="asgi3",
                proxy_headers=False,
                http=H11Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=IDLE_CONNECTION_SECONDS,
            )
        )
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="xstak-sandbox", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and the thread, whatever was going on."""
        self.call(self._server.end)
        self._thread.join()
        self._loop.close()

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the server's thread and return when it is done."""
        done = threading.Event()

        def call() -> None:
            function()
            done.set()

        self._loop.call_soon_threadsafe(call)
        done.wait()

    def reset(self, peer: tuple[str, int]) -> None:
        """End a connection at once with a TCP RST."""
        transport = self._transport(peer)
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
        transport.abort()

    def close(self, peer: tuple[str, int]) -> None:
        """End a connection after what was written to it."""
        self._transport(peer).close()

    def write(self, peer: tuple[str, int], data: bytes) -> None:
        """Write to a connection, whatever HTTP says."""
        self._transport(peer).write(data)

    async def _wired(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"][WIRE] = self
        await self._app(scope, receive, send)

    def _transport(self, peer: tuple[str, int]) -> asyncio.Transport:
        return next(
            connection.transport
            for connection in self._server.server_state.connections
            if isinstance(connection, H11Protocol) and connection.client == peer
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._listener]))


class _Server(uvicorn.Server):
    """Uvicorn without its waits: a test suite starts and stops hundreds of these."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    def end(self) -> None:
        self._ended.set()

    async def main_loop(self) -> None:
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            loop.remove_reader(listener)
        # A connection just accepted is in a task for a few rounds of the loop. It fails there,
        # and is never closed, if its server is closed meanwhile (Python 3.11).
        # Each handler learns of its lost connection and returns by itself.
        while self.server_state.connections or len(asyncio.all_tasks()) > 1:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
