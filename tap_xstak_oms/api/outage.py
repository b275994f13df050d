"""When it is no use to try other partitions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_xstak_oms.api.request_ids import identified
from tap_xstak_oms.errors import PartitionError, RefusedError, RunError

if TYPE_CHECKING:
    from collections.abc import Hashable

FEWEST_PARTITIONS = 3
"""Where few requests go at once, a bad partition or two is no outage yet."""


class Outage:
    """Ends the run where partition after partition gets no page. Thread-safe.

    All workers try at once, so that one outage meets as many partitions as there are workers.
    What the server refuses counts for nothing: it is alive, and a location that is closed is no
    reason to leave out the others.
    """

    def __init__(self, max_concurrent: int) -> None:
        self._most = max(FEWEST_PARTITIONS, max_concurrent)
        self._lock = threading.Lock()
        self._without_page: set[Hashable] = set()

    def end(self) -> None:
        """A page came: there is none."""
        if self._without_page:
            with self._lock:
                self._without_page.clear()

    def meet(self, partition: Hashable, error: PartitionError) -> None:
        """A partition gave up a request.

        Raises:
            RunError: If as many have, one after another, and no page came in between.
        """
        if isinstance(error, RefusedError):
            return
        with self._lock:
            self._without_page.add(partition)
            count = len(self._without_page)
        if count >= self._most:
            with identified(error.request_id):
                raise RunError(
                    f"{error} {count} partitions in a row got no page, and nothing more is tried: "
                    "all keep their bookmarks."
                ) from None
