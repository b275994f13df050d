"""The images of Dockerfile: what a build sees, what it runs, and what each image starts.

Needs no engine: the commands of the build run in folders of the test's own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.meltano import tap_settings
from tests.environment import is_of_this_machine
from tests.support import (
    EXECUTABLE,
    ROOT,
    blocks,
    config_for,
    discovered,
    written,
)

if TYPE_CHECKING:
    from xstak_sandbox import Sandbox

pytestmark = pytest.mark.xdist_group("docker")
"""They share what a build makes."""
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text().split()
UV = ROOT / ".run" / "bin"
VERSION = "1.2.3"
LOADERS = "meltano install --plugin-type loader"
"""The one command of a build that is not run here: other tests install loaders by it."""
IMAGES = {"tap": "tap-xstak-oms", "airbyte": "source-xstak-oms", "meltano": "meltano"}


def stages() -> dict[str, list[str]]:
    """The instructions of each stage, those of the stage that it is built on first."""
    found: dict[str, list[str]] = {}
    for part in TEXT.replace("\\\n", "").split("\nFROM ")[1:]:
        [base, name], *lines = [part.split("\n")[0].split(" AS "), *part.split("\n")[1:]]
        found[name] = [*found.get(base, []), *filter(None, lines)]
    return found


STAGES = stages()


def arguments(stage: str, instruction: str) -> list[str]:
    """What stands behind an instruction of a stage, each time that it is there."""
    lines = (line.split(" ", 1) for line in STAGES[stage])
    return [rest[0] for name, *rest in lines if name == instruction]


def is_seen(path: Path) -> bool:
    """Whether the build sees a file of the checkout: neither it nor a folder of it is ignored."""
    anywhere = [line.removeprefix("**/") for line in IGNORED if line.startswith("**/")]
    names = path.parts
    return names[0] not in IGNORED and not any(fnmatch(n, line) for n in names for line in anywhere)


def unseen(folder: str, names: list[str]) -> list[str]:
    """Of the names in a folder of the checkout, those that the build does not see."""
    return [name for name in names if not is_seen((Path(folder) / name).relative_to(ROOT))]


def test_the_linter_finds_nothing() -> None:
    """No rule of hadolint is broken, and none is switched off."""
    hadolint = EXECUTABLE.with_name("hadolint")
    ended = subprocess.run([hadolint, ROOT / "Dockerfile"], check=False, capture_output=True)
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert "hadolint ignore" not in TEXT


def test_what_git_ignores_is_in_no_image() -> None:
    """Environments, secrets and output stay outside, in whichever folder, and so do the tests."""
    of_git = (ROOT / ".gitignore").read_text().split()
    everywhere = {f"**/{line.rstrip('/')}" for line in of_git}
    assert set(IGNORED) == everywhere | {".git", "tests", "benchmarks", "doors"}
    for path in (".env", "demo/.env", ".venv/bin/python", ".git/config", "shard-0.json"):
        assert not is_seen(Path(path))
    for path in ("README.md", "LICENSE", "pyproject.toml", "uv.lock", "tap_xstak_oms/tap.py"):
        assert is_seen(Path(path))


@pytest.mark.parametrize(("image", "program"), IMAGES.items())
def test_an_image_starts_its_program_as_nobody_in_particular(image: str, program: str) -> None:
    """It ends as a user by number, which Kubernetes can tell from root, with one program."""
    users = [number for number in arguments(image, "USER") if number != "0"]
    assert users == ["10001"]
    assert arguments(image, "ENTRYPOINT") == [f'["{program}"]']
    assert "pip install" not in "".join(STAGES[image])


def test_the_tap_is_the_image_that_is_built_unless_another_is_named() -> None:
    """A build without `--target` makes the last stage, and the head names the targets."""
    assert list(STAGES)[-1] == "tap"
    head = TEXT[: TEXT.index("\nFROM")]
    assert set(re.findall(r"--target (\w+)", head)) == IMAGES.keys() - {"tap"}


def test_the_airbyte_image_names_its_program_to_airbyte() -> None:
    """Airbyte looks for it in a variable of its own."""
    assert f'AIRBYTE_ENTRYPOINT="{IMAGES["airbyte"]}"' in arguments("airbyte", "ENV")


@pytest.fixture(scope="module", params=[VERSION, ""], ids=["told", "not told"])
def version(request: pytest.FixtureRequest) -> str:
    """The version that a build is told."""
    told: str = request.param
    return told


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, version: str) -> Path:
    """Where the builds' commands have run, as on a disk of their own: `project` and `opt`."""
    root = tmp_path_factory.mktemp("machine")
    shutil.copytree(ROOT, root / "project", ignore=unseen)
    run_stage("build", root, version)
    return root


