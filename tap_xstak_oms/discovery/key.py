"""Finds the key: a field with the name of a key that identifies nearly all orders.

Uniqueness alone is not enough: amounts are unique in a small sample.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_xstak_oms.discovery.nested import is_identifier
from tap_xstak_oms.discovery.remarks import MOST_NAMES, Remark, warning
from tap_xstak_oms.discovery.standing import (
    Standing,
    by_columns,
    by_member,
    hold,
    in_all,
    standings,
)
from tap_xstak_oms.errors import UsageError
from tap_xstak_oms.records.columns import LOCATION_ID, OWN_COLUMNS
from tap_xstak_oms.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_xstak_oms.discovery.fields import Field, Sample

MOST_CANDIDATES = 10
"""Fields proposed in a warning at most."""
_NAMES = (
    *("id", "_id", "orderid", "guid", "uuid", "orderguid", "orderuuid", "orderuid"),
    *("entityid", "internalid", "pk"),
)
"""Names of keys, the likeliest first; without case and separators, except for `_id`."""
_ORDER_NUMBERS = ("ordernumber", "orderno", "ordernum", "ordercode")
_DOUBTFUL_NAMES = (
    *_ORDER_NUMBERS,
    *("receiptid", "receiptnumber", "receiptno", "uid"),
    *("trackingnumber", "trackingno", "consignmentnumber", "consignmentno"),
)
_WRAPPERS = (
    *("data", "node", "attributes", "fields", "payload", "result", "record", "document"),
    *("entity", "resource", "body"),
)
"""Names of an object around the whole order, besides those that end in `order`."""
_ORDER_ID = "orderid"
_OF_ANOTHER = re.compile(
    "parent|original|previous|related|linked|reference|external|foreign|merchant|seller|vendor"
    "|supplier|partner|client|customer|buyer|channel|platform|marketplace"
)
"""Words before `order id` that mean another order, or another system's id."""
_AMOUNT_OR_DATE = re.compile(rb'"(?:-?\d+[.,]\d+|\d{4}-\d\d-\d\d.*|\d\d?/\d\d?/\d{4}.*)"')


class Key(NamedTuple):
    """The key.

    Attributes:
        names: Its columns; empty if nothing identifies an order.
        summary: The key and how unique it is, in words.
        remarks: Everything else to know about it.
    """

    names: tuple[str, ...]
    summary: str
    remarks: list[Remark]


def given_key(names: Sequence[str], sample: Sample, properties: Mapping[str, Any]) -> Key:
    """Use the key that the user names, and say what it costs.

    Raises:
        UsageError: A field of it has no column, judged by the sample.
    """
    lacking = [name for name in names if name not in properties and name not in OWN_COLUMNS]
    if lacking:
        raise UsageError(
            f"`primary_keys` names {listed(lacking, MOST_NAMES)}: no sampled order has it, or it "
            "was only ever null, or has several types."
        )
    found = in_all(standings(by_columns(names, properties), sample).values())
    remarks = list(_of_locations(names, found, sample, properties))
    if not found.is_perfect:
        remarks.append(
            warning(
                f"The key of `primary_keys` is only {found}. An order without it fails its "
                "partition; of two orders with the same key a loader keeps one.",
                **_figures(names, found),
            )
        )
    return Key(tuple(names), _summary(names, found), remarks)


def detected_key(sample: Sample, fields: Mapping[str, Field], properties: Mapping[str, Any]) -> Key:
    """Find the key by its name and by how well it identifies the sampled orders."""
    remarks: list[Remark] = []
    for name, is_doubtful in _by_name(list(fields)):
        if name not in properties:
            continue
        found = standings(by_columns([name], properties), sample)
        total = in_all(found.values())
        remarks += _of_locations([name], total, sample, properties)
        if hold(found) and not (is_doubtful and total.repeated):
            remarks += _costs(name, total, is_doubtful=is_doubtful)
            return Key((name,), _summary([name], total), remarks)
        remarks.append(_refusal(name, found))
    return Key((), "There is no key", [_none_found(sample, properties), *remarks])


