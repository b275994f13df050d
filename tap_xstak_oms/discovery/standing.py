"""How well something identifies the sampled orders of each status."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from tap_xstak_oms.discovery.fields import KINDS_OF_TYPES, kind_of
from tap_xstak_oms.records.columns import LOCATION_ID, ORDER_STATUS
from tap_xstak_oms.records.layout import decode_fields
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.discovery.fields import Sample
    from tap_xstak_oms.records.fitter import Order
    from tap_xstak_oms.records.layout import Fields, Text

KeyOf: TypeAlias = "Callable[[Partition, Order], tuple[bytes, ...] | None]"
"""Returns what identifies an order of a partition; None if the order lacks it."""

MOST_LACKING = 1 / 20
"""The share of orders that may lack a key. Each such order fails its partition."""
MOST_REPEATED = 1 / 100
"""The share that may repeat a key: an order may change while it is sampled."""
_PLAIN = re.compile(rb'"(?!\s*").*"|-?\d{1,100}', re.DOTALL)
"""A string that is not empty, or an integer: what can identify."""


class Standing(NamedTuple):
    """How well something identifies orders. Identical orders count once.

    Attributes:
        orders: How many orders there are.
        lacking: How many lack it.
        repeated: How many repeat that of an earlier order.
        elsewhere: How many repeat that of an order of another location.
    """

    orders: int
    lacking: int
    repeated: int
    elsewhere: int

    @property
    def holds(self) -> bool:
        """Whether it identifies nearly all of them."""
        return (
            self.lacking <= MOST_LACKING * self.orders
            and self.repeated <= MOST_REPEATED * self.orders
        )

    @property
    def is_perfect(self) -> bool:
        """Whether it identifies each of them."""
        return not (self.lacking or self.repeated)

    def __str__(self) -> str:
        unique = self.orders - self.lacking - self.repeated
        return f"unique in {unique:,} of {counted(self.orders, 'order')}"


def standings(key_of: KeyOf, sample: Sample) -> dict[str, Standing]:
    """Judge how well a key identifies the orders of each status."""
    orders: dict[str, dict[bytes, tuple[Partition, Order]]] = defaultdict(dict)
    for partition, found in sample.items():
        for order in found:
            # Two identical orders are one.
            orders[partition.order_status].setdefault(order.text, (partition, order))
    return {status: _standing(key_of, found.values()) for status, found in orders.items()}


def _standing(key_of: KeyOf, orders: Collection[tuple[Partition, Order]]) -> Standing:
    owners: dict[tuple[bytes, ...], Partition] = {}
    lacking = repeated = elsewhere = 0
    for partition, order in orders:
        key = key_of(partition, order)
        if key is None:
            lacking += 1
            continue
        repeated += key in owners
        elsewhere += owners.setdefault(key, partition) != partition
    return Standing(len(orders), lacking, repeated, elsewhere)


def hold(found: Mapping[str, Standing]) -> bool:
    """Whether it identifies nearly all orders of every status."""
    return all(standing.holds for standing in found.values())


def in_all(found: Iterable[Standing]) -> Standing:
    """The sum over all statuses."""
    return Standing(*map(sum, zip(*found, strict=True)))


def by_columns(names: Sequence[str], properties: Mapping[str, Any]) -> KeyOf:
    """Identify an order by some columns, which may include those of the partition."""
    kinds = {
        name: KINDS_OF_TYPES[properties[name]["type"][0]] for name in names if name in properties
    }

    def key_of(partition: Partition, order: Order) -> tuple[bytes, ...] | None:
        own = {
            ORDER_STATUS: partition.order_status.encode(),
            LOCATION_ID: partition.location_id.encode(),
        }
        key = [own.get(name) or _plain(order.fields.get(name), kinds.get(name)) for name in names]
        return None if None in key else tuple(filter(None, key))

    return key_of


def by_member(name: str, member: str) -> KeyOf:
    """Identify an order by a member of an object in it."""

    def key_of(_: Partition, order: Order) -> tuple[bytes, ...] | None:
        found = _plain(_members(order.fields.get(name)).get(member))
        return None if found is None else (found,)

    return key_of


def _members(value: Text | None) -> Fields:
    """The members of an object; empty for other values."""
    try:
        return decode_fields(value or b"{}")
    except msgspec.ValidationError:
        return {}


def _plain(value: Text | None, kind: str | None = None) -> bytes | None:
    """The text of a value that can identify, of a given kind if any; else None."""
    text = bytes(value or b"null")
    is_of_kind = kind in (None, kind_of(text))
    return text if is_of_kind and _PLAIN.fullmatch(text) else None
