"""What a column takes."""

from __future__ import annotations

from typing import Any

import pytest

from tap_xstak_oms.records.columns import OWN_COLUMNS, can_be_column, column_of, own_schema

ODD_SCHEMAS: list[Any] = [
    {},
    True,
    False,
    None,
    [],
    "string",
    {"type": []},
    {"type": "anything"},
    {"type": None},
    {"type": {"a": 1}},
    {"type": [["string"]]},
    {"enum": ["a", 1]},
    {"$ref": "#/definitions/x"},
    {"anyOf": []},
    {"anyOf": {}},
    {"anyOf": [{}]},
    {"oneOf": [True]},
]


@pytest.mark.parametrize("schema", ODD_SCHEMAS, ids=repr)
@pytest.mark.parametrize("value", [b"null", b"1e400", b'"a"', b"true", b"[1,[]]", b'{"a":{}}'])
def test_a_schema_that_names_no_type_takes_anything(schema: Any, value: bytes) -> None:
    """Catalogs of other origin may be odd: that is no reason to fail, nor to refuse a value."""
    column = column_of(schema)
    assert column.takes(value)
    assert column.is_nullable


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ({"type": "string"}, ['"a"'], ["null", "1", "{}"]),
        ({"type": ["null", "boolean"]}, ["null", "true", "false"], ['"true"', "0"]),
        (
            {"type": ["integer", "null"]},
            ["0", "-0", "9223372036854775807", "-9223372036854775808", "null"],
            ["1.0", "1e2", "9223372036854775808", "-9223372036854775809", '"1"', "true"],
        ),
        (
            {"type": "number"},
            ["0", "1.10", "1e400", "-1E-400", "9" * 400, "123456789012345678901.5"],
            ['"1"', "null", "true", "[1]"],
        ),
        ({"type": ["string", "integer"]}, ['"a"', "1"], ["1.5", "null"]),
        ({"type": ["integer", "number"]}, ["1", "1.5", "1e400"], ['"a"']),
        ({"type": "array"}, ["[]", '[1,"a",{}]'], ["{}", '"[]"']),
        ({"type": "array", "items": {}}, ["[]", '[1,"a",[[]]]'], ["{}"]),
        ({"type": "array", "items": {"type": "string"}}, ["[]", '["a"]'], ["[1]", "[null]"]),
        ({"type": "object"}, ["{}", '{"a":[1]}'], ["[]", "null"]),
        ({"type": ["object", "array"]}, ["{}", "[1]", '{"a":1e400}'], ['"a"', "1", "null"]),
        (
            {"type": ["object", "array"], "properties": {"a": {"type": "string"}}},
            ["{}", "[1]", '{"a":"b"}'],
            ['{"a":1}', "1"],
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}},
            ["{}", '{"a":1}', '{"a":null,"b":"x"}'],
            ['{"a":"1"}', '{"a":1.5}', "[]"],
        ),
        ({"type": "array", "items": {"type": "number"}}, [f"[{'9' * 400},1.10]"], ['["1"]']),
        (
            {
                "type": "object",
                "properties": {"a": {}},
                "required": ["a"],
                "additionalProperties": False,
            },
            ['{"a":1}'],
            ["{}", '{"a":1,"b":2}'],
        ),
        (
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            ['"a"', "null"],
            ["1"],
        ),
        ({"oneOf": [{"type": "integer"}, {"anyOf": [{"type": "boolean"}]}]}, ["1", "true"], ["{}"]),
        (
            {
                "anyOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}}},
                    {"type": "object", "properties": {"a": {"type": "integer"}}},
                ]
            },
            ['{"a":"1"}', '{"a":1}'],
            ["[]"],
        ),
    ],
)
def test_a_column_takes_its_types_and_no_other(
    schema: dict[str, Any], taken: list[str], refused: list[str]
) -> None:
    """At every depth; integers have 64 bits, numbers any size and length."""
    column = column_of(schema)
    assert [value for value in taken if not column.takes(value.encode())] == []
    assert [value for value in refused if column.takes(value.encode())] == []


@pytest.mark.parametrize(
    ("schema", "value", "goes"),
    [
        ({"type": "string", "format": "date-time"}, '"2024-05-01T00:00:00Z"', "+00:00"),
        ({"type": "string", "format": "date-time"}, '"2024-05-01T00:00:00"', None),
        ({"type": "string", "format": "date"}, '"2024-05-01"', "2024-05-01"),
        ({"type": "string", "format": "date"}, '"2024-05-32"', None),
        ({"type": "string", "format": "time"}, '"23:00:00"', "23:00:00"),
        ({"type": "string", "format": "time"}, '"25:00:00"', None),
    ],
)
def test_the_formats_of_times_are_checked(
    schema: dict[str, Any], value: str, goes: str | None
) -> None:
    """A loader makes them columns of those types, which take no other text."""
    convert = column_of(schema).convert
    assert convert is not None
    converted = convert(value.encode())
    assert (converted is None) if goes is None else (goes.encode() in (converted or b""))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "format": "email"},
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]},
        {"type": "integer", "format": "date-time"},
        {},
    ],
)
def test_strings_of_other_columns_are_not_converted(schema: dict[str, Any]) -> None:
    """A format counts only in a column whose strings all have it."""
    assert column_of(schema).convert is None


@pytest.mark.parametrize("schema", [{"type": ["string", "null", "object"]}, {}])
def test_a_key_takes_scalars_only(schema: dict[str, Any]) -> None:
    """Null and nested values identify nothing, even if the catalog allows them."""
    column = column_of(schema, is_key=True)
    assert column.takes(b'"a"')
    assert not any(column.takes(value) for value in (b"null", b"{}", b"[]"))


def test_some_names_cannot_be_columns() -> None:
    """Ours, the loaders' own, the empty, those of escapes, and those longer than PostgreSQL's."""
    unusable = [*OWN_COLUMNS, "_sdc_batched_at", "", 'a"b', "a\\b", "a\nb", "a" * 64, "ن" * 32]
    assert not any(map(can_be_column, unusable))
    usable = ["id", "_id", "order number", "نام", "sdc_a", "a" * 63, "ن" * 31]
    assert all(map(can_be_column, usable))


def test_our_own_columns_are_declared_as_written() -> None:
    """Their schemas take what a record holds."""
    schema = own_schema()
    assert tuple(schema) == OWN_COLUMNS
    assert column_of(schema["_extra"]).takes(b'{"a":[{}]}')
    assert all(column_of(schema[name]).takes(b"null") for name in OWN_COLUMNS)
