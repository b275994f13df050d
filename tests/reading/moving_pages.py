"""A server whose orders come and go while its pages are read: seeded, and blind to threads.

What a request is answered depends on which page of which pass it asks for, never on when its
thread happens to run: pass, page and concurrency make a moment of the world's time, in which a
request takes 1 and `at_once` of them go together, each looked at by the server at a random moment
of its own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from random import Random
from threading import Event, Lock
from typing import TYPE_CHECKING, Literal

from tap_xstak_oms.reading.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

Sorting = Literal["old first", "new first", "shuffled once", "shuffled each time"]
Rates = tuple[float, float]
"""Orders arriving and leaving in the time of one request."""

ORDERS = 2_000
PAGE_SIZE = 100


@dataclass(frozen=True)
class MovingPage:
    """One page of the moving set."""

    orders: list[int]
    number: int
    total_pages: int
    total_elements: int


class World:
    """The orders at any moment; they arrive and leave as in a Poisson process."""

    def __init__(self, sorting: Sorting, rates: Rates, random: Random) -> None:
        self._sorting = sorting
        self._rates = rates
        self._random = random
        self._moments = [0.0]
        self._states = [list(range(ORDERS))]
        self._next_order = ORDERS
        self._next_moment = self._draw_moment(0.0)

    def at(self, moment: float) -> list[int]:
        """The orders at that moment, as they are sorted."""
        while self._next_moment <= moment:
            self._moments.append(self._next_moment)
            self._states.append(self._change(list(self._states[-1])))
            self._next_moment = self._draw_moment(self._next_moment)
        return self._states[bisect_right(self._moments, moment) - 1]

    def _draw_moment(self, after: float) -> float:
        rate = sum(self._rates)
        return after + self._random.expovariate(rate) if rate else math.inf

    def _change(self, orders: list[int]) -> list[int]:
        arriving, leaving = self._rates
        if self._random.random() * (arriving + leaving) < arriving:
            orders.insert(self._place(len(orders)), self._next_order)
            self._next_order += 1
        elif orders:
            orders.pop(self._random.randrange(len(orders)))
        return orders

    def _place(self, count: int) -> int:
        if self._sorting == "old first":
            return count
        return 0 if self._sorting == "new first" else self._random.randint(0, count)


class MovingServer:
    """Answers for the pages of one world, `at_once` requests sharing each span of time."""

    def __init__(self, sorting: Sorting, world: World, at_once: int, seed: int) -> None:
        self._is_shuffled = sorting == "shuffled each time"
        self._world = world
        self._at_once = at_once
        self._seed = seed
        self._lock = Lock()
        self._visits: Counter[int] = Counter()
        self._begins = [0]
        self.first = 0.0
        self.last = 0.0

    def fetch(
        self,
        _partition: str,
        asked: int | None,
        accept: Callable[[MovingPage], bool],
        _ended: Event,
    ) -> MovingPage:
        """One page, as a client would fetch it."""
        index = asked or 0
        with self._lock:
            page = self._page(index, self._moment(index))
        assert accept(page)
        return page

    def _moment(self, index: int) -> float:
        visit = self._visits[index]
        self._visits[index] += 1
        if visit == len(self._begins):
            self._begins.append(math.floor(self.last) + 1)
        together = self._round(visit, index)
        moment = self._begins[visit] + together + self._look(visit, index)
        self.last = max(self.last, moment)
        if visit == index == 0:
            self.first = moment
        return moment

    def _round(self, visit: int, index: int) -> int:
        if visit == 0:
            return -(-index // self._at_once)  # the first answer is waited for
        return index // self._at_once

    def _look(self, *which: int) -> float:
        return Random(f"{self._seed} {which}").random()

    def _page(self, index: int, moment: float) -> MovingPage:
        orders = self._world.at(moment)
        if self._is_shuffled:
            orders = Random(f"{self._seed} {moment}").sample(orders, len(orders))
        begin = index * PAGE_SIZE
        return MovingPage(
            orders=orders[begin : begin + PAGE_SIZE],
            number=index,
            total_pages=-(-len(orders) // PAGE_SIZE),
            total_elements=len(orders),
        )


@dataclass(frozen=True)
class Result:
    """What one read of a moving set came to."""

    lost: int
    passes: int
    settled: bool


def read_moving_pages(
    sorting: Sorting,
    at_once: int,
    seed: int,
    *,
    rates: Rates = (0.1, 0.1),
    max_passes: int = 3,
) -> Result:
    """Read a moving set once. Lost are orders that were there throughout, and not emitted."""
    world = World(sorting, rates, Random(seed))
    server = MovingServer(sorting, world, at_once, seed)
    reader = Reader(
        ["partition"],
        server.fetch,
        lane=str,
        orders=lambda page: page.orders,
        identify=_identify,
        max_in_flight=at_once,
        max_passes=max_passes,
    )
    with reader:
        reading = reader.read("partition")
        emitted = {order for orders in reading for order in orders}
    there_throughout = set(world.at(server.first)) & set(world.at(server.last))
    outcome = reading.outcome
    return Result(len(there_throughout - emitted), outcome.passes, outcome.settled)


def _identify(order: int) -> tuple[int, int]:
    return order, 0
