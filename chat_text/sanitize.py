r"""Remote text made safe for a terminal.

A text, a name, a topic or an error sentence may hold anything. What a terminal would obey
(control characters of C0 and C1, DEL) and what nobody would see (bidirectional controls,
zero-width and other ignorable characters) becomes a visible symbol. Nothing is dropped, so
that a reader sees that something odd was there.

The policy on line breaks is the caller's choice: `sanitize` makes one line of everything,
`sanitize_lines` breaks at `\n` and `\r\n` alone.
"""

import re

# Categories Cc, Cf, Cs, Zl and Zp, and the code points that Unicode 16 calls default
# ignorable (DerivedCoreProperties.txt), whatever their category. Noncharacters ride along.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Marks of the blocks that stacked accents ("zalgo") are made of. Real writing needs four.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACK = 6
_SUSPECT = re.compile(f"[{_HIDDEN}]|(?<=[{_MARKS}]{{{_STACK}}})[{_MARKS}]")

_EMOJI_STYLE = "\ufe0f"
_TEXT_STYLE = "\ufe0e"
_JOINER = "\u200d"
_NON_JOINER = "\u200c"
_PICTOGRAMS = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_STYLED = re.compile("[#*0-9\xa9\xae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299"
                     "\U0001f000-\U0001faff]")  # fmt: skip
# Arabic to Sinhala and the South-East Asian scripts, whose spelling needs the joiners.
_JOINING_SCRIPTS = re.compile(
    "[\u0620-\u06dc\u06de-\u070e\u0710-\u088f\u0900-\u0dff\u1000-\u109f\u1780-\u17b3]"
)

TAB_WIDTH = 4
# Quotation marks that nobody types, so that a symbol is not taken for text.
_OPEN, _CLOSE = "\u2039", "\u203a"


def sanitize(text: str) -> str:
    """Make one line of `text` in which every character is harmless and visible.

    Idempotent. The result has no character of the categories Cc, Cs, Zl and Zp; of Cf and
    the variation selectors it keeps only those that shape an emoji or a letter beside them.
    """
    if text.isascii() and text.isprintable():
        # Most of what is said; ten times as quick.
        return text
    return _SUSPECT.sub(_symbol, text)


def sanitize_lines(text: str) -> list[str]:
    """Cut a message into its lines and sanitize each; a tab becomes spaces.

    Empty lines at the end are left out; there is always at least one line.
    """
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return [sanitize(line.replace("\t", " " * TAB_WIDTH)) for line in lines]


def _symbol(match: re.Match[str]) -> str:
    char = match.group()
    if _shapes_neighbours(char, match.string, match.start()):
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"{_OPEN}U+{code:04X}{_CLOSE}"


def _shapes_neighbours(char: str, text: str, place: int) -> bool:
    """Tell whether an invisible character only chooses the look of what stands beside it."""
    before, after = text[:place][-2:], text[place + 1 : place + 2]
    if char in (_EMOJI_STYLE, _TEXT_STYLE):
        return _STYLED.match(before[-1:]) is not None
    if char == _JOINER and _PICTOGRAMS.match(after):
        styled = before[-1:] == _EMOJI_STYLE and _STYLED.match(before[:-1])
        return bool(styled or _PICTOGRAMS.match(before[-1:]))
    if char in (_JOINER, _NON_JOINER):
        return all(_JOINING_SCRIPTS.match(side) for side in (before[-1:], after))
    return False
