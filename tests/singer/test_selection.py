"""What a catalog selects is what is emitted, at every depth and through every door."""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import count
from operator import getitem
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meltano.core.plugin.singer.catalog import MetadataExecutor, select_metadata_rules
from singer_sdk.mapper import PluginMapper

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.fitter import Fitter, open_order
from tap_xstak_oms.records.selection import Part
from tap_xstak_oms.singer.catalog import Known, prepare_catalog
from tap_xstak_oms.singer.emission import Objects
from tap_xstak_oms.singer.nested import levels_of
from tests.support import clock_of, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support import Run

# --- for any order, any catalog and any selection ---


@dataclass
class Place:
    """A field or member as it is drawn: what is known of it, said of it, and found there.

    Attributes:
        kind: What the schema says that it is: a leaf, an object or a list of objects.
        is_known: Whether the schema declares it.
        says: What is said of its selection.
        door: Where that is said.
        is_odd: Whether a leaf is found where the schema says otherwise.
        inside: Its members, by name.
    """

    kind: str
    is_known: bool
    says: bool | None
    door: str
    is_odd: bool
    inside: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind == "leaf":
            self.inside = {}
        if not self.is_known:
            self.forget()

    def forget(self) -> None:
        """Nothing is known of it, nor of what is in it."""
        self.is_known, self.says = False, None
        for inner in self.inside.values():
            inner.forget()


def places(depth: int) -> st.SearchStrategy[dict[str, Place]]:
    """Some fields or members, with what is in them."""
    return st.dictionaries(
        st.sampled_from(["a", "b", "items", "properties", "x y"]),
        st.builds(
            Place,
            kind=st.sampled_from(["leaf", "object", "list"] if depth else ["leaf"]),
            is_known=st.sampled_from([True, True, True, False]),
            says=st.sampled_from([None, None, True, False]),
            door=st.sampled_from(["metadata", "metadata without items", "schema"]),
            is_odd=st.sampled_from([False, False, False, True]),
            inside=places(depth - 1) if depth else st.just({}),
        ),
        max_size=3,
    )


class Drawn:
    """An order, its catalog, and which of its values are selected."""

    def __init__(self, fields: dict[str, Place]) -> None:
        self.shown: set[str] = set()
        self.hidden: set[str] = set()
        self._numbers = count(10_000)
        self._metadata: list[dict[str, Any]] = []
        schema = {"type": "object", "properties": self._properties(fields, ())}
        metadata = [{"breadcrumb": [], "metadata": {"selected": True}}, *self._metadata]
        entry = {"tap_stream_id": "sales_orders", "schema": schema, "metadata": metadata}
        self.catalog = {"streams": [entry]}
        self.order = self._object(fields, is_order=True)

    def _properties(self, fields: Mapping[str, Place], path: tuple[str, ...]) -> dict[str, Any]:
        return {
            name: self._schema(place, (*path, "properties", name))
            for name, place in fields.items()
            if place.is_known
        }

    def _schema(self, place: Place, path: tuple[str, ...]) -> dict[str, Any]:
        if place.says is not None and place.door != "schema":
            crumbs = [c for c in path if c != "/items" or place.door == "metadata"]
            breadcrumb = [crumb.removeprefix("/") for crumb in crumbs]
            said = {"inclusion": "available", "selected": place.says}
            self._metadata.append({"breadcrumb": breadcrumb, "metadata": said})
        schema: dict[str, Any] = {"type": ["number", "null"]}
        if place.kind == "object":
            schema = {"type": ["object", "null"]}
            schema |= {"properties": self._properties(place.inside, path)}
        elif place.kind == "list":
            inner = self._properties(place.inside, (*path, "/items"))
            item = {"type": ["object", "null"], "properties": inner}
            schema = {"type": ["array", "null"], "items": item}
        if place.says is not None and place.door == "schema":
            schema["selected"] = place.says
        return schema

    def _object(
        self, fields: Mapping[str, Place], *, is_order: bool = False, is_whole: bool = False
    ) -> str:
        members = []
        for name, place in fields.items():
            # A new field of an order is shown; a new member of an object only with the whole.
            is_shown = is_whole or (place.says is not False and (place.is_known or is_order))
            value = self._value(place, is_shown=is_shown, is_whole=is_whole)
            members.append(f"{json.dumps(name)}:{value}")
        return "{" + ",".join(members) + "}"

    def _value(self, place: Place, *, is_shown: bool, is_whole: bool) -> str:
        is_whole = is_whole or (is_shown and _is_taken_whole(place))
        if place.kind == "leaf" or place.is_odd:
            return self._leaf(is_shown=is_shown and (is_whole or place.kind == "leaf"))
        if not is_shown:
            members = [f"{json.dumps(name)}:{self._leaf(is_shown=False)}" for name in place.inside]
            return "{" + ",".join(members) + "}"
        if place.kind == "object":
            return self._object(place.inside, is_whole=is_whole)
        items = [self._object(place.inside, is_whole=is_whole) for _ in range(2)]
        return f"[{','.join(items)},{self._leaf(is_shown=is_whole)}]"

    def _leaf(self, *, is_shown: bool) -> str:
        """A number like no other in the order, with a digit to lose."""
        number = f"1.{next(self._numbers)}0"
        (self.shown if is_shown else self.hidden).add(number)
        return number


