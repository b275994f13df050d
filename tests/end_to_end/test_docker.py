"""The image of docs/airbyte.md: what its build sees, and the version that it tells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support import ROOT, blocks

[DOCKERFILE] = blocks("docs/airbyte.md", "dockerfile")
IGNORED = (ROOT / ".dockerignore").read_text().split()


def is_seen(path: Path) -> bool:
    """Whether the build sees a file of the checkout: neither it nor a folder of it is ignored."""
    anywhere = [line.removeprefix("**/") for line in IGNORED if line.startswith("**/")]
    names = path.parts
    return names[0] not in IGNORED and not any(fnmatch(n, line) for n in names for line in anywhere)


def unseen(folder: str, names: list[str]) -> list[str]:
    """Of the names in a folder of the checkout, those that the build does not see."""
    return [name for name in names if not is_seen((Path(folder) / name).relative_to(ROOT))]


def test_what_git_ignores_is_in_no_image() -> None:
    """Environments, secrets and output stay outside, in whichever folder, and so do the tests."""
    of_git = (ROOT / ".gitignore").read_text().split()
    everywhere = {f"**/{line.rstrip('/')}" for line in of_git}
    assert set(IGNORED) == everywhere | {".git", "tests", "benchmarks"}
    for path in (".env", "demo/.env", ".venv/bin/python", ".git/config", "shard-0.json"):
        assert not is_seen(Path(path))
    for path in ("README.md", "LICENSE", "pyproject.toml", "tap_xstak_oms/tap.py"):
        assert is_seen(Path(path))


@pytest.mark.parametrize(("told", "version"), [("1.2.3", "1.2.3"), ("", "0.0.0")])
def test_the_image_has_the_version_that_its_build_is_told(
    tmp_path: Path, told: str, version: str
) -> None:
    """What the Dockerfile installs has no git to ask."""
    shutil.copytree(ROOT, tmp_path / "checkout", ignore=unseen)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "python"], check=True)
    [install] = re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE)
    # With its dependencies the wheel is installed by tests/end_to_end/test_wheel.py.
    command = install.replace("/checkout", str(tmp_path / "checkout")) + " --no-deps --quiet"
    path = os.pathsep.join([str(tmp_path / "python" / "bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "VERSION": told}
    subprocess.run(["sh", "-c", command], cwd="/", env=environment, check=True)
    shown = subprocess.run(
        ["pip", "show", "tap-xstak-oms"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"Version: {version}\n" in shown
    [program] = re.findall(r'^ENTRYPOINT \["(.*)"\]$', DOCKERFILE, re.MULTILINE)
    assert f'ENV AIRBYTE_ENTRYPOINT="{program}"' in DOCKERFILE
    assert (tmp_path / "python" / "bin" / program).exists()
