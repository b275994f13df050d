"""The first load as a picture: a bar of orders a second for each route."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from benchmarks.pipeline.report import ROWS, rate
from benchmarks.pipeline.routes import MELTANO, PIPED, SHARDS

if TYPE_CHECKING:
    from benchmarks.pipeline.race import Results

OURS = {MELTANO, PIPED, SHARDS}
WIDTH, BAR, GAP, TOP = 640, 26, 12, 44
NAMES, FIGURES = 150, 70
"""The width of the names, and that of the figures behind the longest bar."""
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
font-family="system-ui, sans-serif" font-size="14">
<title>{title}</title>
<rect width="{width}" height="{height}" rx="6" fill="#fff"/>
<text x="16" y="26" font-weight="600" fill="#1b1f24">{title}</text>
{bars}
</svg>
"""
LINE = """\
<text x="{end}" y="{middle}" text-anchor="end" dominant-baseline="central" \
fill="#1b1f24">{name}</text>
<rect x="{begin}" y="{top}" width="{width:.0f}" height="{height}" rx="3" fill="{colour}"/>
<text x="{behind:.0f}" y="{middle}" dominant-baseline="central" fill="#57606a">{figure}</text>"""


def draw(results: Results) -> str:
    """The picture, as SVG."""
    rates = {row.name: rate(results, row) for row in ROWS}
    room = WIDTH - NAMES - FIGURES
    bars = [
        _bar(index, name, found, room * found / max(rates.values()))
        for index, (name, found) in enumerate(rates.items())
    ]
    height = TOP + len(bars) * (BAR + GAP)
    title = "From the API into the table: orders a second"
    return FRAME.format(width=WIDTH, height=height, title=title, bars="\n".join(bars))


def _bar(index: int, name: str, found: float, width: float) -> str:
    top = TOP + index * (BAR + GAP)
    return LINE.format(
        end=NAMES - 10,
        begin=NAMES,
        top=top,
        middle=top + BAR // 2,
        height=BAR,
        width=width,
        behind=NAMES + width + 8,
        colour="#1f6feb" if name in OURS else "#b1bac4",
        name=escape(name.strip("`")),
        figure=f"{found:,.0f}",
    )
