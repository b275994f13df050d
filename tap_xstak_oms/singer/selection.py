"""What a catalog selects, wherever it says so: in metadata, in the schema, or of the whole stream.

A place is known by the names that lead to it. A breadcrumb may go through `items`, as the schema
does, or not, as Meltano's rules do: `customer.name` is a member of the customer, and of each
customer in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.columns import EXTRA
from tap_xstak_oms.records.selection import Part, Selection
from tap_xstak_oms.wording import meant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Names: TypeAlias = tuple[str, ...]
Breadcrumb: TypeAlias = tuple[str, ...]

_AUTOMATIC, _UNSUPPORTED = "automatic", "unsupported"
_COMBINED = ("anyOf", "oneOf", "allOf")


class Choices:
    """What a catalog says of the selection of one place, and of those in it.

    Attributes:
        inside: The same of each member, by name.
    """

    def __init__(self) -> None:
        self.inside: dict[str, Choices] = {}
        self._inclusions: set[object] = set()
        self._said: set[object] = set()
        self._defaults: set[object] = set()

    @property
    def is_chosen(self) -> bool:
        """Whether the place itself is said to be selected, not only what it is in."""
        return True in self._said and False not in self._said

    def is_selected(self, *, by_default: bool = True) -> bool:
        """Whether the place is selected, if what it is in is; where two contradict, it is not."""
        if _UNSUPPORTED in self._inclusions:
            return False
        if _AUTOMATIC in self._inclusions:
            return True
        for said in (self._said, self._defaults):
            if said:
                return False not in said
        return by_default

    def note(self, metadata: Mapping[str, Any]) -> None:
        """Take over what metadata, or the schema of the place, says.

        Raises:
            UsageError: If it says whether the place is selected in another form than JSON's: it
                may be meant to hide something.
        """
        for name, known in (("selected", self._said), ("selected-by-default", self._defaults)):
            said = metadata.get(name)
            if isinstance(said, bool):
                known.add(said)
            elif said is not None:
                raise UsageError(f"The catalog has `{name}`: {said!r}. It can be true or false.")
        if metadata.get("inclusion") in (_AUTOMATIC, _UNSUPPORTED):
            self._inclusions.add(metadata["inclusion"])

    def of_schema(self, schema: object) -> None:
        """Take over what a schema says, at every depth."""
        if not isinstance(schema, Mapping):
            return
        self.note(schema)
        properties = schema.get("properties")
        for name, inner in properties.items() if isinstance(properties, Mapping) else ():
            self._member(name).of_schema(inner)
        for inner in _same_place(schema):
            self.of_schema(inner)

    def of_metadata(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the metadata of a stream says."""
        for entry in entries:
            place = self
            for name in names_of(entry["breadcrumb"]):
                place = place._member(name)
            place.note(entry["metadata"])

    def _member(self, name: str) -> Choices:
        return self.inside.setdefault(name, Choices())

    def deselected(self, names: Names = ()) -> Iterator[Names]:
        """Yield the places inside that are not selected, by the names that lead to them."""
        for name, place in self.inside.items():
            if place.is_selected():
                yield from place.deselected((*names, name))
            else:
                yield (*names, name)

    def part(self) -> Part | None:
        """What is selected of the place, itself being selected; None for the whole.

        A selected object of which no member is selected is whole: so Meltano marks the one that a
        rule names.
        """
        chosen = {name: place for name, place in self.inside.items() if place.is_selected()}
        parts = {name: place.part() for name, place in chosen.items()}
        is_complete = len(parts) == len(self.inside) and not any(parts.values())
        if is_complete or (self.is_chosen and not parts):
            return None
        return Part(parts, frozenset(self.inside) - parts.keys())


def _same_place(schema: Mapping[str, Any]) -> Iterator[object]:
    """The schemas in a schema that are of values in the same place."""
    yield schema.get("items")
    for name in _COMBINED:
        options = schema.get(name)
        yield from options if isinstance(options, list) else ()


def places_nowhere(entry: Mapping[str, Any], own: Collection[str]) -> Iterator[str]:
    """Name the places that metadata deselects, and that are not there: this hides nothing.

    What is inside of `_extra` cannot be known.

    Args:
        entry: Of a stream in a catalog.
        own: The columns that may lack in its schema.
    """
    declared = Choices()
    declared.of_schema(entry.get("schema"))
    for item in entry.get("metadata") or ():
        names = names_of(item["breadcrumb"])
        is_judged = item["breadcrumb"] and item["metadata"].get("selected") is False
        if is_judged and names[:1] != (EXTRA,) and not (len(names) == 1 and names[0] in own):
            yield from _first_unknown(names, declared) if names else map(str, item["breadcrumb"])


def _first_unknown(names: Names, place: Choices) -> Iterator[str]:
    for at, name in enumerate(names, start=1):
        if name not in place.inside:
            yield ".".join(names[:at]) + meant(name, place.inside)
            return
        place = place.inside[name]


def names_of(breadcrumb: Iterable[str]) -> Names:
    """Return the names that lead to a place: each follows `properties`."""
    crumbs = iter(breadcrumb)
    return tuple(
        str(name) for crumb in crumbs if crumb == "properties" for name in islice(crumbs, 1)
    )


def breadcrumbs(schema: Mapping[str, Any], parent: Breadcrumb = ()) -> Iterator[Breadcrumb]:
    """Yield the places that a schema declares, without `items`: so Meltano's rules find them."""
    for name, inner in (schema.get("properties") or {}).items():
        place = (*parent, "properties", name)
        yield place
        yield from breadcrumbs(inner, place)
    if schema.get("items"):
        yield from breadcrumbs(schema["items"], parent)


def choices_of(entry: Mapping[str, Any]) -> Choices:
    """Read the entry of a stream in a catalog: metadata, schema and what is said beside them."""
    choices = Choices()
    choices.note(entry)
    choices.of_schema(entry.get("schema"))
    choices.of_metadata(entry.get("metadata") or ())
    return choices


def selection_of(choices: Choices, automatic: Collection[str]) -> Selection:
    """Say what of an order is selected.

    Args:
        choices: What the catalog says of the stream.
        automatic: The columns that are always there, whole.
    """
    fields = {name: place for name, place in choices.inside.items() if name not in automatic}
    selected = {name: place for name, place in fields.items() if place.is_selected()}
    parts = {name: place.part() for name, place in selected.items() if name != EXTRA}
    # What has no column is inside of `_extra`; there only what is deselected stays out.
    extra = choices.inside[EXTRA].inside if EXTRA in choices.inside else {}
    shown = {name for name, place in extra.items() if place.is_selected() and not place.part()}
    return Selection(
        deselected=frozenset(fields.keys() - selected.keys()),
        parts={name: part for name, part in parts.items() if part is not None},
        hidden=frozenset(extra.keys() - shown),
    )


def taken_whole(choices: Choices) -> list[str]:
    """The columns that are selected whole because none of their members is."""
    return [
        name
        for name, place in choices.inside.items()
        if place.is_chosen and place.inside and not any(map(_is_selected, place.inside.values()))
    ]


def _is_selected(place: Choices) -> bool:
    return place.is_selected()
