"""Singer messages on stdout: whole lines, few writes, and a clean end at any moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from singer_sdk.singerlib import Message, SingerMessageType, StateMessage
from singer_sdk.singerlib.encoding import GenericSingerWriter
from typing_extensions import override

from tap_xstak_oms.errors import OutputError
from tap_xstak_oms.records.objects import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUFFER_BYTES = 256 * 1024
STALL_SECONDS = 1.0
"""How long the end waits for the downstream process to read."""
SIGNAL_EXIT_CODE = 128
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class LineWriter(GenericSingerWriter[bytes, Message]):
    """Gathers RECORD lines and writes them together, with the next other message at the latest.

    Used by one thread, which is also the one that signals interrupt.
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = False
        """Whether a write was tried."""
        self._lines: list[bytes] = []
        self._size = 0
        self._is_mid_line = False
        self._end: Callable[[], None] | None = None

    @property
    def is_broken_off(self) -> bool:
        """Whether a write did not finish."""
        return self._is_mid_line

    @override
    def serialize_message(self, message: Message) -> bytes:
        if isinstance(message, StateMessage):
            # `to_dict` copies: with thousands of partitions that costs more than all the rest.
            return to_json({"type": message.type, "value": message.value})
        return to_json(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        self.write_lines([self.serialize_message(message), b"\n"])
        if message.type != SingerMessageType.RECORD:
            self.flush()

    def write_lines(self, pieces: Sequence[bytes]) -> None:
        """Write RECORD messages: whole lines, in pieces."""
        # In one step: a signal must not find half a line gathered.
        self._lines += pieces
        self._size += sum(map(len, pieces))
        if self._size >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write everything gathered to stdout.

        Once that has failed nothing more is written: it would follow half a line, and be read as
        its rest.

        Raises:
            OutputError: Stdout accepts nothing more.
        """
        if self._is_mid_line or not self._lines:
            return
        self.has_begun = self._is_mid_line = True
        try:
            self._write()
            self._is_mid_line = False
        finally:
            if self._end is not None:
                self._end()

    def _write(self) -> None:
        rest = memoryview(b"".join(self._lines))
        self._lines, self._size = [], 0
        try:
            # Without a buffer (PYTHONUNBUFFERED) a signal cuts a write short.
            while rest:
                rest = rest[sys.stdout.buffer.write(rest) :]
            sys.stdout.buffer.flush()
        except OSError as error:
            raise OutputError(error) from None

    def stop(self, signal_number: int, say_last: Callable[[], None]) -> None:
        """End the process cleanly; a signal handler calls this, once.

        The process ends right here: an exception could be swallowed or replaced on its way. Only a
        write that has begun is finished first. If it takes longer than `STALL_SECONDS`, because
        nobody reads, the process ends without another byte.

        Args:
            signal_number: Gives the exit code.
            say_last: Writes the last messages, after all that was gathered.
        """
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        exit_code = SIGNAL_EXIT_CODE + signal_number
        stalled = threading.Timer(STALL_SECONDS, os._exit, (exit_code,))
        stalled.daemon = True
        stalled.start()

        def end() -> None:
            self._end = None
            try:
                say_last()
            finally:
                os._exit(exit_code)

        if self._is_mid_line:
            self._end = end
        else:
            end()
