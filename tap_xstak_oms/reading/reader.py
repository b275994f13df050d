"""Partitions of pages, fetched by many threads and consumed by one, in order.

All threads of the tap live here. Knows no HTTP, no Singer and no field of an order.

    LookAhead -> request -> worker: fetch -> answer -> LookAhead -> page -> consumer: Passes

Workers only fetch. The consumer alone takes pages, judges the passes over a partition and says
that it has ended.
"""

from __future__ import annotations

from functools import partial
from threading import Condition, Event, RLock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_xstak_oms.reading.asking import Asking, PageParameterIgnoredError
from tap_xstak_oms.reading.lookahead import LookAhead, PageRequest
from tap_xstak_oms.reading.passes import Outcome, Passes
from tap_xstak_oms.reading.window import NumberedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from typing import Self

__all__ = ["NumberedPage", "Outcome", "PageParameterIgnoredError", "Reader", "Reading"]

PartitionT = TypeVar("PartitionT", bound="Hashable")
OrderT = TypeVar("OrderT")
PageT = TypeVar("PageT", bound=NumberedPage)

SIGNAL_PATIENCE_SECONDS = 0.5


class Reading(Generic[OrderT, PageT]):
    """One partition's read, to be iterated once, by the consumer.

    Yields, page by page, the orders to emit: those not emitted yet or changed since. A page may
    have none.

    Attributes:
        outcome: What the read has come to so far, or came to.
        first: The first answer, there before anything is yielded. It holds a page of orders: keep
            the outcome for later, not the reading.
    """

    first: PageT

    def __init__(
        self, begin: Callable[[Reading[OrderT, PageT]], Iterator[Sequence[OrderT]]]
    ) -> None:
        self.outcome = Outcome()
        self._begin = begin

    def __iter__(self) -> Iterator[Sequence[OrderT]]:
        return self._begin(self)


