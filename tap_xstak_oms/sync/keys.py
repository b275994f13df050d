"""Check, in bounded memory, whether the key identifies an order in this run."""

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
"""Keys remembered at most, about 1 MB. Of more keys, those whose hash ends in enough zeros."""
SHARED = 1 / 100
"""Warn from this share of a location's keys on that name different orders elsewhere: an order may
pass from one location to another while both are read."""
REPEATED = 1 / 20
"""Warn from this share of a partition's keys on that name different orders in it: an order may
change during the read."""
FEWEST = 3
"""Warn from this many keys on: in a small read one order is a large share."""
logger = logging.getLogger("tap-xstak-oms")


class _Owner(NamedTuple):
    partition: Partition
    passes: int
    content: int


class Keys:
    """The keys of a run, or a sample of them.

    An order that two locations list alike, or that has two statuses, is one order.

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
        """Look at some orders of a partition, in this pass."""
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
        """Halve the sample."""
        self._mask = 2 * self._mask + 1
        kept = {identity for identity in self._owners if not identity & self._mask}
        self._owners = {identity: self._owners[identity] for identity in kept}
        for found in (self._alike, self._shared, self._repeated):
            found.intersection_update(kept)

    def warn(self) -> None:
        """Warn if the key does not identify an order, and say what to set."""
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
        """Count the keys found, in the places where they are too many for chance.

        Args:
            share: The share of a place's keys that is too many.
            place: The place of a partition.
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
