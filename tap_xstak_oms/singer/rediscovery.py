"""Extend a committed catalog by what a new discovery found."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.singer.catalog import NOT_A_CATALOG
from tap_xstak_oms.singer.selection import choices_of, names_of

Node = dict[str, Any]
Path = tuple[str, ...]

logger = logging.getLogger("tap-xstak-oms")


def extended(given: Mapping[str, Any], found: Mapping[str, Any]) -> Node:
    """Extend a catalog by the columns and members that a discovery found.

    Selection, metadata, key and types of the given catalog stay. A new member of an object that is
    partly deselected is added deselected: it may hold what should be hidden. Logs what is new, and
    where the discovery found another type.

    Args:
        given: The committed catalog.
        found: The catalog that a discovery made.

    Raises:
        UsageError: The given catalog does not have the form of one.
    """
    catalog = copy.deepcopy(dict(given))
    try:
        entries = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
        for new in found["streams"]:
            entry = entries.get(new["tap_stream_id"])
            if entry is None:
                catalog["streams"].append(copy.deepcopy(new))
                logger.info("Stream %s is new in the catalog.", new["tap_stream_id"])
            else:
                _Extension(entry, new).make()
    except (AttributeError, KeyError, TypeError):
        raise UsageError(NOT_A_CATALOG) from None
    return catalog


class _Extension:
    """The extension of one stream of a catalog."""

    def __init__(self, entry: Node, found: Node) -> None:
        self._entry = entry
        self._found = found
        self._deselected = list(choices_of(entry).deselected())
        self._new_metadata = [(names_of(item["breadcrumb"]), item) for item in found["metadata"]]
        self._added: list[str] = []
        self._hidden: list[str] = []

    def make(self) -> None:
        self._extend(self._entry["schema"], self._found["schema"], ())
        name = self._entry["tap_stream_id"]
        if self._added:
            logger.info("New in the catalog of %s: %s.", name, ", ".join(self._added))
        if self._hidden:
            logger.warning(
                "New in the catalog of %s, and deselected, as other members of the same object "
                "are: %s.",
                name,
                ", ".join(self._hidden),
            )
        if not self._added + self._hidden:
            logger.info("The catalog of %s has everything that was found.", name)

    def _extend(self, schema: Node, found: Node, path: Path) -> None:
        new = found.get("properties")
        if not new:
            return
        properties = schema.setdefault("properties", {})
        is_partly_hidden = bool(path) and self._is_partly_hidden(path)
        for name, found_schema in new.items():
            place = (*path, "properties", name)
            if name in properties:
                self._compare(properties[name], found_schema, place)
            else:
                properties[name] = copy.deepcopy(found_schema)
                self._describe(place, is_hidden=is_partly_hidden)

    def _compare(self, schema: Node, found: Node, place: Path) -> None:
        kept, other = _kind(schema), _kind(found)
        if kept != other:
            logger.warning(
                "%s stays %s as in the catalog; by this sample it would be %s.",
                _words(place),
                kept,
                other,
            )
            return
        self._extend(schema, found, place)
        if isinstance(schema.get("items"), dict) and isinstance(found.get("items"), Mapping):
            self._extend(schema["items"], dict(found["items"]), (*place, "items"))

    def _is_partly_hidden(self, path: Path) -> bool:
        """Whether the object at a path, one around it or one of its members is deselected."""
        names = names_of(path)
        return any(
            place[: len(names)] == names or names[: len(place)] == place
            for place in self._deselected
        )

    def _describe(self, place: Path, *, is_hidden: bool) -> None:
        """Add the metadata of a new place, and of all that is inside."""
        (self._hidden if is_hidden else self._added).append(_words(place))
        # A catalog without metadata selects everything, and still does.
        names = names_of(place)
        if self._entry.get("metadata"):
            self._entry["metadata"] += [
                copy.deepcopy(item)
                for inside, item in self._new_metadata
                if inside[: len(names)] == names and not (is_hidden and inside == names)
            ]
        if is_hidden:
            self._entry["metadata"] = [*(self._entry.get("metadata") or ()), _deselection(place)]


def _deselection(place: Path) -> Node:
    return {"breadcrumb": list(place), "metadata": {"inclusion": "available", "selected": False}}


def _kind(schema: Node) -> str:
    """A column's type in a word or two, null aside."""
    types = schema.get("type", "anything")
    kinds = [types] if isinstance(types, str) else [kind for kind in types if kind != "null"]
    return str(schema.get("format") or " or ".join(kinds) or "null")


def _words(place: Path) -> str:
    """A place as a person writes it: `customer.name`."""
    return ".".join(part for part in place if part not in ("properties", "items"))
