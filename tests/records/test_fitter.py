"""Fitting an order to the schema of its stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.sinks.core import JSONSchemaValidator

from tap_xstak_oms.api.text import clean
from tap_xstak_oms.errors import TapError
from tap_xstak_oms.records.columns import OWN_COLUMNS, can_be_column, column_of, own_schema
from tap_xstak_oms.records.fitter import (
    COUNTED_NAMES,
    OTHER_FIELDS,
    Fitter,
    OrderError,
    open_order,
)
from tap_xstak_oms.records.objects import to_python
from tap_xstak_oms.records.selection import Part, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

SYNCED_AT = "2024-05-01T00:00:00.000000+00:00"

NUMBER = {"type": ["number", "null"]}
INTEGER = {"type": ["integer", "null"]}
STRING = {"type": ["string", "null"]}
TIMESTAMP = {**STRING, "format": "date-time"}
ITEMS = {
    "type": ["array", "null"],
    "items": {"type": ["object", "null"], "properties": {"qty": NUMBER}},
}
PART = Part({"a": None}, frozenset({"b"}))


def fitter(columns: Mapping[str, Any], **options: Any) -> Fitter:
    """A fitter for a stream of these columns and our own."""
    return Fitter({"properties": {**own_schema(), **columns}}, **options)


def without(*fields: str) -> Selection:
    """A selection of everything but some fields."""
    return Selection(deselected=frozenset(fields))


def fit(order: str, fitter: Fitter) -> str:
    """The record of an order, without our own columns except `_extra`."""
    bound = fitter.bind(location_id="12", order_status="pending", synced_at=SYNCED_AT)
    prefix = f'{{"_location_id":"12","_order_status":"pending","_synced_at":"{SYNCED_AT}",'
    record = bound(open_order(msgspec.Raw(order))).decode()
    assert record.startswith(prefix)
    return record.replace(prefix, "{")


# --- what travels where ---


def test_a_record_has_our_columns_and_the_fields_of_the_order() -> None:
    """Each field in its column, in the order in which it came, and `_extra` null."""
    columns = {"id": INTEGER, "total": NUMBER, "note": STRING}
    order = '{"note":null,"id":7,"total":1.10}'
    assert fit(order, fitter(columns)) == '{"note":null,"id":7,"total":1.10,"_extra":null}'


@pytest.mark.parametrize(
    "value",
    [
        "1.10",
        "0.1000000000000000055511151231257827",
        "12345678901234567890123",
        "1e400",
        "-0.0",
        "1E+2",
        '"a\\u00e9\\/\\n"',
        '[{"qty" : 1.0, "new":[ ]}]',
        '{"b":1,"a":{"b":1.10},"a":2}',
        "9" * 5000,
        f'"{"x" * 1_000_000}"',
        "[" * 100 + "]" * 100,
    ],
    ids=lambda value: value[:20],
)
@pytest.mark.parametrize("columns", [{}, {"v": {}}], ids=["undeclared", "declared"])
def test_a_value_is_the_text_that_came(value: str, columns: dict[str, Any]) -> None:
    """Digits, escapes, blanks and nested repeats, whether it has a column or not."""
    record = fit(f'{{"v":{value}}}', fitter(columns))
    assert record == (
        f'{{"v":{value},"_extra":null}}' if columns else f'{{"_extra":{{"v":{value}}}}}'
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (NUMBER, '"1.10"'),
        (NUMBER, "{}"),
        (STRING, "1.10"),
        (INTEGER, "1.0"),
        (INTEGER, "9223372036854775808"),
        (TIMESTAMP, '"2024-05-01T00:00:00"'),
        (TIMESTAMP, '"2016-12-31T23:59:60Z"'),
        (TIMESTAMP, '"0001-01-01T00:00:00+05:00"'),
        (TIMESTAMP, "1714512245"),
        (ITEMS, '[{"qty":1},{"qty":"2"}]'),
        (ITEMS, '{"qty":1}'),
    ],
)
def test_what_does_not_fit_its_column_travels_in_extra(column: dict[str, Any], value: str) -> None:
    """Untouched, with its column null; also when only something nested does not fit."""
    stream = fitter({"v": column, "w": STRING})
    record = fit(f'{{"v":{value},"w":"x"}}', stream)
    assert record == f'{{"w":"x","v":null,"_extra":{{"v":{value}}}}}'
    assert stream.misfits == {"v": 1}


def test_a_null_in_a_column_without_null_leaves_no_null_there() -> None:
    """The loader would refuse it: the column is absent, and the null is told in `_extra`."""
    assert fit('{"v":null}', fitter({"v": {"type": "string"}})) == '{"_extra":{"v":null}}'


def test_a_number_beyond_a_double_fits_a_number_column() -> None:
    """Any JSON number does, though the parser cannot hold it."""
    stream = fitter({"v": NUMBER, "w": NUMBER})
    assert fit('{"v":1e400,"w":2}', stream) == '{"v":1e400,"w":2,"_extra":null}'
    assert not stream.misfits


def test_undeclared_fields_travel_in_extra_in_their_order() -> None:
    """New fields are kept and counted; a null has nothing to keep."""
    stream = fitter({"id": INTEGER})
    record = fit('{"z":1.10,"id":1,"n":null,"a":[ 1 ]}', stream)
    assert record == '{"id":1,"_extra":{"z":1.10,"a":[ 1 ]}}'
    assert stream.undeclared == {"z": 1, "a": 1}


@pytest.mark.parametrize("name", [*OWN_COLUMNS, "_sdc_batched_at", "", 'a\\"b', "a\\u0001"])
def test_an_orders_field_of_an_unusable_name_travels_in_extra(name: str) -> None:
    """Even if the catalog declares it: ours and the loader's own come first."""
    stream = fitter({json.loads(f'"{name}"'): STRING} if name not in OWN_COLUMNS else {})
    assert fit(f'{{"{name}":"theirs"}}', stream) == f'{{"_extra":{{"{name}":"theirs"}}}}'


