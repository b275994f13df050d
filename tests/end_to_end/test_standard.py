"""The standard tests of the Singer SDK, as somebody else's project has them."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support import config_for

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox

FIVE_LINES = """\
from singer_sdk.testing import get_tap_test_class

from tap_xstak_oms.tap import TapXstakOMS

TestTapXstakOMS = get_tap_test_class(TapXstakOMS, config={config!r})
"""


def test_five_lines_of_an_outsider_pass(sandbox: Sandbox, tmp_path: Path) -> None:
    """With a configuration and nothing else, all of the SDK's tests are run, and pass."""
    (tmp_path / "test_tap.py").write_text(FIVE_LINES.format(config=config_for(sandbox)))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "test_tap.py"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout
    [passed] = re.findall(r"(\d+) passed", ended.stdout)
    assert int(passed) > 10
    assert "failed" not in ended.stdout
