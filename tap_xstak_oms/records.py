"""Fitting an order to the schema of its stream, without looking into what need not change.

An order comes as JSON text and leaves as JSON text. Its fields that have a column travel there;
those that have none, or whose value does not fit it, travel in `_extra`. Values are moved, not
read and written again, so that every digit and every nested byte stays what it was; only
timestamps are rewritten. The text must have been through `text.clean`, as whole answers are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeAlias, cast

import msgspec

from tap_xstak_oms.columns import (
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
from tap_xstak_oms.errors import PartitionError, TapError
from tap_xstak_oms.text import distinct_members

COUNTED_NAMES = 1000
"""Fields counted by name at most; the others are counted together as `OTHER_FIELDS`."""
OTHER_FIELDS = "(other fields)"

_CACHED_LAYOUTS = 2048
_NULL = b"null"
_QUOTE = ord('"')
_STARTS_OF_A_SCALAR = b'"-0123456789tf'
_TOO_DEEP = "an order is nested too deeply to be read"

Order: TypeAlias = bytes | msgspec.Raw
"""One order as JSON text."""
Fit: TypeAlias = Callable[[Order], bytes]
_Fields: TypeAlias = dict[str, bytes | msgspec.Raw]


class OrderError(PartitionError):
    """An order that cannot become a record; says why, and never what was in it."""


def to_python(record: bytes) -> dict[str, Any]:
    """Read a fitted record into Python objects: numbers as `int` or `Decimal`, exactly."""
    return _record_decoder.decode(record)


_record_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
# To its stubs a Raw is a kind of bytes; it has their buffer, and few of their methods.
_fields_decoder = msgspec.json.Decoder(cast("type[_Fields]", dict[str, msgspec.Raw]))


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the orders with the same names, and the same misfits among them, are written.

    Attributes:
        labels_size: The bytes of the order's names, with their quotes and colons.
        misfits: The fields whose value does not fit their column.
        fitting: The fields that travel in their column.
        converted: Those of them whose strings are rewritten.
        spare: The fields that do not, each with its label in `_extra`, None where it stays out.
        parts: The record in pieces: our own columns, then label and value in turn, then the end;
            the values are to be filled in.
        end: The last piece without what `_extra` holds and the closing brace.
    """

    labels_size: int
    misfits: Collection[str]
    fitting: Sequence[str]
    converted: Sequence[tuple[str, Convert]]
    spare: Sequence[tuple[str, bytes | None]]
    parts: list[Order]
    end: bytes


