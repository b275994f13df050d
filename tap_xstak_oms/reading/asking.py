"""Ask for one page: learn how the server counts, and check a page that is gone.

Starts no thread, knows no HTTP and no Singer; many threads may ask at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic

from tap_xstak_oms.reading.window import NumberedPage, PageT, has_moved

if TYPE_CHECKING:
    from tap_xstak_oms.reading.lookahead import LookAhead
    from tap_xstak_oms.reading.window import Window

Fetch = Callable[[int | None, Callable[[PageT], bool]], PageT]
"""Fetches a page of one partition: takes the number to ask for, and which answers to accept."""

PROBES = 4
"""Requests for one page to learn how the server counts: two, and two more if one went wrong."""


class PageParameterIgnoredError(Exception):
    """The server never answers with the page asked for, however one counts (C8)."""

    def __init__(self, wanted: int, told: int) -> None:
        super().__init__(f"page {wanted} was asked for, and page {told} came")
        self.wanted = wanted
        self.told = told


class Asking(Generic[PageT]):
    """Asks for one page."""

    def __init__(
        self, fetch: Fetch[PageT], window: Window[PageT], index: int, ahead: LookAhead[PageT]
    ) -> None:
        self._fetch = fetch
        self._accept = partial(window.accepts, index)
        self._accept_first = partial(window.accepts, 0)
        self._base = window.base
        self._index = index
        # Knows how the server counts, once it is learned.
        self._ahead = ahead

    def page(self) -> PageT:
        """Fetch the page; if it is now beyond the end, a page that tells the new end."""
        if self._base is None or self._index == 0:
            return self._fetch(None, self._accept)
        wanted = self._base + self._index
        try:
            return self._named(wanted)
        except Exception as error:
            if not getattr(error, "gone", False):
                raise
            page = self._first_if_gone(wanted)
            if page is None:
                raise
            return page

    def _named(self, wanted: int) -> PageT:
        if self._ahead.shift is None:
            return self._probe(wanted)
        return self._fetch(wanted + self._ahead.shift, self._accept)

    def _probe(self, wanted: int) -> PageT:
        """Ask for a page by number, and learn from it how the server counts (C8)."""
        shift = 0
        # Who reports from 1 may be asked from 0, and who reports from 0 from 1.
        other = 1 - 2 * (self._base or 0)
        for _ in range(PROBES):
            page = self._fetch(wanted + shift, _accept_any)
            if self._is_gone(page):
                return page  # its number tells nothing
            if page.number == wanted:
                # Counted from 0 it may lie beyond the end, where some give their last page.
                if shift or wanted < page.total_pages:
                    self._ahead.shift = shift
                return page
            told = shift + wanted - page.number
            shift = told if told in (0, other) else shift
        raise PageParameterIgnoredError(wanted, page.number)

    def _first_if_gone(self, wanted: int) -> PageT | None:
        """Ask for the first page again: if the page is gone, the first one tells and replaces it.

        Its orders were emitted before. Returns None if the page should exist.
        """
        first = self._fetch(None, self._accept_first)
        if self._is_gone(first):
            return first
        if self._ahead.shift is None and self._base:
            # A server that reports from 1 but is asked from 0 has no last page of that number.
            page = self._fetch(wanted - 1, _accept_any)
            if page.number == wanted:
                self._ahead.shift = -1
                return page
        return None

    def _is_gone(self, page: PageT) -> bool:
        return has_moved(page, self._index)


def _accept_any(_: NumberedPage) -> bool:
    return True
