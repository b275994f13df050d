"""`./run test-pythons`: the tap on each Python that it claims, with old and new dependencies.

For each claimed Python of this machine: the tests of `./run check` in an environment made from
uv.lock; then the wheel with the locked, the lowest and the newest dependencies that pyproject.toml
allows, each in an environment of its own: both programs start, discover, check and read.
--write puts what was seen into docs/versions.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from doors import smoke
from doors.environments import (
    CLAIMED,
    KEPT,
    PROJECT,
    ROOT,
    UV,
    DoorError,
    build,
    call,
    install,
    make_environment,
    pythons,
    version_of,
)
from doors.report import put_between, table, tell
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = ROOT / "docs" / "versions.md"
LOCKED, LOWEST, NEWEST = "locked", "lowest", "newest"
_COMPILE = (UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "pyproject.toml")
# The SDK's next release breaks whoever did not try its pre-releases.
_RESOLUTIONS: dict[str, tuple[str | Path, ...]] = {
    LOCKED: (UV, "export", "--quiet", "--locked", "--no-dev", "--no-emit-project", "--no-hashes"),
    LOWEST: (*_COMPILE, "--resolution=lowest-direct"),
    NEWEST: (*_COMPILE, "--upgrade", "--prerelease-package=singer-sdk=allow"),
}
DIRECT = [requirement.split(">=")[0] for requirement in PROJECT["dependencies"]]


class Tried(NamedTuple):
    """What was tried, all of which succeeded.

    Attributes:
        python: The full version.
        dependencies: Which of them: locked, lowest or newest.
        versions: The version of each direct dependency.
    """

    python: str
    dependencies: str
    versions: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all that is on this machine, as far as the first that fails."""
    parser = argparse.ArgumentParser(prog="./run test-pythons", description=__doc__)
    parser.add_argument("--python", action="append", choices=CLAIMED, help="only this one")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--wheel-only", action="store_true", help="leave the tests out")
    either.add_argument("--write", action="store_true", help="write docs/versions.md")
    options = parser.parse_args(arguments)
    found = pythons()
    tell(f"Python {', '.join(found)} found; not on this machine: {_missing(found)}")
    found = {version: found[version] for version in options.python or found if version in found}
    try:
        with tempfile.TemporaryDirectory() as folder:
            tried = try_all(found, Path(folder), with_tests=not options.wheel_only)
    except DoorError as problem:
        print(problem, file=sys.stderr)
        return 1
    text = page(tried, tests="left out" if options.wheel_only else "pass")
    print(text)
    if options.write:
        PAGE.write_text(put_between(PAGE.read_text("utf-8"), "versions", text), "utf-8")
    return 0


def _missing(found: dict[str, Path]) -> str:
    return ", ".join(version for version in CLAIMED if version not in found) or "none"


def try_all(found: dict[str, Path], folder: Path, *, with_tests: bool) -> list[Tried]:
    """Each Python with its tests and with each set of dependencies."""
    wheel, _ = build(folder / "dist")
    tried: list[Tried] = []
    for version, python in found.items():
        if with_tests:
            run_tests(version, python)
        tried += (try_wheel(python, name, wheel, folder / version / name) for name in _RESOLUTIONS)
    return tried


def run_tests(version: str, python: Path) -> None:
    """The tests of `./run check`, in an environment that is kept for the next time."""
    tell(f"Python {version}: tests")
    environment = KEPT / f"python{version}"
    call(
        *(UV, "sync", "--quiet", "--locked", "--python", python),
        env={"UV_PROJECT_ENVIRONMENT": str(environment)},
    )
    pytest = (environment / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    on_all_cores = ("--numprocesses=auto", "--dist=loadgroup", "--max-worker-restart=0")
    said = call(*pytest, *on_all_cores, "--ignore=tests/end_to_end", seconds=1800)
    tell(said.splitlines()[-1])


def try_wheel(python: Path, dependencies: str, wheel: Path, folder: Path) -> Tried:
    """The wheel's programs with some set of dependencies, and the contract with the SDK."""
    tell(f"{version_of(python)} with {dependencies} dependencies")
    packages = folder / "requirements.txt"
    folder.mkdir(parents=True)
    packages.write_text(call(*_RESOLUTIONS[dependencies], "--python", python), "utf-8")
    programs = make_environment(folder / "environment", python, "--requirements", packages)
    install(folder / "environment", "--no-deps", wheel)
    versions = installed(folder / "environment")
    smoke.start(programs, version_of_wheel(wheel))
    with Sandbox(World(locations=("1001", "1002"), orders_per_location=60)) as sandbox:
        smoke.read(programs, sandbox, folder)
        smoke.read_as_airbyte(programs, sandbox, folder)
    # Of the tests' tools the contract needs pytest alone, which then chooses no dependency.
    install(folder / "environment", "--constraints", packages, "pytest", "pytest-randomly")
    contract = ("--noconftest", "-q", "-p", "no:cacheprovider", "tests/singer/test_contract.py")
    call(programs / "python", "-m", "pytest", *contract)
    return Tried(version_of(python), dependencies, {name: versions[name] for name in DIRECT})


def installed(environment: Path) -> dict[str, str]:
    """The version of each package of an environment."""
    frozen = call(UV, "pip", "freeze", "--python", environment / "bin" / "python")
    return dict(line.split("==") for line in frozen.splitlines() if "==" in line)


def version_of_wheel(wheel: Path) -> str:
    """The version in its name."""
    return wheel.name.split("-")[1]


def page(tried: Sequence[Tried], *, tests: str) -> str:
    """What was tried, as tables for people."""
    pythons = sorted({each.python for each in tried}, key=lambda python: python.split("."))
    sets = list(_RESOLUTIONS)
    rows = (
        [python, tests, *("works" for each in tried if each.python == python)] for python in pythons
    )
    works = table(["Python", "tests", *(f"{name} dependencies" for name in sets)], rows)
    return "\n\n".join([works, table(["dependency", *sets], _versions(tried))])


def _versions(tried: Sequence[Tried]) -> Iterator[list[str]]:
    for dependency in DIRECT:
        cells = (
            {each.versions[dependency] for each in tried if each.dependencies == name}
            for name in _RESOLUTIONS
        )
        yield [f"`{dependency}`", *(", ".join(sorted(cell)) for cell in cells)]


if __name__ == "__main__":
    sys.exit(main())
