"""How well something identifies the sampled orders: by shares, status by status."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from tap_xstak_oms.discovery.fields import NUMBER, STRING, kind_of
from tap_xstak_oms.records.columns import LOCATION_ID, ORDER_STATUS
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from tap_xstak_oms.discovery.fields import Partition, Sample
    from tap_xstak_oms.records.fitter import Order

KeyOf: TypeAlias = "Callable[[Partition, Order], tuple[bytes, ...] | None]"
"""What an order of a partition is known by; None where it lacks it."""

MOST_LACKING = 1 / 20
"""The share of orders that may lack a key: each fails its partition, by name."""
MOST_REPEATED = 1 / 100
"""The share that may repeat another one's key: an order may change while it is sampled."""
_PLAIN = re.compile(rb'"(?!\s*").*"|-?\d{1,100}', re.DOTALL)
"""What can identify: a text that is not empty, or an integer."""
_KINDS = {"string": STRING, "integer": NUMBER, "number": NUMBER}


class Standing(NamedTuple):
    """How well something identifies some orders, bytewise repetitions left out.

    Attributes:
        orders: How many orders there are.
        lacking: How many of them lack it.
        repeated: How many have that of another order before them.
        elsewhere: How many of those have that of an order of another location.
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
    """Judge what tells the orders of each status apart."""
    orders: dict[str, dict[bytes, tuple[Partition, Order]]] = defaultdict(dict)
    for partition, found in sample.items():
        for order in found:
            # An order that is listed twice alike is one order.
            orders[partition[0]].setdefault(order.text, (partition, order))
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
    """The same over all statuses."""
    return Standing(*map(sum, zip(*found, strict=True)))


def by_columns(names: Sequence[str], properties: Mapping[str, Any]) -> KeyOf:
    """Know an order by some columns, those of the partition among them or not."""
    kinds = {name: _KINDS.get(properties[name]["type"][0]) for name in names if name in properties}

    def key_of(partition: Partition, order: Order) -> tuple[bytes, ...] | None:
        own = {ORDER_STATUS: partition[0].encode(), LOCATION_ID: partition[1].encode()}
        key = [own.get(name) or _plain(order.fields.get(name), kinds.get(name)) for name in names]
        return None if None in key else tuple(filter(None, key))

    return key_of


def by_member(name: str, member: str) -> KeyOf:
    """Know an order by a member of an object in it."""

    def key_of(_: Partition, order: Order) -> tuple[bytes, ...] | None:
        found = _plain(members(order.fields.get(name)).get(member))
        return None if found is None else (found,)

    return key_of


def members(value: bytes | msgspec.Raw | None) -> Mapping[str, msgspec.Raw]:
    """The members of an object, none of anything else."""
    try:
        return _members.decode(value or b"{}")
    except msgspec.ValidationError:
        return {}


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _plain(value: bytes | msgspec.Raw | None, kind: str | None = None) -> bytes | None:
    """A value that can identify, of one kind if that is given."""
    text = bytes(value or b"null")
    is_of_kind = kind in (None, kind_of(text))
    return text if is_of_kind and _PLAIN.fullmatch(text) else None
