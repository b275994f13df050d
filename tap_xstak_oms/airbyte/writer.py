"""Writes Airbyte's messages to stdout instead of Singer's."""

from __future__ import annotations

import copy
import logging
import os
import signal
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib import Message, RecordMessage, StateMessage
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.records.objects import to_json
from tap_xstak_oms.singer.writer import STALL_SECONDS, LineWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}


class _RecordLine(msgspec.Struct):
    stream: str
    record: msgspec.Raw


@dataclass(slots=True)
class _Report:
    """What Airbyte was told of a stream.

    Attributes:
        status: The last status; empty before the first.
        state: The last state.
        records: Records since that state.
    """

    status: str = ""
    state: dict[str, Any] | None = None
    records: int = 0


class AirbyteWriter(LineWriter):
    """Writes Airbyte's messages where the tap writes Singer's.

    A lock guards it, because any thread may log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()
        """Held while a message is written."""
        self._decoder = msgspec.json.Decoder(_RecordLine)
        self._reports: dict[str, _Report] = {}

    def start(self, streams: Iterable[str]) -> None:
        """Report some streams as started; nothing is reported of others."""
        self._reports = {stream: _Report() for stream in streams}
        self.say_status("STARTED")

    @override
    def write_message(self, message: Message) -> None:
        if isinstance(message, RecordMessage):
            self.write_lines([self.serialize_message(message)])
        elif isinstance(message, StateMessage):
            bookmarks = message.value.get("bookmarks", {})
            for stream in self._reports:
                self._say_state(stream, bookmarks.get(stream, {}))

    @override
    def write_lines(self, pieces: Sequence[bytes]) -> None:
        lines = self._decoder.decode_lines(b"".join(pieces))
        with self.lock:
            for stream, records in Counter(line.stream for line in lines).items():
                self._say_status_of(stream, "RUNNING")
                self._reports[stream].records += records
            super().write_lines(list(map(self._record, lines)))

    @staticmethod
    def _record(line: _RecordLine) -> bytes:
        return b'{"type":"RECORD","record":{"stream":"%b","data":%b,"emitted_at":%d}}\n' % (
            line.stream.encode(),
            line.record,
            _now(),
        )

    @override
    def flush(self) -> None:
        with self.lock:
            super().flush()

    @override
    def stop(self, signal_number: int, say_last: Callable[[], None]) -> None:
        def die(*_: object) -> None:
            # PyAirbyte stops a source when it has read enough. To it an exit code means failure,
            # the signal itself does not.
            signal.signal(signal_number, signal.SIG_DFL)
            os.kill(os.getpid(), signal_number)

        def end() -> None:
            say_last()
            self.say_status("INCOMPLETE")
            die()

        signal.signal(signal.SIGALRM, die)
        signal.setitimer(signal.ITIMER_REAL, STALL_SECONDS / 2)
        # Let another thread finish its line first: the thread that writes would call `end` after
        # its write, but only the main thread may set a signal handler.
        with self.lock:
            super().stop(signal_number, end)

    def say(self, kind: str, content: dict[str, Any], key: str | None = None) -> None:
        """Write a message at once; from any thread."""
        message = {"type": kind, key or kind.lower(): content}
        with self.lock:
            self._lines.append(to_json(message) + b"\n")
            self.flush()

    def say_status(self, status: str) -> None:
        """Report a status of all started streams; those that have it already stay silent."""
        for stream in self._reports:
            self._say_status_of(stream, status)

    def _say_status_of(self, stream: str, status: str) -> None:
        with self.lock:
            report = self._reports[stream]
            if report.status != status:
                report.status = status
                of_stream = {"stream_descriptor": {"name": stream}, "status": status}
                self._say_trace("STREAM_STATUS", "stream_status", of_stream)

    def say_complete(self) -> None:
        """Report a last state of each stream, and its end."""
        for stream, report in self._reports.items():
            self._say_state(stream, report.state or {})
        self.say_status("COMPLETE")

    def say_failure(self, error: Exception) -> None:
        """Report an error; `failure_type` says whether the user can fix it."""
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

    def _say_state(self, stream: str, state: dict[str, Any]) -> None:
        """Report a stream's state, if the state or the number of records is new."""
        with self.lock:
            report = self._reports[stream]
            if not report.records and state in (report.state, {}):
                return
            count, report.records, report.state = report.records, 0, copy.deepcopy(state)
            of_stream = {"stream_descriptor": {"name": stream}, "stream_state": state}
            # The protocol has a decimal point here.
            stats = {"recordCount": float(count)}
            self.say("STATE", {"type": "STREAM", "stream": of_stream, "sourceStats": stats})

    def _say_trace(self, kind: str, key: str, content: dict[str, Any]) -> None:
        self.say("TRACE", {"type": kind, "emitted_at": float(_now()), key: content})


class LogHandler(logging.Handler):
    """Turns log records into LOG messages."""

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
