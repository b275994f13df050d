"""Every order there is, as a function of time. Knows no HTTP."""

from __future__ import annotations

import random
import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from xstak_sandbox.lives import DAY_MS, Ageing, stage
from xstak_sandbox.moments import PAKISTAN, milliseconds
from xstak_sandbox.render import Facts, Style, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DEFAULT_START = datetime(2026, 1, 15, 12, 0, tzinfo=PAKISTAN)
ORDERS_OF_A_LOCATION = 10_000_000
FIRST_LOCATION_CODE = 80_001
ORDERS_AHEAD = 64


def location_ids(count: int) -> tuple[str, ...]:
    """The first `count` location ids: 1001, 1002, ..."""
    return tuple(str(1001 + index) for index in range(count))


@dataclass(frozen=True, slots=True)
class RawOrder:
    """An element to be found among the orders of a location and status, at any time.

    Attributes:
        location: The location's id.
        status: The status under which it is found.
        body: Its JSON, or whatever is to stand in its place.
    """

    location: str
    status: str
    body: bytes


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


class World:
    """Locations with orders that are created, edited and moved on as time passes.

    The same arguments give the same bytes in every process. Orders come at an even rate, before
    `start` and after it without end. Safe to use from several threads.

    Args:
        seed: Decides everything that the other arguments leave open.
        locations: Location ids, each a string of digits.
        orders_per_location: How many orders each location has at `start`.
        days: The time over which those were created.
        start: The aware moment at which the world clock usually begins.
        statuses: In lifecycle order.
        life_days: Nothing happens to an order later than this after its creation.
        stuck_share: The share of orders that never reach the last status.
        short_offsets: Orders' times end in `+5:00` instead of `+05:00` (C5).
        raw_orders: Elements to add to what a location and status hold.

    Raises:
        ValueError: A number makes no sense, or a location or status is named twice.
    """

    def __init__(  # noqa: PLR0913 - each is one property of the world, and all have defaults
        self,
        *,
        seed: int = 7,
        locations: Sequence[str] = ("1001", "1002"),
        orders_per_location: int = 250,
        days: float = 60,
        start: datetime = DEFAULT_START,
        statuses: Sequence[str] = ("pending", "completed"),
        life_days: float = 25,
        stuck_share: float = 0.1,
        short_offsets: bool = False,
        raw_orders: Sequence[RawOrder] = (),
    ) -> None:
        if not (days > 0 and life_days > 0 and 0 <= orders_per_location < ORDERS_OF_A_LOCATION):
            raise ValueError("a world needs days, life days and a sensible number of orders")
        self.seed = seed
        self.start = start
        self.statuses = tuple(statuses)
        self.locations = tuple(locations)
        self.raw_orders = tuple(raw_orders)
        if not self.statuses or _repeats(self.statuses) or _repeats(self.locations):
            raise ValueError("a world needs statuses, and names each and each location once")
        ageing = Ageing(len(self.statuses), int(life_days * DAY_MS), stuck_share)
        style = Style(self.statuses, "+5:00" if short_offsets else "+05:00")
        rate = _Rate(milliseconds(start), int(days * DAY_MS), orders_per_location)
        laws = _Laws(rate, ageing, style)
        self._shelves = {
            location: shelf_of(seed, location, index, laws)
            for index, location in enumerate(self.locations)
        }

    def location_code(self, location: str) -> int | None:
        """The code of a location; None if there is no such location."""
        shelf = self._shelves.get(location)
        return shelf.code if shelf else None

    def orders_at(
        self, moment: datetime, *, location: str | None = None, status: str | None = None
    ) -> list[Order]:
        """The orders held at `moment`, by location and age; their bodies are rendered when asked.

        Args:
            moment: An aware time, in any zone.
            location: Only this one; an unknown one has no orders.
            status: Only this one.
        """
        now = milliseconds(moment)
        wanted = self.locations if location is None else (location,)
        return [
            order
            for name in wanted
            for order in self._held(name, now)
            if status is None or order.status == status
        ]

    def order(self, order_id: int, moment: datetime) -> bytes:
        """The exact JSON of one order at `moment`.

        Raises:
            KeyError: There is no such order, or not yet.
        """
        index, ordinal = divmod(order_id, ORDERS_OF_A_LOCATION)
        if not 1 <= index <= len(self.locations):
            raise KeyError(order_id)
        entry = self._shelves[self.locations[index - 1]].find(ordinal, milliseconds(moment))
        if entry is None:
            raise KeyError(order_id)
        return entry.body(milliseconds(moment))

    def version(self, location: str, moment: datetime) -> int:
        """How many things have happened at a location: while that is equal, so are its orders."""
        shelf = self._shelves.get(location)
        return shelf.version(milliseconds(moment)) if shelf else 0

    def _held(self, location: str, now: int) -> Iterator[Order]:
        shelf = self._shelves.get(location)
        if shelf is not None:
            yield from shelf.orders(now)
        for raw in self.raw_orders:
            if raw.location == location:
                yield _as_order(raw)


