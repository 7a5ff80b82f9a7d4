"""Lines folded to the width of a terminal, with wide characters counted as they are drawn."""

from prompt_toolkit.utils import get_cwidth

from chat_cli.render import Fragments, Line

# More than the lines of a table begin with, so that their rows can still be told apart.
_NARROW = 8


def fold(line: Line, width: int) -> list[Fragments]:
    """Break a line so that each part fits into `width` columns, the later ones indented.

    It breaks at spaces and between wide characters, which are written without spaces. A word
    that is wider than a whole line, such as an address, stays whole on a part of its own: the
    terminal wraps it, and it can still be copied in one piece. Of an indent of more than half
    the width, as of the last column of a wide table, `_NARROW` columns are left, or none.
    """
    if sum(get_cwidth(text) for _, text in line.fragments) <= width:
        return [line.fragments]
    indent = line.indent
    if indent * 2 > width:
        indent = _NARROW if width >= _NARROW * 2 and indent > _NARROW else 0
    parts: list[Fragments] = [[]]
    used, empty = 0, True
    for word in _words(line.fragments):
        size = sum(get_cwidth(text) for _, text in word)
        blank = [text for _, text in word] == [" "]
        if used + size > width and not empty:
            fits = indent + size <= width
            parts.append([("", " " * indent)] if indent and fits else [])
            used, empty = indent if fits else 0, True
            if blank:
                continue
        for style, text in word:
            _append(parts[-1], style, text)
        used, empty = used + size, False
    return parts


def _words(fragments: Fragments) -> list[Fragments]:
    """Cut into single blanks, single wide characters, and runs of others, whatever the styles."""
    words: list[Fragments] = []
    joins = False
    for style, text in fragments:
        for char in text:
            alone = char == " " or get_cwidth(char) > 1
            # What has no width of its own belongs to the character before it.
            if not words or (get_cwidth(char) and (alone or not joins)):
                words.append([])
            joins = not alone
            _append(words[-1], style, char)
    return words


def _append(fragments: Fragments, style: str, text: str) -> None:
    if fragments and fragments[-1][0] == style:
        fragments[-1] = (style, fragments[-1][1] + text)
    else:
        fragments.append((style, text))
