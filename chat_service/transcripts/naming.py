"""What files are called. Pure.

    lobby.log                            the present file of the room `lobby`
    lobby@2026-11-20T13-50-48.123Z.log   one that was full, or too old, at that time
    lobby@2026-11-20T13-50-48.124Z.log   the next one, even if it was so in the same millisecond

A name of a room that is not a plain name of a file is percent-encoded: `../x` is `%2E.%2Fx`.
As `@` never stands in it, a file that was set aside is never that of another room. Names
that differ in case alone are one room, so the files are apart where case does not count.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

_SUFFIX = ".log"
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]")


def file_name(room_name: str) -> str:
    """Return the name of a room's present file."""
    encoded = "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) else f"%{byte:02X}"
        for byte in room_name.encode("utf-8", "surrogatepass")
    )
    # No hidden file, and none that begins like an option.
    if encoded[:1] in (".", "-"):
        encoded = f"%{ord(encoded[0]):02X}{encoded[1:]}"
    return encoded + _SUFFIX


def aside_name(file: str, time_ms: int, is_taken: Callable[[str], bool]) -> str:
    """Return what a file is called from a time on, when a new one takes its place."""
    stem, suffix = _parted(file)
    # A later millisecond and no number: by their names, files are in the order of their text.
    while is_taken(name := f"{stem}@{_moment(time_ms)}{suffix}"):
        time_ms += 1
    return name


def set_aside(file: str, names: Iterable[str]) -> list[str]:
    """Return those of the names that `aside_name` gave for a file, oldest first."""
    stem, suffix = _parted(file)
    fits = re.compile(
        rf"{re.escape(stem)}@\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{{3}}Z{re.escape(suffix)}"
    )
    return sorted(filter(fits.fullmatch, names))


def _moment(time_ms: int) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H-%M-%S}.{ms:03d}Z"


def _parted(file: str) -> tuple[str, str]:
    stem, dot, suffix = file.rpartition(".")
    return stem, dot + suffix
