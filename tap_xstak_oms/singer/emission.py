"""How a record gets to the pipe: directly as text, or as a Python object that is mapped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.fitter import count_field
from tap_xstak_oms.records.objects import to_python
from tap_xstak_oms.singer.flattening import Flattening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from singer_sdk.singerlib import Message

    from tap_xstak_oms.records.fitter import Fitter

Record = dict[str, Any]

_RECORD_START = b'{"type":"RECORD","stream":"sales_orders","record":'


def direct_lines(records: Sequence[bytes]) -> list[bytes]:
    """The RECORD messages of records to which the SDK has nothing to do: lines in pieces."""
    end = b',"time_extracted":"%b"}\n' % datetime.now(UTC).isoformat().encode()
    return [piece for record in records for piece in (_RECORD_START, record, end)]


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


class Mapped:
    """The RECORD messages that the SDK's stream maps and flattening make of records."""

    def __init__(
        self,
        objects: Objects,
        messages: Callable[[Record], Iterable[Message]],
        serialize: Callable[[Message], bytes],
        note: Callable[[str], None],
    ) -> None:
        """Set up.

        Args:
            objects: Reads records.
            messages: Makes the messages of a record.
            serialize: Makes the text of a message.
            note: Takes the reason for each record that is left out.
        """
        self._objects = objects
        self._messages = messages
        self._serialize = serialize
        self._note = note

    def lines(self, records: Sequence[bytes]) -> list[bytes]:
        """The messages of some records, a line each."""
        return [line for record in records for line in self._lines(record)]

    def _lines(self, record: bytes) -> list[bytes]:
        try:
            messages = self._messages(self._objects.of(record))
            return [self._serialize(message) + b"\n" for message in messages]
        except RecursionError:
            self._note("an order is nested too deeply to be mapped or flattened")
        except Exception as error:  # noqa: BLE001 - no order may cost more than its partition
            self._note(f"an order cannot be mapped or flattened ({type(error).__name__})")
        return []
