"""Signals a writer at every single step it takes, and tells how each of those programs ended.

A program of its own: it forks, which the one that runs the tests must not. Each line it prints
is a JSON array of an exit code and what was on stdout.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
from itertools import count
from typing import TYPE_CHECKING, cast

from singer_sdk.singerlib import StateMessage

from tap_xstak_oms.singer import writer as writer_module
from tap_xstak_oms.singer.writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Any

NOT_REACHED = 0
PARTITIONS = 4


def main() -> None:
    """Try the first step, the second, and so on, until the work is done before its turn."""
    for ending in endings():
        print(json.dumps(ending))  # noqa: T201 - its purpose


def endings() -> Iterator[tuple[int, str]]:
    """How the work ends if it is signalled at step 0, 1, 2, ..."""
    for step in count():
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(writing, sys.stdout.fileno())
            work(step)
            os._exit(NOT_REACHED)
        os.close(writing)
        with os.fdopen(reading) as file:
            output = file.read()
        exit_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if exit_code == NOT_REACHED:
            return
        yield exit_code, output


def work(step: int) -> None:
    """Write a few partitions, each of which is in the state once it is flushed.

    That is not at its own end: some are gathered together, as small ones are.
    """
    writer = LineWriter()
    state: dict[str, Any] = {"partitions": 0}
    gathered = 0

    def write_out() -> None:
        writer.flush()
        state["partitions"] = gathered

    def say_last() -> None:
        write_out()
        writer.write_message(StateMessage({**state, "last": True}))

    signal.signal(signal.SIGTERM, lambda number, _: writer.stop(number, say_last))
    # Python 3.12 asks only where tracing begins whether any frame is traced by its bytecodes.
    cast("FrameType", inspect.currentframe()).f_trace_opcodes = True
    sys.settrace(at_step(step, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    for partition in range(PARTITIONS):
        record = b'{"type":"RECORD","partition":%d}\n' % partition
        writer.write_lines([record, record])
        gathered += 1
        if partition % 2:
            write_out()
            writer.write_message(StateMessage(state))


def at_step(step: int, act: Callable[[], None]) -> Any:
    """A trace function that acts before one of the writer's bytecodes."""
    steps = count()

    def trace(frame: FrameType, event: str, _: TracebackType | None) -> Any:
        if frame.f_code.co_filename != writer_module.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            act()
        return trace

    return trace


if __name__ == "__main__":
    main()