def test_a_timestamp_with_an_offset_becomes_utc() -> None:
    """At the top level only; nested ones and those in string columns stay as they came."""
    columns = {"at": TIMESTAMP, "text": STRING, "nested": {}}
    time = '"2024-05-01T03:04:05.10+5:00"'
    record = fit(f'{{"at":{time},"text":{time},"nested":[{time}]}}', fitter(columns))
    utc = '"2024-04-30T22:04:05.10+00:00"'
    assert record == f'{{"at":{utc},"text":{time},"nested":[{time}],"_extra":null}}'


def test_blanks_between_the_members_of_an_order_do_not_travel() -> None:
    """Blanks do not pass for repeated names."""
    record = fit('{ "id" : 1 ,\n"v":\t[ 1 ] , "new" : 2 }', fitter({"id": INTEGER, "v": {}}))
    assert record == '{"id":1,"v":[ 1 ],"_extra":{"new":2}}'


def test_an_empty_order_is_a_record_of_our_columns() -> None:
    """It has no field, which is no error in a stream without a key."""
    assert fit("{}", fitter({"id": INTEGER})) == '{"_extra":null}'


@pytest.mark.parametrize("blank", ["", " "])
def test_of_a_repeated_name_every_value_travels(blank: str) -> None:
    """The last one in the column; the earlier ones in `_extra` under names that are free."""
    order = f'{{"v":1,{blank}"v":null,"v#1":true,"v":1.10,"u":2,"u":3}}'
    assert fit(order, fitter({"v": NUMBER})) == (
        '{"v":1.10,"_extra":{"v#2":1,"v#1":true,"u#1":2,"u":3}}'
    )


def test_a_repeated_name_spelled_differently_is_the_same_name() -> None:
    """Escapes in names do not hide a repeat."""
    record = fit('{"\\u0076":1,"v":2}', fitter({"v": NUMBER}))
    assert record == '{"v":2,"_extra":{"v#1":1}}'


# --- selection ---


def test_a_deselected_field_is_nowhere() -> None:
    """Neither in a column nor in `_extra`, not even as a repeated name."""
    stream = fitter({"id": INTEGER, "phone": STRING}, selection=without("phone", "email"))
    record = fit('{"phone":"1","id":1,"email":"2","phone":3}', stream)
    assert record == '{"id":1,"_extra":null}'
    assert not stream.undeclared


