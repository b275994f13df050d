"""Airbyte's messages on stdout, in the place of Singer's."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib import Message, RecordMessage, StateMessage
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.singer.writer import STALL_SECONDS, LineWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}


class _RecordLine(msgspec.Struct):
    record: msgspec.Raw


class AirbyteWriter(LineWriter):
    """Writes Airbyte's messages where the tap writes Singer's.

    What is logged comes from any thread, which is why there is a lock.

    Args:
        stream: The name of the only stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__()
        self._stream = stream
        self.lock = threading.RLock()
        """Held while a message is written."""
        self._decoder = msgspec.json.Decoder(_RecordLine)
        self._status: str | None = None
        self._state: dict[str, Any] = {}
        self._records_since_state = 0

    @override
    def write_message(self, message: Message) -> None:
        if isinstance(message, RecordMessage):
            self.write_lines([self.serialize_message(message)])
        # Before the stream has started, the state given is not known to be loaded.
        elif isinstance(message, StateMessage) and self._status:
            self._say_state(message.value.get("bookmarks", {}).get(self._stream, {}))

    @override
    def write_lines(self, pieces: Sequence[bytes]) -> None:
        lines = self._decoder.decode_lines(b"".join(pieces))
        records = [self._record(line.record) for line in lines]
        if not records:
            return
        with self.lock:
            self.say_status("RUNNING")
            self._records_since_state += len(records)
            super().write_lines(records)

    def _record(self, data: msgspec.Raw) -> bytes:
        return b'{"type":"RECORD","record":{"stream":"%b","data":%b,"emitted_at":%d}}\n' % (
            self._stream.encode(),
            data,
            _now(),
        )

    @override
    def flush(self) -> None:
        with self.lock:
            super().flush()

    @override
    def stop(self, signal_number: int, say_last: Callable[[], None]) -> None:
        def die(*_: object) -> None:
            # PyAirbyte ends a source of which it has read enough, and takes an exit code for a
            # failure, the signal itself for none.
            signal.signal(signal_number, signal.SIG_DFL)
            os.kill(os.getpid(), signal_number)

        def end() -> None:
            say_last()
            self.say_status("INCOMPLETE")
            die()

        signal.signal(signal.SIGALRM, die)
        signal.setitimer(signal.ITIMER_REAL, STALL_SECONDS / 2)
        # A line that another thread is writing goes out first: what ends a write that is under way
        # is called by the thread that writes, and only the main one may set a signal's handler.
        with self.lock:
            super().stop(signal_number, end)

    def say(self, kind: str, content: dict[str, Any], key: str | None = None) -> None:
        """Write a message at once; from any thread."""
        message = {"type": kind, key or kind.lower(): content}
        with self.lock:
            self._lines.append(self._encoder.encode(message) + b"\n")
            self.flush()

    def say_status(self, status: str) -> None:
        """Tell how far the stream is, where that is new; only once it has started."""
        with self.lock:
            if self._status == status or (self._status is None and status != "STARTED"):
                return
            self._status = status
            of_stream = {"stream_descriptor": {"name": self._stream}, "status": status}
            self._say_trace("STREAM_STATUS", "stream_status", of_stream)

    def say_complete(self) -> None:
        """End the stream, with a state behind the last of its records."""
        if self._records_since_state:
            self._say_state(self._state)
        self.say_status("COMPLETE")

    def say_failure(self, error: Exception) -> None:
        """Tell what went wrong, and whether it is the user who can mend it."""
        self.say_status("INCOMPLETE")
        if isinstance(error, TapError):
            trace = {"message": str(error), "failure_type": "config_error"}
        else:
            trace = {
                # The text of an error that is not ours could hold anything.
                "message": f"An error in the source itself: {type(error).__name__}.",
                "stack_trace": "".join(traceback.format_tb(error.__traceback__)),
                "failure_type": "system_error",
            }
        self._say_trace("ERROR", "error", trace)

    def _say_state(self, state: dict[str, Any]) -> None:
        with self.lock:
            count, self._records_since_state = self._records_since_state, 0
            self._state = state
            of_stream = {"stream_descriptor": {"name": self._stream}, "stream_state": state}
            # The protocol has a decimal point here.
            stats = {"recordCount": float(count)}
            self.say("STATE", {"type": "STREAM", "stream": of_stream, "sourceStats": stats})

    def _say_trace(self, kind: str, key: str, content: dict[str, Any]) -> None:
        self.say("TRACE", {"type": kind, "emitted_at": float(_now()), key: content})


class LogHandler(logging.Handler):
    """Makes LOG messages of what is logged."""

    def __init__(self, writer: AirbyteWriter) -> None:
        self._writer = writer
        super().__init__()

    @override
    def createLock(self) -> None:
        # With a second lock, two threads could each wait for the other.
        self.lock = self._writer.lock

    @override
    def emit(self, record: logging.LogRecord) -> None:
        level = _LEVELS.get(record.levelno, "INFO")
        self._writer.say("LOG", {"level": level, "message": self.format(record)})


def _now() -> int:
    """The time in milliseconds."""
    return time.time_ns() // 1_000_000