def _repeats(names: tuple[str, ...]) -> bool:
    return len(set(names)) < len(names)


def _as_order(raw: RawOrder) -> Order:
    return Order(None, raw.location, raw.status, None, None, lambda: raw.body)


@dataclass(frozen=True, slots=True)
class _Rate:
    """Orders come evenly: `count` in the `span` that ends at `start`, and so on after it."""

    start: int
    span: int
    count: int

    def created(self, ordinal: int, jitter: float) -> int:
        """The whole second at which the order with this ordinal is created."""
        moment = self.start - self.span + int((ordinal + jitter) * self.span / self.count)
        return moment - moment % 1000

    def earliest(self, ordinal: int) -> int:
        return self.created(ordinal, 0.0)


@dataclass(frozen=True, slots=True)
class _Laws:
    """What holds for every order of the world."""

    rate: _Rate
    ageing: Ageing
    style: Style


class _Entry:
    """One order for ever, with the last rendering of it."""

    def __init__(self, facts: Facts, style: Style) -> None:
        self.facts = facts
        self._style = style
        self._rendered: tuple[int, bytes] = (-1, b"")

    def body(self, now: int) -> bytes:
        past = self.facts.life.past(now)
        version, body = self._rendered
        if version != len(past):
            body = render(self.facts, past, self._style)
            self._rendered = (len(past), body)
        return body

    def at(self, now: int) -> Order:
        life = self.facts.life
        past = life.past(now)
        return Order(
            self.facts.id,
            self.facts.location,
            self._style.statuses[stage(past)],
            life.created,
            life.last_change(past),
            lambda: self.body(now),
        )


@lru_cache(maxsize=64)
def shelf_of(seed: int, location: str, index: int, laws: _Laws) -> _Shelf:
    """The shelf that worlds made alike share, for tests make hundreds; see `cache_clear`."""
    return _Shelf(seed, location, index, laws)


class _Shelf:
    """The orders of one location, made as far into the future as was ever asked for."""

    def __init__(self, seed: int, location: str, index: int, laws: _Laws) -> None:
        self.code = FIRST_LOCATION_CODE + index
        self._seed = f"{seed}/{location}"
        self._location = location
        self._first_id = (index + 1) * ORDERS_OF_A_LOCATION
        self._laws = laws
        self._entries: list[_Entry] = []
        self._created: list[int] = []
        self._happenings: list[int] = []
        self._lock = threading.Lock()

    def orders(self, now: int) -> Iterator[Order]:
        self._reach(now)
        for entry in self._entries[: bisect_right(self._created, now)]:
            yield entry.at(now)

    def find(self, ordinal: int, now: int) -> _Entry | None:
        self._reach(now)
        return self._entries[ordinal] if ordinal < bisect_right(self._created, now) else None

    def version(self, now: int) -> int:
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
        self._entries.append(_Entry(facts, self._laws.style))
        self._created.append(created)
