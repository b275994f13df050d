"""What a user's catalog may say of the stream, and what it may not.

In production the catalog is committed: it is used as it stands, and nothing is sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Catalog, Schema
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    Metadata,
    StreamMetadata,
)

from tap_xstak_oms.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk.singerlib import CatalogEntry


def prepare_catalog(
    given: Mapping[str, Any],
    *,
    stream: str,
    replication_key: str,
    own_columns: Mapping[str, Any],
    primary_keys: Sequence[str] | None,
) -> Catalog:
    """Read a user's catalog for this stream.

    Args:
        given: As the catalog file has it.
        stream: The stream's name.
        replication_key: The only one that the stream has.
        own_columns: The columns that the tap makes; those the catalog lacks are added, unless
            its metadata deselects them.
        primary_keys: The setting, which goes before the catalog's key.

    Raises:
        UsageError: If the catalog cannot be used, saying why.
    """
    try:
        catalog = Catalog.from_dict(dict(given))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError(
            "The catalog is not in the form of a Singer catalog: an object with `streams`, each "
            "with `tap_stream_id`, `schema` and `metadata`. Make a new one with --discover.",
        ) from None
    entry = catalog.get_stream(stream)
    if entry is not None:
        _check_name(entry)
        _check_replication(entry, replication_key)
        _add_columns(entry, own_columns)
        if primary_keys:
            entry.key_properties = list(primary_keys)
        _select_automatic_columns(entry)
    return catalog


def _check_name(entry: CatalogEntry) -> None:
    if entry.stream not in (None, entry.tap_stream_id):
        raise UsageError(
            f"The catalog renames the stream {entry.tap_stream_id!r}: its `stream` must be the "
            "same as its `tap_stream_id`. To write it under another name, give it an `__alias__` "
            "in `stream_maps`.",
        )


def _check_replication(entry: CatalogEntry, replication_key: str) -> None:
    root = entry.metadata.get(()) or StreamMetadata()
    key = entry.replication_key or getattr(root, "replication_key", None) or replication_key
    if key != replication_key:
        raise UsageError(
            f"The catalog names {key!r} as the replication key of {entry.tap_stream_id!r}. It "
            f"can only be {replication_key!r}: no field of an order is known to tell when it "
            "changed.",
        )
    entry.replication_key = replication_key
    method = entry.replication_method or getattr(root, "forced_replication_method", None)
    if method not in (None, REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE):
        raise UsageError(
            f"The catalog asks for replication method {method!r} of {entry.tap_stream_id!r}. It "
            f"can be {REPLICATION_INCREMENTAL} or {REPLICATION_FULL_TABLE}.",
        )


def _add_columns(entry: CatalogEntry, own_columns: Mapping[str, Any]) -> None:
    properties = entry.schema.properties = entry.schema.properties or {}
    for name, schema in own_columns.items():
        metadata = entry.metadata.get(("properties", name))
        deselected = metadata is not None and metadata.selected is False
        if name not in properties and not deselected:
            properties[name] = Schema.from_dict(dict(schema))
            # A catalog without any metadata has everything selected.
            if entry.metadata:
                entry.metadata["properties", name] = Metadata(selected=True)


def _select_automatic_columns(entry: CatalogEntry) -> None:
    """Keys are always there: without them neither state nor target could go on."""
    if not entry.metadata:
        return
    for name in (entry.replication_key, *(entry.key_properties or ())):
        if name is not None:
            entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC
