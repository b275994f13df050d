"""What holds for engines that are not ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Read when PyAirbyte is imported: no registry, no telemetry, and its logs in its environment.
os.environ["AIRBYTE_OFFLINE_MODE"] = "1"
os.environ["AIRBYTE_LOGGING_ROOT"] = str(Path(sys.prefix) / "logs")


def pytest_configure(config: pytest.Config) -> None:
    """Leave their warnings to those who make the engines: ours are errors in the other tests."""
    config.addinivalue_line("filterwarnings", "ignore")
    config.addinivalue_line("markers", "image_tests: a mark of Airbyte's standard tests")
