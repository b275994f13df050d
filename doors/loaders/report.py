"""The table of loaders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doors.loaders.compare import COLUMNS, DIGITS, VALUES
from doors.loaders.orders import CHANGED, NEW, ORDERS
from doors.report import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from doors.loaders.compare import Bent

_KINDS = {
    "id": "id",
    "grand_total": "money",
    "created_at": "time",
    "customer": "object",
    "line_items": "list of objects",
    "tags": "list of strings",
    "_extra": "`_extra`",
}


@dataclass
class Outcome:
    """What came of loading twice.

    Attributes:
        loader: Its name, version and settings.
        variant: How nested values and money were written.
        problem: What kept it from going on, if something did.
        rows: How many are there, after each load.
        lost: Orders that are not there as they were written last, after each load.
        begins_anew: Whether the second load took away what the first had brought.
        types: The type of each column.
        bent: What differs from what the tap wrote.
        seconds: What each load took.
    """

    loader: str
    variant: str
    problem: str = ""
    rows: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    begins_anew: bool = False
    types: Mapping[str, str] = field(default_factory=dict)
    bent: dict[str, Bent] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """What a reader wants to know first."""
        kinds = {bent.kind for bent in self.bent.values()}
        worst = {
            "**does not run**": self.problem,
            "**loses orders**": any(self.lost),
            "**lacks columns**": COLUMNS in kinds,
            "bends values": VALUES in kinds,
            "bends digits": DIGITS in kinds,
        }
        return next((verdict for verdict, true in worst.items() if true), "safe")

    @property
    def way(self) -> str:
        """What a second load does to the rows of the first."""
        if self.begins_anew:
            return "begins anew"
        appended = self.rows[-1:] == [ORDERS + CHANGED + NEW]
        return "append" if appended else "upsert"


def page(outcomes: Iterable[Outcome]) -> str:
    """What came of all, as a table for people; variants of which the same came share a row."""
    rows: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault(_cells(outcome), []).append(outcome)
    head = ["loader", "nested values", "verdict", "rows", "what is bent", *_KINDS.values(), "s"]
    return table(head, (_row(cells, alike) for cells, alike in rows.items()))


def _row(cells: Sequence[str], alike: Sequence[Outcome]) -> list[str]:
    name, *others = cells
    variants = ", ".join(outcome.variant for outcome in alike)
    seconds = ", ".join(f"{outcome.seconds[0]:.1f}" for outcome in alike if outcome.seconds)
    return [name, variants, *others, seconds]


def _cells(outcome: Outcome) -> tuple[str, ...]:
    rows = " / ".join(map(str, outcome.rows))
    way = f", {outcome.way}" if len(outcome.rows) > 1 else ""
    complaints = "; ".join(_complaints(outcome))
    types = (outcome.types.get(name, "") for name in _KINDS)
    return (outcome.loader, outcome.verdict, f"{rows}{way}", complaints, *types)


def _complaints(outcome: Outcome) -> Iterable[str]:
    if outcome.problem:
        yield _cell(outcome.problem)
    if any(outcome.lost):
        yield f"{' / '.join(map(str, outcome.lost))} orders lost or not current"
    for kind, words in ((COLUMNS, "no such column"), (VALUES, "values"), (DIGITS, "digits")):
        named = {name: bent for name, bent in outcome.bent.items() if bent.kind == kind}
        if named:
            yield f"{words}: {', '.join(f'`{name}`' for name in named)}{_example(kind, named)}"


def _example(kind: str, bent: Mapping[str, Bent]) -> str:
    if kind == COLUMNS:
        return ""
    name, one = next(iter(bent.items()))
    told = ", ".join(f"{_cell(was)} becomes {_cell(now)}" for was, now in one.examples)
    return f" (`{name}`: {told})"


def _cell(text: str) -> str:
    """A text as code, which no table takes for something else."""
    return f"`{text.replace('`', '').replace('|', chr(92) + '|')}`"
