"""What identifies an order, as far as a sample shows, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.errors import UsageError
from tests.discovery.samples import COMPLETED, PENDING, infer_from, remarks_of, warnings_of

ELSEWHERE = Partition("pending", "34")


def orders(count: int, first: int = 0, **fields: Any) -> list[bytes]:
    """Orders with an id of their own and some other fields."""
    return [json.dumps({"id": first + at, "at": at, **fields}).encode() for at in range(count)]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        (["id", "order_id"], "id"),
        (["_id", "orderId"], "_id"),
        (["order_number", "_id"], "_id"),
        (["guid", "ORDER_ID"], "ORDER_ID"),
        (["uuid", "guid"], "guid"),
        (["entity_id", "order_uuid"], "order_uuid"),
        (["increment_id", "entity_id", "quote_id"], "entity_id"),
        (["customer_id", "AmazonOrderId"], "AmazonOrderId"),
        (["AmazonOrderId", "order-id"], "order-id"),
        (["SellerOrderId", "AmazonOrderId"], "AmazonOrderId"),
        *(([name], name) for name in ["id", "ID", "Id", "_id", "_ID", "order_id", "orderId"]),
        *(([name], name) for name in ["OrderID", "Order Id", "order.id", "Guid", "UUID"]),
        *(([name], name) for name in ["orderGuid", "OrderUUID", "entity_id", "EntityId"]),
        *(([name], name) for name in ["salesorder_id", "ebayOrderId", "purchase_order_id"]),
    ],
)
def test_the_key_is_the_first_candidate_that_identifies(fields: list[str], key: str) -> None:
    """In our order, not theirs, without case and separators; no warning."""
    texts = [json.dumps(dict.fromkeys(fields, value)) for value in ("a", "b")]
    found = infer_from(*texts)
    assert found.key == (key,)
    assert warnings_of(found) == []
    assert f"The key is `{key}`: unique in 2 of 2 orders." in remarks_of(found)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        *(([name], name) for name in ["order_number", "orderNumber", "order_no", "ORDER NO"]),
        *(([name], name) for name in ["receipt_id", "receiptNumber", "seller_order_id"]),
        (["receipt_id", "orderNumber"], "orderNumber"),
        (["seller_order_id", "receipt_id"], "receipt_id"),
        (["web_order_id", "till_order_id"], "web_order_id"),
        (["packet_id", "packet_order_id"], "packet_id"),
        (["status", "packet_id", "packet_order_id"], "packet_order_id"),
    ],
)
def test_a_doubtful_key_is_taken_with_a_warning(fields: list[str], key: str) -> None:
    """It may not be unique beyond the sample, or not be the order's own."""
    texts = [json.dumps({"status": 1} | dict.fromkeys(fields, value)) for value in ("a", "b")]
    if fields[0] != "status":
        texts = [json.dumps(dict.fromkeys(fields, value)) for value in ("a", "b")]
    found = infer_from(*texts)
    assert found.key == (key,)
    is_alone = key == "packet_order_id"
    told = [
        text
        for text in warnings_of(found)
        if f"The key is `{key}`, as there is no better one" in text
    ]
    assert len(told) == (not is_alone)


@pytest.mark.parametrize(
    "name", ["customer_id", "reference", "number", "amount", "invoice_id", "sku", "paid", "orders"]
)
def test_nothing_is_a_key_for_its_uniqueness_alone(name: str) -> None:
    """It may be an amount; the warning names it as a candidate."""
    found = infer_from(f'{{"{name}":"A1"}}', f'{{"{name}":"A2"}}')
    assert found.key == ()
    [warning] = warnings_of(found)
    assert warning.startswith("No field identifies an order")
    assert f"Unique in the sample: {name}." in warning


