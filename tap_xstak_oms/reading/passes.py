"""Which orders of a moving set of pages to emit, and when that set has been read whole.

Pure: knows no thread, no HTTP, no Singer. Used by one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from collections.abc import Set as AbstractSet

OrderT = TypeVar("OrderT")

ARRIVALS_ACCEPTED_PER_ORDER = 1 / 100


@dataclass(slots=True)
class Outcome:
    """What a partition's read came to. The counts go up while it lasts.

    Attributes:
        settled: Whether it was read whole; False while it lasts.
        passes: Passes begun.
        pages: Pages read, over all passes.
        orders: Distinct orders met.
        total: Orders announced by the page read last.
    """

    settled: bool = False
    passes: int = 1
    pages: int = 0
    orders: int = 0
    total: int = 0


class Passes(Generic[OrderT]):
    """The passes over one partition.

    Keeps an order's key and a hash of its content, never the order, and nothing of a partition
    of one page.
    """

    def __init__(
        self,
        identify: Callable[[OrderT], tuple[Hashable, int]],
        max_passes: int,
        outcome: Outcome,
    ) -> None:
        self._identify = identify
        self._max_passes = max_passes
        self._outcome = outcome
        self._emitted: dict[Hashable, int] = {}
        self._met_again: set[Hashable] = set()
        self._met_before: AbstractSet[Hashable] = frozenset()
        self._begin_pass()

    def _begin_pass(self) -> None:
        self._totals: set[int] = set()
        self._pages = 0
        self._rows = 0
        self._new = 0

    def take(self, orders: Sequence[OrderT], total: int, *, is_only_page: bool) -> Sequence[OrderT]:
        """Take the next page; returns its orders not emitted yet or changed since."""
        is_first = self._outcome.pages == 0
        self._pages += 1
        self._rows += len(orders)
        self._totals.add(total)
        self._outcome.pages += 1
        self._outcome.total = total
        if is_first and is_only_page:
            self._outcome.orders = len(orders)
            return orders
        fresh = [order for order in orders if self._is_fresh(order)]
        self._outcome.orders = len(self._emitted)
        return fresh

    def _is_fresh(self, order: OrderT) -> bool:
        key, content = self._identify(order)
        if self._outcome.passes > 1:
            self._met_again.add(key)
        emitted = self._emitted.get(key)
        if emitted == content:
            return False
        self._new += emitted is None
        self._emitted[key] = content
        return True

    def begin_another(self) -> bool:
        """Judge the pass that has ended; returns whether another is due, and has begun."""
        self._outcome.settled = self._is_quiet() or self._brought_too_little()
        if self._outcome.settled or self._is_last():
            return False
        # What was emitted grows in the next pass; what a later pass met is its own.
        is_first = self._outcome.passes == 1
        self._met_before = frozenset(self._emitted) if is_first else self._met_again
        self._met_again = set()
        self._outcome.passes += 1
        self._begin_pass()
        return True

    @property
    def _met(self) -> AbstractSet[Hashable]:
        """The keys met in this pass; in the first one, those of all that was emitted."""
        return self._met_again if self._outcome.passes > 1 else self._emitted.keys()

    def _is_quiet(self) -> bool:
        return self._pages == 1 or self._totals == {len(self._met)}

    def _brought_too_little(self) -> bool:
        """Whether it brought nothing new or, at the last, no more than arrivals explain."""
        if not self._is_plausible():
            return False
        if not self._is_last():
            return self._new == 0
        return self._new < ARRIVALS_ACCEPTED_PER_ORDER * len(self._met)

    def _is_plausible(self) -> bool:
        """Whether what was met fits what was announced, though not to the order."""
        lacking = max(self._totals) - len(self._met)
        if lacking > max(1, ARRIVALS_ACCEPTED_PER_ORDER * len(self._met)):
            return False
        return len(self._totals) > 1 or self._agrees()

    def _agrees(self) -> bool:
        """Whether a total that stood still fits: nothing is kept back, and repeats are steady.

        Nothing arrived meanwhile that could explain fewer orders than announced. An order that is
        listed twice may be the server's way, or have pushed another one out of sight: then it is
        not the same ones that are seen the next time.
        """
        return self._rows >= max(self._totals) and self._met == self._met_before

    def _is_last(self) -> bool:
        return self._outcome.passes >= self._max_passes
