"""The Singer door with Singer's own check on the other side: `singer-check-tap`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xstak_sandbox import Sandbox

CHECK = Path(sys.executable).with_name("singer-check-tap")
TAP = Path(shutil.which("tap-xstak-oms") or "tap-xstak-oms")
"""The project's own: `./run test-doors` puts its environment on the path."""


def said(*arguments: str | Path) -> str:
    """What a run of the tap that succeeds writes to stdout."""
    ended = subprocess.run(
        [TAP, *arguments], check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def checked(output: str) -> str:
    """What the check says of a tap's output, which it takes for valid."""
    ended = subprocess.run(
        [CHECK], input=output, check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "The output is valid." in ended.stdout
    return ended.stdout


def written(folder: Path, name: str, content: Any) -> Path:
    """A JSON file."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_singer_takes_every_message_of_a_first_and_a_later_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Each record keeps to its schema, in a first read and in one that resumes from its state."""
    settings = sandbox.config("2025-01-01T00:00:00+05:00", lookback_days=400)
    config = written(tmp_path, "config", settings)
    catalog = tmp_path / "catalog.json"
    catalog.write_text(said("--config", config, "--discover"), encoding="utf-8")
    first = said("--config", config, "--catalog", catalog)
    assert f"{len(sandbox.orders())} record messages" in checked(first)
    last = [json.loads(line) for line in first.splitlines()][-1]
    sandbox.clock.advance(timedelta(days=2))
    state = written(tmp_path, "state", last["value"])
    later = said("--config", config, "--catalog", catalog, "--state", state)
    records = later.count('"type":"RECORD"')
    assert records
    assert f"{records} record messages" in checked(later)
