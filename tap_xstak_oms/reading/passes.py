"""Which orders of moving pages to emit, and when the pages have been read whole.

Pure: knows no thread, no HTTP, no Singer. Used by one thread at a time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_xstak_oms.reading.known import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

OrderT = TypeVar("OrderT")

ARRIVALS_ACCEPTED_PER_ORDER = 1 / 100


@dataclass(slots=True)
class Outcome:
    """The result of a partition's read. The counts go up while it lasts.

    Attributes:
        settled: Whether it was read whole; False while it lasts.
        quiet: Whether its last pass met as many orders as each of its answers announced: an order
            that it did not meet was not there.
        passes: Passes begun.
        pages: Pages read, over all passes.
        orders: Distinct orders met.
        total: Orders announced by the last page.
    """

    settled: bool = False
    quiet: bool = False
    passes: int = 1
    pages: int = 0
    orders: int = 0
    total: int = 0


class Passes(Generic[OrderT]):
    """The passes over one partition.

    Keeps hashes of an order's key and content, never the order, and nothing of a partition of one
    page. Identical orders without a key may be several orders, or one that moved during the read:
    a copy counts, and is emitted, once two passes in a row have met as many; in the last pass it is
    emitted in any case.
    """

    def __init__(
        self,
        identify: Callable[[OrderT], tuple[Hashable | None, int]],
        max_passes: int,
        outcome: Outcome,
    ) -> None:
        self._identify = identify
        self._max_passes = max_passes
        self._outcome = outcome
        self._known = Known()
        self._met = 0
        self._begin_pass()

    def _begin_pass(self) -> None:
        self._totals: set[int] = set()
        self._pages = 0
        self._rows = 0
        self._new = 0
        self._met_before, self._met, self._met_again, self._beside_again = self._met, 0, 0, 0
        self._copies: Counter[int] = Counter()

    def take(self, orders: Sequence[OrderT], total: int, *, is_only_page: bool) -> Sequence[OrderT]:
        """Take the next page; return its orders not emitted yet or changed since."""
        is_first = self._outcome.pages == 0
        self._pages += 1
        self._rows += len(orders)
        self._totals.add(total)
        self._outcome.pages += 1
        self._outcome.total = total
        if is_first and is_only_page:
            self._outcome.orders = len(orders)
            return orders
        return [order for order in orders if self._is_fresh(order)]

    def _is_fresh(self, order: OrderT) -> bool:
        key, content = self._identify(order)
        identity = content if key is None else hash(key)
        known, this_pass = self._known, self._outcome.passes
        at = known.place(identity)
        last_pass = known.passes[at]
        if last_pass != this_pass:
            self._met += 1
            if not last_pass:
                self._count_new()
            elif last_pass == this_pass - 1:
                self._met_again += 1
        elif key is None:
            return self._is_fresh_copy(content)
        elif not known.has(at, content):
            return self._is_fresh_beside(identity, content)
        was_beside = last_pass > 0 and self._was_beside(at, identity, content)
        return known.keep(at, identity, content, this_pass) and not was_beside

    def _was_beside(self, at: int, identity: int, content: int) -> bool:
        """Whether a key met before had this content as a second one."""
        known = self._known
        beside = hash((identity, content))
        return not known.has(at, content) and known.passes[known.place(beside)] > 0

    def _is_fresh_beside(self, identity: int, content: int) -> bool:
        """Take an order whose key was met in this pass with another content.

        It has changed and moved, or its key repeats: then each pass meets all contents again.
        """
        known, this_pass = self._known, self._outcome.passes
        beside = hash((identity, content))
        at = known.place(beside)
        self._beside_again += 0 < known.passes[at] == this_pass - 1
        return known.keep(at, beside, content, this_pass)

    def _is_fresh_copy(self, content: int) -> bool:
        """Whether to emit another copy of an order without a key."""
        self._copies[content] += 1
        identity = hash((content, self._copies[content]))
        known, this_pass = self._known, self._outcome.passes
        at = known.place(identity)
        counts = 0 < known.passes[at] == this_pass - 1
        self._met += counts
        self._met_again += counts
        if not (counts or self._is_last()):
            if known.passes[at]:
                known.passes[at] = this_pass
            else:
                # Not emitted yet: keep it with a content that it does not have.
                known.keep(at, identity, ~content, this_pass)
            return False
        is_fresh = known.keep(at, identity, content, this_pass)
        if is_fresh:
            self._count_new()
        return is_fresh

    def _count_new(self) -> None:
        self._new += 1
        self._outcome.orders += 1

    def begin_another(self) -> bool:
        """Judge the pass that has ended; begin another if one is due, and return whether it is."""
        self._outcome.quiet = self._is_quiet()
        self._outcome.settled = self._outcome.quiet or self._brought_too_little()
        if self._outcome.settled or self._is_last():
            return False
        self._outcome.passes += 1
        self._begin_pass()
        return True

    def _is_quiet(self) -> bool:
        return self._pages == 1 or self._totals == {self._met}

    def _brought_too_little(self) -> bool:
        """Whether the pass brought nothing new or, the last one, no more than arrivals explain."""
        if not self._is_plausible():
            return False
        if not self._is_last():
            return self._new == 0
        return self._new < ARRIVALS_ACCEPTED_PER_ORDER * self._met

    def _is_plausible(self) -> bool:
        """Whether the orders met nearly fit those announced."""
        lacking = max(self._totals) - self._met - self._beside_again
        if lacking > max(1, ARRIVALS_ACCEPTED_PER_ORDER * self._met):
            return False
        return len(self._totals) > 1 or self._agrees()

    def _agrees(self) -> bool:
        """Whether a total that stood still fits: no row is missing, and repeats are steady.

        No arrival explains fewer orders than announced. A server may always list an order twice;
        or the repeat has hidden another order: then the next pass meets other ones.
        """
        is_same = self._met_again == self._met >= self._met_before
        return is_same and self._rows >= max(self._totals)

    def _is_last(self) -> bool:
        return self._outcome.passes >= self._max_passes
