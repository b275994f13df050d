"""Read partitions of pages: many threads fetch, one consumes, in order.

All threads of the tap live here. Knows no HTTP, no Singer and no field of an order.

    LookAhead -> request -> worker: fetch -> answer -> LookAhead -> page -> consumer: Passes

Workers only fetch. Only the consumer takes pages, judges passes and ends partitions.
"""

from __future__ import annotations

from functools import partial
from threading import Condition, Event, RLock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_xstak_oms.reading.asking import Asking
from tap_xstak_oms.reading.lookahead import LookAhead, PageRequest
from tap_xstak_oms.reading.passes import Outcome, Passes
from tap_xstak_oms.reading.window import NumberedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from typing import Self

PartitionT = TypeVar("PartitionT", bound="Hashable")
OrderT = TypeVar("OrderT")
PageT = TypeVar("PageT", bound=NumberedPage)

SIGNAL_PATIENCE_SECONDS = 0.5


class Reading(Generic[OrderT, PageT]):
    """The read of one partition; the consumer iterates it once.

    Yields, page by page, the orders to emit: those not emitted yet or changed since. A page may
    have none.

    Attributes:
        outcome: The result so far.
        first: The first answer, set before anything is yielded. It holds a page of orders: keep
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
    """Reads partitions one after another, and fetches ahead of the thread that consumes them.

    On a server that stands still, any number in flight gives the same orders in the same order, and
    the same errors after the same orders. The first read starts the threads; they end when the last
    partition has ended.

    Args:
        partitions: The partitions to read, distinct, in their order.
        fetch: `fetch(partition, asked, accept, ended)` returns one page; many threads call it at
            once. It names no page if `asked` is None. It refuses an answer that `accept` (pure)
            does not accept. The event `ended` is set when nobody needs the page any more. Its
            error ends the partition; an exception with `fatal = True` ends everything; one with
            `gone = True` may mean that the page no longer exists: the first page is then asked
            again to find out.
        lane: The partitions of a lane are not read ahead of each other: none is requested before
            the previous one has ended.
        orders: The orders of a page. The consumer calls it for each page that it takes.
        identify: An order's key, None if it has none, and a hash of its content.
        weigh: The size in bytes of a page that waits.
        max_in_flight: Requests at once at most.
        max_passes: Passes over one partition at most.
        idle: The consumer calls it now and then while it waits.
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
        # One lock for all below: a page that comes or is taken changes what any partition may ask
        # for. Reentrant: an abandoned iterator may be closed, and end its partition, while the
        # consumer holds the lock.
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
        """End everything, without waiting for requests. Any thread may call it, more than once."""
        self._stop(RuntimeError("the reader is closed"))

    def read(self, partition: PartitionT) -> Reading[OrderT, PageT]:
        """Read a partition.

        This ends the partitions before it, read or not; leaving an iterator midway ends its
        partition too. Iterating an ended one raises ValueError. An error of `fetch` is raised in
        place of its page.
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
        """Wait for the next page; return None when the pass has ended."""
        while not self._wait_a_while(position):
            self._idle()
        with self._lock:
            if self._ahead.window(position).is_exhausted:
                return None
            self._work_to_do.notify()
            return self._ahead.take()

    def _wait_a_while(self, position: int) -> bool:
        """Wait a while; return whether the next page is there or the pass has ended."""
        with self._lock:
            if not self._can_go_on(position):
                # A signal may come just before the wait and not end it: so it must be short.
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
                    # There may be more to do: each worker wakes the next.
                    self._work_to_do.notify()
                    return request
                self._work_to_do.wait()
            # The others have nothing to do either.
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
