"""Fits orders to the schema of their stream, without decoding what need not change.

An order comes as JSON text and leaves as JSON text. A field travels in its column; one without a
column, or whose value does not fit, travels in `_extra`. Values are moved as text, so every digit
and every nested byte stays; only timestamps are rewritten. The text must have been through
`text.clean`, like every answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from tap_xstak_oms.errors import PartitionError, UsageError
from tap_xstak_oms.records.columns import (
    EXTRA,
    LOCATION_ID,
    ORDER_STATUS,
    OWN_COLUMNS,
    SYNCED_AT,
    Convert,
    Schema,
    can_be_column,
    column_of,
    object_type,
)
from tap_xstak_oms.records.layout import Fields, Layout, Text, decode_fields, label, place
from tap_xstak_oms.records.members import distinct_members
from tap_xstak_oms.records.selection import EVERYTHING, Selection

COUNTED_NAMES = 1000
"""So many fields are counted by name, the others together as `OTHER_FIELDS`."""
OTHER_FIELDS = "(other fields)"

_CACHED_LAYOUTS = 2048
_NULL = b"null"
_STARTS_OF_A_SCALAR = b'"-0123456789tf'
_TOO_DEEP = "an order is nested too deeply to be read"


class OrderError(PartitionError):
    """An order that cannot become a record. It says why, and shows nothing of the order."""


class Order(msgspec.Struct, gc=False):
    """An order, split into its fields once.

    Attributes:
        text: The JSON that came.
        fields: Its top-level values, by name; of a repeated name the last.
        problem: Why it could not be split, or None.
    """

    text: bytes
    fields: Fields
    problem: OrderError | None = None


Fit: TypeAlias = Callable[[Order], bytes]


def open_order(text: Text) -> Order:
    """Split an order into its fields; its problem is raised when it is fitted."""
    try:
        return Order(bytes(text), decode_fields(text))
    except msgspec.ValidationError:
        problem = OrderError("an order is not a JSON object")
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = OrderError("an order is not valid JSON")
    except RecursionError:
        problem = OrderError(_TOO_DEEP)
    return Order(bytes(text), {}, problem)


class Fitter:
    """Turns the orders of one stream into its records. Not thread-safe.

    Attributes:
        key: The names of the key's columns.
        keeps_extra: Whether the stream has `_extra`; without it, a value without a column is lost.
        withheld: The fields that `_extra` must not show.
        misfits: How many values did not fit their column, by field.
        undeclared: How many values, null aside, had no column, by field.
        left_out: How many values stayed out as they may hold what is deselected, by field or
            member.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        key: Sequence[str] = (),
        selection: Selection = EVERYTHING,
        times: Mapping[str, Convert] = MappingProxyType({}),
    ) -> None:
        """Prepare the checks.

        Args:
            schema: The stream's JSON schema, inferred or from any catalog.
            key: The names of the key's columns; our own may be among them.
            selection: The selected part of an order; fields of the key are always whole.
            times: Converts the values of the fields that hold times; their schema is ignored.

        Raises:
            UsageError: A field of the key has no column.
        """
        properties = schema.get("properties") or {}
        self.key = tuple(key)
        self._key_columns = [name for name in key if name not in OWN_COLUMNS]
        self._key = frozenset(self._key_columns)
        self._deselected = selection.deselected - frozenset(key)
        self._parts = {name: selection.parts[name] for name in selection.parts if name not in key}
        self.withheld = self._deselected | selection.hidden
        self._columns = {
            name: column_of(properties[name], as_time=times.get(name), is_key=name in self._key)
            for name in properties
            if can_be_column(name) and name not in self._deselected
        }
        self._require_key_columns()
        self._own = [name for name in OWN_COLUMNS if name not in self._deselected | {EXTRA}]
        self.keeps_extra = EXTRA in properties and EXTRA not in self._deselected
        self.misfits: Counter[str] = Counter()
        self.undeclared: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        types = {name: column.type for name, column in self._columns.items()}
        self._sieve = msgspec.json.Decoder(object_type(types))
        self._layout = lru_cache(maxsize=_CACHED_LAYOUTS)(self._lay_out)

    def _require_key_columns(self) -> None:
        lacking = sorted(self._key - self._columns.keys())
        if lacking:
            raise UsageError(
                f"The key names {', '.join(lacking)}, for which the schema has no column: "
                "correct `primary_keys`, or the catalog's key properties."
            )

    def bind(self, *, location_id: str, order_status: str, synced_at: str) -> Fit:
        """Return a function that turns an order of a partition into its record, a JSON object.

        It raises OrderError for an order that is not an object or lacks its key.
        """
        values = {LOCATION_ID: location_id, ORDER_STATUS: order_status, SYNCED_AT: synced_at}
        own = b"".join(label(name) + msgspec.json.encode(values[name]) for name in self._own)
        return partial(self._fit, b"{" + own[1:])

    def identify(self, order: Order) -> tuple[Hashable | None, int]:
        """Return an order's key, and a hash of its bytes that is valid in this process only."""
        return self.key_of(order), hash(order.text)

    def key_of(self, order: Order) -> bytes | None:
        """Return an order's key, of its own fields, as JSON text.

        None in a stream without a key, and for an order whose key is not usable.
        """
        values = [bytes(order.fields.get(name, _NULL)) for name in self._key_columns]
        for value in values:
            if value[0] not in _STARTS_OF_A_SCALAR:
                return None
        # Every order passes here, and most keys have one column.
        return values[0] if len(values) == 1 else b",".join(values) or None

    def _key_error(self) -> OrderError:
        return OrderError(
            f"an order has no usable {', '.join(sorted(self._key))}, the key of the stream: "
            "missing, null, nested, or not of its column's type (setting `primary_keys`)"
        )

    def _fit(self, own: bytes, order: Order) -> bytes:
        if order.problem is not None:
            raise order.problem
        try:
            return self._record(own, order)
        except RecursionError:
            raise OrderError(_TOO_DEEP) from None

    def _record(self, own: bytes, order: Order) -> bytes:
        fields = order.fields
        layout = self._layout(tuple(fields), ())
        # A longer order has blanks or repeats names.
        if len(order.text) != layout.size + sum(map(len, fields.values())):
            fields = self._open_closely(order.text, fields, layout)
            layout = self._layout(tuple(fields), ())
        met = [name for name in self._parts if name in fields]
        if met:
            fields = fields | {name: self._selected(name, fields[name]) for name in met}
        converted, misfits = layout.convert(fields)
        misfits += self._of_wrong_type(order.text, fields)
        if misfits:
            self._require_fitting_key(misfits)
            layout = self._layout(tuple(fields), tuple(misfits))
        pieces = layout.fill(own, fields, converted)
        pieces += layout.end, self._extra(fields, layout), b"}"
        record = b"".join(pieces)
        return record if self._own else record.replace(b"{,", b"{", 1)

    def _open_closely(self, text: bytes, fields: Fields, layout: Layout) -> Fields:
        """Find out why an order is longer than its fields: it has blanks, or repeats names."""
        compact = msgspec.json.format(text, indent=-1)
        values = msgspec.json.format(b"[%b]" % b",".join(fields.values()), indent=-1)
        if len(compact) == layout.size + len(values) - len(fields) - 1:
            return fields
        return self._tell_apart(text)

    def _tell_apart(self, text: bytes) -> Fields:
        """Split an order that repeats names, and give every value a name of its own."""
        renamed = distinct_members(text, self._columns.keys())
        return {
            new: value if new == name else self._selected(name, value)
            for name, new, value in renamed
            if new == name or name not in self.withheld
        }

    def _selected(self, name: str, value: Text) -> Text:
        """Return the selected part of a field's value; null if there is none."""
        part = self._parts.get(name)
        if part is None:
            return value
        kept = part.of(bytes(value), name, partial(count_field, self.left_out))
        return _NULL if kept is None else kept

    def _of_wrong_type(self, text: bytes, fields: Fields) -> list[str]:
        # The sieve checks all fields at once, and is never more open than the columns.
        try:
            self._sieve.decode(text)
        except msgspec.ValidationError:
            columns = self._columns
            declared = [name for name in fields if name in columns]
            return [name for name in declared if not columns[name].takes(bytes(fields[name]))]
        return []

    def _require_fitting_key(self, misfits: Iterable[str]) -> None:
        if not self._key.isdisjoint(misfits):
            raise self._key_error()

    def _extra(self, fields: Fields, layout: Layout) -> bytes:
        """Count what travels in no column, and return it as the value of `_extra`."""
        spare = []
        for name, its_label in layout.spare:
            value = bytes(fields[name])
            is_misfit = name in layout.misfits
            if value == _NULL and not is_misfit:
                continue
            if its_label is None:
                count_field(self.left_out, name)
                continue
            count_field(self.misfits if is_misfit else self.undeclared, name)
            spare.append(its_label + value)
        if not self.keeps_extra:
            return b""
        return b"{%b}" % b"".join(spare)[1:] if spare else _NULL

    def _lay_out(self, names: tuple[str, ...], misfits: tuple[str, ...]) -> Layout:
        if not self._key.issubset(names):
            raise self._key_error()
        fitting = {name for name in names if name in self._columns and name not in misfits}
        frame = [b""]
        for name in names:
            frame += label(name) if name in fitting else b"", b""
        return Layout(
            size=sum(len(label(name)) for name in names) + len(b"{}") - len(b","),
            frame=frame,
            formats=list(self._formats(names)),
            left_out=[place(at) for at, name in enumerate(names) if name not in fitting],
            misfits=misfits,
            spare=self._spare(names, fitting),
            end=self._end(misfits),
        )

    def _formats(self, names: Sequence[str]) -> Iterator[tuple[int, str, Convert, bytes]]:
        for at, name in enumerate(names):
            column = self._columns.get(name)
            if column is not None and column.convert is not None:
                yield place(at), name, column.convert, column.converts

    def _end(self, misfits: tuple[str, ...]) -> bytes:
        """Return what follows the last fitting value, up to the value of `_extra`."""
        empty = [label(name) + _NULL for name in misfits if self._columns[name].is_nullable]
        return b"".join([*empty, label(EXTRA) if self.keeps_extra else b""])

    def _spare(self, names: Iterable[str], fitting: set[str]) -> list[tuple[str, bytes | None]]:
        elsewhere = self._deselected.union(fitting)
        return [
            (name, None if name in self.withheld else label(name))
            for name in names
            if name not in elsewhere
        ]


def count_field(counter: Counter[str], name: str) -> None:
    """Count a value of a field, by name as long as there are few names."""
    counter[name if name in counter or len(counter) < COUNTED_NAMES else OTHER_FIELDS] += 1
