"""What is shown of the orders: a table and a picture, to be read without colours too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from decimal import Decimal

STYLES = {"completed": "cyan", "pending": "yellow"}
BLOCKS = {"completed": "█", "pending": "░"}
ASCII_BLOCKS = {"completed": "#", "pending": "."}
_BESIDE_A_BAR = len("Mon 01 Jan    999")


def sales_table(rows: Iterable[tuple[str, str, list[Decimal]]]) -> Iterator[Text]:
    """Orders and sales of each status and location, line by line.

    Args:
        rows: A status, a location and the totals of their orders.
    """
    yield Text(f"{'status':<12}{'location':<12}{'orders':>8}{'total sales':>18}", "dim")
    for status, location, sums in rows:
        line = Text(f"{status:<12}", STYLES[status])
        yield line.append(f"{location:<12}{len(sums):>8,}{sum(sums):>18,.2f}", "default")


def bars(
    days: Mapping[date, Counter[str]], width: int, *, is_ascii: bool = False
) -> Iterator[Text]:
    """A bar for each day, of blocks for each status, below a line that explains them.

    Args:
        days: How many orders of each status there are of each day.
        width: Of a line, in characters.
        is_ascii: Whether there are no other characters.
    """
    blocks = ASCII_BLOCKS if is_ascii else BLOCKS
    longest = max(counts.total() for counts in days.values())
    a_block = max(1, -(-longest // (width - _BESIDE_A_BAR)))
    yield _legend(a_block, blocks)
    for day, counts in days.items():
        lengths = {status: round(counts[status] / a_block) for status in blocks}
        line = Text(f"{day:%a %d %b}  ")
        for status, length in lengths.items():
            line.append(blocks[status] * length, STYLES[status])
        yield line.append(f" {counts.total()}")


def _legend(a_block: int, blocks: Mapping[str, str]) -> Text:
    line = Text()
    for status, block in blocks.items():
        line.append(f"{block} {status}   ", STYLES[status])
    return line.append("a block is an order" if a_block == 1 else f"a block is {a_block} orders")
