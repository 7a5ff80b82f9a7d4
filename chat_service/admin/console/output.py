"""What commands have answered: lines that scroll, with the last answer in view. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

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
        # As it was drawn last: where each row comes from.
        self._drawn: list[tuple[int, int]] = []
        self._drawn_top = 0
        self._drawn_height = 0

    def append(self, lines: Iterable[Line]) -> None:
        """Add lines and leave the view where it is."""
        for line in lines:
            self._lines.append(line)
            self._added += 1

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
        end = max(0, len(self._drawn) - self._drawn_height)
        # A key that is held moves on before the next drawing.
        self._drawn_top = min(max(0, self._drawn_top + pages * step), end)
        self._top = None if self._drawn_top == end else self._drawn[self._drawn_top]

    def view(self, width: int, height: int) -> Pane:
        """Return the rows that are in view in a pane of this size."""
        rows: list[Fragments] = []
        places: list[tuple[int, int]] = []
        first = self._added - len(self._lines)
        wanted = None
        for number, line in enumerate(self._lines, first):
            if self._top and number == self._top[0]:
                wanted = len(rows) + self._top[1]
            folded = line.rows(width)
            rows += folded
            places += [(number, row) for row in range(len(folded))]
        end = max(0, len(rows) - height)
        # What has been let go is above: the view stands at the oldest line then.
        top = end if self._top is None else min(0 if wanted is None else wanted, end)
        self._drawn, self._drawn_top, self._drawn_height = places, top, height
        return Pane(rows[top : top + height], top, max(0, len(rows) - top - height))
