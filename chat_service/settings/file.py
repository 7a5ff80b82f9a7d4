"""The configuration file: TOML, read strictly.

    port = 7000
    [limits]
    text_bytes = "8K"
    [retention]                   # of every room; what is absent is not bounded
    max_age = "30d"
    [retention.direct]            # of direct messages, in place of the above
    [retention.rooms.builds]      # of one room, in place of the above
    max_messages = 100_000

A slip must not pass as "keep everything", or as its contrary: whatever is not known, or
cannot be used, is told with its line, all of it at once.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from chat_service.config import ConfigError
from chat_service.core.limits import Limits
from chat_service.core.names import is_name, name_key
from chat_service.retention import Keep
from chat_service.settings.kinds import BadValueError, Value
from chat_service.settings.lines import lines_of
from chat_service.settings.table import AGE, MESSAGES, SETTINGS

MAX_ROOMS = 500
"""Rooms with bounds of their own: an instance is told of all of them in one argument of its
command, which Linux bounds at 128 KiB."""

ROOMS = "retention.rooms"
DIRECT = "retention.direct"

_TABLES = {key.rpartition(".")[0] for key in SETTINGS} - {""} | {ROOMS}
_AT_LINE = re.compile(r"(.*) \(at line ([0-9]+), column [0-9]+\)", re.DOTALL)
_AT_END = " (at end of document)"
_DIGITS = re.compile(r"[0-9][0-9_]{4299}")


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where it comes from, as `/etc/chat.toml:3`."""

    value: Value
    origin: str


@dataclass(slots=True)
class Found:
    """What a file says, and what is wrong with it."""

    # By key of the table of settings.
    values: dict[str, Given] = field(default_factory=dict)
    # Whether direct messages have a table of their own, be it empty.
    has_direct: bool = False
    # Rooms with a table of their own, by the key of the name, and where it stands.
    rooms: dict[str, tuple[Keep, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_file(path: Path, called: str) -> Found:
    """Read a file; `called` is how a person asked for it.

    Raises ConfigError where it cannot be read or is not TOML; all else is in `problems`.
    """
    try:
        text = path.read_bytes().decode().replace("\r\n", "\n")
        return _Reading(str(path), text, tomllib.loads(text)).found
    except OSError as error:
        raise ConfigError(f"{called} {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not TOML: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.fullmatch(str(error))
        line = at[2] if at else text.count("\n") + 1
        why = at[1] if at else str(error).removesuffix(_AT_END)
        raise ConfigError(f"{path}:{line}: not TOML: {why}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML: nested too deeply") from None
    except ValueError:
        # Python reads no number of thousands of digits, and says so in words of its own.
        digits = _DIGITS.search(text)
        line = text.count("\n", 0, digits.start() if digits else None) + 1
        raise ConfigError(f"{path}:{line}: not TOML: a number of too many digits") from None


def near(name: str, known: Iterator[str] | list[str]) -> str:
    """Return what to say of a name that is not known: the nearest one, if there is one."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"not known here; did you mean {found[0]}?" if found else "not known here"


class _Reading:
    """One walk over a file."""

    # Any: a value of TOML, which is looked at before it is used.
    def __init__(self, path: str, text: str, table: dict[str, Any]) -> None:
        self._path = path
        self._lines = lines_of(text)
        self.found = Found()
        self._walk((), table)

    def _origin(self, *key: str) -> str:
        return f"{self._path}:{self._lines[key]}"

    def _problem(self, why: str, *key: str) -> None:
        self.found.problems.append(f"{self._origin(*key)}: {'.'.join(key)}: {why}")

    def _walk(self, above: tuple[str, ...], table: dict[str, Any]) -> None:
        for name, value in table.items():
            key = (*above, name)
            dotted = ".".join(key)
            if dotted in SETTINGS and not any("." in part for part in key):
                try:
                    given = Given(SETTINGS[dotted].kind.take(value), self._origin(*key))
                except BadValueError as error:
                    self._problem(str(error), *key)
                else:
                    self.found.values[dotted] = given
            elif dotted not in _TABLES:
                self._problem(near(dotted, [*SETTINGS, *_TABLES]), *key)
            elif not isinstance(value, dict):
                self._problem("not a table", *key)
            elif dotted == ROOMS:
                self._rooms(key, value)
            else:
                self.found.has_direct |= dotted == DIRECT
                self._walk(key, value)

    def _rooms(self, above: tuple[str, ...], table: dict[str, Any]) -> None:
        if len(table) > MAX_ROOMS:
            self._problem(f"at most {MAX_ROOMS} rooms", *above)
            return
        for name, bounds in table.items():
            if not is_name(name, Limits().room_name_bytes):
                self._problem("no room can have this name", *above, name)
            elif name_key(name) in self.found.rooms:
                self._problem("this room is named twice, in different case", *above, name)
            elif not isinstance(bounds, dict):
                self._problem("not a table", *above, name)
            else:
                keep = self._bounds((*above, name), bounds)
                self.found.rooms[name_key(name)] = (keep, self._origin(*above, name))

    def _bounds(self, above: tuple[str, ...], table: dict[str, Any]) -> Keep:
        kinds = {"max_age": AGE, "max_messages": MESSAGES}
        fields = {"max_age": "max_age_ms", "max_messages": "max_messages"}
        bounds: dict[str, Any] = {}
        for name, value in table.items():
            if name not in kinds:
                self._problem(near(name, list(kinds)), *above, name)
                continue
            try:
                bounds[fields[name]] = kinds[name].take(value)
            except BadValueError as error:
                self._problem(str(error), *above, name)
        return Keep(**bounds)
