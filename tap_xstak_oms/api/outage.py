"""Detect an outage: the other partitions are not worth a try."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_xstak_oms.errors import PartitionError, RefusedError, RunError

if TYPE_CHECKING:
    from collections.abc import Hashable

FEWEST_PARTITIONS = 3
"""With few workers, one or two bad partitions are no outage yet."""


class Outage:
    """Ends the run if partition after partition gets no page. Thread-safe.

    All workers try at once, so one outage hits as many partitions as there are workers. A refusal
    does not count: the server is alive, and one closed location must not cost the others.
    """

    def __init__(self, max_concurrent: int) -> None:
        self._most = max(FEWEST_PARTITIONS, max_concurrent)
        self._lock = threading.Lock()
        self._without_page: set[Hashable] = set()

    def end(self) -> None:
        """Note that a page came: there is no outage."""
        if self._without_page:
            with self._lock:
                self._without_page.clear()

    def meet(self, partition: Hashable, error: PartitionError) -> None:
        """Note that a request of a partition was given up.

        Raises:
            RunError: As many partitions in a row got no page.
        """
        if isinstance(error, RefusedError):
            return
        with self._lock:
            self._without_page.add(partition)
            count = len(self._without_page)
        if count >= self._most:
            raise RunError(
                f"{error} {count} partitions in a row got no page, and nothing more is tried: "
                "all keep their bookmarks.",
                request_id=error.request_id,
            ) from None
