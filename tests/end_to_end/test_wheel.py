"""What is published: wheel and source distribution, built from the checkout as a release is."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

import pytest

from hatch_build import repository, with_links_for_anywhere
from tests.support import ROOT

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("wheel")
"""They share what is built."""
UV = str(ROOT / ".run" / "bin" / "uv")
PACKAGE = "tap_xstak_oms"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def modules() -> list[Path]:
    """Every module of the package, in all of its rooms."""
    return sorted((ROOT / PACKAGE).glob("**/*.py"))


def call(*command: str | Path) -> str:
    """Run a program, away from the checkout; what it wrote."""
    return subprocess.run(command, cwd="/", check=True, stdout=subprocess.PIPE, text=True).stdout


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Build both from a source tree."""
    call(UV, "build", "--quiet", "--out-dir", folder, source)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def files_of(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel, by name; `*.dist-info` without the version."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {re.sub(r"^[^/]*\.dist-info", "dist-info", n): archive.read(n) for n in names}


def metadata_of(wheel: Path) -> Message:
    """What the wheel says of itself."""
    return message_from_string(files_of(wheel)["dist-info/METADATA"].decode())


def test_the_wheel_holds_the_package_alone(built: tuple[Path, Path]) -> None:
    """Each file of the package is there, the marker of its types included, and no other."""
    files = files_of(built[0])
    package = {str(path.relative_to(ROOT)) for path in modules()} | {f"{PACKAGE}/py.typed"}
    about = {f"dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert files.keys() == package | about | {"dist-info/licenses/LICENSE"}
    assert files["dist-info/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_metadata_is_that_of_the_project(built: tuple[Path, Path]) -> None:
    """Name, licence, Pythons, dependencies and the README are told, and a version."""
    metadata = metadata_of(built[0])
    assert metadata["Name"] == PROJECT["name"]
    assert re.match(r"\d+\.\d+", metadata["Version"])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert metadata.get_all("Classifier") == PROJECT["classifiers"]
    assert len(metadata.get_all("Requires-Dist", [])) == len(PROJECT["dependencies"])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.get_payload() == with_links_for_anywhere(readme, repository())


def test_the_source_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever builds from the source distribution, without git, gets the same files and version."""
    wheel, sdist = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    assert {path.name for path in source.iterdir()} == {
        PACKAGE,
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "hatch_build.py",
        "pyproject.toml",
        ".gitignore",
    }
    again, _ = build(source, tmp_path / "dist")
    assert again.name == wheel.name
    assert files_of(again) == files_of(wheel)


def test_both_programs_start_where_only_the_wheel_is(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    """In a fresh environment, with its dependencies alone, the wheel's programs answer."""
    python = tmp_path / "bin" / "python"
    call(UV, "venv", "--quiet", "--python", sys.executable, tmp_path)
    call(UV, "pip", "install", "--quiet", "--python", python, built[0])

    tap = tmp_path / "bin" / "tap-xstak-oms"
    version = metadata_of(built[0])["Version"]
    assert call(tap, "--version").startswith(f"tap-xstak-oms v{version}")
    assert json.loads(call(tap, "--about", "--format=json"))["name"] == "tap-xstak-oms"
    [stream, _] = json.loads(call(tap, "--discover"))["streams"]
    assert stream["tap_stream_id"] == "sales_orders"
    spec = json.loads(call(tmp_path / "bin" / "source-xstak-oms", "spec"))
    assert spec["type"] == "SPEC"
    # Some are imported only when they are needed.
    names = (path.relative_to(ROOT).with_suffix("") for path in modules())
    imports = [f"import {'.'.join(name.parts)}" for name in names if name.stem != "__main__"]
    call(python, "-c", "\n".join(imports))


def imported() -> set[str]:
    """The top-level modules that the package imports at run time, itself and Python's aside."""
    found = set()
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing_only = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in typing_only:
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - {PACKAGE} - set(sys.stdlib_module_names)


def test_what_is_imported_is_declared() -> None:
    """Nothing is imported that is only there because something else needs it, nor the reverse."""
    normal = {re.split(r"[<>=\[; ]", needed, maxsplit=1)[0] for needed in PROJECT["dependencies"]}
    distributions = packages_distributions()
    assert {distributions[name][0].lower().replace("_", "-") for name in imported()} == normal
