"""A new discovery on top of a committed catalog."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.singer.rediscovery import extended
from tests.support import config_for, discovered, run_tap
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Sequence

STRING = {"type": ["string", "null"]}
NUMBER = {"type": ["number", "null"]}


def obj(**members: Any) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": ["object", "null"], "properties": members, "additionalProperties": True}


def catalog(deselected: Sequence[tuple[str, ...]] = (), **columns: Any) -> dict[str, Any]:
    """A catalog of one stream with these columns, some places of which are deselected."""
    crumbs: list[tuple[str, ...]] = [()]

    def collect(schema: dict[str, Any], path: tuple[str, ...]) -> None:
        for name, inner in schema.get("properties", {}).items():
            crumbs.append((*path, "properties", name))
            collect(inner, crumbs[-1])
            if "items" in inner:
                collect(inner["items"], (*path, "properties", name, "items"))

    schema = {"type": "object", "properties": columns}
    collect(schema, ())
    metadata = [
        {
            "breadcrumb": list(crumb),
            "metadata": {"inclusion": "available"}
            | ({"selected": False} if crumb in deselected else {}),
        }
        for crumb in crumbs
    ]
    stream = {"tap_stream_id": "sales_orders", "schema": schema, "metadata": metadata}
    return {"streams": [stream]}


def properties(found: dict[str, Any]) -> dict[str, Any]:
    """The columns of a catalog."""
    columns: dict[str, Any] = found["streams"][0]["schema"]["properties"]
    return columns


def deselected(found: dict[str, Any]) -> set[tuple[str, ...]]:
    """The places that a catalog deselects."""
    return {
        tuple(item["breadcrumb"])
        for item in found["streams"][0]["metadata"]
        if item["metadata"].get("selected") is False
    }


def test_what_is_committed_stays(caplog: pytest.LogCaptureFixture) -> None:
    """Types, selection and key stay as committed; what would have been typed otherwise is told."""
    given = catalog([("properties", "note")], total=NUMBER, note=STRING)
    given["streams"][0]["key_properties"] = ["total"]
    before = copy.deepcopy(given)
    result = extended(given, catalog(total=STRING, note=STRING))
    assert result == given == before
    assert "total stays number as in the catalog; by this sample it would be string." in caplog.text


def test_a_new_column_is_added_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """It comes with its type and its metadata."""
    caplog.set_level(logging.INFO)
    result = extended(catalog(id=NUMBER), catalog(id=NUMBER, tip=NUMBER, customer=obj(name=STRING)))
    assert list(properties(result)) == ["id", "tip", "customer"]
    crumbs = [item["breadcrumb"] for item in result["streams"][0]["metadata"]]
    assert ["properties", "tip"] in crumbs
    assert ["properties", "customer", "properties", "name"] in crumbs
    assert "New in the catalog of sales_orders: tip, customer." in caplog.text


NAME = ("properties", "customer", "properties", "name")
SKU = ("properties", "items", "items", "properties", "sku")


@pytest.mark.parametrize(
    ("hidden", "given", "found", "new"),
    [
        (
            NAME,
            {"customer": obj(id=NUMBER, name=STRING)},
            {"customer": obj(id=NUMBER, name=STRING, phone=STRING)},
            ("properties", "customer", "properties", "phone"),
        ),
        (
            ("properties", "customer"),
            {"customer": obj(id=NUMBER)},
            {"customer": obj(id=NUMBER, address=obj(street=STRING))},
            ("properties", "customer", "properties", "address"),
        ),
        (
            SKU,
            {"items": {"type": ["array", "null"], "items": obj(sku=STRING)}},
            {"items": {"type": ["array", "null"], "items": obj(sku=STRING, gift=STRING)}},
            ("properties", "items", "items", "properties", "gift"),
        ),
    ],
    ids=["a member beside a hidden one", "in a hidden column", "in a list"],
)
def test_what_is_new_beside_something_hidden_is_hidden(
    caplog: pytest.LogCaptureFixture, hidden: Any, given: Any, found: Any, new: Any
) -> None:
    """To discover again does not bring customers' data into the warehouse."""
    result = extended(catalog([hidden], **given), catalog(**found))
    assert new in deselected(result)
    assert hidden in deselected(result)
    crumbs = [tuple(item["breadcrumb"]) for item in result["streams"][0]["metadata"]]
    assert len(set(crumbs)) == len(crumbs)
    assert "and deselected, as other members of the same object are: " in caplog.text


@pytest.mark.parametrize("metadata", [None, []])
def test_what_the_schema_hides_counts_too(metadata: list[Any] | None) -> None:
    """As in old catalogs, which have no metadata."""
    given = catalog(customer=obj(name={**STRING, "selected": False}))
    given["streams"][0]["metadata"] = metadata
    result = extended(given, catalog(customer=obj(name=STRING, cnic=STRING), note=STRING))
    assert deselected(result) == {("properties", "customer", "properties", "cnic")}
    assert "note" in properties(result)


def test_a_catalog_without_metadata_gets_the_new_columns() -> None:
    """It has everything selected, and goes on to."""
    given = catalog(id=NUMBER)
    del given["streams"][0]["metadata"]
    result = extended(given, catalog(id=NUMBER, tip=NUMBER))
    assert list(properties(result)) == ["id", "tip"]
    assert "metadata" not in result["streams"][0]


@pytest.mark.parametrize("odd", [{}, {"streams": None}, {"streams": [{}]}, {"streams": [[]]}])
def test_a_catalog_that_is_none_is_told(odd: dict[str, Any]) -> None:
    """It ends in a sentence that says what a catalog is."""
    with pytest.raises(UsageError, match=r"not in the form of a Singer catalog"):
        extended(odd, catalog())


def test_the_extended_catalog_is_read_with_its_selection() -> None:
    """A run with it shows nothing that was deselected, and all that is new."""
    with Sandbox(World(locations=("1001",))) as sandbox:
        found = discovered(config_for(sandbox))
        given = copy.deepcopy(found)
        del properties(given)["currency"]
        entries = given["streams"][0]["metadata"]
        entries[:] = [item for item in entries if "currency" not in item["breadcrumb"]]
        for item in entries:
            if item["breadcrumb"] == ["properties", "customer"]:
                item["metadata"]["selected"] = False
        run = run_tap(config_for(sandbox), catalog=extended(given, found))
    assert run.error is None
    assert all("currency" in record for record in run.records)
    assert not any("customer" in {**record, **(record["_extra"] or {})} for record in run.records)
