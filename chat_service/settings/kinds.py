"""What the value of a setting may be; sizes and times are in `measures`. Pure.

Each kind reads text (of a flag or the environment) and a value of TOML, and writes what
it would read. Raises BadValueError, whose text says what would be right.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chat_service.core.names import is_name, name_key

Value = bool | int | float | str | Path | tuple[str, ...] | None
"""None: the setting has no value, and what that means stands in the table."""

MAX_NAMES = 500
"""An instance is told in one argument of its command, which Linux bounds at 128 KiB."""

MAX_HOSTS = 50
"""More names than anybody gives one machine."""

# Labels of RFC 1123, of which the first may be a star: 63 letters each, 253 in all.
_HOST = re.compile(
    r"(?=.{1,253}$)(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


class BadValueError(ValueError):
    """A value cannot be used. The text says what would be right, as `not a whole number`."""


class Kind(Protocol):
    """One kind of value."""

    @property
    def words(self) -> str:
        """What a value is, as `a whole number from 1 to 9`."""
        ...

    def parse(self, text: str) -> Value:
        """Read what stands behind a flag or in the environment. Raises BadValueError."""
        ...

    def take(self, value: object) -> Value:
        """Read a value of TOML. Raises BadValueError."""
        ...

    def write(self, value: Value) -> str:
        """Return the value as TOML."""
        ...


class Plain:
    """A kind whose text is that of its TOML value."""

    @property
    def words(self) -> str:
        """What a value is."""
        raise NotImplementedError

    def refused(self) -> BadValueError:
        """Return what to raise for anything else."""
        return BadValueError(f"not {self.words}")

    def parse(self, text: str) -> Value:
        """Read it as TOML's text."""
        return self.take(text)

    def take(self, value: object) -> Value:
        """Read a value of TOML."""
        raise NotImplementedError

    def write(self, value: Value) -> str:
        """Return it as TOML's text."""
        return quoted(str(value))


@dataclass(frozen=True, slots=True)
class Count(Plain):
    """A whole number."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """Both bounds."""
        return f"a whole number from {self.low} to {self.high}"

    def parse(self, text: str) -> Value:
        """Read decimal digits."""
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            raise self.refused()
        return self.take(int(text))

    def take(self, value: object) -> Value:
        """Read a whole number."""
        if type(value) is not int or not self.low <= value <= self.high:
            raise self.refused()
        return value

    def write(self, value: Value) -> str:
        """Return digits."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Number(Plain):
    """A number, whole or not."""

    low: float
    high: float

    @property
    def words(self) -> str:
        """Both bounds."""
        return f"a number from {self.low:g} to {self.high:g}"

    def parse(self, text: str) -> Value:
        """Read decimal digits, maybe with a point."""
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
            raise self.refused()
        return self.take(float(text))

    def take(self, value: object) -> Value:
        """Read a number."""
        if type(value) not in (int, float) or not self.low <= value <= self.high:  # type: ignore[operator] # one of the two
            raise self.refused()
        return float(value)  # type: ignore[arg-type] # as above

    def write(self, value: Value) -> str:
        """Return it exactly."""
        return repr(value)


@dataclass(frozen=True, slots=True)
class Choice(Plain):
    """One of a few words, in any case."""

    options: tuple[str, ...]

    @property
    def words(self) -> str:
        """All of them."""
        return f"one of {', '.join(self.options)}"

    def take(self, value: object) -> Value:
        """Read a word."""
        if not isinstance(value, str) or value.lower() not in self.options:
            raise self.refused()
        return value.lower()