def _is_taken_whole(place: Place) -> bool:
    """By the rule in words: nothing known is deselected inside, or it alone was chosen."""
    known = [inner for inner in place.inside.values() if inner.is_known]
    if place.says and not any(inner.says is not False for inner in known):
        return True
    return all(inner.says is not False and _is_taken_whole(inner) for inner in known)


def emitted(drawn: Drawn, config: Mapping[str, Any]) -> str:
    """What of the order goes out, through the stream's own parts."""
    levels = levels_of(config, str(config.get("nested_schema")))
    prepared = prepare_catalog(drawn.catalog, {"sales_orders": Known(own_schema(), None, levels)})
    entry = prepared.catalog["sales_orders"]
    schema = entry.schema.to_dict()
    fitter = Fitter(schema, selection=prepared.selections["sales_orders"])
    fit = fitter.bind(location_id="l", order_status="s", synced_at="2026-01-15T00:00:00+00:00")
    record = fit(open_order(drawn.order.encode()))
    if config.keys() <= {"nested_schema"}:
        return record.decode()
    mapper = PluginMapper(dict(config), logging.getLogger(__name__))
    mapper.register_raw_streams_from_catalog(prepared.catalog)
    depth = config.get("flattening_max_depth", 0)
    objects = Objects(fitter, schema["properties"], flattening_depth=depth)
    mapped = [
        stream_map.transform(objects.of(record))
        for stream_map in mapper.stream_maps["sales_orders"]
    ]
    for one, stream_map in zip(mapped, mapper.stream_maps["sales_orders"], strict=True):
        assert one is not None
        assert one.keys() <= stream_map.transformed_schema["properties"].keys()
    return msgspec.json.Encoder(decimal_format="number").encode(mapped).decode()


FLAT = {"flattening_enabled": True}
WAYS: dict[str, dict[str, Any]] = {
    "direct": {},
    "direct, declared": {"nested_schema": "declared"},
    "mapped": {"stream_maps": {"sales_orders": {"new": "'x'"}}},
    "mapped, declared": {
        "stream_maps": {"sales_orders": {"new": "'x'"}},
        "nested_schema": "declared",
    },
    "flattened": {**FLAT, "flattening_max_depth": 1},
    "flattened and mapped": {
        **FLAT,
        "flattening_max_depth": 3,
        "stream_maps": {"sales_orders": {"new": "'x'"}},
    },
}


@given(fields=places(3))
@pytest.mark.parametrize("way", WAYS)
def test_what_is_selected_is_emitted_and_nothing_else(way: str, fields: dict[str, Place]) -> None:
    """No byte of what is deselected goes out, `_extra` included; all that is selected does."""
    drawn = Drawn(fields)
    output = emitted(drawn, WAYS[way])
    assert {number for number in drawn.hidden if number in output} == set()
    assert {number for number in drawn.shown if number not in output} == set()


# --- the doors of a catalog ---

NEW = b'"customer":{"name":"Known","cnic":"Secret"},"line_items":[{"sku":"Known","cost":"Secret"}]'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Orders of which one has members that no discovery saw."""
    order = RawOrder("1001", "pending", b'{"id":7,%b}' % NEW)
    world = World(locations=("1001",), orders_per_location=20, raw_orders=[order])
    with Sandbox(world) as running:
        yield running


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What discovery finds before there is that order."""
    with Sandbox(World(locations=("1001",), orders_per_location=20)) as before:
        return discovered(config_for(before), clock=clock_of(before))


def read(sandbox: Sandbox, catalog: dict[str, Any], **changes: Any) -> Run:
    """A run of the tap."""
    run = run_tap(config_for(sandbox, **changes), catalog=catalog, clock=clock_of(sandbox))
    assert run.error is None
    return run


