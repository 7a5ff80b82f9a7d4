"""What a name, a topic, a text and a client's id may be.

Names are ASCII: look-alike letters are the oldest trick in chat, and tables of
confusable characters miss some of them. Two names are the same when their keys
are equal.
"""

import re
import unicodedata

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_PRINTABLE = re.compile(r"[\x21-\x7e]*\Z")
# Categories of characters that leave no mark on a screen.
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def name_key(name: str) -> str:
    """Return the form under which a valid name is unique: `Bob` and `BOB` are one."""
    return name.lower()


def is_name(name: str, longest: int) -> bool:
    """Whether `name` is 1 to `longest` of `A-Za-z0-9_.-`, not starting with `.` or `-`."""
    return len(name) <= longest and _NAME.match(name) is not None


def is_client_id(value: str, longest: int) -> bool:
    """Whether `value` is 1 to `longest` characters of printable ASCII without space."""
    return 0 < len(value) <= longest and _PRINTABLE.match(value) is not None


def is_one_line(text: str) -> bool:
    """Whether `text` holds no control character and no line or paragraph separator."""
    return text.isprintable() or not any(
        unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text
    )


def has_visible(text: str) -> bool:
    """Whether at least one character of `text` leaves a mark on a screen."""
    return any(unicodedata.category(char) not in _INVISIBLE for char in text)


def count_lines(text: str) -> int:
    """Return how many lines a reader sees: one more than there are line feeds."""
    return text.count("\n") + 1
