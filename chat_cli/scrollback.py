"""The latest lines that were printed, so that what is still to be seen can be drawn anew.

The scroll-back belongs to the terminal: what has left the window cannot be taken back there.
What is in the window can, because it is known which lines of ours end it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chat_cli.entries import Spoken
from chat_cli.render import Fragments, Line
from chat_cli.wrap import fold

# Lines that are remembered: more than any window shows.
_KEPT = 500

Change = Callable[[Spoken], Sequence[Line] | None]
"""Gives the lines that a message becomes, or None for one that stays as it is."""


@dataclass(frozen=True, slots=True)
class Redrawing:
    """How to draw a part of the window anew.

    The cursor, which stands below the last line of ours, goes `up` by so many rows, or to the
    top of the window if there are not as many; then `rows` are drawn.
    """

    up: int
    rows: Sequence[Fragments]


class Scrollback:
    """What was printed last, oldest first."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=_KEPT)
        # Rows that a redrawing left free at the end of the window.
        self._free = 0

    def add(self, lines: Sequence[Line], width: int) -> list[Fragments]:
        """Note lines that are printed now; give them as rows of a window of this width."""
        self._lines.extend(lines)
        rows = [row for line in lines for row in fold(line, width)]
        self._free = max(0, self._free - len(rows))
        return rows

    def amend(self, change: Change, width: int, height: int) -> Redrawing | None:
        """Change messages, of which `height` rows may be in the window; None if none of them is.

        Lines that have left the window are changed in memory alone, and not drawn.
        """
        lines = list(self._lines)
        folded = [fold(line, width) for line in lines]
        top = height
        height -= self._free
        first, rows = len(lines), 0
        while first and rows < height:
            first -= 1
            rows += len(folded[first])
        above, below = amended(lines[:first], change), amended(lines[first:], change)
        self._lines = deque((above or lines[:first]) + (below or lines[first:]), maxlen=_KEPT)
        if below is None:
            return None
        whole = first == 0 and rows < height
        new = [row for line in below for row in fold(line, width)]
        # The first rows of a line at the top may have left the window.
        hidden = max(0, rows - height) if below[0] is lines[first] else 0
        if whole:
            return Redrawing(rows, new)
        self._free += max(0, min(rows, height) - len(new) + hidden)
        return Redrawing(top, new[hidden:])


def amended(lines: Iterable[Line], change: Change) -> list[Line] | None:
    """Give the lines with messages changed; None if none of them is."""
    after: list[Line] = []
    found, last = False, None
    for line in lines:
        if line.of is None:
            last = None
            after.append(line)
            continue
        first, last = line.of is not last, line.of
        new = change(line.of)
        if new is None:
            after.append(line)
            continue
        found = True
        if first:
            after += new
    return after if found else None
