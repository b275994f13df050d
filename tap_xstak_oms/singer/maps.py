"""Stream maps with safe errors: those of the SDK show the value that could not be mapped."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MappingError
from singer_sdk.mapper import MAPPER_FILTER_OPTION, PluginMapper, StreamMap
from typing_extensions import override

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.objects import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Record = dict[str, Any]


@contextmanager
def in_words() -> Iterator[None]:
    """Say in our words why the SDK cannot map records with these columns.

    Raises:
        UsageError: It cannot.
    """
    try:
        yield
    except MappingError as error:
        raise UsageError(f"`stream_maps` cannot be used: {error}") from None
    except ValueError as error:
        raise UsageError(
            f"The columns cannot be flattened: {error}. Set another `flattening_separator`, or "
            "deselect one of those columns.",
        ) from None
    except (AttributeError, KeyError, TypeError):
        raise UsageError(
            "The columns cannot be flattened: the catalog has a schema of a form that the SDK does "
            "not understand. Give each column of the catalog a `type`.",
        ) from None


class WordedMap(StreamMap):
    """Wraps a stream map, and reports its failures without any value."""

    def __init__(
        self,
        inner: StreamMap,
        locate: Callable[[Record], str | None],
        on_failure: Callable[[str], None],
    ) -> None:
        """Replace another map.

        Args:
            inner: The map that does the work.
            locate: Names the expression that cannot map a record, if it can be found.
            on_failure: Takes the reason for each record that is left out.
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
        self._locate = locate
        self._on_failure = on_failure

    @override
    def transform(self, record: Record) -> Record | None:
        try:
            return self._mapped(record)
        except RecursionError:
            # Not the fault of an expression.
            raise
        except Exception as error:  # noqa: BLE001 - an expression can raise anything
            kind = type(error.__cause__ or error).__name__
        try:
            # An expression may name a column that this order lacks: it is null then.
            return self._mapped(dict.fromkeys(self.raw_schema["properties"]) | record)
        except RecursionError:
            raise
        except Exception:  # noqa: BLE001 - as above
            self._on_failure(_failure_message(kind, self._locate(record)))
        return None

    def _mapped(self, record: Record) -> Record | None:
        mapped = self._inner.transform(record)
        _require_json(mapped or {}, record)
        return mapped

    @override
    def get_filter_result(self, record: Record) -> bool:
        # Only child streams need it, and there are none; `transform` filters too.
        return True


class Expressions:
    """The expressions of the stream maps, one at a time: the SDK does not say which one failed."""

    def __init__(
        self, config: Mapping[str, Any], stream: str, schema: Record, keys: Sequence[str]
    ) -> None:
        """Set up.

        Args:
            config: The configuration of the tap.
            stream: The stream's name.
            schema: Its JSON schema.
            keys: Its key properties.
        """
        self._config = config
        self._stream = stream
        self._schema = schema
        self._keys = keys

    def failing(self, record: Record) -> str | None:
        """The column, or `__filter__`, whose expression cannot map a record; None if unknown."""
        for column, expression in self._all():
            mapping = self._alone(column, expression)
            try:
                _require_json(mapping.transform(dict(record)) or {}, record)
            except Exception:  # noqa: BLE001 - as above
                return column
        return None

    def _all(self) -> Iterator[tuple[str, str]]:
        for definition in self._config.get("stream_maps", {}).values():
            for column, expression in definition.items() if isinstance(definition, Mapping) else ():
                is_option = column.startswith("__") and column != MAPPER_FILTER_OPTION
                if isinstance(expression, str) and not is_option:
                    yield column, expression

    def _alone(self, column: str, expression: str) -> StreamMap:
        config = dict(self._config) | {"stream_maps": {self._stream: {column: expression}}}
        mapper = PluginMapper(config, logging.getLogger(__name__))
        mapper.register_raw_stream_schema(self._stream, self._schema, self._keys)
        return mapper.stream_maps[self._stream][0]


def _require_json(mapped: Record, record: Record) -> None:
    """Raise now what writing the record would raise later."""
    to_json([value for name, value in mapped.items() if record.get(name) is not value])


def _failure_message(kind: str, column: str | None) -> str:
    """What failed, without the error's text: that holds the value."""
    place = f"the expression of `{column}`" if column else "something"
    return (
        f"{place} in `stream_maps` cannot map an order ({kind}). An expression must accept any "
        "value, null too, and a missing field, as `_.get('note')` does"
    )
