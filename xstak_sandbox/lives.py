"""When an order is created, edited and moved on: its whole life, decided by its seed."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

EventKind = Literal["moved", "paid", "noted", "readdressed", "cancelled", "deleted"]

EDITS: tuple[EventKind, ...] = ("paid", "noted", "readdressed")
DAY_MS = 86_400_000
MOST_EDITS = 3


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to an order, at a moment in epoch milliseconds."""

    at: int
    kind: EventKind


@dataclass(frozen=True, slots=True)
class Life:
    """An order's creation, in epoch milliseconds, and what happens to it, in order of time."""

    created: int
    events: tuple[Event, ...]

    def past(self, moment: int) -> tuple[Event, ...]:
        """What has happened by `moment`."""
        return self.events[: bisect_right(self.events, moment, key=lambda event: event.at)]

    def last_change(self, past: Sequence[Event]) -> int:
        """When the order was created or, later, last touched, given what has happened."""
        return past[-1].at if past else self.created

    def next_change(self, past: Sequence[Event]) -> float:
        """When the next thing happens to the order, given what has happened; it may be never."""
        return self.events[len(past)].at if len(past) < len(self.events) else inf


def stage(past: Sequence[Event]) -> int:
    """How many times an order has moved on, given what has happened."""
    return sum([event.kind == "moved" for event in past])


def has_ended(past: Sequence[Event], kind: EventKind) -> bool:
    """Whether an order was cancelled or deleted, given what has happened: that comes last."""
    return bool(past) and past[-1].kind == kind


@dataclass(frozen=True, slots=True)
class Ageing:
    """How orders live.

    Attributes:
        stages: How many statuses an order passes through at most.
        life_ms: Nothing happens to an order later than this after its creation.
        stuck_share: The share of orders that stop before the last status for ever.
        cancelled_share: The share of orders that are cancelled.
        deleted_share: The share of orders that are deleted.
    """

    stages: int
    life_ms: int
    stuck_share: float
    cancelled_share: float = 0
    deleted_share: float = 0

    def live(self, rng: random.Random, created: int) -> Life:
        """A life that begins at `created`, in epoch milliseconds.

        Of all the generator's methods only `random` is used here: no other is promised to give
        the same numbers on every Python.
        """
        # Squared, so that most orders are done within days and a few take all the time there is.
        age = max(int(rng.random() ** 2 * self.life_ms), 1000)
        moments = sorted(created + 1 + int(rng.random() * age) for _ in range(self._moves(rng)))
        moves = [Event(at, "moved") for at in moments]
        edits = [
            Event(created + 1 + int(rng.random() * age), EDITS[int(rng.random() * len(EDITS))])
            for _ in range(int(rng.random() * (MOST_EDITS + 1)))
        ]
        end = self._end(rng, created, moments[-1] if moments else created + age)
        events = [*moves, *edits, *end]
        last = end[0].at if end else created + age
        return Life(
            created,
            tuple(sorted([e for e in events if e.at <= last], key=lambda event: event.at)),
        )

    def _end(self, rng: random.Random, created: int, until: int) -> list[Event]:
        """What ends the life before a moment, if anything does."""
        if not (self.cancelled_share or self.deleted_share):
            return []
        fate, at = rng.random(), created + 1 + int(rng.random() * (until - created - 1))
        if fate < self.cancelled_share:
            return [Event(at, "cancelled")]
        return [Event(at, "deleted")] if fate < self.cancelled_share + self.deleted_share else []

    def _moves(self, rng: random.Random) -> int:
        all_moves = self.stages - 1
        stuck = rng.random() < self.stuck_share
        return int(rng.random() * all_moves) if stuck else all_moves
