"""Figures as a person reads them: short, with their unit. Pure."""

_SECOND = 1000
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def duration(ms: int) -> str:
    """Write a time of at least 0 ms in at most six characters: 45s, 12m05s, 2h05m, 3d04h, 120d."""
    seconds = max(0, ms) // _SECOND
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE:02}s"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h{seconds % _HOUR // _MINUTE:02}m"
    if seconds < 100 * _DAY:
        return f"{seconds // _DAY}d{seconds % _DAY // _HOUR:02}h"
    return f"{seconds // _DAY}d"


def rate(value: float) -> str:
    """Write how many a second in at most five characters: 0, 0.2, 48, 9999, 12.3k, 1.2M."""
    # Anything that happened at all is not nothing.
    if 0 < value < 0.1:
        return "<0.1"
    if value < 9.95:
        return f"{value:.1f}".removesuffix(".0")
    if value < 9_999.5:
        return f"{value:.0f}"
    for scale, letter in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if value < 99.95 * scale:
            return f"{value / scale:.1f}{letter}"
        if value < 999.5 * scale:
            return f"{value / scale:.0f}{letter}"
    return "many"


def percent(value: float) -> str:
    """Write a share, 1.0 being 100%, in at most five characters."""
    hundredths = value * 100
    return f"{hundredths:.1f}%" if 0 < hundredths < 9.95 else f"{hundredths:.0f}%"


def size(octets: float) -> str:
    """Write a number of bytes in at most seven characters: 512 B, 49 MiB, 1.2 GiB."""
    value, unit = float(octets), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 999.5:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things: 1 user, 2 users."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