def _by_name(names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the fields with the name of a key, the likeliest first, and whether it is doubtful."""
    called = {name: _called(name) for name in names}
    yield from ((name, False) for known in _NAMES for name in names if called[name] == known)
    order_ids = [name for name in names if _is_some_order_id(called[name])]
    ours = [name for name in order_ids if not _OF_ANOTHER.search(called[name])]
    # A packet with a packet id and a packet order id: the first field is its own id.
    own_ids = {called[name].removesuffix(_ORDER_ID) + "id" for name in ours}
    yield from ((name, True) for name in names[:1] if called[name] in own_ids)
    yield from ((name, len(ours) > 1) for name in ours)
    yield from (
        (name, True) for known in _DOUBTFUL_NAMES for name in names if called[name] == known
    )
    yield from (
        (name, True)
        for name in names
        if called[name].endswith(_ORDER_NUMBERS)
        and called[name] not in _ORDER_NUMBERS
        and not _OF_ANOTHER.search(called[name])
    )
    yield from ((name, True) for name in order_ids if name not in ours)


def _called(name: str) -> str:
    folded = "".join(filter(str.isalnum, name.casefold()))
    return "_id" if folded == "id" and not name[0].isalnum() else folded


def _is_some_order_id(called: str) -> bool:
    return called.endswith(_ORDER_ID) and called != _ORDER_ID


# --- remarks about it ---


def _figures(names: Sequence[str], found: Standing) -> dict[str, Any]:
    return {"key": list(names), **found._asdict()}


def _summary(names: Sequence[str], found: Standing) -> str:
    return f"The key is {_quoted(names)}: {found}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _costs(name: str, found: Standing, *, is_doubtful: bool) -> Iterator[Remark]:
    figures = _figures([name], found)
    if is_doubtful:
        yield warning(
            f"The key is `{name}`, as there is no better one. It is {found}. If it may repeat, set "
            "`primary_keys`.",
            **figures,
        )
    if found.lacking:
        yield warning(
            f"{found.lacking:,} of {counted(found.orders, 'order')} lack `{name}`, the key, or "
            "have one of another type. Each such order fails its partition.",
            **figures,
        )
    if found.repeated:
        yield warning(
            f"The key `{name}` repeats in {found.repeated:,} of {counted(found.orders, 'order')}. "
            "Of two orders with the same key a loader keeps one. If they are different orders, set "
            "`primary_keys`.",
            **figures,
        )


def _refusal(name: str, found: Mapping[str, Standing]) -> Remark:
    told = [f"{found[status]} of status {status}" for status in found if not found[status].holds]
    told = told or [f"only {in_all(found.values())}"]
    return Remark(
        f"`{name}` is not the key: it is {', '.join(told)}.",
        _figures([name], in_all(found.values())),
    )


def _of_locations(
    names: Sequence[str], found: Standing, sample: Sample, properties: Mapping[str, Any]
) -> Iterator[Remark]:
    """Say whether locations give one key to different orders, and what to set."""
    remedy = [LOCATION_ID, *names]
    if found.elsewhere and hold(standings(by_columns(remedy, properties), sample)):
        yield warning(
            f"{_quoted(names)} identifies an order only within its location: "
            f"{found.elsewhere:,} of {counted(found.orders, 'order')} share it with an order of "
            f"another location. Set `primary_keys` to {json.dumps(remedy)}.",
            **_figures(names, found),
            primary_keys=remedy,
        )


# --- no key ---


def _none_found(sample: Sample, properties: Mapping[str, Any]) -> Remark:
    candidates = list(_candidates(sample, properties))
    places = [f"{name}.{member}" for name, member in _places(sample, properties)]
    text = (
        "No field identifies an order, so there is no key and loaders append: an order that is "
        "read twice is there twice."
    )
    if candidates:
        text += (
            f" Unique in the sample: {listed(candidates, MOST_CANDIDATES)}. If you know that one "
            "of them identifies an order, set `primary_keys`."
        )
    if places:
        text += (
            f' An id lies inside: {listed(places, MOST_CANDIDATES)}. The recipe "Wrapped orders" '
            "in docs/recipes.md makes it the key."
        )
    return warning(text, key=[], candidates=candidates, nested_ids=places)


def _candidates(sample: Sample, properties: Mapping[str, Any]) -> Iterator[str]:
    """Columns that identify all sampled orders, identifiers first."""
    orders = [order for found in sample.values() for order in found]
    if len(orders) < 2:  # noqa: PLR2004 - one order tells nothing
        return
    for name in sorted(properties, key=lambda name: not is_identifier(name)):
        found = standings(by_columns([name], properties), sample)
        texts = (bytes(order.fields.get(name, b"")) for order in orders)
        if in_all(found.values()).is_perfect and not any(map(_AMOUNT_OR_DATE.match, texts)):
            yield name


def _places(sample: Sample, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Members, in likely objects, that have the name of a key and identify nearly all orders."""
    for name, schema in properties.items():
        inner = schema.get("properties", {})
        if "object" not in schema["type"] or not _may_hold_the_order(name, properties):
            continue
        for member in inner:
            is_named = any(_by_name([member])) or _called(name) in _NAMES
            found = standings(by_member(name, member), sample)
            if is_named and hold(found):
                yield name, member


def _may_hold_the_order(name: str, properties: Mapping[str, Any]) -> bool:
    called = _called(name)
    is_wrapper = called in _NAMES or called in _WRAPPERS
    return len(properties) == 1 or is_wrapper or called.endswith("order")
