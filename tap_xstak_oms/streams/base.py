"""What the streams share: records that fit, maps with safe errors, states that keep still."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import Metadata, MetadataMapping
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_xstak_oms.errors import TapError
from tap_xstak_oms.singer.maps import Expressions, WordedMap
from tap_xstak_oms.singer.selection import breadcrumbs
from tap_xstak_oms.singer.state import PartitionStates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.mapper import StreamMap

    from tap_xstak_oms.singer.writer import LineWriter


class XStakStream(Stream):
    """The base of the streams. Errors of its stream maps show no value."""

    # Records arrive fitted to the schema.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self,
        tap: Tap,
        *,
        schema: dict[str, Any],
        primary_keys: Sequence[str],
        writer: LineWriter,
    ) -> None:
        """Declare the stream.

        Args:
            tap: The tap.
            schema: Its JSON schema.
            primary_keys: Its key, if it has one.
            writer: Where messages go.
        """
        super().__init__(tap, schema=schema)
        self.primary_keys = primary_keys
        self._writer = writer
        self._unmapped: str | None = None

    @cached_property
    @override
    def state_manager(self) -> PartitionStates:
        return PartitionStates(
            tap_name=self.tap_name, stream_name=self.name, tap_state=self.tap_state
        )

    @cached_property
    @override
    def metadata(self) -> MetadataMapping:
        # The SDK leaves out the members of objects in lists.
        metadata = super().metadata
        for place in breadcrumbs(self.schema):
            metadata.setdefault(place, Metadata(inclusion=Metadata.InclusionType.AVAILABLE))
        return metadata

    @cached_property
    @override
    def stream_maps(self) -> list[StreamMap]:
        schema = self.effective_schema
        expressions = Expressions(self.config, self.name, schema, self.primary_keys)
        return [
            # The SDK looks for this one by its class.
            one
            if isinstance(one, RemoveRecordTransform)
            else WordedMap(one, expressions.failing, self._note)
            for one in super().stream_maps
        ]

    @override
    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        # `_synced_at` never lies in the future: nothing has to cap a bookmark.
        return None

    def _note(self, failure: str) -> None:
        """Remember the first record that could not be mapped."""
        self._unmapped = self._unmapped or failure
        if self._is_test:
            raise TapError(failure)

    def _messages(self, record: dict[str, Any]) -> Iterator[RecordMessage]:
        """The messages of a record; nothing in it is deselected."""
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    time_extracted=datetime.now(UTC),
                )

    @property
    def _is_test(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None