@pytest.mark.parametrize(
    "ids",
    [
        ["1", "1"],
        ["1", "null"],
        ["1.5", "2.5"],
        ["true", "false"],
        ['{"a":1}', '{"a":2}'],
        ["1", '"2"'],
        ["1" * 200, "2" * 200],
        ['""', '" "'],
    ],
)
def test_what_does_not_identify_is_no_key(ids: list[str]) -> None:
    """Repeated, null, no plain string or integer, or of several types: the next one is tried."""
    found = infer_from(*(f'{{"id":{value},"_id":"{at}"}}' for at, value in enumerate(ids)))
    assert found.key == ("_id",)


@pytest.mark.parametrize(
    ("good", "lacking", "repeated", "is_key"),
    [
        (19, 1, 0, True),
        (18, 2, 0, False),
        (399, 0, 1, True),
        (99, 0, 1, True),
        (98, 0, 2, False),
        (39, 0, 1, False),
    ],
)
def test_a_key_is_judged_by_shares(good: int, lacking: int, repeated: int, *, is_key: bool) -> None:
    """One order in 20 may lack it, one in 100 repeat it; the warning says how many do."""
    texts = orders(good) + [b'{"id":null,"n":%d}' % at for at in range(lacking)]
    found = infer({PENDING: texts + orders(repeated, other=1)})
    assert found.key == (("id",) if is_key else ())
    assert f"unique in {good} of {good + lacking + repeated} orders" in remarks_of(found)
    if is_key and lacking:
        assert any("1 of 20 orders lack `id`" in text for text in warnings_of(found))
    if is_key and repeated:
        assert any(
            f"The key `id` repeats in 1 of {good + 1} orders" in text for text in warnings_of(found)
        )


def test_an_order_that_is_listed_twice_alike_is_no_evidence_against_its_key() -> None:
    """Neither within a page, nor by another page, nor by another location of the status."""
    found = infer({PENDING: orders(3) + orders(3), ELSEWHERE: orders(2)})
    assert found.key == ("id",)
    assert warnings_of(found) == []
    assert "unique in 3 of 3 orders" in remarks_of(found)


def test_a_key_missing_in_an_order_is_no_key_and_the_remark_says_where() -> None:
    """Partitions may disagree: the key has to hold in every status."""
    found = infer({PENDING: [b'{"id":1}', b'{"id":2}'], COMPLETED: [b'{"id":3}', b'{"a":1}']})
    assert found.key == ()
    assert "`id` is not the key: it is unique in 1 of 2 orders of status completed" in remarks_of(
        found
    )
    assert any(text.startswith("No field identifies an order") for text in warnings_of(found))


def test_an_order_may_be_met_in_two_statuses() -> None:
    """It moves on, and is the same order: the key is distinct within a status."""
    found = infer({PENDING: [b'{"id":1}'], COMPLETED: [b'{"id":1,"done":true}']})
    assert found.key == ("id",)
    assert warnings_of(found) == []


@pytest.mark.parametrize(("shared", "key"), [(100, ()), (1, ("id",))])
def test_a_key_that_holds_only_within_a_location_is_told_with_the_remedy(
    shared: int, key: tuple[str, ...]
) -> None:
    """An id that two locations give to different orders identifies neither."""
    found = infer({PENDING: orders(100), ELSEWHERE: orders(100, 100 - shared, other=1)})
    assert found.key == key
    [told] = [text for text in warnings_of(found) if "only within its location" in text]
    assert 'Set `primary_keys` to ["_location_id", "id"].' in told
    remedied = infer(
        {PENDING: orders(100), ELSEWHERE: orders(100, 100 - shared, other=1)},
        primary_keys=["_location_id", "id"],
    )
    assert warnings_of(remedied) == []


def test_a_partition_without_orders_has_no_say() -> None:
    """An empty status does not disprove a key."""
    assert infer({PENDING: [b'{"id":1}'], COMPLETED: []}).key == ("id",)


@pytest.mark.parametrize("name", ["orderNumber", "guid", "Order No"])
def test_a_key_of_integers_is_integer_whatever_its_name(name: str) -> None:
    """A loader can make a key of it, and it needs no decimals."""
    found = infer_from(f'{{"{name}":1}}', f'{{"{name}":2}}')
    assert found.properties[name] == {"type": ["integer", "null"]}


