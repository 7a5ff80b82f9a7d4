"""How long something holds: as people type it, and as they read it. Pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from chat_cli.model import FOREVER_MS

USAGE = "30s, 10m, 2h, 7d"
"""How durations are typed."""

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WORDS = (("day", 86_400), ("hour", 3600), ("min", 60))
# What may be typed for "for ever", which is also what nothing means.
_FOREVER = ("forever", "ever")


def parse(word: str) -> int | None:
    """Read a duration, in milliseconds; 0 is for ever, None that it is none."""
    if word.lower() in _FOREVER:
        return 0
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", word.lower())
    return int(match[1]) * _UNITS_MS[match[2]] if match else None


def split(argument: str) -> tuple[int, str]:
    """Cut a duration from the beginning of `argument`; without one it is for ever."""
    word, _, rest = argument.partition(" ")
    duration = parse(word)
    return (0, argument.strip()) if duration is None else (duration, rest.strip())


def in_words(seconds: float) -> str:
    """Say how long something lasts, in one unit; large figures are rounded."""
    whole = max(1, round(seconds))
    for word, size in _WORDS:
        if whole >= 5 * size or whole % size == 0:
            count = round(whole / size)
            plural = "s" if count != 1 and word != "min" else ""
            return f"{count} {word}{plural}"
    return f"{whole} s"


def until(until_ms: int, now_ms: int, zone: tzinfo | None) -> str:
    """Say until when something holds; both times are milliseconds since 1970-01-01 UTC."""
    if until_ms >= FOREVER_MS:
        return "for ever"
    try:
        end = datetime.fromtimestamp(until_ms / 1000, UTC).astimezone(zone)
        today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    except (OverflowError, ValueError, OSError):
        # Outside of the calendar.
        return "for ever"
    clock = f"until {end:%H:%M}"
    if end.date() == today:
        return f"{clock} today"
    if end.date() == today + timedelta(days=1):
        return f"{clock} tomorrow"
    year = f" {end:%Y}" if end.year != today.year else ""
    return f"{clock} on {end.day} {end:%B}{year}"
