"""The configuration file: TOML, read strictly.

    [retention]                   # of every room; what is absent is not bounded
    max_age = "30d"
    max_messages = 100_000
    [retention.direct]            # of direct messages, in place of the above
    [retention.rooms.builds]      # of one room, in place of the above
    max_age = "12h"
    [disk]
    reserve = "64M"               # what posts leave free of it

A key that is not known, or a value that cannot be used, is answered with one line that
names the file and the key: a slip must not pass as "keep everything", or as its contrary.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_service.config import ConfigError, size_in_bytes
from chat_service.core.limits import Limits
from chat_service.core.names import is_name, name_key
from chat_service.retention import KEEP_ALL, Keep, Retention

# Rooms with bounds of their own: an instance is told of all of them in one argument of
# its command, which Linux bounds at 128 KiB.
MAX_ROOMS = 500

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGE = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)

# Any: a value of TOML, which is looked at before it is used.
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says; the defaults where it says nothing."""

    retention: Retention = KEEP_ALL
    # Bytes; None: the usual reserve.
    disk_reserve: int | None = None


class _BadValueError(Exception):
    """A key of the file cannot be used: the key, and why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")


def read_settings(path: Path) -> Settings:
    """Read a configuration file. Raises ConfigError with one line that names file and key."""
    try:
        with path.open("rb") as file:
            return _settings(tomllib.load(file))
    except OSError as error:
        told = error.strerror or type(error).__name__
    except (ValueError, RecursionError) as error:
        told = f"not TOML: {error}"
    except _BadValueError as error:
        told = str(error)
    # What is quoted from the file is kept to a line that a terminal can show.
    line = "".join(char if char.isprintable() else " " for char in f"{path}: {told}")
    raise ConfigError(f"--config {line}")


def _settings(file: Table) -> Settings:
    _check_keys("", file, ("retention", "disk"))
    return Settings(
        _retention(_table("retention", file.get("retention", {}))),
        _disk_reserve(_table("disk", file.get("disk", {}))),
    )


def _disk_reserve(table: Table) -> int | None:
    _check_keys("disk.", table, ("reserve",))
    if "reserve" not in table:
        return None
    value = table["reserve"]
    try:
        return size_in_bytes(value if isinstance(value, str) else repr(value))
    except ConfigError:
        raise _BadValueError("disk.reserve", 'not a size such as "64M", "1G" or "0"') from None


def _retention(table: Table) -> Retention:
    _check_keys("retention.", table, ("max_age", "max_messages", "direct", "rooms"))
    rooms: dict[str, Keep] = {}
    named = _table("retention.rooms", table.get("rooms", {}))
    if len(named) > MAX_ROOMS:
        raise _BadValueError("retention.rooms", f"at most {MAX_ROOMS} rooms")
    for name, found in named.items():
        key = f"retention.rooms.{name}"
        if not is_name(name, Limits().room_name_bytes):
            raise _BadValueError(key, "no room can have this name")
        if name_key(name) in rooms:
            raise _BadValueError(key, "this room is named twice, in different case")
        rooms[name_key(name)] = _bounds(f"{key}.", _table(key, found))
    direct = None
    if "direct" in table:
        direct = _bounds("retention.direct.", _table("retention.direct", table["direct"]))
    own = {name: table[name] for name in ("max_age", "max_messages") if name in table}
    return Retention(_bounds("retention.", own), direct, tuple(rooms.items()))


def _bounds(where: str, table: Table) -> Keep:
    _check_keys(where, table, ("max_age", "max_messages"))
    max_age_ms = max_messages = None
    if "max_age" in table:
        max_age_ms = _age_ms(f"{where}max_age", table["max_age"])
    if "max_messages" in table:
        max_messages = table["max_messages"]
        if type(max_messages) is not int or max_messages < 1:
            raise _BadValueError(f"{where}max_messages", "not a whole number from 1")
    return Keep(max_age_ms, max_messages)


def _age_ms(key: str, value: object) -> int:
    found = _AGE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise _BadValueError(key, 'not an age such as "30d", "12h", "90m" or "45s"')
    return int(found[1]) * _UNITS_MS[found[2]]


def _table(key: str, value: object) -> Table:
    if not isinstance(value, dict):
        raise _BadValueError(key, "not a table")
    return value


def _check_keys(where: str, table: Table, known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise _BadValueError(f"{where}{key}", f"not known here; known: {', '.join(known)}")
