"""How the processes of the tap keep their memory."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT, config_for, written

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep no heap a thread")
@pytest.mark.parametrize(
    ("module", "command"),
    [("tap_xstak_oms.cli", ["--discover"]), ("tap_xstak_oms.airbyte.source", ["discover"])],
)
def test_all_threads_share_one_heap(
    module: str, command: list[str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """However many threads a command starts, what they free is free for all of them."""
    config = written(tmp_path, "config.json", config_for(sandbox))
    heaps = [sys.executable, "-m", "tests.end_to_end.heaps"]
    ended = subprocess.run(
        [*heaps, module, *command, "--config", str(config)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout
    assert sandbox.journal.orders
    assert ended.stderr.count("Arena ") == 1
