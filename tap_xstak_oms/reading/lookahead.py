"""Which page to ask for next, ahead of the one who consumes them in order.

Pure: knows no thread, no HTTP, no Singer; the reader's lock guards all of it. A partition is
known by its position in the order of consumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

PAGES_AHEAD_PER_REQUEST = 3
"""How many pages may be asked for and not yet consumed, for each request allowed in flight."""


class NumberedPage(Protocol):
    """What the reader needs of an answer. The page carries orders, and may carry more."""

    @property
    def number(self) -> int:
        """Which page it says it is, in the server's own counting (C8)."""

    @property
    def total_pages(self) -> int:
        """How many pages it says there are (C9)."""

    @property
    def total_elements(self) -> int:
        """How many orders it says there are."""


PageT = TypeVar("PageT", bound=NumberedPage)


class Window(Generic[PageT]):
    """One pass over a partition: pages [taken, asked) are in flight or have arrived."""

    def __init__(self, base: int | None = None, extent: int = 1) -> None:
        """Begin a pass; `base` and `extent` are known from the pass before, if there was one."""
        self.base = base
        self.extent = extent
        self.asked = 0
        self.taken = 0
        self.is_broken = False
        self._arrived: dict[int, PageT | BaseException] = {}

    @property
    def outstanding(self) -> int:
        """Pages in flight or waiting to be taken."""
        return self.asked - self.taken

    @property
    def wants_more(self) -> bool:
        """Whether there is a page to ask for now."""
        return self.asked < self.extent and not self.is_broken

    @property
    def is_exhausted(self) -> bool:
        """Whether every page has been taken."""
        return self.taken >= self.extent

    @property
    def has_next(self) -> bool:
        """Whether the next page to take has arrived, or its error."""
        return self.taken in self._arrived

    def accepts(self, index: int, page: PageT) -> bool:
        """Whether this is the answer to that index. Pure, and safe in any thread."""
        return self.base is None or page.number == self.base + index or has_moved(page, index)

    def arrive(self, index: int, answer: PageT | BaseException) -> None:
        """Keep an answer until it is taken."""
        self._arrived[index] = answer
        if isinstance(answer, BaseException):
            self.is_broken = True
            return
        if self.base is None:
            self.base = answer.number
        # Answers overtake each other: that the end came closer is believed only of a page beyond
        # it, after which there is nothing to ask for.
        known = self.asked if has_moved(answer, index) else self.extent
        self.extent = max(known, answer.total_pages)

    def take(self) -> PageT:
        """Remove and return the next page, or raise the error it met."""
        answer = self._arrived.pop(self.taken)
        self.taken += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


def has_moved(page: NumberedPage, index: int) -> bool:
    """Whether the answer to that index lies beyond an end that has come closer since."""
    return page.total_pages <= index


@dataclass(frozen=True, slots=True, eq=False)
class PageRequest(Generic[PageT]):
    """One page to ask for."""

    position: int
    window: Window[PageT]
    index: int


class LookAhead(Generic[PageT]):
    """Hands out requests: the earliest partition first, pages in order, bounded.

    - At most `PAGES_AHEAD_PER_REQUEST * max_in_flight` pages are outstanding, and up to
      `max_in_flight` more, those of the partition being consumed: it never starves.
    - A lane's next partition is handed out when the one before has ended.
    - Until `shift` is known (C8), one page of the run that names itself is in flight at most.

    Costs O(log n) per partition and per request, whatever the number of partitions n.
    """

    def __init__(self, lanes: Iterable[Hashable], max_in_flight: int) -> None:
        self.shift: int | None = None
        self.current = 0
        """The partition being consumed; all before it have ended."""
        self._max_in_flight = max_in_flight
        self._outstanding = 0
        self._windows: dict[int, Window[PageT]] = {}
        self._probe: PageRequest[PageT] | None = None
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
        """The pass under way over a partition that has not ended."""
        if position not in self._windows:
            self._windows[position] = Window()
        return self._windows[position]

    def claim(self) -> PageRequest[PageT] | None:
        """The next request that may be made now; it counts as outstanding from now on."""
        while self._ready:
            position = self._ready[0]
            if position < self.current or not self.window(position).wants_more:
                heappop(self._ready)
            elif self._probe and self._needs_shift(position):
                self._parked.append(heappop(self._ready))
            else:
                return self._claim_from(position) if self._has_room(position) else None
        return None

    def _needs_shift(self, position: int) -> bool:
        return self.shift is None and self.window(position).asked > 0

    def _has_room(self, position: int) -> bool:
        if self._outstanding < PAGES_AHEAD_PER_REQUEST * self._max_in_flight:
            return True
        is_current = position == self.current
        return is_current and self.window(position).outstanding < self._max_in_flight

    def _claim_from(self, position: int) -> PageRequest[PageT]:
        window = self.window(position)
        request = PageRequest(position, window, window.asked)
        if self._needs_shift(position):
            self._probe = request
        window.asked += 1
        self._outstanding += 1
        return request

    def deliver(self, request: PageRequest[PageT], answer: PageT | BaseException) -> bool:
        """Keep the answer to a claimed request; returns whether the consumer waits for it.

        That of a partition that has ended since is forgotten with the request's window.
        """
        position, window, index = request.position, request.window, request.index
        if request is self._probe:
            self._end_probe()
        was_waiting = not window.wants_more
        window.arrive(index, answer)
        if was_waiting and window.wants_more:
            heappush(self._ready, position)
        return position == self.current and index == window.taken

    def _end_probe(self) -> None:
        self._probe = None
        for position in self._parked:
            heappush(self._ready, position)
        self._parked.clear()

    def take(self) -> PageT:
        """Take the next page of the partition being consumed, or raise the error it met."""
        self._outstanding -= 1
        return self.window(self.current).take()

    def repeat(self) -> None:
        """Begin another pass over the partition being consumed."""
        last = self.window(self.current)
        self._windows[self.current] = Window(last.base, last.extent)
        heappush(self._ready, self.current)

    def go_to(self, position: int) -> None:
        """End all partitions before this one; what is still asked of them is dropped."""
        while self.current < position:
            window = self._windows.pop(self.current, None)
            self._outstanding -= window.outstanding if window else 0
            if self.current in self._followers:
                heappush(self._ready, self._followers.pop(self.current))
            self.current += 1
