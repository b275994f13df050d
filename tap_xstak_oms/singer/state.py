"""The stream's state: how to find a partition's part, and how to check a given one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk.singerlib import SingerMessageType
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T", dict[str, Any], list[Any])
_NAMES: dict[type, str] = {dict: "an object", list: "a list"}
_DATES = ("replication_key_value", "read_since")


class PartitionStates(StreamStateManager):
    """Finds a partition's state at once, and leaves bookmarks to the checkpoint.

    The SDK's own looks through all partitions for every record, and moves bookmarks with records
    although a partition must be read whole first.
    """

    _index: dict[Partition | str, dict[str, Any]] | None = None

    @override
    def get_context_state(self, context: Mapping[str, Any] | None) -> dict[str, Any]:
        if not context:
            return self.stream_state
        states: list[dict[str, Any]] = self.stream_state.setdefault("partitions", [])
        if self._index is None:
            self._index = {_key(state.get("context", {})): state for state in states}
        key = _key(context)
        state = self._index.get(key)
        if state is None:
            state = self._index[key] = {"context": dict(context)}
            states.append(state)
        return state

    @override
    def increment_state(self, *_: Any, **__: Any) -> None:
        """Do nothing: a record moves no bookmark."""

    @override
    def write_starting_replication_value(self, *_: Any, **__: Any) -> None:
        """Do nothing: where a read begins follows from the bookmark."""


def _key(context: Mapping[str, Any]) -> Partition | str:
    """The identity of a partition; a state of another kind is only kept."""
    return Partition.of(context) or repr(sorted(context.items()))


def check_state(given: object, stream: str) -> dict[str, Any]:
    """Check the state that a run begins with, and return it.

    Args:
        given: The content of the state file: a state, or a whole STATE message.
        stream: The stream whose bookmarks are checked; of others only the form is.

    Raises:
        UsageError: It cannot be used; the text names the place.
    """
    found = _the(dict, given, "it")
    if found.get("type") == SingerMessageType.STATE:
        found = _the(dict, found.get("value"), "value")
    streams = _the(dict, found.get("bookmarks", {}), "bookmarks")
    for name, state in streams.items():
        where = f"bookmarks.{name}"
        _check_form(state, where)
        partitions = _the(list, state.get("partitions", []), f"{where}.partitions")
        for at, partition in enumerate(partitions):
            _check_form(partition, f"{where}.partitions[{at}]")
        if name == stream:
            _check_partitions(partitions, f"{where}.partitions")
    return found


def _the(kind: type[T], value: object, where: str) -> T:
    if not isinstance(value, kind):
        raise _unusable(where, f"is not {_NAMES[kind]}")
    return value


def _check_form(state: object, where: str) -> None:
    markers = _the(dict, state, where).get("progress_markers", {})
    _the(dict, markers, f"{where}.progress_markers")


def _check_partitions(partitions: list[dict[str, Any]], where: str) -> None:
    seen = set()
    for at, state in enumerate(partitions):
        place = f"{where}[{at}]"
        context = _key(_the(dict, state.get("context"), f"{place}.context"))
        if context in seen:
            raise _unusable(place, "is the same partition as an earlier one")
        seen.add(context)
        for name in _DATES:
            if not _is_date(state.get(name)):
                raise _unusable(f"{place}.{name}", "is not a date")


def _is_date(value: object) -> bool:
    """Whether this is a date that exists in UTC; some at both ends of time do not."""
    if value is None:
        return True
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment is not None and bool(
            moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        )
    except (ValueError, OverflowError):
        return False


def _unusable(where: str, problem: str) -> UsageError:
    return UsageError(
        f"The state cannot be used: {where} {problem}. Give the `value` of the last STATE message "
        "as it was written, or no state, to read everything from `start_date`.",
    )
