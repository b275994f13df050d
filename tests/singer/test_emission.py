"""Records on their way to the pipe, and those of which no message can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib import RecordMessage

from tap_xstak_oms.records.fitter import Fitter
from tap_xstak_oms.singer.emission import Mapped, Objects
from tests.support import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "Odd-Customer"


def deep(levels: int) -> list[Any]:
    """A value that Python has no room to write."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def failing(record: dict[str, Any]) -> Iterator[RecordMessage]:
    """Maps that bring one message, and then fail on the second record in some way."""
    yield RecordMessage(stream="first", record=record)
    kinds = {1: deep(100_000), 2: object(), 3: float}
    yield RecordMessage(stream="second", record={"found": kinds.get(record["id"])})
    if record["id"] == 4:
        raise ValueError(SECRET)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "an order is nested too deeply to be mapped or flattened"),
        (2, "an order cannot be mapped or flattened (TypeError)"),
        (3, "an order cannot be mapped or flattened (TypeError)"),
        (4, "an order cannot be mapped or flattened (ValueError)"),
    ],
)
def test_an_order_of_which_no_message_can_be_made_is_left_out(number: int, words: str) -> None:
    """Whole, with all its messages; the others are written, and no word shows what it held."""
    noted: list[str] = []
    writer = Collector()
    objects = Objects(Fitter({}), {}, flattening_depth=0)
    mapped = Mapped(objects, failing, writer.serialize_message, noted.append)
    writer.write_lines(mapped.lines([b'{"id":%d}' % id_ for id_ in (7, number, 8)]))
    writer.flush()
    assert [message["record"].get("id") for message in writer.messages] == [7, None, 8, None]
    assert noted == [words]
