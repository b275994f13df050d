"""What arrived, wherever it did: of every order what benchmarks/pipeline/world.py looks at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

from benchmarks.pipeline.world import Order, order
from benchmarks.process import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

# A column of lists may be one of JSON, or an array of JSON, and money a float.
IN_POSTGRES = """
SELECT id, status, round(grand_total::numeric, 2)::text, jsonb_array_length(to_jsonb(line_items)),
  customer ->> 'name_local', round(extract(epoch FROM updated_at) * 1000)::bigint
FROM {schema}.sales_orders
"""
IN_DUCKDB = """
SELECT id, status, format('{:.2f}', grand_total::double), json_array_length(line_items),
  customer ->> 'name_local', epoch_ms(updated_at)
FROM main.sales_orders
"""


def in_postgres(database: Postgres, schema: str) -> list[Order]:
    """The rows of a table."""
    return [Order(*row) for row in database.query(IN_POSTGRES.format(schema=schema))]


def in_duckdb(file: Path) -> list[Order]:
    """The rows of PyAirbyte's cache."""
    with duckdb.connect(str(file), read_only=True) as database:
        return [Order(*row) for row in database.execute(IN_DUCKDB).fetchall()]


def in_files(files: Iterable[Path]) -> list[Order]:
    """The records of files, the last of each order."""
    latest: dict[int, Order] = {}
    for file in sorted(files):
        with file.open("rb") as lines:
            for line in lines:
                fields: dict[str, Any] = json.loads(line)
                latest[fields["id"]] = order(fields)
    return list(latest.values())


def check(name: str, arrived: list[Order], held: frozenset[Order]) -> None:
    """Fail unless every order arrived, once, as it is.

    Raises:
        BenchmarkError: If not: what such a run took would mean nothing.
    """
    found = set(arrived)
    if found == held and len(arrived) == len(held):
        return
    odd = next(iter(found ^ held), None)
    raise BenchmarkError(f"{name}: {len(arrived)} rows for {len(held)} orders; one is {odd}")