def test_a_field_of_which_a_part_is_deselected_travels_in_part() -> None:
    """In its column, and in `_extra` where that part has no column or does not fit it."""
    options = {"selection": Selection(parts={"customer": PART})}
    came = '{"customer":{"a":1.10,"b":"secret","c":"secret"}}'
    part = '{"customer":{"a":1.10}'
    stream = fitter({"customer": {"type": ["object", "null"]}}, **options)
    assert fit(came, stream) == f'{part},"_extra":null}}'
    assert fit(came, fitter({}, **options)) == f'{{"_extra":{part}}}}}'
    misfit = fitter({"customer": {"type": ["string", "null"]}}, **options)
    assert fit(came, misfit) == f'{{"customer":null,"_extra":{part}}}}}'
    assert stream.left_out == {"customer.c": 1}


def test_what_may_hold_a_deselected_part_is_left_out() -> None:
    """A value that is no object, and a repeated name; it is counted."""
    stream = fitter(
        {"customer": {"type": ["object", "string", "null"]}},
        selection=Selection(parts={"customer": PART}),
    )
    assert fit('{"customer":"Ayesha"}', stream) == '{"customer":null,"_extra":null}'
    repeated = '{"customer":{"a":1,"b":2},"customer":[{"a":2},7]}'
    assert fit(repeated, stream) == (
        '{"customer":null,"_extra":{"customer#1":{"a":1},"customer":[{"a":2}]}}'
    )
    assert stream.left_out == {"customer": 2}


def test_a_hidden_field_is_not_in_extra() -> None:
    """A catalog may deselect it there alone: its column keeps it. What is lost is counted."""
    selection = Selection(hidden=frozenset({"v", "new"}))
    stream = fitter({"v": NUMBER}, selection=selection)
    assert fit('{"v":1,"new":2}', stream) == '{"v":1,"_extra":null}'
    assert fit('{"v":"x","v":"y"}', stream) == '{"v":null,"_extra":null}'
    assert stream.left_out == {"new": 1, "v": 1}


@pytest.mark.parametrize("columns", [{}, {"id": INTEGER}])
@pytest.mark.parametrize("extra", [True, False])
@pytest.mark.parametrize("order", ["{}", '{"id":1}', '{"id":"x"}', '{"new":1}', '{"id":1,"new":2}'])
def test_our_columns_can_be_deselected(columns: dict[str, Any], extra: bool, order: str) -> None:  # noqa: FBT001 - a parameter of the test
    """The record is a JSON object of what is left."""
    deselected = OWN_COLUMNS[:-1] if extra else OWN_COLUMNS
    stream = fitter(columns, selection=without(*deselected))
    bound = stream.bind(location_id="12", order_status="pending", synced_at=SYNCED_AT)
    record = json.loads(bound(open_order(order.encode())))
    assert record.keys() <= {"id", "_extra"}
    assert ("_extra" in record) == extra


def test_without_extra_what_has_no_column_is_lost_and_counted() -> None:
    """A catalog without `_extra` is not changed; the stream counts what is lost."""
    stream = Fitter({"properties": {"id": INTEGER, "v": NUMBER}})
    assert not stream.keeps_extra
    assert fit('{"id":1,"v":"x","new":2}', stream) == '{"id":1,"v":null}'
    assert (stream.misfits, stream.undeclared) == ({"v": 1}, {"new": 1})


def test_names_are_counted_in_bounded_memory() -> None:
    """If there are very many names, the later ones are counted together."""
    stream = fitter({})
    for number in range(COUNTED_NAMES + 3):
        fit(f'{{"n{number}":1}}', stream)
    assert len(stream.undeclared) == COUNTED_NAMES + 1
    assert stream.undeclared[OTHER_FIELDS] == 3


# --- the key ---


@pytest.mark.parametrize("order", ["{}", '{"id":null}', '{"id":{}}', '{"id":[1]}', '{"ID":1}'])
@pytest.mark.parametrize("column", [INTEGER, {}])
def test_an_order_without_its_key_is_an_error(order: str, column: dict[str, Any]) -> None:
    """Missing, null or nested: it would overwrite another or break the load."""
    stream = fitter({"id": column}, key=["id"])
    with pytest.raises(OrderError, match="no usable id"):
        fit(order, stream)
    assert stream.identify(open_order(order.encode()))[0] is None


