"""Answers as aligned lines for people. Pure.

Every cell goes through `sanitize`. A list comes page by page and is printed so: the columns
of a page are at least as wide as those of the pages before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chat_text.sanitize import sanitize

_GAP = "  "


@dataclass(slots=True)
class Table:
    """Lines of one list. Titles that begin with `>` head a column of figures, set to the right."""

    titles: Sequence[str]
    _widths: list[int] = field(default_factory=list)

    def lines(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Give the lines of the next page, below the titles if it is the first."""
        cells = [[sanitize(cell) for cell in row] for row in rows]
        if not self._widths:
            cells.insert(0, [title.removeprefix(">") for title in self.titles])
            self._widths = [0] * len(self.titles)
        for row in cells:
            self._widths = list(map(max, self._widths, map(len, row)))
        return [self._line(row) for row in cells]

    def _line(self, row: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if title.startswith(">") else cell.ljust(width)
            for title, width, cell in zip(self.titles, self._widths, row, strict=True)
        )
        return _GAP.join(padded).rstrip()


def span(seconds: float) -> str:
    """Give a length of time in its two largest units: `42s`, `5m 10s`, `2h 5m`, `3d 7h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def size(count: int) -> str:
    """Give a size in bytes as MiB."""
    return f"{count / (1 << 20):,.1f} MiB"


def share(cores: float) -> str:
    """Give the use of the processor as a share of one core."""
    return f"{cores:.0%}"


def rate(per_second: float) -> str:
    """Give a rate: small ones with a digit behind the point."""
    return f"{per_second:,.1f}" if per_second < 100 else f"{per_second:,.0f}"
