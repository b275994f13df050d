"""The two ways of a record to the pipe: straight as text, or as Python objects through the SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.records.fitter import Fitter, count_field, to_python
from tap_xstak_oms.singer.flattening import Flattening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_xstak_oms.singer.writer import LineWriter

_RECORD_START = b'{"type":"RECORD","stream":"sales_orders","record":'


class Direct:
    """Writes records as they are: nothing of the SDK's is to be done to them."""

    def __init__(self, writer: LineWriter, count: Callable[[int], None]) -> None:
        """Prepare to write.

        Args:
            writer: Where messages go.
            count: Told how many records were written.
        """
        self._writer = writer
        self._count = count

    def emit(self, records: Sequence[bytes]) -> tuple[()]:
        """Write the messages of some records; leaves nothing for the SDK."""
        end = b',"time_extracted":"%b"}\n' % datetime.now(UTC).isoformat().encode()
        self._writer.write_lines(
            [piece for record in records for piece in (_RECORD_START, record, end)]
        )
        self._count(len(records))
        return ()


class ThroughSDK:
    """Gives records to the SDK, which maps, flattens, selects or limits them."""

    def __init__(
        self, fitter: Fitter, properties: Mapping[str, Any], *, flattening_depth: int
    ) -> None:
        """Prepare to give.

        Args:
            fitter: Counts what flattening has no column for.
            properties: The JSON schemas of the columns.
            flattening_depth: How many levels the SDK flattens, 0 where it flattens nothing.
        """
        self._fitter = fitter
        self._flattening = (
            Flattening(properties, flattening_depth, fitter.withheld) if flattening_depth else None
        )

    def emit(self, records: Sequence[bytes]) -> Iterator[dict[str, Any]]:
        """Yield some records, numbers as `int` or `Decimal`."""
        for record in map(to_python, records):
            if self._flattening is not None:
                for name in self._flattening.set_aside(record):
                    count_field(self._fitter.undeclared, name)
            yield record
