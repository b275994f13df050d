"""Stream maps that fail in words: the SDK's own errors show the value that could not be mapped."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.mapper import MAPPER_FILTER_OPTION, StreamMap
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable


class WordedMap(StreamMap):
    """Another stream map, whose failures are told without what they met."""

    def __init__(self, inner: StreamMap, on_failure: Callable[[str], None]) -> None:
        """Put it in the place of the other.

        Args:
            inner: The map that maps.
            on_failure: Told of each record that it cannot map; the record is left out.
        """
        super().__init__(
            inner.stream_alias,
            inner.raw_schema,
            inner.raw_key_properties,
            flattening_options=None,
        )
        self.transformed_schema = inner.transformed_schema
        self.transformed_key_properties = inner.transformed_key_properties
        self._inner = inner
        self._on_failure = on_failure

    @override
    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        try:
            mapped = self._inner.transform(record)
            _require_json(mapped or {}, record)
        except Exception as error:  # noqa: BLE001 - an expression can raise anything
            failure = _failure_message(error)
        else:
            return mapped
        self._on_failure(failure)
        return None

    @override
    def get_filter_result(self, record: dict[str, Any]) -> bool:
        # Asked for the sake of child streams, of which there are none; `transform` filters too.
        return True


def _require_json(mapped: dict[str, Any], record: dict[str, Any]) -> None:
    """Raise what would else be raised when the record is written."""
    msgspec.json.encode([value for name, value in mapped.items() if record.get(name) is not value])


def _failure_message(error: Exception) -> str:
    """What failed, as far as can be known. Never the error's text, for that holds the value."""
    # The SDK's own error only tells the expression; what was wrong with it is the cause.
    kind = type(error.__cause__ or error).__name__
    return (
        f"{_place(error)} in `stream_maps` cannot map an order ({kind}). An expression must take "
        "any value, also null, and a field that is not there, as `_.get('note')` does"
    )


def _place(error: Exception) -> str:
    """Which expression failed: known only from inside the SDK, where it is being evaluated."""
    scopes = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    columns = [scope["property_name"] for scope in scopes if "property_name" in scope]
    return f"the expression of `{columns[0] or MAPPER_FILTER_OPTION}`" if columns else "something"
