"""What the tap writes of some hundred orders with odd values, and of those that changed since."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from doors.environments import call
from tests.support import EXECUTABLE, config_for
from xstak_sandbox import RawOrder, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OPEN, DECLARED = "open", "declared"
STREAM = "sales_orders"
ORDERS, CHANGED, NEW = 400, 41, 19
_FIRST_ID = 9007199254740993000
"""19 digits: as a float its last three are lost."""
_MONEY = ("1724.90", "20475.79", "12345678901234567890.10", "0.10", "-15.05", "0", "1E+2")
_RATES = ("0.003591234567890123456789", "1.50", "278", "0.1", "null")
_NOTES = (
    *("", " ", "NULL", "\\N", "a\\b\\\\", "tab\there", "two\nlines", "\r\n", 'say "no"', "it's"),
    *("{}", '{"a",b}', ",", "%s :b $1", "\u2028\u2029\x85", "آزمائشی گاہک", "🛒", "x" * 5000),
)
_TIMES = ("2026-01-15T11:59:59.120+05:00", "1999-12-31T23:59:59+00:00", "2026-02-28T00:00:00Z")
_TAGS: tuple[list[str] | None, ...] = (
    [],
    ["gift", "عید"],
    None,
    ["", "\\", '"', "{x}", "NULL", "\u2028", ","],
)
_CHANNELS = ("web", "pos", None)


@dataclass(frozen=True)
class Written:
    """What one run of the tap wrote.

    Attributes:
        lines: All of it.
        schema: The properties of the stream.
        records: Its records, with the digits that they have.
    """

    lines: str
    schema: dict[str, Any]
    records: list[dict[str, Any]]

    @property
    def latest(self) -> dict[int, dict[str, Any]]:
        """The last record of each order, by id."""
        return {record["id"]: record for record in self.records}


def write(folder: Path, **settings: Any) -> tuple[Written, Written]:
    """What the tap writes of all orders, and then of those that changed and the new ones.

    Both keep to the catalog that was discovered before the first.
    """
    first = [_order(number, changed=False) for number in range(ORDERS)]
    later = [_order(number, changed=True) for number in range(ORDERS - CHANGED, ORDERS + NEW)]
    catalog = folder / "catalog.json"
    with _sandbox(first) as sandbox:
        config = _config(folder, sandbox, settings)
        catalog.write_text(call(EXECUTABLE, f"--config={config}", "--discover"), "utf-8")
        before = _read(call(EXECUTABLE, f"--config={config}", f"--catalog={catalog}"))
    with _sandbox(later) as sandbox:
        sandbox.clock.advance(timedelta(days=1))
        config = _config(folder, sandbox, settings)
        after = _read(call(EXECUTABLE, f"--config={config}", f"--catalog={catalog}"))
    return before, after


def _sandbox(orders: list[bytes]) -> Sandbox:
    raw = [RawOrder("1001", "pending", order) for order in orders]
    return Sandbox(World(locations=("1001",), orders_per_location=0, raw_orders=raw))


def _config(folder: Path, sandbox: Sandbox, settings: Mapping[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(config_for(sandbox, **settings)), "utf-8")
    return path


def _read(lines: str) -> Written:
    messages = [json.loads(line, parse_float=Decimal) for line in lines.split("\n") if line]
    of_stream = [message for message in messages if message.get("stream") == STREAM]
    [schema] = [message["schema"] for message in of_stream if message["type"] == "SCHEMA"]
    records = [message["record"] for message in of_stream if message["type"] == "RECORD"]
    return Written(lines, schema["properties"], records)


def _order(number: int, *, changed: bool) -> bytes:
    """An order as JSON; written by hand, as a number's digits are to stand as they are."""
    members = dict(_members(number + changed, changed=changed))
    key = {"id": str(_FIRST_ID + number), "order_number": json.dumps(f"PK-{number:05}")}
    return ("{" + ", ".join(f'"{k}": {v}' for k, v in {**key, **members}.items()) + "}").encode()


def _members(at: int, *, changed: bool) -> Iterator[tuple[str, str]]:
    def one(values: tuple[Any, ...], every: int = 1) -> Any:
        return values[(at // every) % len(values)]

    money, rate = one(_MONEY), one(_RATES)
    yield "grand_total", money
    yield "exchange_rate", rate
    yield "note", json.dumps(one(_NOTES))
    yield "channel", json.dumps(one(_CHANNELS))
    yield "is_gift", one(("true", "false", "null"))
    yield "created_at", json.dumps(one(_TIMES))
    name = json.dumps(one(_NOTES, 3))
    yield "customer", f'{{"name": {name}, "paid": {money}, "geo": {{"x": 1.50}}}}'
    yield "shipping", one(('{"city": "کراچی", "geo": {"x": 24.86}}', "null", '{"geo": null}'))
    yield "line_items", f'[{{"sku": "A\\\\{at}", "unit_price": {money}}}, {{"unit_price": {rate}}}]'
    yield "tags", json.dumps(one(_TAGS))
    yield "sizes", one(("[1.10, 2]", "[]", "[12345678901234567890.10]"))
    # Always empty at first.
    yield "shipments", '[{"parcel": 7}]' if changed and at % 2 else "[]"
    # Now and then it does not fit its column, and is in `_extra`.
    yield "rank", '"n/a"' if at % 13 == 0 else str(at)
    if changed:
        # Unknown to the catalog.
        yield "channel_fee", money
