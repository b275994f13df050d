"""Every order there is, as a function of time. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from xstak_sandbox.lives import DAY_MS, Ageing
from xstak_sandbox.moments import PAKISTAN, milliseconds
from xstak_sandbox.render import Style
from xstak_sandbox.shelf import ORDERS_OF_A_LOCATION, Laws, Order, Rate, shelf_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFAULT_START = datetime(2026, 1, 15, 12, 0, tzinfo=PAKISTAN)


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
        cancelled_share: The share of orders that end in the status `cancelled`, from wherever
            they are.
        deleted_share: The share of orders that are deleted: they are in no status any more.
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
        cancelled_share: float = 0,
        deleted_share: float = 0,
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
        ageing = Ageing(
            len(self.statuses),
            int(life_days * DAY_MS),
            stuck_share,
            cancelled_share,
            deleted_share,
        )
        style = Style(self.statuses, "+5:00" if short_offsets else "+05:00")
        rate = Rate(milliseconds(start), int(days * DAY_MS), orders_per_location)
        laws = Laws(rate, ageing, style)
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
            KeyError: There is no such order, not yet or no longer.
        """
        index, ordinal = divmod(order_id, ORDERS_OF_A_LOCATION)
        if not 1 <= index <= len(self.locations):
            raise KeyError(order_id)
        order = self._shelves[self.locations[index - 1]].find(ordinal, milliseconds(moment))
        if order is None:
            raise KeyError(order_id)
        return order.body

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