def members(run: Run, name: str) -> set[str]:
    """The names of the members of a column's objects, in all records."""
    values = [record[name] for record in run.records if record.get(name)]
    objects = [one for value in values for one in (value if isinstance(value, list) else [value])]
    assert objects
    return {member for one in objects for member in one}


def selected_by_meltano(found: dict[str, Any], *rules: str) -> dict[str, Any]:
    """A catalog as Meltano writes it for the `select` of a project."""
    catalog = copy.deepcopy(found)
    # It deselects everything before it goes by the rules of a project.
    executor = MetadataExecutor(select_metadata_rules(["!*.*"]) + select_metadata_rules(rules))
    executor.visit(catalog)  # type: ignore[attr-defined]  # added by a decorator
    return catalog


WHOLE = object()


@pytest.mark.parametrize(
    ("rules", "customer", "items"),
    [
        (["sales_orders.customer"], WHOLE, None),
        (["sales_orders.customer.*"], WHOLE, None),
        (["sales_orders.*"], WHOLE, WHOLE),
        (["sales_orders.*", "!sales_orders.customer"], None, WHOLE),
        (["sales_orders.customer.name"], {"name"}, None),
        (["sales_orders.line_items"], None, WHOLE),
        (["sales_orders.line_items.sku"], None, {"sku"}),
        (["sales_orders.customer.name", "sales_orders.line_items.*"], {"name"}, WHOLE),
    ],
)
def test_what_meltano_selects(
    sandbox: Sandbox, found: dict[str, Any], rules: list[str], customer: Any, items: Any
) -> None:
    """An object that a rule names is whole, new members too; else what is selected in it is there.

    The rules are Meltano's own.
    """
    run = read(sandbox, selected_by_meltano(found, *rules))
    for name, expected, new in (("customer", customer, "cnic"), ("line_items", items, "cost")):
        if expected is None:
            assert not any(name in record for record in run.records)
        elif expected is WHOLE:
            assert len(members(run, name)) > 5
            assert new in members(run, name)
        else:
            assert members(run, name) == expected


def test_meltano_excludes_members(sandbox: Sandbox, found: dict[str, Any]) -> None:
    """Of the objects in a list, too, and what is new in those objects then stays out."""
    rules = ("sales_orders.*", "!sales_orders.customer.phone", "!sales_orders.line_items.sku")
    run = read(sandbox, selected_by_meltano(found, *rules))
    assert "email" in members(run, "customer")
    assert "title" in members(run, "line_items")
    assert not {"phone", "cnic"} & members(run, "customer")
    assert not {"sku", "cost"} & members(run, "line_items")


def test_the_catalog_lists_the_members_of_objects_in_lists(found: dict[str, Any]) -> None:
    """In the form that Meltano's rules find: without `items`."""
    listed = [entry["breadcrumb"] for entry in found["streams"][0]["metadata"]]
    assert ["properties", "line_items", "properties", "sku"] in listed
    assert ["properties", "customer", "properties", "name"] in listed
    assert len(set(map(tuple, listed))) == len(listed)


NOTE, NAME = ["properties", "note"], ["properties", "customer", "properties", "name"]
SKU = ["properties", "line_items", "items", "properties", "sku"]


def by_metadata(entry: dict[str, Any], said: Mapping[str, Any] | None = None) -> None:
    """Deselect a column, a member and a member of objects in a list, in metadata."""
    for crumb in (NOTE, NAME, SKU):
        entry["metadata"].append({"breadcrumb": crumb, "metadata": said or {"selected": False}})


def by_schema(entry: dict[str, Any]) -> None:
    """The same in the schema."""
    for crumbs in (NOTE, NAME, SKU):
        reduce(getitem, crumbs, entry["schema"])["selected"] = False


def by_schema_alone(entry: dict[str, Any]) -> None:
    """The same where there is no metadata, as in old catalogs."""
    entry["metadata"] = []
    entry["schema"]["selected"] = True
    by_schema(entry)


