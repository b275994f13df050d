"""What the loaded orders come to, asked of the file with DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

LATEST = """
    SELECT * FROM read_json(?, format = 'newline_delimited')
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY _synced_at DESC) = 1
"""


def sales_table(file: Path) -> str:
    """Orders and sales per status and location, each order counted once, by its latest record.

    Args:
        file: What target-jsonl wrote: it only ever appends.
    """
    rows = duckdb.execute(
        f"""
        SELECT _order_status, _location_id, count(*), sum(grand_total)
        FROM ({LATEST}) GROUP BY 1, 2 ORDER BY 1 DESC, 2
        """,  # noqa: S608 - nothing of a user's goes in
        [str(file)],
    ).fetchall()
    lines = [f"{'status':<12}{'location':<12}{'orders':>8}{'total sales':>18}"]
    lines += [
        f"{status:<12}{loc:<12}{count:>8}{sales:>18,.2f}" for status, loc, count, sales in rows
    ]
    return "\n".join(lines)
