"""Raw values of settings, turned into their types: JSON values, or text for any of them.

Forms, environment variables and Meltano hand over text for a number or a list.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unicodedata import category

from tap_xstak_oms.config.schema import choices_of, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

_UNWRITABLE = ("Cc", "Cs")
"""The Unicode categories of control characters and surrogates."""
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


def coerce(raw: object, schema: dict[str, Any]) -> Any:  # noqa: ANN401 - the schema has its type
    """Turn a raw value into the type of its setting, within its limits.

    Args:
        raw: The value, not None.
        schema: The setting's JSON schema.

    Raises:
        ValueError: Its text says what the value must be.
    """
    try:
        value = _COERCIONS[kind_of(schema)](raw)
    except (ValueError, TypeError, RecursionError):
        value = None
    if value is None or not _is_within(schema, value):
        raise ValueError(_expectation(schema))
    return value


def _is_within(schema: dict[str, Any], value: Any) -> bool:  # noqa: ANN401 - as above
    choices = choices_of(schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    return (
        (not choices or value in choices)
        and (low is None or value >= low)
        and (high is None or value <= high)
    )


def _expectation(schema: dict[str, Any]) -> str:
    """What a setting must be: "an integer from 1 to 64"."""
    if choices := choices_of(schema):
        return "one of " + ", ".join(choices)
    low, high = schema.get("minimum"), schema.get("maximum")
    limits = f"of {low} or more" if high is None else f"from {low} to {high}"
    return {
        "integer": f"an integer {limits}",
        "array": "a list of strings, such as " + json.dumps(schema.get("default", ["12345"])),
        "object": 'an object of location IDs and integers, such as {"12345": 67890}',
        "boolean": "true or false",
        "string": "a string that is not empty, without control characters",
    }[kind_of(schema)]


def _text(raw: object) -> str:
    # People write a code of digits without quotes.
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise TypeError
    text = str(raw).strip()
    if not text or any(category(character) in _UNWRITABLE for character in text):
        raise ValueError
    return text


def _integer(raw: object) -> int:
    # As text, so that neither 1.5 nor 1.0 nor true is one.
    return int(str(raw))


def _boolean(raw: object) -> bool:
    text = str(raw).strip().lower()
    if text not in _TRUE + _FALSE:
        raise ValueError
    return text in _TRUE


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = json.loads(raw) if raw.lstrip().startswith("[") else raw.split(",")
    if not isinstance(raw, (list, tuple)):
        raise TypeError
    return tuple(_text(item) for item in raw)


def _integers_by_text(raw: object) -> dict[str, int]:
    value = json.loads(raw) if isinstance(raw, str) else raw
    if not isinstance(value, dict):
        raise TypeError
    return {_text(key): _integer(item) for key, item in value.items()}


_COERCIONS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "boolean": _boolean,
    "array": _texts,
    "object": _integers_by_text,
}
