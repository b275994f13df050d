"""The threads that the reader starts."""

from __future__ import annotations

import threading

PATIENCE_SECONDS = 20


def workers() -> list[threading.Thread]:
    """Those that have not ended."""
    return [one for one in threading.enumerate() if one.name.startswith("reader-")]


def join_workers() -> None:
    """Wait until all have ended; one that does not is an error."""
    for worker in workers():
        worker.join(PATIENCE_SECONDS)
        assert not worker.is_alive(), f"{worker.name} goes on after its run"
