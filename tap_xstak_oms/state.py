"""The stream's state, of which each partition has a part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping


class PartitionStates(StreamStateManager):
    """Finds a partition's state at once, and leaves bookmarks to whoever knows when to move them.

    The SDK's own would look through all partitions for every record, and move bookmarks along
    with records, although a partition has to be read whole first.
    """

    _index: dict[tuple[tuple[str, Any], ...], dict[str, Any]] | None = None

    @override
    def get_context_state(self, context: Mapping[str, Any] | None) -> dict[str, Any]:
        if not context:
            return self.stream_state
        states: list[dict[str, Any]] = self.stream_state.setdefault("partitions", [])
        if self._index is None:
            self._index = {_key(state.get("context", {})): state for state in states}
        state = self._index.get(_key(context))
        if state is None:
            state = self._index[_key(context)] = {"context": dict(context)}
            states.append(state)
        return state

    @override
    def increment_state(self, *_: Any, **__: Any) -> None:
        """A record moves no bookmark."""

    @override
    def write_starting_replication_value(self, *_: Any, **__: Any) -> None:
        """Where a read begins follows from the bookmark, and is not part of the state."""


def _key(context: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(context.items()))
