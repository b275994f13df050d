"""What the tests of the tap share: configurations and runs against the sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_xstak_oms.clock import Clock
from tap_xstak_oms.singer.writer import LineWriter
from tap_xstak_oms.tap import TapXstakOMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xstak_sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLE = Path(sys.executable).with_name("tap-xstak-oms")
CLIENT_SECRET = "demo-secret"


def blocks(page: str, language: str, *, under: str = "") -> list[str]:
    """The fenced blocks of a language in a page of the checkout, or in one section of it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if under:
        [text] = [part for part in text.split("\n## ") if part.startswith(f"{under}\n")]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def config_for(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """The configuration that reads everything of a sandbox."""
    return sandbox.config("2025-01-01T00:00:00+05:00") | changes


def clock_of(sandbox: Sandbox) -> Clock:
    """A clock that tells the sandbox's time and does not really wait."""
    return Clock(now=lambda: sandbox.clock.now().astimezone(UTC), wait=lambda *_: None)


class Collector(LineWriter):
    """Keeps the messages that would go to stdout, as a target would read them."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    @override
    def flush(self) -> None:
        lines = b"".join(self._lines).splitlines()
        self._lines, self._size = [], 0
        # All at once, which is much faster than one by one.
        self.messages += json.loads(b"[" + b",".join(lines) + b"]", parse_float=Decimal)


@dataclass
class Run:
    """What one run of the tap said."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records, in the order in which they came."""
        return [message["record"] for message in self.messages if message["type"] == "RECORD"]

    @property
    def schema(self) -> dict[str, Any]:
        """The one SCHEMA message."""
        [schema] = [message for message in self.messages if message["type"] == "SCHEMA"]
        return schema

    @property
    def state(self) -> dict[str, Any]:
        """The last state, empty if there was none."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    @property
    def bookmarks(self) -> dict[tuple[str, str], str | None]:
        """The bookmark of each partition of the last state, by status and location."""
        stream = self.state.get("bookmarks", {}).get("sales_orders", {})
        return {
            (state["context"]["_order_status"], state["context"]["_location_id"]): state.get(
                "replication_key_value"
            )
            for state in stream.get("partitions", [])
        }

    def counts(self) -> Counter[tuple[str, str]]:
        """The number of records by status and location."""
        return Counter((r["_order_status"], r["_location_id"]) for r in self.records)


def run_tap(
    config: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    collector: Collector | None = None,
) -> Run:
    """Run the tap in this process, as a pipeline would; an error of the run is kept."""
    collector = collector or Collector()
    run = Run(collector.messages)
    try:
        tap = TapXstakOMS(
            config=config,
            state=json.loads(json.dumps(state or {})),
            catalog=catalog,
            clock=clock,
            message_writer=collector,
        )
        tap.run()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        run.error = error
    return run


def discovered(config: Mapping[str, Any], *, clock: Clock | None = None) -> dict[str, Any]:
    """The catalog that discovery makes, with everything selected."""
    tap = TapXstakOMS(config=config, clock=clock, setup_mapper=False, validate_config=False)
    catalog: dict[str, Any] = json.loads(json.dumps(tap.catalog_dict))
    return catalog


def run_cli(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a person would, away from the settings of this machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TAP_XSTAK_OMS_")}
    return subprocess.run(
        [EXECUTABLE, *arguments],
        env={**kept, **(env or {})},
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def written(folder: Path, name: str, content: object) -> Path:
    """A JSON file."""
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def utc(text: str) -> datetime:
    """A moment from ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)
