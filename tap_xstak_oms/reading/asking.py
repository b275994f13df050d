"""How one page is asked for: how the server counts, and what becomes of a page that is gone.

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
"""Fetches a page of one partition: the number to ask for, and which answers to accept."""


class PageParameterIgnoredError(Exception):
    """The server does not answer with the page it was asked for, however one counts (C8)."""

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
        # Knows how the server counts, once one page that names itself has come.
        self._ahead = ahead

    def page(self) -> PageT:
        """The page; beyond an end that has come closer, one that tells of the new end."""
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
        """Ask for the first named page of the run, and learn how the server counts (C8)."""
        page = self._fetch(wanted, _accept_any)
        shift = wanted - page.number
        if abs(shift) == 1 and not self._is_gone(page):
            page = self._fetch(wanted + shift, _accept_any)
        if self._is_gone(page):
            return page  # its number tells nothing: the next named page is the first one
        if page.number != wanted:
            raise PageParameterIgnoredError(wanted, page.number)
        self._ahead.shift = shift
        return page

    def _first_if_gone(self, wanted: int) -> PageT | None:
        """Ask the first page again: it stands for one that is gone, of which it tells.

        None where there should be such a page. Its orders have been met.
        """
        first = self._fetch(None, self._accept_first)
        if self._is_gone(first):
            return first
        if self._ahead.shift is None and self._base:
            # A server that reports from 1 and asks from 0 has no last page of the number it tells.
            page = self._fetch(wanted - 1, _accept_any)
            if page.number == wanted:
                self._ahead.shift = -1
                return page
        return None

    def _is_gone(self, page: PageT) -> bool:
        return has_moved(page, self._index)


def _accept_any(_: NumberedPage) -> bool:
    return True
