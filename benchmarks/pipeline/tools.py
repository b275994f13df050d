"""The programs that take part, installed where each belongs, and compiled: no run pays for that."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT, BenchmarkError, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREIGN = ("TAP_XSTAK_OMS_", "TARGET_", "MELTANO_")
BIN = Path(sys.executable).parent
PLUGINS = ("tap-xstak-oms", "target-postgres", "target-jsonl")
PROJECTS = {"dlt": "benchmarks/dlt", "airbyte": "tests/doors/airbyte"}
"""What has an environment of its own, and the project that says what is in it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are.

    Attributes:
        plugins: Where Meltano has installed the plugins.
        loader_settings: The settings of target-postgres with which meltano.yml ships it.
        pythons: The Python of each environment of its own.
    """

    plugins: Path
    loader_settings: dict[str, Any]
    pythons: dict[str, Path]

    def loader(self, name: str) -> Path:
        """The program of a loader."""
        return self.plugins / "loaders" / name / "venv" / "bin" / name


def installed(folder: Path) -> Tools:
    """Install what takes part, or find it installed.

    Args:
        folder: Where it stays: from one benchmark to the next it need not be installed again.
    """
    variables = own_environment() | {"MELTANO_SYS_DIR_ROOT": str(folder / "meltano")}
    _run([BIN / "meltano", "install", *PLUGINS], variables)
    printed = _run([BIN / "meltano", "config", "print", "target-postgres"], variables)
    pythons = {name: _synced(project, folder / name) for name, project in PROJECTS.items()}
    _run([sys.executable, "-m", "compileall", "-qq", folder, BIN.parent], variables, may_fail=True)
    return Tools(folder / "meltano", json.loads(printed), pythons)


def own_environment() -> dict[str, str]:
    """The environment without settings of whoever runs the benchmark."""
    kept = {name: value for name, value in environment().items() if not name.startswith(FOREIGN)}
    return kept | {"PATH": f"{BIN}:{kept.get('PATH', '')}"}


def _synced(project: str, folder: Path) -> Path:
    uv = ROOT / ".run" / "bin" / "uv"
    command: list[str | Path] = [
        uv,
        "sync",
        "--quiet",
        "--locked",
        "--project",
        project,
        "--python",
        sys.executable,
    ]
    _run(command, own_environment() | {"UV_PROJECT_ENVIRONMENT": str(folder)})
    return folder / "bin" / "python"


def _run(command: list[str | Path], variables: Mapping[str, str], *, may_fail: bool = False) -> str:
    ended = subprocess.run(
        command, cwd=ROOT, env=variables, check=False, capture_output=True, text=True
    )
    if ended.returncode and not may_fail:
        raise BenchmarkError(f"{command} failed:\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout
