"""The colours. One style sheet for dark and for light terminals.

The terminal's background is not known, so every colour has a relative luminance near 0.18:
its contrast is then above 4 to 1 on black and on white alike (WCAG 2.2, definition of
contrast ratio). `NO_COLOR` is honoured by prompt_toolkit, which then draws bold and dim only.
"""

import zlib

from prompt_toolkit.styles import Style

from chat_cli.model import key

NAME_COLOURS = (
    "#d0402f",
    "#b35c00",
    "#8a7000",
    "#5c7f00",
    "#008539",
    "#008080",
    "#007bb8",
    "#4f6fe0",
    "#8a5ce0",
    "#b34fc0",
    "#cc3d8f",
    "#a8604f",
)
_GREEN = "#008539"
_RED = "#d0402f"
_ORANGE = "#b35c00"

STYLE = Style.from_dict(
    {
        "time": "dim",
        "quiet": "dim",
        "plain": "",
        "warning": _ORANGE,
        "announcement": f"{_ORANGE} bold",
        "failed": f"{_RED} bold",
        "mark": _GREEN,
        "number": "bold",
        "place": "bold",
        "mention": "reverse",
        "title": "bold",
        "day": "dim",
        "pending": "dim",
        "action": "italic",
        "toolbar": "reverse",
        "unread": "bold",
        "link-online": "",
        "link-down": "bold",
        "prompt": "bold",
        **{f"name-{n}": f"{colour} bold" for n, colour in enumerate(NAME_COLOURS)},
    }
)


def name_class(name: str) -> str:
    """Give the style of a name: the same in every window and on every day."""
    return f"class:name-{zlib.crc32(key(name).encode('utf-8', 'replace')) % len(NAME_COLOURS)}"
