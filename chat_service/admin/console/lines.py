"""Styled lines, measured in columns of a terminal. Pure."""

from collections.abc import Iterable, Sequence

from prompt_toolkit.utils import get_cwidth

Fragments = list[tuple[str, str]]
"""Style and text of each piece, as prompt_toolkit takes them."""


class Line:
    """A line of an answer, which is folded where the terminal is narrower.

    Its later rows are indented by `indent` columns, unless that is more than a third of the
    width.
    """

    __slots__ = ("fragments", "indent", "width")

    def __init__(self, *pieces: str | tuple[str, str], indent: int = 2) -> None:
        self.fragments: Fragments = [("", p) if isinstance(p, str) else p for p in pieces]
        self.indent = indent
        self.width = width_of(self.fragments)

    def rows(self, width: int) -> list[Fragments]:
        """Return the rows that it takes, each at most `width` columns wide."""
        if self.width <= width:
            return [self.fragments]
        return _fold(self.fragments, width, self.indent)

    @property
    def text(self) -> str:
        """What it says, without styles."""
        return "".join(text for _, text in self.fragments)


def width_of(fragments: Iterable[tuple[str, str]]) -> int:
    """Count the columns."""
    return sum(get_cwidth(text) for _, text in fragments)


def cut(fragments: Fragments, width: int) -> Fragments:
    """Shorten to at most `width` columns; `…` stands for what is left out."""
    if width_of(fragments) <= width:
        return fragments
    kept: Fragments = []
    left = width - 1
    for style, text in fragments:
        part = _beginning(text, left)
        kept.append((style, part))
        left -= get_cwidth(part)
        if part != text:
            kept.append((style, "…"))
            break
    return kept if width > 0 else []


def pad(text: str, width: int, right: bool = False) -> str:
    """Fill a text with blanks, or shorten it, to exactly `width` columns."""
    shown = "".join(part for _, part in cut([("", text)], width))
    blanks = " " * (width - get_cwidth(shown))
    return blanks + shown if right else shown + blanks


def aligned(
    titles: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()
) -> list[Line]:
    """Lay out a list in columns, as wide as what stands in them.

    `right` are the columns of numbers. The last column is not filled.
    """
    to_right = set(right)
    widths = [
        max(get_cwidth(row[place]) for row in (titles, *rows)) for place in range(len(titles))
    ]

    def laid(row: Sequence[str]) -> str:
        cells = [pad(text, widths[n], n in to_right) for n, text in enumerate(row)]
        return "  ".join(cells).rstrip()

    return [Line(("class:header", laid(titles))), *(Line(laid(row)) for row in rows)]


def _beginning(text: str, width: int) -> str:
    used = 0
    for place, char in enumerate(text):
        used += get_cwidth(char)
        if used > width:
            return text[:place]
    return text


def _fold(fragments: Fragments, width: int, indent: int) -> list[Fragments]:
    """Break at blanks where there are any, else wherever the row is full."""
    cells = [(style, char) for style, text in fragments for char in text]
    # A wide character needs two columns, whatever there is.
    width = max(2, width)
    margin = indent if indent * 3 <= width else 0
    rows: list[Fragments] = []
    start = 0
    while start < len(cells):
        room = width - (margin if rows else 0)
        end, blank, used = start, 0, 0
        while end < len(cells) and used + get_cwidth(cells[end][1]) <= room:
            used += get_cwidth(cells[end][1])
            blank = end if cells[end][1] == " " and end > start else blank
            end += 1
        if end < len(cells) and cells[end][1] != " " and blank:
            end = blank
        row: Fragments = [("", " " * margin)] if rows and margin else []
        rows.append(row + _joined(cells[start:end]))
        start = end
        while start < len(cells) and cells[start][1] == " ":
            start += 1
    return rows


def _joined(cells: Fragments) -> Fragments:
    joined: Fragments = []
    for style, char in cells:
        if joined and joined[-1][0] == style:
            joined[-1] = (style, joined[-1][1] + char)
        else:
            joined.append((style, char))
    return joined
