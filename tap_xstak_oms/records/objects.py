"""Records as Python objects and back, with exact numbers."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import msgspec


class Verbatim(Decimal):
    """A number that Python cannot hold, such as `1e9999999999999999999`, as it was written.

    Arithmetic with it raises an error.
    """

    _text: str

    def __new__(cls, text: str) -> Self:
        """Hold a JSON number."""
        self = super().__new__(cls, "sNaN")
        self._text = text
        return self

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Decimal('{self._text}')"

    def __format__(self, spec: str, context: object = None) -> str:
        return format(self._text, spec)


def to_python(record: bytes) -> dict[str, Any]:
    """Read a record into Python objects, numbers as `int` or `Decimal`."""
    try:
        return _decoder.decode(record)
    except (msgspec.ValidationError, InvalidOperation):
        # A number is too large for the fast parser, or for Python.
        found: dict[str, Any] = json.loads(record, parse_int=_integer, parse_float=_number)
        return found


def to_json(value: object) -> bytes:
    """Write Python objects as JSON, numbers with all digits.

    Raises:
        Exception: JSON cannot hold the value, or it is nested too deeply.
    """
    return _encoder.encode(value)


def _integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        # Python limits the length of an `int` in text.
        return Decimal(text)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Verbatim(text)


def _as_written(value: object) -> msgspec.Raw:
    if isinstance(value, Verbatim):
        return msgspec.Raw(str(value).encode())
    raise TypeError(f"JSON has no {type(value).__name__}")


_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_as_written)
