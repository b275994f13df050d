"""`./run release --dry-run`: what a release would publish, built and tried.

The wheel and the source distribution are built as the workflow builds them; their metadata is
checked; the wheel is installed where nothing else is, and both its programs read a local XStak; the
changelog tells of the version; nothing that a user gets waits to be filled in. A tag `v1.2.3` then
publishes it: the workflow does so, and nobody else.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import tempfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from doors import smoke
from doors.environments import ROOT, DoorError, build, call, make_environment
from doors.report import tell
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message

_PLACEHOLDER = re.compile(r"your-(?:organi[sz]ation|org|github|repo)|TODO|FIXME|CHANGEME")
_RELATIVE_LINK = re.compile(r"""\]\((?!https?:|#)|\bsrc=["'](?!https?:)""")
_RELEASED = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and try a release; nothing is published."""
    parser = argparse.ArgumentParser(prog="./run release", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", required=True, help="the one way")
    parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            version = rehearse(Path(folder))
    except DoorError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"tap-xstak-oms {version} could be released.")
    return 0


def rehearse(folder: Path) -> str:
    """All that a release would do but publish; returns the version.

    Raises:
        DoorError: If something is not fit to be published.
    """
    tell("building")
    wheel, sdist = build(folder / "dist")
    metadata = metadata_of(wheel)
    complaints = [*unfinished(texts_of(sdist)), *_faults(metadata)]
    if complaints:
        raise DoorError("\n".join(complaints))
    call(Path(sys.executable).with_name("twine"), "check", "--strict", wheel, sdist)
    tell("trying the wheel")
    programs = make_environment(folder / "environment", Path(sys.executable), wheel)
    smoke.start(programs, metadata["Version"])
    with Sandbox(World(locations=("1001",), orders_per_location=60)) as sandbox:
        smoke.read(programs, sandbox, folder)
        smoke.read_as_airbyte(programs, sandbox, folder)
    return str(metadata["Version"])


def metadata_of(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_string(archive.read(name).decode())


def texts_of(sdist: Path) -> dict[str, str]:
    """Each file that a user gets: of the source distribution, and the definition for the Hub."""
    with tarfile.open(sdist) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        texts = {name: file.read().decode() for name, file in files.items() if file}
    hub = ROOT / "docs" / "hub.yml"
    return {**texts, "docs/hub.yml": hub.read_text("utf-8")}


def unfinished(texts: dict[str, str]) -> list[str]:
    """What waits to be filled in, by file."""
    return [
        f"{name}: {found.group()} is to be filled in"
        for name, text in texts.items()
        for found in _PLACEHOLDER.finditer(text)
    ]


def _faults(metadata: Message) -> list[str]:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    missing = missing_entry(changelog, metadata["Version"])
    return [*missing, *dead_links(str(metadata.get_payload()))]


def dead_links(readme: str) -> list[str]:
    """A complaint if links or pictures of a README on PyPI lead to files beside it."""
    links = _RELATIVE_LINK.findall(readme)
    return [f"The README has {len(links)} links that lead nowhere on PyPI"] if links else []


def missing_entry(changelog: str, version: str) -> list[str]:
    """A complaint if the changelog tells nothing of a version; of one between two, of the next."""
    heading = version if _RELEASED.fullmatch(version) else "Unreleased"
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    told = {section.split()[0].strip("[]"): section.partition("\n")[2] for section in sections}
    if told.get(heading, "").strip():
        return []
    return [f"CHANGELOG.md has nothing under the heading {heading}"]


if __name__ == "__main__":
    sys.exit(main())
