"""The pages of one pass over a partition, on their way from request to consumer.

Starts no thread, knows no HTTP and no Singer; the reader's lock guards all of it.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection


class NumberedPage(Protocol):
    """What the reader needs of a page."""

    @property
    def number(self) -> int:
        """The page's number, as the server counts (C8)."""

    @property
    def total_pages(self) -> int:
        """How many pages there are, as the server says (C9)."""

    @property
    def total_elements(self) -> int:
        """How many orders there are, as the server says."""


PageT = TypeVar("PageT", bound=NumberedPage)


class Window(Generic[PageT]):
    """One pass over a partition: pages [taken, asked) are in flight or have arrived.

    Attributes:
        ended: Set when nobody needs its pages any more. Any thread may wait for it.
    """

    def __init__(self, base: int | None = None, extent: int = 1) -> None:
        """Begin a pass; `base` and `extent` come from the pass before, if there was one."""
        self.base = base
        self.extent = extent
        self.asked = 0
        self.taken = 0
        self.is_broken = False
        self.ended = Event()
        self._arrived: dict[int, PageT | BaseException] = {}

    @property
    def outstanding(self) -> int:
        """Pages in flight or waiting to be taken."""
        return self.asked - self.taken

    @property
    def waiting(self) -> Collection[PageT | BaseException]:
        """What has arrived and waits to be taken."""
        return self._arrived.values()

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
        """Whether this page answers the request for an index. Pure: safe in any thread."""
        return self.base is None or page.number == self.base + index or has_moved(page, index)

    def arrive(self, index: int, answer: PageT | BaseException) -> None:
        """Keep an answer until it is taken."""
        self._arrived[index] = answer
        if isinstance(answer, BaseException):
            self.is_broken = True
            return
        if self.base is None:
            self.base = answer.number
        # Answers overtake each other: only a page beyond the end shows that the end came closer.
        # Nothing after it has to be asked for.
        known = self.asked if has_moved(answer, index) else self.extent
        self.extent = max(known, answer.total_pages)

    def take(self) -> PageT | BaseException:
        """Remove and return the next page, or its error."""
        answer = self._arrived.pop(self.taken)
        self.taken += 1
        return answer


def has_moved(page: NumberedPage, index: int) -> bool:
    """Whether an index is now beyond the end, as this answer to its request shows."""
    return page.total_pages <= index
