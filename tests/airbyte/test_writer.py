"""What the Airbyte door writes, and that its threads take turns."""

from __future__ import annotations

import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tap_xstak_oms.airbyte.writer import AirbyteWriter, LogHandler
from tests.airbyte.answers import Answer

PATIENCE_SECONDS = 20


def test_an_error_of_ours_is_told_without_its_text(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """What no user can mend is a system error: its kind and place are told, and not its text."""
    writer = AirbyteWriter()
    with pytest.raises(KeyError) as raised:
        dict[str, str]()["+92-300"]
    writer.say_failure(raised.value)
    answer = Answer(1, [json.loads(capsysbinary.readouterr().out)])
    assert answer.error["failure_type"] == "system_error"
    assert "KeyError" in answer.error["message"]
    assert "test_writer.py" in answer.error["stack_trace"]
    assert "+92-300" not in answer.error["message"]
    assert "KeyError" not in answer.error["stack_trace"]


class Barrier:
    """A stdout that lets nothing pass until it is opened."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self.reached = threading.Event()
        self.opened = threading.Event()

    def write(self, data: memoryview) -> int:
        """Take the bytes, when it is time."""
        self.reached.set()
        self.opened.wait(PATIENCE_SECONDS)
        self.taken += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


def test_threads_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread writes a line, others that log wait, so each line comes out whole."""
    stdout = Barrier()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stdout))
    writer = AirbyteWriter()
    handler = LogHandler(writer)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(writer.say, "LOG", {"level": "INFO", "message": "first"})
        assert stdout.reached.wait(PATIENCE_SECONDS)
        second = pool.submit(handler.handle, logging.makeLogRecord({"msg": "second"}))
        with pytest.raises(TimeoutError):
            second.result(timeout=0.2)
        stdout.opened.set()
        first.result(PATIENCE_SECONDS)
        second.result(PATIENCE_SECONDS)
    answer = Answer(0, [json.loads(line) for line in stdout.taken.splitlines()])
    assert [log["message"] for log in answer.of("LOG")] == ["first", "second"]


def test_the_handler_has_the_lock_of_its_writer() -> None:
    """Python 3.13 takes a handler's lock without asking whether there is one."""
    writer = AirbyteWriter()
    assert LogHandler(writer).lock is writer.lock