class Reader(Generic[PartitionT, OrderT, PageT]):
    """Reads partitions one after another, fetching ahead of the one thread that consumes them.

    Any number in flight gives the same orders in the same order, and the same errors after the
    same orders, on a server that stands still. Nothing is requested before the first read, and
    the threads end by themselves when the last partition has ended.

    Args:
        partitions: All that may be read, distinct, in the order in which they will be.
        fetch: `fetch(partition, asked, accept, ended)` returns one page. Where `asked` is None no
            page is to be named. An answer that `accept` (pure) refuses is an error of that
            request. The event `ended` is set when nobody waits for the page any more. Called by
            many threads at once. What it raises ends its partition; an exception with
            `fatal = True` ends everything, and one with `gone = True` may mean that there is no
            such page: the first page is asked again, and judges.
        lane: The partitions of a lane are not read ahead of each other: none is requested before
            the previous one has ended.
        orders: The orders of a page. Called by the consumer, for each page that it takes.
        identify: An order's key, None if it has none, and a hash of its content.
        weigh: How many bytes a page takes while it waits.
        max_in_flight: Requests at once at most.
        max_passes: Passes over one partition at most.
        idle: Called by the consumer now and then while it waits.
    """

    def __init__(  # noqa: PLR0913 - what, how and within which bounds; callers name them
        self,
        partitions: Sequence[PartitionT],
        fetch: Callable[[PartitionT, int | None, Callable[[PageT], bool], Event], PageT],
        *,
        lane: Callable[[PartitionT], Hashable],
        orders: Callable[[PageT], Sequence[OrderT]],
        identify: Callable[[OrderT], tuple[Hashable | None, int]],
        max_in_flight: int,
        max_passes: int,
        weigh: Callable[[PageT], int] = lambda _: 0,
        idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._partitions = partitions
        self._positions = {partition: at for at, partition in enumerate(partitions)}
        self._fetch = fetch
        self._orders = orders
        self._identify = identify
        self._max_passes = max_passes
        self._idle = idle
        self._workers = [
            Thread(target=self._work, name=f"reader-{number}", daemon=True)
            for number in range(max_in_flight)
        ]
        # One lock for all that follows, because a page that comes or is taken changes what may be
        # asked for in any partition. Reentrant, because an abandoned iterator may be closed, and
        # end its partition, while the consumer holds the lock.
        self._lock = RLock()
        self._work_to_do = Condition(self._lock)
        self._page_to_take = Condition(self._lock)
        self._ahead: LookAhead[PageT] = LookAhead(map(lane, partitions), max_in_flight, weigh)
        self._is_started = False
        self._end: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything. Waits for no request under way; any thread may call it, and again."""
        self._stop(RuntimeError("the reader is closed"))

    def read(self, partition: PartitionT) -> Reading[OrderT, PageT]:
        """Read a partition.

        The partitions before it are over with, read or not, and so is one whose iterator was left
        midway: to iterate one of them raises ValueError. An error of `fetch` is raised where the
        page that met it would have come.
        """
        return Reading(partial(self._read, self._positions[partition]))

    def _read(self, position: int, reading: Reading[OrderT, PageT]) -> Iterator[Sequence[OrderT]]:
        passes = Passes(self._identify, self._max_passes, reading.outcome)
        self._begin(position)
        try:
            for page in self._pages(position, passes):
                if not reading.outcome.pages:
                    reading.first = page
                is_only_page = page.total_pages <= 1
                orders = self._orders(page)
                yield passes.take(orders, page.total_elements, is_only_page=is_only_page)
        finally:
            self._go_to(position + 1)

    def _pages(self, position: int, passes: Passes[OrderT]) -> Iterator[PageT]:
        while True:
            while (page := self._take(position)) is not None:
                yield page
            if not passes.begin_another():
                return
            with self._lock:
                self._ahead.repeat()
                self._work_to_do.notify()

    def _begin(self, position: int) -> None:
        self._go_to(position)
        if not self._is_started:
            self._is_started = True
            for worker in self._workers:
                worker.start()

    def _go_to(self, position: int) -> None:
        with self._lock:
            self._ahead.go_to(position)
            self._work_to_do.notify()

    def _take(self, position: int) -> PageT | None:
        """Wait for the next page; None when the pass has ended."""
        while not self._wait_a_while(position):
            self._idle()
        with self._lock:
            if self._ahead.window(position).is_exhausted:
                return None
            self._work_to_do.notify()
            return self._ahead.take()

    def _wait_a_while(self, position: int) -> bool:
        """Whether the next page is there, or the pass has ended: by now, or after some waiting."""
        with self._lock:
            if not self._can_go_on(position):
                # A signal between the interpreter's last look and the wait does not end the wait.
                self._page_to_take.wait(SIGNAL_PATIENCE_SECONDS)
            return self._can_go_on(position)

    def _can_go_on(self, position: int) -> bool:
        if self._end is not None:
            raise self._end
        if position < self._ahead.current:
            raise ValueError("the partition has been read, left or passed over")
        window = self._ahead.window(position)
        return window.is_exhausted or window.has_next

    def _stop(self, reason: BaseException) -> None:
        with self._lock:
            self._end = self._end or reason
            self._ahead.end()
            self._work_to_do.notify_all()
            self._page_to_take.notify_all()

    def _work(self) -> None:
        while (request := self._await_request()) is not None:
            self._deliver(request, self._answer(request))

    def _answer(self, request: PageRequest[PageT]) -> PageT | BaseException:
        try:
            return self._ask(request)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            if getattr(error, "fatal", False):
                self._stop(error)
            return error

    def _await_request(self) -> PageRequest[PageT] | None:
        with self._lock:
            while self._end is None and self._ahead.current < len(self._partitions):
                if (request := self._ahead.claim()) is not None:
                    # There may be more to ask for: each woken worker wakes the next.
                    self._work_to_do.notify()
                    return request
                self._work_to_do.wait()
            # Nor is there anything for the others.
            self._work_to_do.notify()
        return None

    def _deliver(self, request: PageRequest[PageT], answer: PageT | BaseException) -> None:
        with self._lock:
            if self._ahead.deliver(request, answer):
                self._page_to_take.notify()

    def _ask(self, request: PageRequest[PageT]) -> PageT:
        partition, ended = self._partitions[request.position], request.window.ended

        def fetch(asked: int | None, accept: Callable[[PageT], bool]) -> PageT:
            return self._fetch(partition, asked, accept, ended)

        return Asking(fetch, request.window, request.index, self._ahead).page()
