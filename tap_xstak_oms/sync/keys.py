"""Whether the key identifies an order, as far as a run shows, in bounded memory."""

from __future__ import annotations

import json
import logging
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from tap_xstak_oms.records.columns import LOCATION_ID
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.records.fitter import Fitter, Order

SAMPLED_KEYS = 5_000
"""Keys remembered at most, some 1 MB. Of more, those are whose hash ends in as many zeros."""
SHARED = 1 / 100
"""The share of a location's keys with different orders elsewhere, from which on it is told: an
order may pass from one location to another while both are read."""
REPEATED = 1 / 20
"""The share of a partition's keys with different orders in it: an order may change meanwhile."""
FEWEST = 3
"""So many keys at least: in a small read a single order is a large share."""
logger = logging.getLogger("tap-xstak-oms")


class _Owner(NamedTuple):
    partition: Partition
    passes: int
    content: int


class Keys:
    """The keys that a run meets, or a sample of them.

    An order that two locations list alike, or that is met in two statuses, is one order.

    Args:
        fitter: Knows the key of an order.
        most: How many keys to remember at most.
    """

    def __init__(self, fitter: Fitter, most: int = SAMPLED_KEYS) -> None:
        self._key_of = fitter.key_of
        self._names = fitter.key
        self._is_per_location = LOCATION_ID in fitter.key
        self._most = most
        self._mask = 0
        self._owners: dict[int, _Owner] = {}
        self._alike: set[int] = set()
        self._shared: set[int] = set()
        self._repeated: set[int] = set()

    def meet(self, partition: Partition, passes: int, orders: Sequence[Order]) -> None:
        """Look at some orders of a partition, and remember the pass that brought them."""
        salt = hash(partition if self._is_per_location else partition.order_status)
        key_of, mask = self._key_of, self._mask
        for order in orders:
            key = key_of(order)
            if key is not None and not (identity := hash(key) ^ salt) & mask:
                self._compare(identity, _Owner(partition, passes, hash(order.text)))
        if len(self._owners) > self._most:
            self._thin()

    def _compare(self, identity: int, owner: _Owner) -> None:
        known = self._owners.setdefault(identity, owner)
        if known is owner:
            return
        is_alike = known.content == owner.content
        if known.partition != owner.partition:
            (self._alike if is_alike else self._shared).add(identity)
        elif known.passes == owner.passes and not is_alike:
            self._repeated.add(identity)

    def _thin(self) -> None:
        """Remember half as many, of all the run's keys."""
        self._mask = 2 * self._mask + 1
        kept = {identity for identity in self._owners if not identity & self._mask}
        self._owners = {identity: self._owners[identity] for identity in kept}
        for found in (self._alike, self._shared, self._repeated):
            found.intersection_update(kept)

    def warn(self) -> None:
        """Say if the key does not identify an order, and what to set."""
        shared = self._beyond(SHARED, attrgetter("location_id"), self._shared, self._alike)
        repeated = self._beyond(REPEATED, lambda partition: partition, self._repeated)
        figures = {"key": list(self._names), "keys": len(self._owners)}
        key, keys = ", ".join(self._names), counted(len(self._owners), "key")
        if shared:
            remedy = [LOCATION_ID, *self._names]
            logger.warning(
                "The key %s identifies an order only within its location: of %s looked at, %s "
                "different orders at two locations, and a loader keeps one of each. Set "
                "`primary_keys` to %s, and make a full refresh.",
                key,
                keys,
                _name(shared),
                json.dumps(remedy),
                extra=figures | {"shared": shared, "primary_keys": remedy},
            )
        if repeated:
            logger.warning(
                "The key %s repeats: of %s looked at, %s different orders of one location and "
                "status, and a loader keeps one of each. Set `primary_keys` to what identifies an "
                "order, and make a full refresh.",
                key,
                keys,
                _name(repeated),
                extra=figures | {"repeated": repeated},
            )

    def _beyond(
        self,
        share: float,
        place: Callable[[Partition], Hashable],
        found: Collection[int],
        against: Collection[int] = (),
    ) -> int:
        """How many keys were found, in the places where they are too many to be chance.

        Args:
            share: Of a place's keys, from which on they are.
            place: Where a partition belongs.
            found: The keys.
            against: The keys that speak against it.
        """
        known, hits, excuses = (
            Counter(place(self._owners[identity].partition) for identity in keys)
            for keys in (self._owners, found, against)
        )
        return sum(
            count
            for where, count in hits.items()
            if count >= max(FEWEST, share * known[where]) and count > excuses[where]
        )


def _name(count: int) -> str:
    return f"{count:,} {'names' if count == 1 else 'name'}"
