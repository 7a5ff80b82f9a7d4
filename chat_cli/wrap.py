"""Lines folded to the width of a terminal, with wide characters counted as they are drawn."""

from prompt_toolkit.utils import get_cwidth

from chat_cli.render import Fragments, Line


def fold(line: Line, width: int) -> list[Fragments]:
    """Break a line at spaces so that each part fits, the later ones indented.

    A word that is wider than a whole line is cut where the terminal would cut it. An indent
    of more than half the width is not worth it and is left out.
    """
    if sum(get_cwidth(text) for _, text in line.fragments) <= width:
        return [line.fragments]
    indent = line.indent if line.indent * 2 <= width else 0
    parts: list[Fragments] = [[]]
    used = 0
    for word in _words(line.fragments):
        size = sum(get_cwidth(text) for _, text in word)
        blank = all(text == " " for _, text in word)
        if used + size > width and used > indent:
            parts.append([("", " " * indent)] if indent else [])
            used = indent
            if blank:
                continue
        for style, text in word:
            for char in text:
                size = get_cwidth(char)
                if used + size > width:
                    parts.append([("", " " * indent)] if indent else [])
                    used = indent
                _append(parts[-1], style, char)
                used += size
    return parts


def _words(fragments: Fragments) -> list[Fragments]:
    """Cut into runs of blanks and runs of other characters, whatever the styles."""
    words: list[Fragments] = []
    was_blank: bool | None = None
    for style, text in fragments:
        for char in text:
            if (char == " ") is not was_blank or char == " ":
                words.append([])
            was_blank = char == " "
            _append(words[-1], style, char)
    return words


def _append(fragments: Fragments, style: str, char: str) -> None:
    if fragments and fragments[-1][0] == style:
        fragments[-1] = (style, fragments[-1][1] + char)
    else:
        fragments.append((style, char))
