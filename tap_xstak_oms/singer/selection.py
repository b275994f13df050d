"""What a catalog selects: by its metadata, its schema, or for the whole stream.

A place is known by the names that lead to it. A breadcrumb may contain `items`, as the schema does,
or not, as Meltano's rules do: `customer.name` is a member of a customer, and of each customer in a
list.
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
    """What a catalog says about the selection of one place and its members.

    Attributes:
        inside: The same for each member, by name.
    """

    def __init__(self) -> None:
        self.inside: dict[str, Choices] = {}
        self._inclusions: set[object] = set()
        self._said: set[object] = set()
        self._defaults: set[object] = set()

    @property
    def is_chosen(self) -> bool:
        """Whether the catalog selects the place itself, not only what contains it."""
        return True in self._said and False not in self._said

    def is_selected(self, *, by_default: bool = True) -> bool:
        """Whether the place is selected, if what contains it is. A contradiction deselects it."""
        if _UNSUPPORTED in self._inclusions:
            return False
        if _AUTOMATIC in self._inclusions:
            return True
        for said in (self._said, self._defaults):
            if said:
                return False not in said
        return by_default

    def note(self, metadata: Mapping[str, Any]) -> None:
        """Take over what the metadata or schema of the place says.

        Raises:
            UsageError: It selects with something other than a JSON boolean, which may be meant to
                hide something.
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
        """Yield the places inside that are not selected, each as the names that lead to it."""
        for name, place in self.inside.items():
            if place.is_selected():
                yield from place.deselected((*names, name))
            else:
                yield (*names, name)

    def part(self) -> Part | None:
        """What is selected of a selected place; None for the whole.

        A selected object without selected members is whole: that is how Meltano marks an object
        that a rule names.
        """
        chosen = {name: place for name, place in self.inside.items() if place.is_selected()}
        parts = {name: place.part() for name, place in chosen.items()}
        is_complete = len(parts) == len(self.inside) and not any(parts.values())
        if is_complete or (self.is_chosen and not parts):
            return None
        return Part(parts, frozenset(self.inside) - parts.keys())


def _same_place(schema: Mapping[str, Any]) -> Iterator[object]:
    """The schemas in a schema that describe the same place: list items and alternatives."""
    yield schema.get("items")
    for name in _COMBINED:
        options = schema.get(name)
        yield from options if isinstance(options, list) else ()


def places_nowhere(entry: Mapping[str, Any], own: Collection[str]) -> Iterator[str]:
    """Name the places that the metadata deselects but that do not exist: this hides nothing.

    The inside of `_extra` is unknown, and not checked.

    Args:
        entry: The catalog's entry of a stream.
        own: The columns that its schema may lack.
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
    """Return the names that lead to a place: those that follow `properties`."""
    crumbs = iter(breadcrumb)
    return tuple(
        str(name) for crumb in crumbs if crumb == "properties" for name in islice(crumbs, 1)
    )


def breadcrumbs(schema: Mapping[str, Any], parent: Breadcrumb = ()) -> Iterator[Breadcrumb]:
    """Yield the places that a schema declares, without `items`, as Meltano's rules need them."""
    for name, inner in (schema.get("properties") or {}).items():
        place = (*parent, "properties", name)
        yield place
        yield from breadcrumbs(inner, place)
    if schema.get("items"):
        yield from breadcrumbs(schema["items"], parent)


def choices_of(entry: Mapping[str, Any]) -> Choices:
    """Read the catalog's entry of a stream: its metadata, its schema, and the entry itself."""
    choices = Choices()
    choices.note(entry)
    choices.of_schema(entry.get("schema"))
    choices.of_metadata(entry.get("metadata") or ())
    return choices


def selection_of(choices: Choices, automatic: Collection[str]) -> Selection:
    """Return what of an order is selected.

    Args:
        choices: What the catalog says about the stream.
        automatic: The columns that are always selected whole.
    """
    fields = {name: place for name, place in choices.inside.items() if name not in automatic}
    selected = {name: place for name, place in fields.items() if place.is_selected()}
    parts = {name: place.part() for name, place in selected.items() if name != EXTRA}
    # `_extra` holds all that has no column, except what is deselected.
    extra = choices.inside[EXTRA].inside if EXTRA in choices.inside else {}
    shown = {name for name, place in extra.items() if place.is_selected() and not place.part()}
    return Selection(
        deselected=frozenset(fields.keys() - selected.keys()),
        parts={name: part for name, part in parts.items() if part is not None},
        hidden=frozenset(extra.keys() - shown),
    )


def taken_whole(choices: Choices) -> list[str]:
    """The columns that are selected whole because no member of theirs is selected."""
    return [
        name
        for name, place in choices.inside.items()
        if place.is_chosen
        and place.inside
        and not any(member.is_selected() for member in place.inside.values())
    ]
