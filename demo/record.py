"""`./run record`: the demonstration, run once more and drawn into docs/demo.svg."""

from __future__ import annotations

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from demo.programs import ROOT
from demo.story import tell

PICTURE = ROOT / "docs" / "demo.svg"
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


def main() -> None:
    """Run the demonstration and write the picture of it."""
    console = Console(
        record=True,
        width=COLUMNS,
        highlight=False,
        color_system="standard",
        force_terminal=True,
        force_interactive=False,  # a spinner stands still in a picture
    )
    console.print("$ ./run demo", style="green")
    tell(console)
    console.save_svg(
        str(PICTURE),
        title="tap-xstak-oms",
        theme=THEME,
        code_format=TEMPLATE,
        font_aspect_ratio=GLYPH_WIDTH,
        unique_id="demo",
    )


if __name__ == "__main__":
    main()