def test_a_key_that_does_not_fit_its_column_is_an_error() -> None:
    """It cannot travel in `_extra`; the error shows nothing of the order."""
    with pytest.raises(OrderError) as raised:
        fit('{"id":"Ayesha","phone":"0300"}', fitter({"id": INTEGER}, key=["id"]))
    assert "Ayesha" not in str(raised.value)
    assert "0300" not in str(raised.value)


def test_the_key_is_not_deselected() -> None:
    """Singer keeps a key's columns even if they are deselected."""
    stream = fitter({"id": INTEGER}, key=["id"], selection=without("id"))
    assert fit('{"id":1}', stream) == '{"id":1,"_extra":null}'


def test_a_key_without_a_column_is_refused() -> None:
    """Before any request is made, and by name."""
    with pytest.raises(TapError, match="names order_no,"):
        fitter({"id": INTEGER}, key=["order_no", "_location_id"])


def test_an_order_is_known_by_its_key() -> None:
    """Its text tells a number from a string; a change shows in the hash only."""
    stream = fitter({"id": {}, "n": {}}, key=["id", "_location_id"])
    orders = map(open_order, (b'{"id":1}', b'{"v":2,"id":1}', b'{"id":"1"}'))
    first, second, text = map(stream.identify, orders)
    assert first[0] == second[0] != text[0]
    assert first[1] != second[1]
    assert stream.identify(open_order(msgspec.Raw(b'{"id":1}'))) == first


def test_an_order_of_a_compound_key_is_known_by_all_of_it() -> None:
    """Two parts cannot pass for two others."""
    stream = fitter({"a": {}, "b": {}}, key=["a", "b"])
    assert stream.identify(open_order(b'{"b":2,"a":"1"}'))[0] == b'"1",2'


def test_an_order_without_a_key_in_the_stream_is_known_by_all_its_bytes() -> None:
    """The hash has 64 bits: too many for two orders of one read to share it."""
    stream = fitter({})
    known = {stream.identify(open_order(b'{"a":%d}' % number)) for number in range(10_000)}
    assert len({digest for _, digest in known}) == 10_000
    assert all(key is None and -(2**63) <= digest < 2**63 for key, digest in known)


# --- what is no order ---


@pytest.mark.parametrize(
    "order",
    [
        "null",
        "[]",
        '"x"',
        "1",
        '{"id":NaN}',
        '{"id":[Infinity]}',
        '{"id":01}',
        '{"id":1',
        "",
    ],
    ids=lambda order: order[:12],
)
def test_what_is_not_a_json_object_is_an_error(order: str) -> None:
    """In words, and one of the partition's own errors, so that the others go on."""
    with pytest.raises(OrderError, match=r"not a JSON object|not valid JSON"):
        fit(order, fitter({"id": {}}, key=["id"]))


def test_an_order_nested_beyond_the_parsers_depth_is_an_error() -> None:
    """Wherever the depth runs out: some hundreds of levels pass, and none more crash the run."""
    stream = fitter({"id": {}, "v": STRING}, key=["id"])
    for depth in (500, *range(900, 1010), 100_000):
        order = f'{{"id":1,"id":2,"v":{"[" * depth}{"]" * depth}}}'
        try:
            assert fit(order, stream).endswith("}}")
            assert stream.identify(open_order(order.encode()))[0] == b"2"
        except OrderError:
            assert depth > 500


# --- for any order and any schema ---

_STRINGS = st.text(max_size=6).flatmap(
    lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])
)
_NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
_TIMES = st.sampled_from(['"2024-05-01T00:00:00+5:00"', '"2024-05-01T00:00:00"'])
_BLANKS = st.sampled_from(["", "", " ", "\n "])


def _arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(values, max_size=3)
    return st.builds(lambda found, blank: f"[{f',{blank}'.join(found)}{blank}]", inside, _BLANKS)


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.builds(
        lambda name, value: f'"{name}": {value}', st.sampled_from(["a", "b", "\\u0061"]), values
    )
    return st.lists(members, max_size=3).map(lambda found: f"{{{','.join(found)}}}")


