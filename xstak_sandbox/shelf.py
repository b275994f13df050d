"""The orders of one location, and when each is there. Knows no HTTP."""

from __future__ import annotations

import random
import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from xstak_sandbox.lives import Ageing, has_ended
from xstak_sandbox.render import Facts, Style, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from xstak_sandbox.lives import Event

ORDERS_OF_A_LOCATION = 10_000_000
FIRST_LOCATION_CODE = 80_001
ORDERS_AHEAD = 64


@dataclass(frozen=True, slots=True)
class Order:
    """One order at one moment.

    Attributes:
        id: Its key, or None for a `RawOrder`.
        location: The location's id.
        status: The status it is in.
        created: Epoch milliseconds of its creation; None: it matches every start date.
        updated: Epoch milliseconds of its last change.
    """

    id: int | None
    location: str
    status: str
    created: int | None
    updated: int | None
    _render: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def body(self) -> bytes:
        """The exact JSON that the API holds, in UTF-8."""
        return self._render()


@dataclass(frozen=True, slots=True)
class Rate:
    """Orders come evenly: `count` in the `span` that ends at `start`, and so on after it."""

    start: int
    span: int
    count: int

    def created(self, ordinal: int, jitter: float) -> int:
        """The whole second at which the order with this ordinal is created."""
        moment = self.start - self.span + int((ordinal + jitter) * self.span / self.count)
        return moment - moment % 1000

    def earliest(self, ordinal: int) -> int:
        """Before this moment the order with this ordinal is not created."""
        return self.created(ordinal, 0.0)


@dataclass(frozen=True, slots=True)
class Laws:
    """What holds for every order of the world."""

    rate: Rate
    ageing: Ageing
    style: Style


class Entry:
    """One order for ever, and as it was when someone last looked."""

    def __init__(self, facts: Facts, style: Style) -> None:
        self.facts = facts
        self._style = style
        # One value, for several threads may look.
        self._seen: tuple[float, float, Order | None] = (0, 0, None)

    def at(self, now: int) -> Order | None:
        """The order as it is then; None if it is deleted."""
        since, until, order = self._seen
        if not since <= now < until:
            life = self.facts.life
            past = life.past(now)
            order = None if has_ended(past, "deleted") else self._after(past)
            self._seen = (life.last_change(past), life.next_change(past), order)
        return order

    def _after(self, past: Sequence[Event]) -> Order:
        return Order(
            self.facts.id,
            self.facts.location,
            self._style.status(past),
            self.facts.life.created,
            self.facts.life.last_change(past),
            cache(partial(render, self.facts, past, self._style)),
        )


@lru_cache(maxsize=64)
def shelf_of(seed: int, location: str, index: int, laws: Laws) -> Shelf:
    """The shelf that worlds made alike share, for tests make hundreds; see `cache_clear`."""
    return Shelf(seed, location, index, laws)


class Shelf:
    """The orders of one location, made as far into the future as was ever asked for."""

    def __init__(self, seed: int, location: str, index: int, laws: Laws) -> None:
        self.code = FIRST_LOCATION_CODE + index
        self._seed = f"{seed}/{location}"
        self._location = location
        self._first_id = (index + 1) * ORDERS_OF_A_LOCATION
        self._laws = laws
        self._entries: list[Entry] = []
        self._created: list[int] = []
        self._happenings: list[int] = []
        self._lock = threading.Lock()

    def orders(self, now: int) -> Iterator[Order]:
        """Those that are there, the oldest first."""
        self._reach(now)
        for entry in self._entries[: bisect_right(self._created, now)]:
            if (order := entry.at(now)) is not None:
                yield order

    def find(self, ordinal: int, now: int) -> Order | None:
        """One of them; None if it is not there."""
        self._reach(now)
        is_created = ordinal < bisect_right(self._created, now)
        return self._entries[ordinal].at(now) if is_created else None

    def version(self, now: int) -> int:
        """How many things have happened."""
        self._reach(now)
        return bisect_right(self._happenings, now)

    def _reach(self, now: int) -> None:
        with self._lock:
            if not self._laws.rate.count or (self._created and self._created[-1] > now):
                return
            while self._laws.rate.earliest(len(self._entries)) <= now:
                self._append()
            for _ in range(ORDERS_AHEAD):
                self._append()
            # A new list, for another thread may be searching the old one.
            self._happenings = sorted(
                moment
                for entry in self._entries
                for moment in (entry.facts.life.created, *(e.at for e in entry.facts.life.events))
            )

    def _append(self) -> None:
        ordinal = len(self._entries)
        seed = f"{self._seed}/{ordinal}"
        rng = random.Random(f"{seed}/life")
        created = self._laws.rate.created(ordinal, rng.random())
        facts = Facts(
            seed=seed,
            id=self._first_id + ordinal,
            ordinal=ordinal,
            location=self._location,
            location_code=self.code,
            life=self._laws.ageing.live(rng, created),
        )
        self._entries.append(Entry(facts, self._laws.style))
        self._created.append(created)
