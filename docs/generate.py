"""Writes the generated parts of files: settings, rooms, and the arithmetic of scaling.

python -m docs.generate            rewrite the files
python -m docs.generate --check    change nothing; exit 1 if a file is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.arithmetic import assumptions, locations_table, shards_table
from docs.rooms import rooms_picture, rooms_table
from docs.settings_lists import hub_settings, meltano_settings, settings_tables

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent


BLOCKS: dict[str, list[tuple[str, Callable[[], str], str]]] = {
    "meltano.yml": [("    # settings\n", meltano_settings, "    # /settings")],
    "docs/hub.yml": [("\nsettings:\n", hub_settings, "settings_preamble:")],
    "docs/settings.md": [("<!-- settings -->\n", settings_tables, "<!-- /settings -->")],
    "docs/architecture.md": [
        ("<!-- picture -->\n", rooms_picture, "<!-- /picture -->"),
        ("<!-- rooms -->\n", rooms_table, "<!-- /rooms -->"),
    ],
    "docs/scaling.md": [
        ("<!-- model -->\n", assumptions, "<!-- /model -->"),
        ("<!-- locations -->\n", locations_table, "<!-- /locations -->"),
        ("<!-- shards -->\n", shards_table, "<!-- /shards -->"),
    ],
}


def generated(name: str) -> str:
    """The text of a file, with the part between the two marks of each block generated.

    Raises:
        ValueError: If the file lacks a mark.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    for begin, make, end in BLOCKS[name]:
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{name} lacks the marks {begin.strip()} and {end}")
        text = f"{before}{begin}{make()}\n{end}{after}"
    return text


def main() -> int:
    """Write or check the files."""
    stale = [n for n in BLOCKS if generated(n) != (ROOT / n).read_text(encoding="utf-8")]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"{name} is out of date: ./run generate\n" for name in stale)
        return int(bool(stale))
    for name in stale:
        (ROOT / name).write_text(generated(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