_VALUES = st.recursive(
    st.sampled_from(["null", "true", "false"]) | _STRINGS | _NUMBERS | _TIMES,
    lambda values: _arrays(values) | _objects(values),
    max_leaves=6,
)
_NAMES = st.sampled_from([*"abcdef", *OWN_COLUMNS, "_sdc_x", "b c", 'q"', "é"]) | st.text(
    max_size=3
)
_SCALAR_TYPES = st.lists(
    st.sampled_from(["string", "number", "integer", "boolean", "null"]),
    min_size=1,
    max_size=3,
    unique=True,
)
_SCHEMAS = st.recursive(
    st.builds(lambda types: {"type": types}, _SCALAR_TYPES)
    | st.just(TIMESTAMP)
    | st.just({})
    | st.just({"type": ["object", "null"]}),
    lambda schemas: (
        st.builds(lambda items: {"type": ["array", "null"], "items": items}, schemas)
        | st.builds(
            lambda members: {"type": ["object"], "properties": members},
            st.dictionaries(st.sampled_from("ab"), schemas, max_size=2),
        )
    ),
    max_leaves=4,
)


@st.composite
def _orders(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """An order as JSON text, and its fields."""
    fields = draw(
        st.dictionaries(_NAMES.filter(lambda name: "\0" not in name), _VALUES, max_size=8)
    )
    blank = draw(_BLANKS)
    members = [f"{blank}{json.dumps(name)}:{blank}{value}" for name, value in fields.items()]
    return f"{{{f'{blank},'.join(members)}}}", fields


@given(_orders(), st.dictionaries(_NAMES, _SCHEMAS, max_size=8))
def test_the_columns_and_extra_recompose_any_order(
    order: tuple[str, dict[str, str]], columns: dict[str, Any]
) -> None:
    """Every field is in its column or in `_extra`, as the text that came or the instant it was."""
    text, fields = order
    columns = {name: columns[name] for name in columns if name not in OWN_COLUMNS}
    record = _members(fit(clean(text.encode()).decode(), fitter(columns)))
    extra = _members(record.pop("_extra"))
    for name, value in fields.items():
        came = clean(value.encode()).decode()
        found = extra.get(name, record.get(name, "null"))
        assert found in {came, _in_utc(came, columns.get(name))}
        assert name not in extra or record.get(name, "null") == "null"
    assert {*record, *extra} <= fields.keys()


def _members(text: str) -> dict[str, str]:
    found = msgspec.json.decode(text, type=dict[str, msgspec.Raw] | None) or {}
    return {name: bytes(value).decode() for name, value in found.items()}


def _in_utc(value: str, schema: Any) -> str:
    is_time = schema == TIMESTAMP and value == '"2024-05-01T00:00:00+5:00"'
    return '"2024-04-30T19:00:00+00:00"' if is_time else value


@given(_orders(), st.dictionaries(_NAMES, _SCHEMAS, max_size=8))
def test_any_record_is_valid_by_its_schema(
    order: tuple[str, dict[str, str]], columns: dict[str, Any]
) -> None:
    """What loaders of the SDK check records with finds no fault, so that no order breaks a load."""
    usable = {name: columns[name] for name in columns if can_be_column(name)}
    schema = {"properties": {**own_schema(), **usable}}
    bound = Fitter(schema).bind(location_id="1", order_status="new", synced_at=SYNCED_AT)
    record = to_python(bound(open_order(clean(order[0].encode()))))
    JSONSchemaValidator(schema).validate(record)


@given(_VALUES, _SCHEMAS)
def test_the_sieve_agrees_with_the_columns(value: str, schema: dict[str, Any]) -> None:
    """Checked all at once or one by one, a value fits or does not."""
    value = clean(value.encode()).decode()
    stream = fitter({"v": schema, "other": NUMBER})
    alone = fit(f'{{"v":{value}}}', stream)
    beside_a_misfit = fit(f'{{"v":{value},"other":"x"}}', stream)
    assert ("v" in _members(_members(alone)["_extra"])) == (
        "v" in _members(_members(beside_a_misfit)["_extra"])
    )
    if not column_of(schema).takes(value.encode()):
        assert stream.misfits["v"] == 2
