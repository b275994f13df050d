"""Tables in pages for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    first, *others = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def put_between(page: str, mark: str, text: str) -> str:
    """A page with a text between two marks of that name, in the place of what was there."""
    before, begin, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    return f"{before}{begin}{text}\n{end}{after}"


def tell(text: str) -> None:
    """Say how far it is."""
    print(f"-- {text}", file=sys.stderr, flush=True)
