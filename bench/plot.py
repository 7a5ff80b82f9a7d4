"""A plot of what was measured, as SVG: a panel for each workload and measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.figures import number

# In px. A panel is names on the left, bars in the middle, figures on the right.
NAME_WIDTH = 150
BAR_WIDTH = 190
NUMBER_WIDTH = 50
ROW_HEIGHT = 24
BAR_HEIGHT = 14
TITLE_HEIGHT = 34
GAP = 20
PANEL_WIDTH = NAME_WIDTH + BAR_WIDTH + NUMBER_WIDTH

OURS = "#2f6f9f"
THEIRS = "#b9c4cc"
INK = "#1d2429"


@dataclass(frozen=True, slots=True)
class Bar:
    """One server in a panel: its median, and the least and the greatest round."""

    name: str
    median: float
    least: float
    greatest: float
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What is compared, with a bar for each server."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        """Height in px."""
        return TITLE_HEIGHT + ROW_HEIGHT * len(self.bars)


def svg(rows: Sequence[Sequence[Panel]]) -> str:
    """Return a document with these panels, each inner sequence side by side."""
    columns = max(map(len, rows), default=0)
    width = columns * PANEL_WIDTH + (columns + 1) * GAP
    parts: list[str] = []
    top = GAP
    for row in rows:
        for place, panel in enumerate(row):
            parts += _panel(panel, GAP + place * (PANEL_WIDTH + GAP), top)
        top += max(panel.height for panel in row) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
            f'viewBox="0 0 {width} {top}" font-family="sans-serif" font-size="12" fill="{INK}">',
            # Pages may be dark.
            f'<rect width="{width}" height="{top}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, left: int, top: int) -> list[str]:
    lines = [_text(left, top + 14, panel.title, "start", bold=True)]
    most = max((bar.greatest for bar in panel.bars), default=0.0) or 1.0
    start = left + NAME_WIDTH
    for place, bar in enumerate(panel.bars):
        middle = top + TITLE_HEIGHT + place * ROW_HEIGHT + ROW_HEIGHT // 2
        length, least, greatest = (
            value / most * BAR_WIDTH for value in (bar.median, bar.least, bar.greatest)
        )
        colour = OURS if bar.is_ours else THEIRS
        lines += [
            _text(start - 8, middle + 4, bar.name, "end", bold=bar.is_ours),
            f'<rect x="{start}" y="{middle - BAR_HEIGHT // 2}" width="{length:.1f}" '
            f'height="{BAR_HEIGHT}" fill="{colour}"/>',
            f'<line x1="{start + least:.1f}" y1="{middle}" x2="{start + greatest:.1f}" '
            f'y2="{middle}" stroke="{INK}"/>',
            _text(start + BAR_WIDTH + 8, middle + 4, number(bar.median), "start"),
        ]
    return lines


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
