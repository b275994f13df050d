"""What is written to stdout, when, and in which order."""

from __future__ import annotations

import io
import json
import os
import sys
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    Message,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)
from typing_extensions import override

from tap_xstak_oms.errors import OutputError
from tap_xstak_oms.singer.writer import BUFFER_BYTES, LineWriter
from tests.support import Collector

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STATE = StateMessage({"bookmarks": {}})


def record(number: int, size: int = 0) -> bytes:
    """The line of a RECORD message."""
    return b'{"type":"RECORD","stream":"s","record":{"n":%d,"x":"%b"}}\n' % (number, b"x" * size)


def written(capture: pytest.CaptureFixture[bytes]) -> list[str]:
    """The types of the messages written since this was asked last."""
    return [json.loads(line)["type"] for line in capture.readouterr().out.splitlines()]


def test_records_are_gathered(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """RECORD messages, whole lines or not yet lines, wait for a flush, in their order."""
    writer = LineWriter()
    writer.write_lines([record(1), record(2)])
    writer.write_message(RecordMessage("s", {"n": 3}))
    writer.write_lines([record(4)])
    assert written(capsysbinary) == []
    writer.flush()
    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(line)["record"]["n"] for line in lines] == [1, 2, 3, 4]
    writer.flush()
    assert written(capsysbinary) == []


@pytest.mark.parametrize(
    "message",
    [STATE, SchemaMessage("s", {"properties": {}}), ActivateVersionMessage("s", 1)],
    ids=lambda message: message.type.value,
)
def test_any_other_message_goes_out_at_once_behind_the_records(
    capsysbinary: pytest.CaptureFixture[bytes], message: Message
) -> None:
    """A message that is no RECORD takes all records before it along."""
    writer = LineWriter()
    writer.write_lines([record(1)])
    writer.write_message(message)
    assert written(capsysbinary) == ["RECORD", message.type.value]


def test_what_is_gathered_is_bounded(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Less than `BUFFER_BYTES` wait, however the records come."""
    writer = LineWriter()
    waiting = 0
    for number in range(200):
        line = record(number, size=5_000)
        if number % 2:
            writer.write_lines([line])
        else:
            message = RecordMessage("s", {"n": number, "x": "x" * 5_000})
            writer.write_message(message)
            line = writer.serialize_message(message) + b"\n"
        waiting += len(line) - len(capsysbinary.readouterr().out)
        assert 0 <= waiting < BUFFER_BYTES
    assert waiting > 0


def test_a_collector_gathers_like_a_writer() -> None:
    """What the tests of a run put in stdout's place empties as stdout does, and fills again."""
    collector = Collector()
    collector.write_lines([record(1, size=BUFFER_BYTES)])
    assert len(collector.messages) == 1
    collector.write_lines([record(2)])
    assert len(collector.messages) == 1


def test_decimals_keep_their_digits(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """A decimal is written as a number, with the digits that it has."""
    LineWriter().write_message(StateMessage({"price": Decimal("1.10")}))
    assert b'"price":1.10}' in capsysbinary.readouterr().out


class Trickle(io.RawIOBase):
    """Takes a few bytes at a time, as a pipe may where a signal interrupts a write."""

    def __init__(self) -> None:
        self.taken = b""

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: ReadableBuffer, /) -> int:
        part = bytes(data)[:7]
        self.taken += part
        return len(part)


def test_a_write_that_was_cut_short_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout is not buffered by Python, all bytes arrive all the same."""
    trickle = Trickle()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=trickle))
    writer = LineWriter()
    writer.write_lines([record(1), record(2)])
    writer.write_message(STATE)
    assert trickle.taken.splitlines(keepends=True)[:2] == [record(1), record(2)]
    assert json.loads(trickle.taken.splitlines()[2])["type"] == "STATE"


def test_after_a_write_that_failed_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A closed pipe is told in words, once, and no message follows what may be half a line."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=pipe))
        writer = LineWriter()
        writer.write_lines([record(1)])
        with pytest.raises(OutputError, match="The downstream process closed the pipe: nothing"):
            writer.flush()
        writer.flush()
        writer.write_message(STATE)
