"""`./run record`: the demonstration and a run of the tap, drawn into pictures of README.md."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from demo.programs import ROOT, local_xstak
from demo.story import tell

if TYPE_CHECKING:
    from collections.abc import Callable

TAP = Path(sys.executable).with_name("tap-xstak-oms")
COLUMNS = 80
GLYPH_WIDTH = 0.602
"""Of the usual monospaced fonts, as a share of their size: so blocks of a bar touch."""
THEME = TerminalTheme(
    background=(22, 27, 34),
    foreground=(214, 221, 229),
    normal=[
        (72, 79, 88),
        (248, 113, 113),
        (126, 206, 137),
        (235, 186, 88),
        (106, 164, 248),
        (190, 140, 245),
        (72, 187, 207),
        (214, 221, 229),
    ],
)
# Nothing is fetched: whoever looks at it has a monospaced font.
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix, .{unique_id}-title {{
  font-family: ui-monospace, Menlo, "DejaVu Sans Mono", "Liberation Mono", Consolas, monospace;
  font-size: {char_height}px;
}}
.{unique_id}-title {{ font-size: 16px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


LOG_CONFIG = """\
version: 1
disable_existing_loggers: false
formatters: {plain: {format: "%(levelname)-7s %(message)s"}}
handlers: {stderr: {class: logging.StreamHandler, formatter: plain, stream: ext://sys.stderr}}
loggers: {singer_sdk.metrics: {propagate: false}}
root: {level: INFO, handlers: [stderr]}
"""
COLOURS = {"INFO": "default", "WARNING": "yellow", "ERROR": "red"}


def main() -> None:
    """Draw both."""
    draw("demo", tell_the_demo)
    draw("run", run_the_tap)


def draw(name: str, tell_it: Callable[[Console], None]) -> None:
    """Write the picture of what is told to a console."""
    console = Console(
        record=True,
        width=COLUMNS,
        highlight=False,
        color_system="standard",
        force_terminal=True,
        force_interactive=False,  # a spinner stands still in a picture
    )
    tell_it(console)
    console.save_svg(
        str(ROOT / "docs" / f"{name}.svg"),
        title="tap-xstak-oms",
        theme=THEME,
        code_format=TEMPLATE,
        font_aspect_ratio=GLYPH_WIDTH,
        unique_id=name,
    )


def tell_the_demo(console: Console) -> None:
    """Run the demonstration."""
    console.print("$ ./run demo", style="green")
    tell(console)


def run_the_tap(console: Console) -> None:
    """Read three locations, of which one is refused, and show what the tap says."""
    files = "--config config.json --catalog catalog.json"
    console.print(f"$ tap-xstak-oms {files} > orders.jsonl", style="green")
    with (
        tempfile.TemporaryDirectory() as folder,
        local_xstak(fault="status,code=403,location=1003,order_status=pending,every=1") as xstak,
    ):
        said = _said(Path(folder), xstak.url, files.split())
    for line in said.splitlines():
        console.print(line, style=COLOURS[line.split()[0]], markup=False)


def _said(folder: Path, url: str, options: list[str]) -> str:
    """What the tap says on stderr, with the documented way to another form of its log."""
    config = {
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "company_code": "demo-company",
        "location_ids": ["1001", "1002", "1003"],
        "start_date": "2020-01-01",
        "auth_url": f"{url}/v1/admin/service-account/token",
        "api_url": f"{url}/oe/v2",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "logging.yaml").write_text(LOG_CONFIG, encoding="utf-8")
    environment = {"SINGER_SDK_LOG_CONFIG": "logging.yaml", "NO_PROXY": "127.0.0.1"}
    with (folder / "catalog.json").open("w") as catalog:
        subprocess.run(
            [TAP, *options[:2], "--discover"],
            cwd=folder,
            env=environment,
            stdout=catalog,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return subprocess.run(
        [TAP, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stderr


if __name__ == "__main__":
    main()
