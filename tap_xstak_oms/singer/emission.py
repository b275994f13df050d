"""How a record gets to the pipe: directly as text, or as a Python object that is mapped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.fitter import count_field
from tap_xstak_oms.records.objects import to_python
from tap_xstak_oms.singer.flattening import Flattening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import Message

    from tap_xstak_oms.records.fitter import Fitter
    from tap_xstak_oms.singer.writer import LineWriter

Record = dict[str, Any]

_RECORD_START = b'{"type":"RECORD","stream":"sales_orders","record":'


class Direct:
    """Writes records as they are, if the SDK has nothing to do with them."""

    def __init__(self, writer: LineWriter, count: Callable[[int], None]) -> None:
        """Set up.

        Args:
            writer: Where messages go.
            count: Takes the number of records written.
        """
        self._writer = writer
        self._count = count

    def emit(self, records: Sequence[bytes]) -> tuple[()]:
        """Write the messages of some records; leave nothing for the SDK."""
        end = b',"time_extracted":"%b"}\n' % datetime.now(UTC).isoformat().encode()
        self._writer.write_lines(
            [piece for record in records for piece in (_RECORD_START, record, end)]
        )
        self._count(len(records))
        return ()


class Objects:
    """Makes Python objects of records, as the SDK wants them."""

    def __init__(
        self, fitter: Fitter, properties: Mapping[str, Any], *, flattening_depth: int
    ) -> None:
        """Set up.

        Args:
            fitter: Counts the values that flattening has no column for.
            properties: The JSON schemas of the columns.
            flattening_depth: How many levels the SDK flattens; 0 for none.
        """
        self._fitter = fitter
        self._flattening = (
            Flattening(properties, flattening_depth, fitter.withheld) if flattening_depth else None
        )

    def of(self, record: bytes) -> Record:
        """Read a record, numbers as `int` or `Decimal`."""
        found = to_python(record)
        if self._flattening is not None:
            for name in self._flattening.set_aside(found):
                count_field(self._fitter.undeclared, name)
        return found

    def emit(self, records: Sequence[bytes]) -> Iterator[Record]:
        """Leave the records to the SDK."""
        return map(self.of, records)


class Mapped:
    """Writes what the SDK's stream maps and flattening make of records."""

    def __init__(
        self,
        writer: LineWriter,
        objects: Objects,
        messages: Callable[[Record], Iterable[Message]],
        count: Callable[[int], None],
        note: Callable[[str], None],
    ) -> None:
        """Set up.

        Args:
            writer: Where messages go.
            objects: Reads records.
            messages: Makes the messages of a record.
            count: Takes the number of records read.
            note: Takes the reason for each record that is left out.
        """
        self._writer = writer
        self._objects = objects
        self._messages = messages
        self._count = count
        self._note = note

    def emit(self, records: Sequence[bytes]) -> tuple[()]:
        """Write the messages of some records; leave nothing for the SDK."""
        for record in records:
            self._writer.write_lines(self._lines(record))
        self._count(len(records))
        return ()

    def _lines(self, record: bytes) -> list[bytes]:
        try:
            messages = self._messages(self._objects.of(record))
            return [self._writer.serialize_message(message) + b"\n" for message in messages]
        except RecursionError:
            self._note("an order is nested too deeply to be mapped or flattened")
        except Exception as error:  # noqa: BLE001 - no order may cost more than its partition
            self._note(f"an order cannot be mapped or flattened ({type(error).__name__})")
        return []
