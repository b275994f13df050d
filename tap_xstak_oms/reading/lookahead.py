"""Which page to ask for next, ahead of the consumer, who takes them in order.

Starts no thread, knows no HTTP and no Singer; the reader's lock guards all of it. A partition is
known by its position in the order of consumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic

from tap_xstak_oms.reading.window import PageT, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

PAGES_AHEAD_PER_REQUEST = 3
"""Pages asked for and not yet consumed, for each request allowed in flight."""
MOST_WAITING_BYTES = 64 * 1024 * 1024
"""How much may wait behind the page that is consumed next. At the defaults pages take a tenth."""


@dataclass(frozen=True, slots=True, eq=False)
class PageRequest(Generic[PageT]):
    """One page to ask for."""

    position: int
    window: Window[PageT]
    index: int


class LookAhead(Generic[PageT]):
    """Hands out requests within bounds: the earliest partition first, pages in order.

    - At most `PAGES_AHEAD_PER_REQUEST * max_in_flight` pages are outstanding, plus up to
      `max_in_flight` of the partition being consumed: it never starves.
    - Pages that wait take `MOST_WAITING_BYTES` at most; pages in flight count by the size of those
      before.
    - A lane's next partition waits until the one before has ended.
    - Until a numbered page has come, at most one is in flight: it tells how the server counts (C8).

    Costs O(log n) per partition and per request, for n partitions.
    """

    def __init__(
        self,
        lanes: Iterable[Hashable],
        max_in_flight: int,
        weigh: Callable[[PageT], int] = lambda _: 0,
    ) -> None:
        """Line up all partitions in their order.

        Args:
            lanes: The lane of each partition.
            max_in_flight: Requests at once at most.
            weigh: The size of a page in bytes.
        """
        self.shift: int | None = None
        """What to add to a page's number to ask for it (C8); None until it is known."""
        self.current = 0
        """The partition being consumed; all before it have ended."""
        self._max_in_flight = max_in_flight
        self._outstanding = 0
        self._load = Load(weigh)
        self._windows: dict[int, Window[PageT]] = {}
        self._probe: PageRequest[PageT] | None = None
        self._has_probed = False
        self._parked: list[int] = []
        self._ready: list[int] = []
        self._followers: dict[int, int] = {}
        self._line_up(lanes)

    def _line_up(self, lanes: Iterable[Hashable]) -> None:
        last: dict[Hashable, int] = {}
        for position, lane in enumerate(lanes):
            if lane in last:
                self._followers[last[lane]] = position
            else:
                self._ready.append(position)
            last[lane] = position

    def window(self, position: int) -> Window[PageT]:
        """The current pass over a partition that has not ended."""
        if position not in self._windows:
            self._windows[position] = Window()
        return self._windows[position]

    def claim(self) -> PageRequest[PageT] | None:
        """Return the next request to make now, if any; it counts as outstanding from now on."""
        while self._ready:
            position = self._ready[0]
            window = self.window(position) if position >= self.current else None
            if window is None or not window.wants_more:
                heappop(self._ready)
            elif self._probe and self._needs_probe(window):
                self._parked.append(heappop(self._ready))
            else:
                has_room = self._has_room(window, is_current=position == self.current)
                return self._claim_from(position, window) if has_room else None
        return None

    def _needs_probe(self, window: Window[PageT]) -> bool:
        return self.shift is None and not self._has_probed and window.asked > 0

    def _has_room(self, window: Window[PageT], *, is_current: bool) -> bool:
        if is_current and not window.outstanding:
            return True
        if self._load.would_exceed(self._outstanding + 1):
            return False
        if self._outstanding < PAGES_AHEAD_PER_REQUEST * self._max_in_flight:
            return True
        return is_current and window.outstanding < self._max_in_flight

    def _claim_from(self, position: int, window: Window[PageT]) -> PageRequest[PageT]:
        request = PageRequest(position, window, window.asked)
        if self._needs_probe(window):
            self._probe = request
        window.asked += 1
        self._outstanding += 1
        return request

    def deliver(self, request: PageRequest[PageT], answer: PageT | BaseException) -> bool:
        """Keep the answer to a claimed request; return whether the consumer waits for it.

        An answer for a partition that has ended is dropped with the request's window.
        """
        position, window, index = request.position, request.window, request.index
        if request is self._probe:
            self._end_probe(answer)
        was_waiting = not window.wants_more
        window.arrive(index, answer)
        if not window.ended.is_set():
            self._load.add(answer)
        if was_waiting and window.wants_more:
            heappush(self._ready, position)
        return position == self.current and index == window.taken

    def _end_probe(self, answer: PageT | BaseException) -> None:
        # It may have taught nothing. Then others find out by themselves, side by side.
        self._has_probed = not isinstance(answer, BaseException)
        self._probe = None
        for position in self._parked:
            heappush(self._ready, position)
        self._parked.clear()

    def take(self) -> PageT:
        """Take the next page of the partition being consumed, or raise its error."""
        answer = self.window(self.current).take()
        self._outstanding -= 1
        self._load.remove(answer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def repeat(self) -> None:
        """Begin another pass over the partition being consumed."""
        last = self.window(self.current)
        self._windows[self.current] = Window(last.base, last.extent)
        heappush(self._ready, self.current)

    def go_to(self, position: int) -> None:
        """End all partitions before this one, and drop their outstanding pages."""
        while self.current < position:
            if window := self._windows.pop(self.current, None):
                self._drop(window)
            if self.current in self._followers:
                heappush(self._ready, self._followers.pop(self.current))
            self.current += 1

    def _drop(self, window: Window[PageT]) -> None:
        self._outstanding -= window.outstanding
        for answer in window.waiting:
            self._load.remove(answer)
        window.ended.set()

    def end(self) -> None:
        """Tell every thread that no page is needed any more."""
        for window in self._windows.values():
            window.ended.set()


class Load(Generic[PageT]):
    """The size in bytes of the pages that have arrived and wait to be taken."""

    def __init__(self, weigh: Callable[[PageT], int]) -> None:
        self._weigh = weigh
        self._pages = 0
        self._bytes = 0
        self._usual = 0

    def would_exceed(self, pages: int) -> bool:
        """Whether this many pages, including those that wait, would be too much."""
        return self._bytes + (pages - self._pages) * self._usual > MOST_WAITING_BYTES

    def add(self, answer: PageT | BaseException) -> None:
        """Note that an answer has arrived."""
        size = self._size(answer)
        self._pages += 1
        self._bytes += size
        # At least as large as the last page; a much larger one is forgotten in time.
        self._usual = max(size, self._usual * 7 // 8)

    def remove(self, answer: PageT | BaseException) -> None:
        """Note that an answer was taken or dropped."""
        self._pages -= 1
        self._bytes -= self._size(answer)

    def _size(self, answer: PageT | BaseException) -> int:
        return 0 if isinstance(answer, BaseException) else self._weigh(answer)
