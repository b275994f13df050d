"""Pythons of this machine, and virtual environments made of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environment import is_of_this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".run" / "doors"
"""Environments that are worth keeping for the next time."""
UV = ROOT / ".run" / "bin" / "uv"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CLAIMED = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
"""The Pythons that pyproject.toml names, oldest first."""
_LAST_LINES = 40


class DoorError(Exception):
    """A way in or out does not work; the text says which, and what was said there."""


def pythons() -> dict[str, Path]:
    """An interpreter of each claimed version that is on this machine."""
    found = {version: find_python(version) for version in CLAIMED}
    return {version: python for version, python in found.items() if python}


def find_python(version: str) -> Path | None:
    """The newest interpreter of a version, like 3.11, that pyenv keeps, or the one on the path."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    of_pyenv = kept.glob(f"{version}.*/bin/python")
    newest_first = sorted(of_pyenv, key=lambda path: int(path.parts[-3].split(".")[2]))[::-1]
    on_path = shutil.which(f"python{version}")
    candidates = [*newest_first, *([Path(on_path)] if on_path else [])]
    return next((python for python in candidates if _runs(python)), None)


def _runs(python: Path) -> bool:
    # pyenv puts names on the path behind which there may be nothing.
    return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


def version_of(python: Path) -> str:
    """The full version of an interpreter."""
    return call(python, "-c", "import platform; print(platform.python_version())").strip()


def make_environment(folder: Path, python: Path, *packages: str | Path) -> Path:
    """Make a virtual environment with some packages, as uv names them; returns its programs."""
    call(UV, "venv", "--quiet", "--clear", "--python", python, folder)
    if packages:
        install(folder, *packages)
    return folder / "bin"


def install(folder: Path, *packages: str | Path) -> None:
    """Add packages to an environment."""
    call(UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages)


def build(folder: Path) -> tuple[Path, Path]:
    """The wheel and the source distribution of this checkout."""
    call(UV, "build", "--quiet", "--out-dir", folder, ROOT)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def call(
    *command: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    seconds: float = 600,
) -> str:
    """Run a program to its good end, away from the settings of this machine; returns its stdout.

    Raises:
        DoorError: If it failed, with the end of what it said.
    """
    ended = attempt(*command, cwd=cwd, env=env, stdin=stdin, seconds=seconds)
    if ended.returncode:
        words = " ".join(map(str, command))
        said = (ended.stdout + ended.stderr).splitlines()[-_LAST_LINES:]
        raise DoorError("\n".join([f"Exit code {ended.returncode}: {words}", *said]))
    return ended.stdout


def attempt(
    *command: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    seconds: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run a program away from the settings of this machine, whatever its end is."""
    kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**kept, **(env or {})},
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=seconds,
    )
