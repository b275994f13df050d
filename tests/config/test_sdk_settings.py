"""The SDK's own settings: each mistake is told by name before anything is read."""

from __future__ import annotations

from typing import Any

import pytest

from tap_xstak_oms.config.sdk_settings import problems
from tap_xstak_oms.tap import TapXstakOMS

SECRET = "a-seed-that-no-log-line-holds"


def said(**settings: Any) -> list[str]:
    """What is said of settings of the SDK."""
    schema = TapXstakOMS.sdk_schema()
    given = {name: schema[name] for name in settings}
    return list(problems(settings, given, ["sales_orders"]))


def of_map(definition: Any, name: str = "sales_orders") -> list[str]:
    """What is said of one stream map."""
    return said(stream_maps={name: definition})


GOOD: dict[str, Any] = {
    "nothing": None,
    "no map": {},
    "an empty map": {"sales_orders": {}},
    "the whole stream goes": {"sales_orders": None, "__else__": "__NULL__"},
    "by a pattern": {"sales_*": "__NULL__"},
    "another name": {"orders": {"__source__": "sales_orders", "__else__": None}},
    "every option": {
        "sales_orders": {
            "__alias__": "orders",
            "__filter__": "bool(note)",
            "__key_properties__": ["number"],
            "number": "sha256(config['seed'] + str(id))",
            "note": None,
            "customer": "__NULL__",
            "month": "datetime.date.fromisoformat(created_at[:10]).strftime('%Y-%m')",
            "tags": "[tag.strip() for tag in tags or []]",
        }
    },
}


@pytest.mark.parametrize("maps", GOOD.values(), ids=GOOD.keys())
def test_what_the_sdk_takes_is_taken(maps: Any) -> None:
    """No map that works is refused."""
    assert said(stream_maps=maps, flattening_enabled=True, flattening_max_depth=2) == []


BAD: dict[str, tuple[Any, str]] = {
    "an unknown function": ({"x": "md6(note)"}, "`stream_maps.sales_orders.x` calls md6, which"),
    "one deep inside": ({"x": "md5(shout(note) if note else '')"}, "calls shout, which is no"),
    "a syntax error": ({"x": "md5("}, "`stream_maps.sales_orders.x` is not a valid expression"),
    "a NUL": ({"x": "md5(\0)"}, "`stream_maps.sales_orders.x` is not a valid expression"),
    "parentheses without end": ({"x": "(" * 100_000}, "is not a valid expression"),
    "an empty text": ({"x": ""}, "`stream_maps.sales_orders.x` must be one expression"),
    "a statement": ({"x": "import os"}, "`stream_maps.sales_orders.x` must be one expression"),
    "two of them": ({"x": "1; 2"}, "`stream_maps.sales_orders.x` must be one expression"),
    "a number": ({"x": 5}, "`stream_maps.sales_orders.x` must be a string"),
    "a list": ({"x": ["md5(note)"]}, "`stream_maps.sales_orders.x` must be a string"),
    "a bad filter": ({"__filter__": "a ="}, "`stream_maps.sales_orders.__filter__` is no"),
    "a bad alias": ({"__alias__": 5}, "`stream_maps.sales_orders.__alias__` must be a string"),
    "a bad key": ({"__key_properties__": "id"}, "`stream_maps.sales_orders.__key_properties__`"),
    "a bad rest": ({"__else__": "x"}, "`stream_maps.sales_orders.__else__` can only be __NULL__"),
    "no map": ([SECRET], "`stream_maps.sales_orders` must be an object"),
    "a map that is a text": (SECRET, "`stream_maps.sales_orders` must be an object"),
}


@pytest.mark.parametrize(("definition", "words"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_by_the_name_of_the_map(definition: Any, words: str) -> None:
    """One sentence names the map and the column, and does not show what the user wrote."""
    [sentence] = of_map(definition)
    assert words in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize("name", ["orders", "Sales_Orders", "sales_orders_", "__x__"])
def test_a_map_of_an_unknown_stream_is_refused(name: str) -> None:
    """What was to be hidden would come out, and nobody would notice."""
    expected = f"`stream_maps.{name}` names an unknown stream. The streams are sales_orders"
    for definition in ({"customer": None}, None, 5):
        [sentence] = of_map(definition, name)
        assert sentence.startswith(expected)
    [sentence] = of_map({"__source__": name}, "copy")
    assert "`stream_maps.copy` names an unknown stream" in sentence


def test_every_problem_is_told() -> None:
    """A person mends all at once."""
    found = said(
        stream_maps={"orders": {}, "sales_orders": {"x": "(", "y": 5}},
        stream_map_config=SECRET,
        flattening_enabled="yes",
        flattening_max_depth=True,
        flattening_separator=1,
    )
    assert len(found) == 7
    assert not any(SECRET in sentence for sentence in found)


def test_a_setting_that_is_no_object_is_told() -> None:
    """The map as a whole can be of the wrong type."""
    for maps in (5, [1], "x", True):
        assert said(stream_maps=maps) == ["`stream_maps` must be object or null."]