@dataclass(frozen=True, slots=True)
class Switch(Plain):
    """On or off."""

    @property
    def words(self) -> str:
        """Both."""
        return "true or false"

    def parse(self, text: str) -> Value:
        """Read the words of TOML, in any case."""
        if text.lower() not in ("true", "false"):
            raise self.refused()
        return text.lower() == "true"

    def take(self, value: object) -> Value:
        """Read a truth."""
        if not isinstance(value, bool):
            raise self.refused()
        return value

    def write(self, value: Value) -> str:
        """Return the word of TOML."""
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class Directory(Plain):
    """Where a directory is, or will be."""

    @property
    def words(self) -> str:
        """A path that can be written down."""
        return "the path of a directory, in UTF-8"

    def take(self, value: object) -> Value:
        """Read a path."""
        if not isinstance(value, str) or not value or "\0" in value or not _is_text(value):
            raise self.refused()
        return Path(value)


@dataclass(frozen=True, slots=True)
class File(Directory):
    """Where a file is."""

    @property
    def words(self) -> str:
        """A path that can be written down."""
        return "the path of a file, in UTF-8"


@dataclass(frozen=True, slots=True)
class Address(Plain):
    """An IP address. A name that stands for two addresses could be half taken."""

    @property
    def words(self) -> str:
        """What else it may be, too."""
        return "an IP address or localhost"

    def take(self, value: object) -> Value:
        """Read an address, also in brackets; localhost is 127.0.0.1."""
        if not isinstance(value, str) or "%" in value:
            raise self.refused()
        if value.lower() == "localhost":
            return "127.0.0.1"
        try:
            return str(ipaddress.ip_address(value.removeprefix("[").removesuffix("]")))
        except ValueError:
            raise self.refused() from None


@dataclass(frozen=True, slots=True)
class Names(Plain):
    """Names of users, in the form under which they are unique."""

    longest: int

    @property
    def words(self) -> str:
        """How many and what."""
        return f"a list of at most {MAX_NAMES} names"

    def parse(self, text: str) -> Value:
        """Read names with commas between; no text is no name."""
        if text.lstrip().startswith("["):
            raise BadValueError(f"{self.refused()}: here with commas alone, as ann,bob")
        return self.take([name.strip() for name in text.split(",")] if text.strip() else [])

    def take(self, value: object) -> Value:
        """Read a list of texts."""
        if isinstance(value, str):
            raise BadValueError(f'{self.refused()}: in a file as ["ann", "bob"]')
        if not isinstance(value, list) or len(value) > MAX_NAMES:
            raise self.refused()
        for name in value:
            if not isinstance(name, str) or not is_name(name, self.longest):
                raise BadValueError(f"{self.refused()}: nobody can have the name {name!r:.40}")
        return tuple(dict.fromkeys(map(name_key, value)))

    def write(self, value: Value) -> str:
        """Return a list."""
        assert isinstance(value, tuple)
        return f"[{', '.join(map(quoted, value))}]"


@dataclass(frozen=True, slots=True)
class Hosts(Plain):
    """Names of machines, and IP addresses."""

    @property
    def words(self) -> str:
        """How many and what."""
        return f"a list of at most {MAX_HOSTS} host names and IP addresses"

    def parse(self, text: str) -> Value:
        """Read names with commas between; no text is no name."""
        return self.take([name.strip() for name in text.split(",")] if text.strip() else [])

    def take(self, value: object) -> Value:
        """Read a list of texts."""
        if not isinstance(value, list) or len(value) > MAX_HOSTS:
            raise self.refused()
        for name in value:
            if not isinstance(name, str) or not (_is_address(name) or _HOST.fullmatch(name)):
                raise BadValueError(f"{self.refused()}: {name!r:.40} is neither")
        return tuple(dict.fromkeys(name.lower() for name in value))

    def write(self, value: Value) -> str:
        """Return a list."""
        assert isinstance(value, tuple)
        return f"[{', '.join(map(quoted, value))}]"


def quoted(text: str) -> str:
    """Return a text as TOML's basic string."""
    inner = (
        _ESCAPES.get(char) or (f"\\u{ord(char):04x}" if char < " " or char == "\x7f" else char)
        for char in text
    )
    return f'"{"".join(inner)}"'


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
