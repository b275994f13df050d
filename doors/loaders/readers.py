"""What a loader has left: the type of each column, and the rows."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from doors.environments import call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres

Row = dict[str, Any]
SCHEMA = "loaded"
"""Where loaders of PostgreSQL put their tables."""
_POSTGRES_TYPES = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'loaded.sales_orders'::regclass AND attnum > 0 AND NOT attisdropped
"""
_POSTGRES_ROWS = "SELECT to_jsonb(t)::text FROM loaded.sales_orders t ORDER BY ctid"
_OF_DUCKDB = """
import duckdb, sys
run = duckdb.connect(sys.argv[1], read_only=True).execute
for kind in ("name: type", "row"):
    query = {
        "name: type": "SELECT to_json(map([column_name], [data_type])) "
        "FROM information_schema.columns WHERE table_name = 'sales_orders'",
        "row": "SELECT to_json(t) FROM sales_orders t ORDER BY rowid",
    }[kind]
    print("\\n".join(row[0].replace("\\n", " ") for row in run(query).fetchall()))
    print()
"""
"""For the loader's own DuckDB, as others may not read its files."""


@dataclass(frozen=True)
class Place:
    """Where a loader has loaded.

    Attributes:
        folder: Of its own, in which it was run.
        programs: Those of its environment.
        server: A PostgreSQL server.
    """

    folder: Path
    programs: Path
    server: Postgres


@dataclass(frozen=True)
class Table:
    """What is there after a load, in the order in which it came where that is known."""

    types: Mapping[str, str]
    rows: list[Row]


def of_postgres(place: Place) -> Table:
    """The table in PostgreSQL; nested values and numbers by its own JSON."""
    types = place.server.query(_POSTGRES_TYPES)
    rows = place.server.query(_POSTGRES_ROWS)
    return Table(dict(types), [_parsed(text) for (text,) in rows])


def of_duckdb(place: Place) -> Table:
    """The table in a file of DuckDB."""
    said = call(place.programs / "python", "-c", _OF_DUCKDB, place.folder / "orders.duckdb")
    types, rows = said.split("\n\n")[:2]
    named = [_parsed(line) for line in types.splitlines()]
    return Table(
        {name: kind for each in named for name, kind in each.items()},
        [_parsed(line) for line in rows.split("\n")],
    )


def of_sqlite(place: Place) -> Table:
    """The table in a file of SQLite."""
    with closing(sqlite3.connect(place.folder / "orders.db")) as database:
        database.row_factory = sqlite3.Row
        types = database.execute("SELECT name, type FROM pragma_table_info('sales_orders')")
        rows = database.execute("SELECT * FROM sales_orders ORDER BY rowid")
        return Table(dict(map(tuple, types)), [dict(row) for row in rows])


def of_json_lines(place: Place) -> Table:
    """Files of JSON lines."""
    texts = [path.read_text("utf-8") for path in sorted(place.folder.glob("**/*.jsonl"))]
    rows = [_parsed(line) for text in texts for line in text.split("\n") if line]
    return Table(_kinds(rows), rows)


def of_csv(place: Place) -> Table:
    """Files of CSV, in which nothing is told from an empty text."""
    rows: list[Row] = []
    for path in sorted(place.folder.glob("**/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
    return Table({name: "text" for row in rows for name in row}, rows)


def of_nothing(_: Place) -> Table:
    """Of a loader that is known for not running."""
    return Table({}, [])


def _parsed(text: str) -> Row:
    row: Row = json.loads(text, parse_float=Decimal)
    return row


def _kinds(rows: Iterable[Row]) -> dict[str, str]:
    names = {dict: "object", list: "list", str: "text", bool: "boolean"}
    return {
        name: names.get(type(value), "number")
        for row in rows
        for name, value in row.items()
        if value is not None
    }
