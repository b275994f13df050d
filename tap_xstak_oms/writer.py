"""Singer messages on stdout: whole lines, few writes, and an orderly end at any moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import msgspec
from singer_sdk.singerlib import Message, SingerMessageType
from singer_sdk.singerlib.encoding import GenericSingerWriter
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BUFFER_BYTES = 256 * 1024
STALL_SECONDS = 1.0
"""How long an end waits for whoever reads our stdout."""
SIGNAL_EXIT_CODE = 128


class Stopped(BaseException):
    """A signal has asked the process to end, between two lines of output.

    Attributes:
        exit_code: What the process is to end with.
        say_last: Writes what is left to say.
    """

    def __init__(self, exit_code: int, say_last: Callable[[], None]) -> None:
        super().__init__()
        self.exit_code = exit_code
        self.say_last = say_last


class LineWriter(GenericSingerWriter[bytes, Message]):
    """Gathers RECORD lines and writes them together, before any other message at the latest.

    Used by one thread, which is also the one that signals interrupt.
    """

    def __init__(self) -> None:
        super().__init__()
        self._encoder = msgspec.json.Encoder(decimal_format="number")
        self._lines = bytearray()
        self._is_writing = False
        self._pending: Stopped | None = None

    @override
    def serialize_message(self, message: Message) -> bytes:
        return self._encoder.encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        self._lines += self.serialize_message(message) + b"\n"
        if message.type != SingerMessageType.RECORD or len(self._lines) >= BUFFER_BYTES:
            self.flush()

    def write_lines(self, lines: Iterable[bytes]) -> None:
        """Write RECORD messages, each a whole line."""
        self._lines += b"".join(lines)
        if len(self._lines) >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand everything gathered to whoever reads our stdout.

        Raises:
            Stopped: If a signal came meanwhile.
        """
        lines, self._lines = self._lines, bytearray()
        self._is_writing = True
        try:
            sys.stdout.buffer.write(lines)
            sys.stdout.buffer.flush()
        finally:
            self._is_writing = False
        if self._pending is not None:
            pending, self._pending = self._pending, None
            raise pending

    def stop(self, signal_number: int, say_last: Callable[[], None]) -> None:
        """End the process in order; called by a signal handler.

        Where a write is under way, its line is finished first. If that takes longer than
        `STALL_SECONDS`, because nobody reads, the process ends without another byte: what follows
        half a line would be taken for its rest.

        Raises:
            Stopped: At once if nothing is being written.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        exit_code = SIGNAL_EXIT_CODE + signal_number
        stalled = threading.Timer(STALL_SECONDS, os._exit, (exit_code,))
        stalled.daemon = True
        stalled.start()
        stopped = Stopped(exit_code, say_last)
        if not self._is_writing:
            raise stopped
        self._pending = stopped
