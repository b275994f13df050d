"""A raw value of a setting in its type: JSON values, or text for any of them.

Forms, environment variables and Meltano hand over text where a number or a list is meant.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unicodedata import category

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNWRITABLE = ("Cc", "Cs")
"""The Unicode categories of control characters, and of halves of characters, which are not text."""
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


def coerce(raw: object, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the type that the schema tells
    """Turn a raw value into the type of its setting, within its limits.

    Args:
        raw: The value, not None.
        schema: The setting's JSON schema.

    Raises:
        ValueError: With what the value must be, in words.
    """
    kind = next(kind for kind in _types(schema) if kind != "null")
    try:
        value = _COERCIONS[kind](raw)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(_expectation(schema)) from None
    if not _is_within(schema, value):
        raise ValueError(_expectation(schema))
    return value


def _is_within(schema: Mapping[str, Any], value: Any) -> bool:  # noqa: ANN401 - as above
    allowed = schema.get("enum")
    low, high = schema.get("minimum"), schema.get("maximum")
    return (
        (allowed is None or value in allowed)
        and (low is None or value >= low)
        and (high is None or value <= high)
    )


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else list(types)


def _expectation(schema: Mapping[str, Any]) -> str:
    """What a value of a setting looks like: "an integer from 1 to 64"."""
    if "enum" in schema:
        return "one of " + ", ".join(value for value in schema["enum"] if value)
    types = _types(schema)
    if "integer" in types:
        low, high = schema.get("minimum"), schema.get("maximum")
        limits = f"of {low} or more" if high is None else f"from {low} to {high}"
        return f"an integer {limits}"
    if "array" in types:
        return "a list of strings, such as " + json.dumps(schema.get("default", ["12345"]))
    if "object" in types:
        return 'an object of location IDs and integers, such as {"12345": 67890}'
    return (
        "true or false"
        if "boolean" in types
        else "a string that is not empty, without control characters"
    )


def _text(raw: object) -> str:
    # A code that consists of digits is easily written without quotes.
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise TypeError
    text = str(raw).strip()
    if not text or any(category(character) in _UNWRITABLE for character in text):
        raise ValueError
    return text


def _integer(raw: object) -> int:
    if isinstance(raw, bool):
        raise TypeError
    value = int(str(raw))
    if isinstance(raw, str) or value == raw:
        return value
    raise ValueError


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
