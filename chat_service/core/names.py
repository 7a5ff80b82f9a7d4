"""What a name, a topic, a text and a client's id may be.

Names are ASCII: look-alike letters are the oldest trick in chat, and tables of
confusable characters miss some of them. Two names are the same when their keys
are equal.
"""

import re
import unicodedata

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_PRINTABLE = re.compile(r"[\x21-\x7e]*\Z")
# Categories of characters that leave no mark on a screen. Not Cn: what this Unicode
# table does not know may be next year's emoji.
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
# Drawn as nothing whatever their category. Source: Unicode's
# Default_Ignorable_Code_Point, and the Braille pattern without dots.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def name_key(name: str) -> str:
    """Return the form under which a valid name is unique: `Bob` and `BOB` are one.

    A name that is not ASCII keeps its form, so that it is never the key of a valid
    one: the Kelvin sign, for one, is a `k` in lower case.
    """
    return name.lower() if name.isascii() else name


def is_name(name: str, longest: int) -> bool:
    """Whether `name` is 1 to `longest` of `A-Za-z0-9_.-`, not starting with `.` or `-`."""
    return len(name) <= longest and _NAME.match(name) is not None


def is_client_id(value: str, longest: int) -> bool:
    """Whether `value` is 1 to `longest` characters of printable ASCII without space."""
    return 0 < len(value) <= longest and _PRINTABLE.match(value) is not None


def is_one_line(text: str) -> bool:
    """Whether `text` holds no control character and no line or paragraph separator.

    Nor half of a surrogate pair, which no encoding can carry.
    """
    return text.isprintable() or not any(
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text
    )


def has_visible(text: str) -> bool:
    """Whether at least one character of `text` leaves a mark on a screen."""
    for char in text:
        if unicodedata.category(char) not in _INVISIBLE and not _BLANK.match(char):
            return True
    return False


def count_lines(text: str) -> int:
    """Return how many lines a reader sees: one more than there are line feeds."""
    return text.count("\n") + 1