def test_a_long_integer_key_is_a_number() -> None:
    """Exact, and of a type that a loader can make a key of."""
    found = infer_from('{"id":123456789012345678901}', '{"id":123456789012345678902}')
    assert found.key == ("id",)
    assert found.properties["id"] == {"type": ["number", "null"]}


# --- none ---


def test_candidates_are_told_identifiers_first_and_amounts_and_dates_never() -> None:
    """Scalars that are there in every order and differ in each."""
    texts = [
        json.dumps(
            {
                "total": f"{at}.50",
                "cost": at + 0.5,
                "made": f"2024-05-01 00:00:0{at}",
                "reference": f"R{at}",
                "city": "Lahore",
                "sometimes": at or None,
                "tracking_id": at,
                "box": {"id": at},
            }
        )
        for at in range(3)
    ]
    found = infer_from(*texts)
    [remark] = [remark for remark in found.remarks if "candidates" in remark.fields]
    assert remark.fields["candidates"] == ["tracking_id", "reference"]
    assert remark.fields["nested_ids"] == []
    assert "tracking_id, reference" in remark.text


@pytest.mark.parametrize(
    ("order", "place"),
    [
        ('{"order":{"id":%d,"n":1}}', "order.id"),
        ('{"data":{"orderId":"%d"}}', "data.orderId"),
        ('{"_id":{"$oid":"%d"},"n":1}', "_id.$oid"),
        ('{"n":1,"salesOrder":{"guid":"%d"}}', "salesOrder.guid"),
    ],
)
def test_the_place_of_a_nested_id_is_told_with_the_recipe(order: str, place: str) -> None:
    """The recipe is in docs/recipes.md."""
    found = infer_from(*(order % at for at in range(3)))
    assert found.key == ()
    [warning] = warnings_of(found)
    assert f'An id lies inside: {place}. The recipe "Wrapped orders" in docs/recipes.md' in warning


def test_another_thing_s_id_is_no_place_of_the_order_s() -> None:
    """A customer's id is unique in a small sample."""
    found = infer_from(*(f'{{"customer":{{"id":{at}}},"n":1}}' for at in range(3)))
    assert "lies inside" not in remarks_of(found)


# --- given ---


def test_a_given_key_is_the_key() -> None:
    """Our own columns may be part of it."""
    found = infer_from('{"id":1,"n":1}', '{"id":1,"n":1}', primary_keys=["n", "_location_id"])
    assert found.key == ("n", "_location_id")
    assert warnings_of(found) == []


def test_a_given_key_that_repeats_is_remarked() -> None:
    """It is taken at the user's word, with what it will cost."""
    found = infer_from('{"n":1,"a":1}', '{"n":1,"a":2}', primary_keys=["n"])
    assert found.key == ("n",)
    [told] = warnings_of(found)
    assert told.startswith("The key of `primary_keys` is only unique in 1 of 2 orders.")


def test_a_given_key_that_no_order_has_is_an_error() -> None:
    """A record without the column of its key breaks the load."""
    with pytest.raises(UsageError, match="`primary_keys` names ordr_id:"):
        infer_from('{"id":1}', primary_keys=["ordr_id"])


@pytest.mark.parametrize("at", [0, 19])
@pytest.mark.parametrize(
    ("usual", "odd", "expected"), [('"A%d"', "5", "string"), ("%d", '"n/a"', "integer")]
)
def test_the_column_of_a_key_has_its_type_wherever_an_odd_value_is(
    usual: str, odd: str, expected: str, at: int
) -> None:
    """The majority decides on it, and not the order that was met first."""
    values = [usual % number for number in range(19)]
    found = infer_from(*(f'{{"id":{value}}}' for value in [*values[:at], odd, *values[at:]]))
    assert found.key == ("id",)
    assert found.properties["id"]["type"] == [expected, "null"]
