"""What the table knows of one setting."""

from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import platformdirs

from chat_service.config import LaunchConfig, Transcripts
from chat_service.settings.kinds import Kind, Value

PREFIX = "CHAT_SERVER_"
CONFIG_NAME = f"{PREFIX}CONFIG"
"""The environment's name for --config."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table."""

    # As in the file: `limits.text_bytes` is `text_bytes` of the table `[limits]`.
    key: str
    kind: Kind
    # Where it goes in a LaunchConfig.
    field: str
    # One sentence, without its full stop.
    help: str
    # With hyphens; that of a Switch is for the contrary of the default.
    flag: str = ""
    # What --help says of it, where that is not `help`.
    flag_help: str = ""
    # Whether a reload applies it to servers that run.
    live: bool = False
    # What it means to have no value, where that can be.
    unset: str = ""
    # What is told of the default, where that is not the value itself.
    default_words: str = ""

    @property
    def environment(self) -> str:
        """The name of the environment's variable."""
        return PREFIX + self.key.replace(".", "_").upper()

    @property
    def default(self) -> Value:
        """The value where nobody gave one."""
        return self.of(defaults())

    def of(self, config: LaunchConfig) -> Value:
        """Return the value that a configuration has."""
        value: Value = _field(config, self.field)
        return value


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one table of the file; the first has no name."""

    name: str
    about: str
    settings: tuple[Setting, ...]


@cache
def defaults() -> LaunchConfig:
    """Return what is done where nobody asked for anything."""
    directory = platformdirs.user_data_path("durable-chat", appauthor=False)
    return LaunchConfig("127.0.0.1", 50051, 1, directory)


# Any: fields of several dataclasses by name.
def _field(config: LaunchConfig, path: str) -> Any:
    first, *rest = path.split(".")
    found: Any = getattr(config, first)
    if found is None and rest:
        found = Transcripts(None) if first == "transcripts" else None  # type: ignore[arg-type] # its sizes are asked for
    return reduce(lambda part, name: None if part is None else getattr(part, name), rest, found)
