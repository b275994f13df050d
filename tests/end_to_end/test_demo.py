"""The parts of `./run demo`; tests/end_to_end/test_readme.py runs the whole of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from demo.orders import Change, by_day, changes, latest, left, load, totals
from demo.picture import bars, sales_table
from demo.programs import LOG, OUTPUT, ProgramError, meltano_run
from tests.support import ROOT

MONDAY = date(2026, 1, 12)
PATIENCE_SECONDS = 60
"""How long a test waits for what takes a second or a few."""


def order(key: int, **changed: Any) -> dict[str, Any]:
    """A loaded order."""
    return {
        "id": key,
        "_order_status": "pending",
        "_location_id": "1001",
        "_synced_at": "2026-01-12T07:00:00.000000+00:00",
        "created_at": "2026-01-12T06:00:00+00:00",
        "grand_total": Decimal("0.10"),
        "note": None,
    } | changed


def test_changes_are_told_apart() -> None:
    """New, moved, changed and unchanged orders are four things; when they were read is none."""
    before = latest([order(1), order(2), order(3), order(4, note="old")])
    later = {"_synced_at": "2026-01-13T09:00:00.000000+00:00"}
    after = latest(
        [
            order(1, **later),
            order(2, _order_status="completed", **later),
            order(4, note="new", **later),
            order(5, **later),
        ]
    )
    assert changes(before, after) == {
        1: Change.SAME,
        2: Change.MOVED,
        4: Change.CHANGED,
        5: Change.NEW,
    }


def test_an_order_has_left_that_a_read_was_to_show_and_did_not() -> None:
    """One that is older than the read's window may still be there, as after a read that moved."""
    orders = latest([order(1), order(2, created_at="2025-01-01T00:00:00+00:00")])
    read = {
        "_order_status": "pending",
        "_location_id": "1001",
        "_synced_at": "2026-01-13T09:00:00.000000+00:00",
        "read_since": "2025-12-14T07:00:00.000000+00:00",
        "quiet": True,
    }
    assert left(orders, [read]) == {1: "pending"}
    for other in (
        {"quiet": False},
        {"_location_id": "1002"},
        {"_order_status": "completed"},
        {"_synced_at": orders[1]["_synced_at"]},
    ):
        assert left(orders, [read | other]) == {}


def test_the_latest_record_counts_to_the_digit(tmp_path: Path) -> None:
    """Of two records of an order the later one counts, and sums of money are exact."""
    file = tmp_path / "orders.jsonl"
    line = '{"id": %d, "_order_status": "pending", "_location_id": "1001", "grand_total": %s}\n'
    file.write_text(line % (1, "9.99") + line % (2, "0.20") + line % (1, "0.10"))
    sums = totals(latest(load(file)).values())
    assert sum(sums["pending", "1001"]) == Decimal("0.30")
    [_, row] = sales_table([("pending", "1001", sums["pending", "1001"])])
    assert row.plain.split() == ["pending", "1001", "2", "0.30"]


def test_days_begin_where_the_account_is() -> None:
    """An order belongs to the day that it was there when it was created; older ones to none."""
    orders = [
        order(1, created_at="2026-01-11T19:30:00+00:00"),
        order(2, created_at="2026-01-11T18:30:00+00:00"),
        order(3, created_at="2026-01-01T00:00:00+00:00"),
    ]
    days = by_day(orders, last=MONDAY, days=2, zone=timezone(timedelta(hours=5)))
    assert days == {
        date(2026, 1, 11): Counter(pending=1),
        MONDAY: Counter(pending=1),
    }
    assert by_day(orders, last=MONDAY, days=1, zone=UTC)[MONDAY].total() == 0


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bars_fit_the_terminal(width: int) -> None:
    """However many orders and columns there are, a bar fits, and the legend tells its measure."""
    days = {MONDAY: Counter(completed=90, pending=30)}
    legend, bar = (line.plain for line in bars(days, width))
    assert len(bar) <= width
    blocks = bar.count("█"), bar.count("░")
    assert blocks == {40: (15, 5), 80: (45, 15), 200: (90, 30)}[width]
    measure = {40: "6 orders", 80: "2 orders", 200: "an order"}[width]
    assert legend == f"█ completed   ░ pending   a block is {measure}"


def test_bars_are_drawn_without_unicode_too() -> None:
    """A terminal that has ASCII only shows the same bars."""
    lines = [
        line.plain for line in bars({MONDAY: Counter(completed=2, pending=1)}, 80, is_ascii=True)
    ]
    assert lines == ["# completed   . pending   a block is an order", "Mon 12 Jan  ##. 3"]


@pytest.mark.xdist_group("readme")  # whose demo uses the same folders
@pytest.mark.parametrize(
    ("number", "code", "farewell"),
    [(signal.SIGINT, 130, "\nStopped. Nothing is left running.\n"), (signal.SIGTERM, 143, "")],
)
def test_an_interrupted_demo_leaves_nothing_running(
    number: signal.Signals, code: int, farewell: str
) -> None:
    """Ctrl-C and SIGTERM end the demo, and with it XStak and Meltano, without a traceback."""
    with subprocess.Popen(
        ["./run", "demo"],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for_the_tap(process)
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
    assert (process.returncode, errors) == (code, farewell)
    assert not running_in_session(process.pid)


def wait_for_the_tap(process: subprocess.Popen[str]) -> None:
    """Wait until Meltano has started the tap, so that there is most to end."""
    for line in process.stdout or ():
        if line.startswith("$ meltano"):
            break
    until = time.monotonic() + PATIENCE_SECONDS
    while not (LOG.exists() and "Running catalog discovery" in LOG.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.05)


def running_in_session(session: int) -> list[str]:
    """The programs that are running in a session, where /proc tells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                found.append((folder / "cmdline").read_text())
        except OSError:  # it has just ended
            continue
    return list(filter(None, found))


def test_a_failure_shows_what_meltano_said() -> None:
    """Where Meltano fails, the end of its log is shown, and where all of it is."""
    OUTPUT.mkdir(exist_ok=True)
    said: list[str] = []
    with pytest.raises(ProgramError) as failure:
        meltano_run({}, said.append)
    assert str(failure.value).startswith(
        "Meltano ended with exit code 1. Its log, demo-output/meltano.log, ends with:\n"
    )
    assert "client_id" in str(failure.value)
    assert any(line.startswith("tap-xstak-oms: ") for line in said)