DOORS: dict[str, Callable[[dict[str, Any]], None]] = {
    "metadata": by_metadata,
    "schema": by_schema,
    "schema alone": by_schema_alone,
    "default": partial(by_metadata, said={"selected-by-default": False}),
    "unsupported": partial(by_metadata, said={"inclusion": "unsupported", "selected": True}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("way", WAYS)
def test_every_door_deselects(sandbox: Sandbox, found: dict[str, Any], door: str, way: str) -> None:
    """A column, a member, a member of objects in a list; what else is new there stays out."""
    catalog = copy.deepcopy(found)
    DOORS[door](catalog["streams"][0])
    run = read(sandbox, catalog, **WAYS[way])
    said = json.dumps(run.records, default=str)
    assert len(run.records) == 21
    assert "+92-300-" in said
    assert "unit_price" in said
    for hidden in ("Test Customer", "SKU-", "call before delivery", "Known", "Secret"):
        assert hidden not in said
    columns = run.schema["schema"]["properties"]
    assert not {"note", "customer__name"} & columns.keys()


@pytest.mark.parametrize("way", WAYS)
def test_a_column_of_ours_can_be_deselected(
    sandbox: Sandbox, found: dict[str, Any], way: str
) -> None:
    """The SDK would put those of the partition into the records again."""
    catalog = copy.deepcopy(found)
    deselection = {"breadcrumb": ["properties", "_location_id"], "metadata": {"selected": False}}
    catalog["streams"][0]["metadata"].append(deselection)
    run = read(sandbox, catalog, **WAYS[way])
    assert len(run.records) == 21
    assert not any("_location_id" in record for record in run.records)
    assert "_location_id" not in run.schema["schema"]["properties"]


@pytest.mark.parametrize("place", ["entry", "schema", "metadata"])
def test_the_whole_stream_can_be_deselected(
    sandbox: Sandbox, found: dict[str, Any], place: str
) -> None:
    """Wherever it is said, and whatever is said elsewhere, nothing is read."""
    catalog = copy.deepcopy(found)
    entry = catalog["streams"][0]
    for one in (entry, entry["schema"], entry["metadata"][-1]["metadata"]):
        one["selected"] = True
    if place == "entry":
        entry["selected"] = False
    elif place == "schema":
        entry["schema"]["selected"] = False
    else:
        entry["metadata"] += [{"breadcrumb": [], "metadata": {"selected": False}}]
    assert read(sandbox, catalog).records == []


def test_what_is_said_of_a_place_alone_needs_no_word_of_the_stream(
    sandbox: Sandbox, found: dict[str, Any]
) -> None:
    """A catalog of another origin may speak of a column and nothing else."""
    catalog = copy.deepcopy(found)
    deselection = {"breadcrumb": ["properties", "note"], "metadata": {"selected": False}}
    catalog["streams"][0]["metadata"] = [deselection]
    run = read(sandbox, catalog)
    assert len(run.records) == 21
    assert "customer" in run.records[0]
    assert not any("note" in record for record in run.records)


def deselecting(found: dict[str, Any], *breadcrumb: str, selected: bool = False) -> dict[str, Any]:
    """The catalog in which metadata says whether a place is selected."""
    catalog = copy.deepcopy(found)
    said = {"breadcrumb": list(breadcrumb), "metadata": {"selected": selected}}
    catalog["streams"][0]["metadata"].append(said)
    return catalog


@pytest.mark.parametrize(
    ("breadcrumb", "said"),
    [
        (["properties", "custmer"], "custmer (is customer meant?)"),
        (["properties", "zzz", "properties", "name"], "zzz."),
        (
            ["properties", "customer", "properties", "emal"],
            "customer.emal (is email meant?)",
        ),
        (["properties", "line_items", "properties", "cost"], "line_items.cost."),
        (
            ["properties", "line_items", "items", "properties", "skuu"],
            "line_items.skuu (is sku meant?)",
        ),
        (["properties", "note", "properties", "text"], "note.text."),
        (["customer"], "customer."),
    ],
)
def test_a_place_that_is_nowhere_is_refused(
    sandbox: Sandbox, found: dict[str, Any], breadcrumb: list[str], said: str
) -> None:
    """At every depth, before anything is read: what was to be hidden would go out."""
    catalog = deselecting(found, *breadcrumb)
    sandbox.journal.clear()
    run = run_tap(config_for(sandbox), catalog=catalog, clock=clock_of(sandbox))
    assert isinstance(run.error, UsageError)
    assert said in f"{run.error}"
    assert not run.messages
    assert not sandbox.journal.orders


def test_a_selection_left_over_is_no_error(sandbox: Sandbox, found: dict[str, Any]) -> None:
    """A column that was taken out of the schema may be selected still: nothing was to be hidden."""
    catalog = deselecting(found, "properties", "customer", selected=True)
    del catalog["streams"][0]["schema"]["properties"]["customer"]
    assert all("customer" in record["_extra"] for record in read(sandbox, catalog).records)


@pytest.mark.parametrize("said", ["false", "true", 0, [], {}])
@pytest.mark.parametrize("door", ["metadata", "schema", "entry"])
def test_a_selection_that_is_no_boolean_is_refused(
    sandbox: Sandbox, found: dict[str, Any], door: str, said: Any
) -> None:
    """A text or a number may be meant to hide something, and hid nothing."""
    catalog = deselecting(found, "properties", "customer", selected=said)
    entry = catalog["streams"][0]
    if door != "metadata":
        del entry["metadata"][-1]
        (entry if door == "entry" else entry["schema"]["properties"]["note"])["selected"] = said
    run = run_tap(config_for(sandbox), catalog=catalog, clock=clock_of(sandbox))
    assert isinstance(run.error, UsageError)
    assert "It can be true or false." in f"{run.error}"
    assert not run.messages


def test_what_is_nowhere_in_the_other_stream_is_refused(
    sandbox: Sandbox, found: dict[str, Any]
) -> None:
    """Its columns are known as well; one that is in the schema may be deselected."""
    catalog = copy.deepcopy(found)
    reads = catalog["streams"][1]["metadata"]
    reads.append({"breadcrumb": ["properties", "error"], "metadata": {"selected": False}})
    assert read(sandbox, catalog).records
    reads.append({"breadcrumb": ["properties", "eror"], "metadata": {"selected": False}})
    run = run_tap(config_for(sandbox), catalog=catalog, clock=clock_of(sandbox))
    assert "'sales_order_reads'" in f"{run.error}"
    assert "eror (is error meant?)" in f"{run.error}"


def test_a_field_without_a_column_can_be_hidden(sandbox: Sandbox, found: dict[str, Any]) -> None:
    """In both ways that the refusal tells: inside of `_extra`, or with a schema that is empty."""
    catalog = deselecting(found, "properties", "_extra", "properties", "tags")
    entry = catalog["streams"][0]
    del entry["schema"]["properties"]["tags"]
    entry["metadata"] = [m for m in entry["metadata"] if m["breadcrumb"][-1:] != ["tags"]] + [
        entry["metadata"][-1]
    ]
    catalog = deselecting(catalog, "properties", "customer", "properties", "cnic")
    catalog["streams"][0]["schema"]["properties"]["customer"]["properties"]["cnic"] = {}
    run = read(sandbox, catalog)
    assert not any(record["_extra"] for record in run.records)
    assert "Known" in json.dumps(run.records, default=str)
    assert not any("cnic" in (record["customer"] or {}) for record in run.records)


def test_what_is_left_out_is_counted(
    sandbox: Sandbox, found: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """New members of an object of which a part is deselected, by name, at the end of the run."""
    catalog = copy.deepcopy(found)
    by_metadata(catalog["streams"][0])
    read(sandbox, catalog)
    for name in ("customer.cnic", "line_items.cost"):
        [warning] = [line.message for line in caplog.records if f"Field {name}:" in line.message]
        assert "1 value is left out" in warning
    assert "Secret" not in caplog.text


def test_an_object_that_is_taken_whole_is_told(
    sandbox: Sandbox, found: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A rule that excludes all of its members looks the same, and may have meant to hide it."""
    caplog.set_level("INFO")
    read(sandbox, selected_by_meltano(found, "sales_orders.*", "!sales_orders.customer.*"))
    assert "Selected whole, as no member is selected: customer." in caplog.text


def test_a_name_that_may_be_data_is_not_told() -> None:
    """Objects are used as maps, whose names are those of customers."""
    part = Part({"a": None}, frozenset())
    told: list[str] = []
    assert part.of(b'{"a":1,"0300-1234567":2,"vip":3}', "phones", told.append) == b'{"a":1}'
    assert told == ["phones.*", "phones.vip"]


def test_repeated_names_and_blanks_are_selected_like_others() -> None:
    """A parser that keeps the last of a name would lose the others, or show them."""
    part = Part({"a": None, "é": Part({"b": None}, frozenset())}, frozenset({"c"}))
    value = b'{ "a" : 1.10 , "c":0,"a":[ 2 ],"\\u00e9":[{"b" : 3,"c":4}, null, 5] }'
    left_out: list[str] = []
    assert part.of(value, "v", left_out.append) == (
        '{"a":1.10,"a":[ 2 ],"é":[{"b":3},null]}'.encode()
    )
    assert left_out == ["v.é.c", "v.é"]
