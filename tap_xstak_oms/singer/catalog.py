"""Check a user's catalog, and prepare it for a run.

In production the catalog is committed: the run uses it as it is, and samples nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.singerlib import Catalog, MetadataMapping, Schema
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    StreamMetadata,
)

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.columns import OWN_COLUMNS, SYNCED_AT, TIME_SCHEMA
from tap_xstak_oms.singer.nested import told
from tap_xstak_oms.singer.selection import (
    choices_of,
    places_nowhere,
    selection_of,
    taken_whole,
)
from tap_xstak_oms.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from singer_sdk.singerlib import CatalogEntry

    from tap_xstak_oms.records.selection import Selection
    from tap_xstak_oms.singer.selection import Choices

MOST_NAMES = 10
"""Places that an error names at most."""
NOT_A_CATALOG = (
    "The catalog is not in the form of a Singer catalog: an object with `streams`, each with "
    "`tap_stream_id`, `schema` and `metadata`. Discover without --catalog to make a new one."
)
logger = logging.getLogger("tap-xstak-oms")


class Known(NamedTuple):
    """What the tap knows of a stream without its catalog.

    Attributes:
        own_columns: The columns that the tap makes; a catalog may lack them.
        primary_keys: The key that overrides the catalog's, if set.
        levels: How many levels of nested objects show their members to loaders.
        times: The columns that hold times; overrides their type in the catalog.
    """

    own_columns: Mapping[str, Any]
    primary_keys: Sequence[str] | None
    levels: int | None
    times: Collection[str] = ()


class Prepared(NamedTuple):
    """A user's catalog, prepared.

    Attributes:
        catalog: For the SDK: what loaders see, with nothing left to deselect.
        selections: What of a record is selected, by stream.
    """

    catalog: Catalog
    selections: dict[str, Selection]


def prepare_catalog(given: Mapping[str, Any] | Catalog, streams: Mapping[str, Known]) -> Prepared:
    """Read a user's catalog.

    Args:
        given: The content of the catalog file, or the SDK's catalog.
        streams: What is known of each stream, by name.

    Raises:
        UsageError: The catalog cannot be used; the text says why.
    """
    try:
        plain = dict(given.to_dict() if isinstance(given, Catalog) else given)
        catalog = Catalog.from_dict(plain)
        entries = {entry["tap_stream_id"]: entry for entry in plain["streams"]}
        choices = {name: choices_of(entry) for name, entry in entries.items()}
        nowhere = {
            name: list(places_nowhere(entries[name], known.own_columns))
            for name, known in streams.items()
            if name in entries
        }
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise UsageError(NOT_A_CATALOG) from None
    for name, places in nowhere.items():
        _check_places(name, places)
    return Prepared(
        catalog,
        {
            name: _prepare(catalog[name], choices[name], known)
            for name, known in streams.items()
            if name in catalog
        },
    )


def _prepare(entry: CatalogEntry, choices: Choices, known: Known) -> Selection:
    _check_name(entry)
    _check_replication(entry)
    _settle_key(entry, known.primary_keys)
    selection = selection_of(choices, {SYNCED_AT, *(entry.key_properties or ())})
    _tell_of_taken_whole(choices)
    schema = entry.schema.to_dict()
    properties = schema.get("properties") or {}
    times = dict.fromkeys(properties.keys() & set(known.times) - set(OWN_COLUMNS), TIME_SCHEMA)
    schema["properties"] = {**known.own_columns, **properties, **times}
    entry.schema = Schema.from_dict(told(schema, known.levels, selection))
    _leave_nothing_to_deselect(entry, choices)
    return selection


def _check_places(stream: str, places: Sequence[str]) -> None:
    if places:
        raise UsageError(
            f"The metadata of {stream!r} in the catalog deselects what its schema does "
            f"not have: {listed(places, MOST_NAMES)}. That would hide nothing. Correct its "
            "`breadcrumb`. To hide a field without a column, give its breadcrumb as "
            '["properties", "_extra", "properties", NAME]; to hide such a member of an object, '
            "add it to the schema as {}."
        )


def _check_name(entry: CatalogEntry) -> None:
    if entry.stream not in (None, entry.tap_stream_id):
        raise UsageError(
            f"The catalog renames the stream {entry.tap_stream_id!r}: its `stream` must be the "
            "same as its `tap_stream_id`. To write it under another name, give it an `__alias__` "
            "in `stream_maps`.",
        )


def _check_replication(entry: CatalogEntry) -> None:
    root = entry.metadata.get(()) or StreamMetadata()
    key = entry.replication_key or getattr(root, "replication_key", None) or SYNCED_AT
    if key != SYNCED_AT:
        raise UsageError(
            f"The catalog names {key!r} as the replication key of {entry.tap_stream_id!r}. It "
            f"can only be {SYNCED_AT!r}: no field of an order is known to tell when it "
            "changed.",
        )
    entry.replication_key = SYNCED_AT
    method = entry.replication_method or getattr(root, "forced_replication_method", None)
    if method not in (None, REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE):
        raise UsageError(
            f"The catalog asks for replication method {method!r} of {entry.tap_stream_id!r}. It "
            f"can be {REPLICATION_INCREMENTAL} or {REPLICATION_FULL_TABLE}.",
        )


def _settle_key(entry: CatalogEntry, primary_keys: Sequence[str] | None) -> None:
    root = entry.metadata.get(())
    key = primary_keys or entry.key_properties or getattr(root, "table_key_properties", None)
    entry.key_properties = list(key or ())


def _leave_nothing_to_deselect(entry: CatalogEntry, choices: Choices) -> None:
    """Keep only the metadata of the whole stream."""
    is_selected = choices.is_selected(by_default=() not in entry.metadata)
    root = entry.metadata.root
    root.selected = is_selected
    entry.metadata = MetadataMapping({(): root})


def _tell_of_taken_whole(choices: Choices) -> None:
    names = taken_whole(choices)
    if names:
        logger.info(
            "Selected whole, as no member is selected: %s. To hide a column, deselect it, not its "
            "members.",
            ", ".join(names),
        )
