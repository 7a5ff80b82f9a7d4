"""What happened in a room, as lines of plain text. Pure.

    2026-11-20T13:50:48Z <alice> hello
                         and a second line
    2026-11-20T13:50:49Z * alice waves
    2026-11-20T13:50:52Z -- alice set the topic: lunch
    2026-11-20T13:50:52Z -- alice deleted a message of bob: off topic
    2026-11-20T13:50:53Z -> bob joined
    2026-11-20T13:50:55Z <- bob left
    -------------------- events 7 to 9 are no longer kept

Each entry begins with its time, in UTC, or with dashes where it has none; its further lines
begin with blanks as wide as a time. What people wrote stands behind one or the other, so no
text can pass for an entry. Everything is sanitized. Functions return lines without ends.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from chat_text.sanitize import sanitize, sanitize_lines

# As wide as "2026-11-20T13:50:48Z".
_WIDTH = 20
INDENT = " " * (_WIDTH + 1)
"""What further lines of an entry begin with."""

NO_TIME = "-" * _WIDTH + " "
"""What an entry begins with that has no time."""


def said(time_ms: int, name: str, text: str, action: bool = False) -> list[str]:
    """Give a message; of an action, the name is part of the sentence."""
    who = f"* {sanitize(name)}" if action else f"<{sanitize(name)}>"
    first, *more = sanitize_lines(text)
    return [f"{_time(time_ms)}{who} {first}", *(INDENT + line for line in more)]


def topic(time_ms: int, name: str, topic: str) -> list[str]:
    """Give a change of the topic; an empty one removes it."""
    what = f"set the topic: {sanitize(topic)}" if topic else "removed the topic"
    return [f"{_time(time_ms)}-- {sanitize(name)} {what}"]


def tombstone(time_ms: int, name: str) -> list[str]:
    """Stand where a message of somebody was deleted."""
    return _noted(time_ms, f"a message of {name} was deleted")


def deleted(time_ms: int, name: str, whose: str, reason: str) -> list[str]:
    """Tell that somebody deleted a message."""
    return _noted(time_ms, _because(f"{name} deleted a message of {whose}", reason))


def role(time_ms: int, name: str, whose: str, role: str) -> list[str]:
    """Tell of a new role; without a name nobody gave it."""
    return _noted(time_ms, f"{whose} is {role} now" + (f", by {name}" if name else ""))


def removed(time_ms: int, name: str, whom: str, banned: bool, reason: str) -> list[str]:
    """Tell that somebody removed a member."""
    verb = "banned" if banned else "removed"
    return _noted(time_ms, _because(f"{name} {verb} {whom}", reason))


def changed(time_ms: int, name: str, what: Iterable[str]) -> list[str]:
    """Tell which properties of the room somebody changed."""
    return _noted(time_ms, f"{name} changed the room: {', '.join(what)}")


def _noted(time_ms: int, what: str) -> list[str]:
    return [f"{_time(time_ms)}-- {sanitize(what)}"]


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what


def joined(time_ms: int, name: str) -> list[str]:
    """Tell that somebody became a member."""
    return [f"{_time(time_ms)}-> {sanitize(name)} joined"]


def left(time_ms: int, name: str) -> list[str]:
    """Tell that somebody is no longer a member."""
    return [f"{_time(time_ms)}<- {sanitize(name)} left"]


def missing(first: int, last: int) -> list[str]:
    """Tell which events, by their seqs, were let go of before they could be written here."""
    if first == last:
        return [f"{NO_TIME}event {first} is no longer kept"]
    return [f"{NO_TIME}events {first} to {last} are no longer kept"]


def unwritten(comings: int) -> list[str]:
    """Tell how many joins and leaves could not be written here."""
    if comings == 1:
        return [f"{NO_TIME}one join or leave is missing"]
    return [f"{NO_TIME}{comings} joins and leaves are missing"]


def _time(time_ms: int) -> str:
    return _second(time_ms // 1000)


# Much is said within one second.
@lru_cache(maxsize=1)
def _second(time_s: int) -> str:
    try:
        moment = datetime.fromtimestamp(time_s, UTC)
    except (OverflowError, ValueError, OSError):
        # Outside of the calendar, which only a bug can send.
        moment = datetime.fromtimestamp(0, UTC)
    return f"{moment.isoformat(timespec='seconds').removesuffix('+00:00')}Z "
