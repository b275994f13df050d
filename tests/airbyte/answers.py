"""What a command of the Airbyte door said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Answer:
    """What a command said on stdout, all of it Airbyte messages, and how it ended."""

    code: int
    messages: Sequence[dict[str, Any]]

    def of(self, kind: str) -> list[Any]:
        """The contents of the messages of a type."""
        key = "connectionStatus" if kind == "CONNECTION_STATUS" else kind.lower()
        return [message[key] for message in self.messages if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records."""
        return [record["data"] for record in self.of("RECORD")]

    @property
    def states(self) -> list[dict[str, Any]]:
        """The stream's states."""
        return [state["stream"]["stream_state"] for state in self.of("STATE")]

    @property
    def bookmarks(self) -> dict[tuple[str, str], str | None]:
        """The bookmarks of the last state, by status and location."""
        return {
            (state["context"]["_order_status"], state["context"]["_location_id"]): state.get(
                "replication_key_value"
            )
            for state in self.states[-1].get("partitions", [])
        }

    @property
    def statuses(self) -> list[str]:
        """How far the stream was, in order."""
        traces = self.of("TRACE")
        return [trace["stream_status"]["status"] for trace in traces if "stream_status" in trace]

    @property
    def error(self) -> dict[str, Any]:
        """The one error."""
        [error] = [trace["error"] for trace in self.of("TRACE") if "error" in trace]
        return dict(error)

    def logged(self, level: str) -> str:
        """What was logged at a level."""
        return "\n".join(log["message"] for log in self.of("LOG") if log["level"] == level)
