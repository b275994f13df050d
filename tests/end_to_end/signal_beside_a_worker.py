"""Signals a writer of Airbyte's messages while another thread than the main one writes a line.

A program of its own, for it ends by that signal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

from singer_sdk.singerlib import StateMessage

from tap_xstak_oms.airbyte import writer as airbyte_writer
from tap_xstak_oms.singer import writer as writer_module

if TYPE_CHECKING:
    from types import FrameType

PATIENCE_SECONDS = 20
BLOCKED_SECONDS = 0.2
"""How long the main thread is waited for, which cannot go on."""


class SignallingStdout:
    """A stdout in the middle of whose write the signal comes and is answered."""

    def __init__(self) -> None:
        self._stdout = sys.stdout.buffer
        self.answering = threading.Event()
        self.answered = threading.Event()

    def write(self, data: memoryview) -> int:
        """Take the bytes; the first time, when the main thread has done what it can."""
        if not self.answering.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
            self.answering.wait(PATIENCE_SECONDS)
            self.answered.wait(BLOCKED_SECONDS)
        return self._stdout.write(data)

    def flush(self) -> None:
        """Let nothing wait."""
        self._stdout.flush()


def main() -> None:
    """Start a stream, log from another thread, and be signalled meanwhile."""
    # However slow the machine, the reader is not taken for one that has stalled.
    for module in (airbyte_writer, writer_module):
        vars(module)["STALL_SECONDS"] = PATIENCE_SECONDS
    writer = airbyte_writer.AirbyteWriter()
    writer.start(["sales_orders"])
    stdout = SignallingStdout()
    sys.stdout = SimpleNamespace(buffer=stdout)

    def answer(number: int, _: FrameType | None) -> None:
        stdout.answering.set()
        writer.stop(
            number,
            lambda: writer.write_message(
                StateMessage({"bookmarks": {"sales_orders": {"partitions": []}}})
            ),
        )
        stdout.answered.set()

    signal.signal(signal.SIGTERM, answer)
    line = {"level": "INFO", "message": "from a worker"}
    threading.Thread(target=writer.say, args=("LOG", line)).start()
    threading.Event().wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    main()
