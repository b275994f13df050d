"""The story of the demonstration: a first read, the read of the next day, and what was loaded."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.text import Text

from demo.orders import Change, by_day, changes, latest, left, load, moment, totals
from demo.picture import bars, sales_table
from demo.programs import LOG, OUTPUT, PIPELINE, ROOT, local_xstak, meltano_run
from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from rich.console import Console

    from demo.orders import Orders
    from demo.programs import LocalXStak

LOCATIONS = ("1001", "1002", "1003")
STATUSES = ("pending", "completed")
ORDERS_A_LOCATION = 600
HISTORY_DAYS = 45
"""More than the look-back, so that not everything is read again."""
HOURS_BETWEEN_RUNS = 26
"""More than a day, so that the second run is the first of its day."""
CANCELLED_SHARE = 0.1
"""Of the orders: they move to a status that is not read."""
PICTURE_DAYS = 14
FILE = OUTPUT / "sales_orders.jsonl"
READS_FILE = OUTPUT / "sales_order_reads.jsonl"

_DEFAULTS = {name: schema.get("default") for name, schema in SCHEMA["properties"].items()}
OVERLAP = timedelta(hours=_DEFAULTS["overlap_hours"])
ZONE = ZoneInfo(_DEFAULTS["timezone"])


def tell(console: Console) -> None:
    """Tell all of it.

    Raises:
        ProgramError: A program of it failed.
    """
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with _xstak_of_yesterday() as xstak:
        _say(
            console,
            f"A local XStak is up, with {len(LOCATIONS)} locations of {ORDERS_A_LOCATION} made-up "
            "orders each.",
        )
        _heading(console, "1. The first run reads everything since the start date")
        _run(console, xstak)
        first = load(FILE)
        _say(console, f"\n{HOURS_BETWEEN_RUNS} hours pass at XStak: it is the next day.")
        xstak.advance(HOURS_BETWEEN_RUNS)
        _heading(console, "2. The second run reads what is new, and what may have changed")
        _run(console, xstak)
        second = load(FILE)[len(first) :]
        since = xstak.last_start_date()
    gone = left(latest(first + second), load(READS_FILE))
    _tell_what_came(console, latest(first), latest(second), since, len(gone))
    _tell_what_left(console, gone)
    _heading(console, "3. What was loaded, each order by its latest record")
    _show(console, latest(first + second))


def _xstak_of_yesterday() -> AbstractContextManager[LocalXStak]:
    return local_xstak(
        now=(datetime.now(UTC) - timedelta(hours=HOURS_BETWEEN_RUNS)).isoformat(),
        locations=len(LOCATIONS),
        orders=ORDERS_A_LOCATION,
        days=HISTORY_DAYS,
        **{"cancelled-share": CANCELLED_SHARE},
    )


def _heading(console: Console, text: str) -> None:
    _say(console, f"\n{text}", "bold")


def _say(console: Console, text: str, style: str = "") -> None:
    """Text in lines of the terminal's width."""
    for line in text.splitlines():
        console.print(Text(textwrap.fill(line, console.width, break_on_hyphens=False), style))


def _run(console: Console, xstak: LocalXStak) -> None:
    _say(console, f"$ meltano {' '.join(PIPELINE)}", "green")
    with console.status("") as status:
        summary = meltano_run(
            _settings(xstak.url),
            lambda said: status.update(Text(said[: console.width - 4], "dim")),
        )
    _say(console, summary)


def _settings(url: str) -> dict[str, str]:
    start = datetime.now(ZONE) - timedelta(days=HISTORY_DAYS + 2)
    return {
        "TAP_XSTAK_OMS_CLIENT_ID": "demo-client",
        "TAP_XSTAK_OMS_CLIENT_SECRET": "demo-secret",
        "TAP_XSTAK_OMS_COMPANY_CODE": "demo-company",
        "TAP_XSTAK_OMS_LOCATION_IDS": json.dumps(LOCATIONS),
        "TAP_XSTAK_OMS_START_DATE": start.date().isoformat(),
        "TAP_XSTAK_OMS_AUTH_URL": f"{url}/v1/admin/service-account/token",
        "TAP_XSTAK_OMS_API_URL": f"{url}/oe/v2",
        "TAP_XSTAK_OMS__SELECT": json.dumps(["sales_orders.*", "sales_order_reads.*"]),
    }


def _tell_what_came(
    console: Console, before: Orders, after: Orders, since: datetime, gone: int
) -> None:
    """What the second run read, and why it asked for so much."""
    became = changes(before, after)
    changed = [key for key, change in became.items() if change in {Change.MOVED, Change.CHANGED}]
    first_began = max(moment(order["_synced_at"]) for order in before.values())
    late = [k for k in changed if moment(after[k]["created_at"]) < first_began - OVERLAP]
    _say(console, "\nWhat came:")
    for change in Change:
        _say(console, f"{Counter(became.values())[change]:>7,}  {change}")
    kept = len(before.keys() - after.keys()) - gone
    _say(
        console,
        f"\nWhy so many? It asked for orders since {since:%d %b %H:%M}, "
        f"{(first_began - since).days} days before the first run. The API may go by when an order "
        "was created, and tell nothing of what changes later; so the first run of each day looks "
        f"back (`lookback_days`). Without that, {len(late)} of these {len(changed)} changes would "
        f"have been missed. {kept:,} older orders were not read again.",
    )


def _tell_what_left(console: Console, gone: Mapping[int, str]) -> None:
    """Which orders the second run was to show and did not."""
    for status in STATUSES:
        keys = [str(key) for key in gone if gone[key] == status]
        if keys:
            _say(
                console,
                f"\n{counted(len(keys), 'order')} left `{status}` for a status that is not read: "
                f"{', '.join(keys)}. The API does not tell; a complete read that lacks them does "
                "(`sales_order_reads`, docs/completeness.md).",
            )


def _show(console: Console, orders: Orders) -> None:
    sums = totals(orders.values())
    for line in sales_table(
        (status, location, sums.get((status, location), []))
        for status in STATUSES
        for location in LOCATIONS
    ):
        console.print(line)
    _say(console, f"\nOrders of the last {PICTURE_DAYS} days, by the day they were created:")
    today = datetime.now(ZONE).date()
    days = by_day(orders.values(), last=today, days=PICTURE_DAYS, zone=ZONE)
    for line in bars(days, console.width, is_ascii=console.options.ascii_only):
        console.print(line)
    _say(
        console,
        f"\nThe orders are in {FILE.relative_to(ROOT)}, and what Meltano said is in "
        f"{LOG.relative_to(ROOT)}. Your own orders are next: README.md.",
    )