def run_stage(stage: str, root: Path, version: str) -> None:
    """Run the commands of a build, with its folders below `root` and the uv that is here."""
    [default] = re.findall(r"^ARG VERSION=(\S+)$", TEXT, re.MULTILINE)
    kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
    kept.pop("VIRTUAL_ENV", None)
    environment = kept | {"VERSION": version or default, "PATH": f"{UV}:{kept['PATH']}"}
    for instruction, text in (line.split(" ", 1) for line in STAGES[stage]):
        moved = re.sub(r"(?<![\w.])/(opt|project)\b", rf"{root}/\1", text)
        if instruction == "ENV":
            names = dict(word.split("=", 1) for word in moved.split())
            environment |= {name: expanded(text, environment) for name, text in names.items()}
        elif instruction == "RUN" and not moved.startswith(("pip install", LOADERS)):
            subprocess.run(
                ["sh", "-ec", moved], cwd=root / "project", env=environment, check=True, timeout=300
            )


def expanded(text: str, variables: dict[str, str]) -> str:
    """A value of ENV, with what it takes from other variables."""
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], text)


def test_the_programs_have_the_version_that_their_build_is_told(
    machine: Path, version: str
) -> None:
    """Both start from what the build made, and know their version though there is no git."""
    programs = machine / "opt" / "tap" / "bin"
    shown = subprocess.run(
        [programs / "tap-xstak-oms", "--version"], check=True, capture_output=True, text=True
    ).stdout
    assert shown.startswith(f"tap-xstak-oms v{version or '0.0.0'},")
    spec = subprocess.run([programs / "source-xstak-oms", "spec"], check=True, capture_output=True)
    assert json.loads(spec.stdout)["type"] == "SPEC"


def test_what_is_installed_is_what_the_lock_file_names(machine: Path) -> None:
    """Each package of the tap's image has its version from uv.lock, and no tool of a developer."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package.get("version") for package in lock["package"]}
    [packages] = (machine / "opt" / "tap").glob("lib/python*/site-packages")
    found = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version in (p.stem.split("-") for p in packages.glob("*.dist-info"))
    }
    del found["tap-xstak-oms"]
    assert found.items() <= locked.items()
    assert {"singer-sdk", "msgspec"} <= found.keys()
    assert not {"pytest", "meltano", "ruff"} & found.keys()


@pytest.mark.parametrize("version", [VERSION], ids=["told"], indirect=True)
def test_the_project_s_image_has_its_plugins(machine: Path, version: str) -> None:
    """Meltano starts the tap from the project that was copied; the loaders are installed too."""
    assert arguments("meltano-build", "RUN")[-1] == LOADERS
    run_stage("meltano-build", machine, version)
    meltano = machine / "opt" / "meltano" / "bin" / "meltano"
    ended = subprocess.run(
        [meltano, "invoke", "tap-xstak-oms", "--version"],
        cwd=machine / "project",
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout.startswith(f"tap-xstak-oms v{version},")


COMMANDS = "".join(blocks("docs/containers.md", "console")).replace("$ ", "").splitlines()


def test_the_page_builds_what_the_dockerfile_says() -> None:
    """The page's builds are those of the Dockerfile's head, and it runs images that they make."""
    builds = [line for line in COMMANDS if line.startswith("docker build")]
    assert re.findall(r"^#   (docker build.*)$", TEXT, re.MULTILINE) == builds
    made = {line.split("--tag ")[1].split()[0] for line in builds}
    assert {program_of(line)[0] for line in COMMANDS if line not in builds} <= made


def program_of(command: str) -> list[str]:
    """The image of a `docker run`, and what is given to its program."""
    words = shlex.split(command)
    after = words.index("--rm") + 1
    while words[after].startswith("--"):
        after += 2
    return words[after:]


@pytest.mark.parametrize("command", [c for c in COMMANDS if "--config" in c])
def test_the_page_s_commands_of_the_tap_work(
    command: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """What stands behind the image works where the mounted folder is, with settings in `.env`."""
    config = config_for(sandbox)
    written(tmp_path, "config.json", config)
    written(tmp_path, "catalog.json", discovered(config))
    lines = (f"{name}={value}\n" for name, value in tap_settings(config).items())
    (tmp_path / ".env").write_text("".join(lines))
    _, *given = program_of(command.partition(" >")[0])
    ended = subprocess.run([EXECUTABLE, *given], cwd=tmp_path, check=True, capture_output=True)
    records = [line for line in ended.stdout.splitlines() if b'"RECORD"' in line]
    assert len(records) == (0 if "--test" in command else len(sandbox.orders()))
