"""What commands have answered: lines that scroll, with the last answer in view. Pure."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from chat_service.admin.console.lines import Fragments, Line

MAX_LINES = 5_000
"""Lines that are kept. The oldest go first: a log that is followed for days stays small."""


@dataclass(frozen=True, slots=True)
class Pane:
    """What is in view, and how many rows are above and below it."""

    rows: list[Fragments]
    above: int
    below: int


class Output:
    """Lines, and which of them are in view.

    An answer is shown from its first line on, and what follows it fills the rows below;
    `page` moves from there. At the end the view moves with what is added.
    """

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=MAX_LINES)
        # Lines that were ever added: the number of the next one.
        self._added = 0
        # Where the view begins, if there is a screenful below: the number of a line and a row
        # of it. None: the view ends where the lines end.
        self._top: tuple[int, int] | None = None
        # The lines folded to this width, and of each row the number of its line and its place
        # in that; lines from `_unfolded` on are not there yet.
        self._width = 0
        self._rows: list[Fragments] = []
        self._places: list[tuple[int, int]] = []
        self._unfolded = 0
        # The row that the view began with when it was drawn last, and its height.
        self._drawn_top = 0
        self._drawn_height = 0

    def append(self, lines: Iterable[Line]) -> None:
        """Add lines and leave the view where it is."""
        for line in lines:
            self._lines.append(line)
            self._added += 1

    def replace(self, text: str, line: Line) -> bool:
        """Put a line in the place of the last one that says `text`; return whether there is one."""
        for place in range(len(self._lines) - 1, -1, -1):
            if self._lines[place].text == text:
                self._lines[place] = line
                # All are folded anew: it may take more rows, or fewer.
                self._width = 0
                return True
        return False

    def answer(self, lines: Iterable[Line]) -> None:
        """Add lines, the first of which comes into view."""
        self._top = (self._added, 0)
        self.append(lines)

    def to_end(self) -> None:
        """Show the last lines, and those that are added."""
        self._top = None

    def page(self, pages: int) -> None:
        """Move the view by so many screens, as it was drawn last: -1 is up, 1 down."""
        step = max(1, self._drawn_height - 1)
        end = max(0, len(self._rows) - self._drawn_height)
        # A key that is held moves on before the next drawing.
        self._drawn_top = min(max(0, self._drawn_top + pages * step), end)
        self._top = None if self._drawn_top == end else self._places[self._drawn_top]

    def view(self, width: int, height: int) -> Pane:
        """Return the rows that are in view in a pane of this size."""
        self._fold(width)
        end = max(0, len(self._rows) - height)
        # Where what it stood at has been let go, the view stands at the oldest row.
        top = end if self._top is None else min(bisect_left(self._places, self._top), end)
        self._drawn_top, self._drawn_height = top, height
        return Pane(self._rows[top : top + height], top, max(0, len(self._rows) - top - height))

    def _fold(self, width: int) -> None:
        """Fold what is new; everything, if the width is."""
        oldest = self._added - len(self._lines)
        if width != self._width:
            self._width, self._rows, self._places, self._unfolded = width, [], [], oldest
        gone = bisect_left(self._places, (oldest, 0))
        del self._rows[:gone], self._places[:gone]
        first = max(self._unfolded, oldest)
        for number, line in enumerate(islice(self._lines, first - oldest, None), first):
            folded = line.rows(width)
            self._rows += folded
            self._places += [(number, row) for row in range(len(folded))]
        self._unfolded = self._added
