"""`./run loaders`: what some Singer loaders make of orders, value by value.

The tap reads 400 orders with odd values, and then 60 of which 41 changed and 19 are new. Each
loader, in an environment of its own, loads both, with nested values open and declared. What is
there is compared with what the tap wrote. A loader that bends money gets it once more as text, by a
stream map. It takes some minutes; with --write it fills the table of docs/loaders.md.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from doors.environments import KEPT, ROOT, DoorError, attempt, find_python, make_environment
from doors.loaders import orders
from doors.loaders.compare import bent_columns, latest_of, outdated
from doors.loaders.definitions import LOADERS
from doors.loaders.readers import SCHEMA, Place
from doors.loaders.report import Outcome, page
from doors.report import put_between, tell
from tests.end_to_end.postgresql import postgres_server
from tests.support import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from doors.loaders.definitions import Loader
    from doors.loaders.orders import Written
    from doors.loaders.readers import Table
    from tests.end_to_end.postgresql import Postgres

    Runs = tuple[Written, Written]

PAGE = ROOT / "docs" / "loaders.md"
AS_TEXT = "open, money as text"
VARIANTS: dict[str, dict[str, Any]] = {
    orders.OPEN: {"nested_schema": orders.OPEN},
    orders.DECLARED: {"nested_schema": orders.DECLARED},
    AS_TEXT: yaml.safe_load(blocks("docs/recipes.md", "yaml", under="Money as text")[0])["config"],
}
_WORDS = re.compile(r"\w+ \w+")
_SECONDS = 120
"""For one load, which takes some seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try each loader; what a loader does wrong is in the table, and no error."""
    parser = argparse.ArgumentParser(prog="./run loaders", description=__doc__)
    parser.add_argument("name", nargs="*", help="only loaders with this in their name")
    parser.add_argument("--write", action="store_true", help="write docs/loaders.md")
    options = parser.parse_args(arguments)
    wanted = [
        loader
        for loader in LOADERS
        if not options.name or any(name in loader.name for name in options.name)
    ]
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        runs = {name: _written(Path(folder), name) for name in VARIANTS}
        text = page(outcome for loader in wanted for outcome in try_loader(loader, runs, server))
    print(text)
    if options.write:
        PAGE.write_text(put_between(PAGE.read_text("utf-8"), "loaders", text), "utf-8")
    return 0


def _written(folder: Path, variant: str) -> Runs:
    tell(f"orders: {variant}")
    own = folder / variant
    own.mkdir()
    return orders.write(own, **VARIANTS[variant])


def try_loader(loader: Loader, runs: dict[str, Runs], server: Postgres) -> Iterator[Outcome]:
    """What came of each variant; the last only where it could help."""
    try:
        programs = _install(loader)
    except DoorError as problem:
        yield Outcome(loader.name, "", problem=f"not installed: {_end(str(problem))}")
        return
    bends_money = False
    for variant, written in runs.items():
        if variant != AS_TEXT or bends_money:
            tell(f"{loader.name}, {variant}")
            outcome = _load_twice(loader, Outcome(loader.name, variant), programs, written, server)
            bends_money |= "grand_total" in outcome.bent
            yield outcome


def _install(loader: Loader) -> Path:
    python = find_python(loader.python)
    if python is None:
        raise DoorError(f"It needs Python {loader.python}, which is not on this machine.")
    folder = KEPT / "loaders" / loader.package.replace("==", "-")
    if (folder / "bin" / loader.program).exists():
        return folder / "bin"
    tell(f"installing {loader.package}")
    return make_environment(folder, python, loader.package, *loader.others)


def _load_twice(
    loader: Loader, outcome: Outcome, programs: Path, written: Runs, server: Postgres
) -> Outcome:
    """Load both runs of the tap, and look after each."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), programs, server)
        server.execute(f"CREATE SCHEMA {SCHEMA}")
        try:
            for run in written:
                began = time.monotonic()
                _load(loader, place, run.lines)
                outcome.seconds.append(time.monotonic() - began)
                _look(outcome, written, loader.read(place))
        except (DoorError, subprocess.TimeoutExpired) as problem:
            outcome.problem = _end(str(problem))
        finally:
            server.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    return outcome


def _load(loader: Loader, place: Place, lines: str) -> None:
    config = place.folder / "target.json"
    config.write_text(json.dumps(loader.settings(place)), "utf-8")
    ended = attempt(
        place.programs / loader.program,
        f"--config={config}",
        cwd=place.folder,
        stdin=lines,
        seconds=_SECONDS,
    )
    if ended.returncode:
        raise DoorError(f"exit code {ended.returncode}: {_end(ended.stderr)}")


def _look(outcome: Outcome, written: Runs, table: Table) -> None:
    """Add to an outcome what is there after another load."""
    first, second = written
    found = latest_of(table.rows)
    loaded = first.latest if not outcome.rows else first.latest | second.latest
    if outcome.rows and found.keys() == second.latest.keys():
        outcome.begins_anew = True
        loaded = second.latest
    lost = outdated(first.schema, loaded, found)
    outcome.rows.append(len(table.rows))
    outcome.lost.append(len(lost))
    outcome.types = table.types
    current = {key: row for key, row in found.items() if key in loaded.keys() - lost}
    for name, bent in bent_columns(first.schema, loaded, current).items():
        outcome.bent[name] = max(outcome.bent.get(name, bent), bent, key=lambda one: one.kind)


def _end(text: str) -> str:
    """The last line of a text that has words."""
    return next((line.strip() for line in text.splitlines()[::-1] if _WORDS.search(line)), "")


if __name__ == "__main__":
    sys.exit(main())