class Fitter:
    """Turns the orders of one stream into its records. Not thread-safe.

    Attributes:
        keeps_extra: Whether the stream has `_extra`; without it, what has no column is lost.
        misfits: How many values did not fit their column, by field.
        undeclared: How many values, other than null, had no column, by field.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        key: Sequence[str] = (),
        deselected: Collection[str] = (),
        withheld: Collection[str] = (),
    ) -> None:
        """Prepare the checks.

        Args:
            schema: The stream's JSON schema, inferred or from a catalog of any origin.
            key: The names of the key's columns, our own among them or not.
            deselected: The fields that appear nowhere; a field of the key is not deselected.
            withheld: The fields that appear in their column only: those of which a part is
                deselected, which `_extra` would show.

        Raises:
            TapError: A field of the key has no column.
        """
        properties = schema.get("properties") or {}
        self._key = frozenset(key) - frozenset(OWN_COLUMNS)
        self._deselected = frozenset(deselected) - frozenset(key)
        self._withheld = self._deselected | frozenset(withheld)
        self._columns = {
            name: column_of(properties[name], is_key=name in self._key)
            for name in properties
            if can_be_column(name) and name not in self._deselected
        }
        self._require_key_columns()
        self._own = [name for name in OWN_COLUMNS if name not in self._deselected | {EXTRA}]
        self.keeps_extra = EXTRA in properties and EXTRA not in self._deselected
        self.misfits: Counter[str] = Counter()
        self.undeclared: Counter[str] = Counter()
        types = {name: column.type for name, column in self._columns.items()}
        self._sieve = msgspec.json.Decoder(object_type(types))
        key_types = {name: msgspec.Raw for name in key if name in self._key}
        self._key_decoder = msgspec.json.Decoder(object_type(key_types, required=list(key_types)))
        self._layout = lru_cache(maxsize=_CACHED_LAYOUTS)(self._lay_out)

    def _require_key_columns(self) -> None:
        lacking = sorted(self._key - self._columns.keys())
        if lacking:
            raise TapError(
                f"The key names {', '.join(lacking)}, for which the schema has no column: "
                "correct `primary_keys`, or the catalog's key properties."
            )

    def bind(self, *, location_id: str, order_status: str, synced_at: str) -> Fit:
        """Return the function that fits one order of a partition.

        It takes an order and returns its record as a JSON object; it raises OrderError for what
        is not an object and for an order without its key.
        """
        values = {LOCATION_ID: location_id, ORDER_STATUS: order_status, SYNCED_AT: synced_at}
        own = b"".join(_label(name) + msgspec.json.encode(values[name]) for name in self._own)
        return partial(self._fit, b"{" + own[1:])

    def identify(self, order: Order) -> tuple[Hashable, int]:
        """Return what an order is known by, and a 64-bit hash of all its bytes.

        It is known by its key's JSON text or, in a stream without one, by that hash, which
        compares within one process only.

        Raises:
            OrderError: The order is no object or has no key.
        """
        digest = hash(bytes(order))
        try:
            return (self._key_of(order) if self._key else digest), digest
        except RecursionError:
            raise OrderError(_TOO_DEEP) from None

    def _key_of(self, order: Order) -> bytes:
        try:
            found = self._key_decoder.decode(order)
        except msgspec.ValidationError:
            _split(order)
            raise self._key_error() from None
        values = list(map(bytes, msgspec.structs.astuple(found)))
        for value in values:
            if value[0] not in _STARTS_OF_A_SCALAR:
                raise self._key_error()
        return b",".join(values)

    def _key_error(self) -> OrderError:
        return OrderError(
            f"an order has no usable {', '.join(sorted(self._key))}, the key of the stream: "
            "missing, null, nested, or not of its column's type (setting `primary_keys`)"
        )

    def _fit(self, own: bytes, order: Order) -> bytes:
        try:
            return self._record(own, order)
        except RecursionError:
            raise OrderError(_TOO_DEEP) from None

    def _record(self, own: bytes, order: Order) -> bytes:
        fields = _split(order)
        layout = self._layout(tuple(fields), ())
        # An object is as long as labels, values, commas between and braces, or it holds more.
        if len(order) != layout.labels_size + sum(map(len, fields.values())) + len(fields) + 1:
            fields = self._open_closely(order, fields, layout)
            layout = self._layout(tuple(fields), ())
        misfits = self._find_misfits(order, fields, layout)
        if misfits:
            layout = self._layout(tuple(fields), misfits)
        return self._write(own, fields, layout)

    def _write(self, own: bytes, fields: _Fields, layout: _Layout) -> bytes:
        parts = layout.parts.copy()
        parts[0] = own
        # Copying values whole is worth a case of its own: nearly every order has no spare field.
        fits_whole = len(layout.fitting) == len(fields)
        parts[2::2] = fields.values() if fits_whole else map(fields.__getitem__, layout.fitting)
        if layout.spare:
            parts[-1] = layout.end + self._extra(fields, layout) + b"}"
        return b"".join(parts)

    def _open_closely(self, order: Order, fields: _Fields, layout: _Layout) -> _Fields:
        """Find out why an order is longer than its fields: for its blanks, or repeated names."""
        compact = msgspec.json.format(order, indent=-1)
        values = msgspec.json.format(b"[%b]" % b",".join(fields.values()), indent=-1)
        if len(compact) == len(values) + layout.labels_size:
            return fields
        return self._tell_apart(order)

    def _tell_apart(self, order: Order) -> _Fields:
        """Split an order that repeats names, so that every value has one and so travels."""
        renamed = distinct_members(bytes(order), self._columns.keys())
        return {
            new: value for name, new, value in renamed if new == name or name not in self._withheld
        }

    def _find_misfits(self, order: Order, fields: _Fields, layout: _Layout) -> tuple[str, ...]:
        """Convert what is to be converted; returns the fields that do not fit their column."""
        # The sieve checks all at once and takes no value that its column does not.
        try:
            self._sieve.decode(order)
            misfits = []
        except msgspec.ValidationError:
            misfits = self._of_wrong_type(fields)
        misfits += _convert(fields, layout.converted)
        if not misfits:
            return ()
        if not self._key.isdisjoint(misfits):
            raise self._key_error()
        return tuple(misfits)

    def _of_wrong_type(self, fields: _Fields) -> list[str]:
        columns = self._columns
        declared = [name for name in fields if name in columns]
        return [name for name in declared if not columns[name].takes(bytes(fields[name]))]

    def _extra(self, fields: _Fields, layout: _Layout) -> bytes:
        """Count what has no place in a column and write it as the value of `_extra`."""
        spare = []
        for name, label in layout.spare:
            value = bytes(fields[name])
            is_misfit = name in layout.misfits
            if value == _NULL and not is_misfit:
                continue
            _count(self.misfits if is_misfit else self.undeclared, name)
            if label is not None:
                spare.append(label + value)
        if not self.keeps_extra:
            return b""
        return b"{%b}" % b"".join(spare)[1:] if spare else _NULL

    def _lay_out(self, names: tuple[str, ...], misfits: tuple[str, ...]) -> _Layout:
        if not self._key.issubset(names):
            raise self._key_error()
        fitting = [name for name in names if name in self._columns and name not in misfits]
        labels = list(map(_label, fitting))
        end = self._end(misfits)
        if not self._own:
            labels, end = _without_first_comma(labels, end)
        parts: list[Order] = [b""] * (2 * len(fitting) + 1)
        parts[1::2] = labels
        parts.append(end + (b"null}" if self.keeps_extra else b"}"))
        return _Layout(
            labels_size=sum(len(_label(name)) - len(b",") for name in names),
            misfits=misfits,
            fitting=fitting,
            converted=self._conversions(fitting),
            spare=self._spare(names, fitting),
            parts=parts,
            end=end,
        )

    def _end(self, misfits: tuple[str, ...]) -> bytes:
        """Return what follows the last fitting value, up to the value of `_extra`."""
        empty = [_label(name) + _NULL for name in misfits if self._columns[name].is_nullable]
        return b"".join([*empty, _label(EXTRA) if self.keeps_extra else b""])

    def _conversions(self, names: list[str]) -> list[tuple[str, Convert]]:
        converts = [(name, self._columns[name].convert) for name in names]
        return [(name, convert) for name, convert in converts if convert is not None]

    def _spare(self, names: Iterable[str], fitting: list[str]) -> list[tuple[str, bytes | None]]:
        elsewhere = self._deselected.union(fitting)
        return [
            (name, None if name in self._withheld else _label(name))
            for name in names
            if name not in elsewhere
        ]


def _split(order: Order) -> _Fields:
    try:
        return _fields_decoder.decode(order)
    except msgspec.ValidationError:
        raise OrderError("an order is not a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OrderError("an order is not valid JSON") from None


def _convert(fields: _Fields, conversions: Iterable[tuple[str, Convert]]) -> list[str]:
    """Rewrite the strings that need it; returns the fields whose string is of another format."""
    misfits = []
    for name, convert in conversions:
        value = bytes(fields[name])
        if value[0] != _QUOTE:
            continue
        converted = convert(value)
        if converted is None:
            misfits.append(name)
        else:
            fields[name] = converted
    return misfits


def _without_first_comma(labels: list[bytes], end: bytes) -> tuple[list[bytes], bytes]:
    first, *others = [*labels, end]
    *labels, end = [first[1:], *others]
    return labels, end


# Cached so that the layouts share them.
@lru_cache(maxsize=COUNTED_NAMES)
def _label(name: str) -> bytes:
    """Return what comes before a member's value, the comma included."""
    return b",%b:" % msgspec.json.encode(name)


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < COUNTED_NAMES else OTHER_FIELDS] += 1
