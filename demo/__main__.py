"""`./run demo`: two Meltano runs against a local XStak, and what came of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from demo.report import sales_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo-output"
MELTANO = Path(sys.executable).with_name("meltano")
LOCATIONS = 3
ORDERS_A_LOCATION = 200
HISTORY_DAYS = 21
HOURS_BETWEEN_RUNS = 26


def main() -> int:
    """Run the demonstration."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    # The first run happens yesterday and the second one now, so that the second is the first of
    # its day.
    yesterday = datetime.now(UTC) - timedelta(hours=HOURS_BETWEEN_RUNS)
    with local_xstak(yesterday) as url:
        say(f"A local XStak is up, with {LOCATIONS} locations of {ORDERS_A_LOCATION} orders.")
        say("First run: everything since the start date.")
        if code := meltano_run(url, "--full-refresh"):
            return code
        first = count_records()
        say(f"{first} records. Now {HOURS_BETWEEN_RUNS} hours pass at XStak ...")
        advance(url, HOURS_BETWEEN_RUNS)
        say("Second run: the first one of a new day, so that it looks back over `lookback_days`.")
        if code := meltano_run(url):
            return code
    say(f"{count_records() - first} records more: new orders, and those that may have changed.")
    say("Each order once, by its latest record:\n")
    print(sales_table(OUTPUT / "sales_orders.jsonl"))
    say(f"\nThe files: {OUTPUT.relative_to(ROOT)}/, one JSON object a line.")
    return 0


@contextmanager
def local_xstak(now: datetime) -> Iterator[str]:
    """A local XStak in a process of its own; its URL."""
    command = [sys.executable, "-m", "xstak_sandbox", "--port=0", f"--now={now.isoformat()}"]
    command += [f"--locations={LOCATIONS}", f"--orders={ORDERS_A_LOCATION}"]
    command += [f"--days={HISTORY_DAYS}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                sys.exit("The local XStak did not start: see above.")
            yield url
        finally:
            process.terminate()


def meltano_run(url: str, *options: str) -> int:
    """One pipeline run."""
    start = datetime.now(UTC) - timedelta(days=HISTORY_DAYS + 2)
    settings = {
        "TAP_XSTAK_OMS_CLIENT_ID": "demo-client",
        "TAP_XSTAK_OMS_CLIENT_SECRET": "demo-secret",
        "TAP_XSTAK_OMS_COMPANY_CODE": "demo-company",
        "TAP_XSTAK_OMS_LOCATION_IDS": json.dumps([str(1001 + n) for n in range(LOCATIONS)]),
        "TAP_XSTAK_OMS_START_DATE": start.date().isoformat(),
        "TAP_XSTAK_OMS_AUTH_URL": f"{url}/v1/admin/service-account/token",
        "TAP_XSTAK_OMS_API_URL": f"{url}/oe/v2",
        "TARGET_JSONL_DESTINATION_PATH": str(OUTPUT),
    }
    command = [str(MELTANO), "--environment=demo", "run", *options]
    command += ["tap-xstak-oms", "target-jsonl"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False).returncode


def advance(url: str, hours: int) -> None:
    """Let time pass at the local XStak."""
    request = urllib.request.Request(  # noqa: S310 - a loopback address
        f"{url}/_sandbox/advance",
        data=json.dumps({"hours": hours}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request):  # noqa: S310 - same
        pass


def count_records() -> int:
    """How many records there are in the file."""
    with (OUTPUT / "sales_orders.jsonl").open("rb") as file:
        return sum(1 for _ in file)


def say(text: str) -> None:
    """Tell the person who watches, in the order of events."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
