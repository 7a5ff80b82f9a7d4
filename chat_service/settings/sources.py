"""Defaults, file, environment and flags together, from weak to strong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chat_service.config import ConfigError, LaunchConfig
from chat_service.retention import Keep
from chat_service.settings.checks import conflicts
from chat_service.settings.file import Found, Given, near, read_file
from chat_service.settings.kinds import BadValueError, Value
from chat_service.settings.launch import launch_config
from chat_service.settings.setting import CONFIG_NAME, PREFIX, Setting
from chat_service.settings.table import SETTINGS

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds in the end."""

    config: LaunchConfig
    # Every setting by its key.
    given: dict[str, Given]
    # Rooms with bounds of their own, and where they stand.
    rooms: dict[str, tuple[Keep, str]]


def effective(
    flags: Mapping[str, Value], environment: Mapping[str, str], path: Path | None = None
) -> Effective:
    """Return what holds. `flags` are by key; `path` is that of --config.

    Raises ConfigError with a line for each thing that is wrong.
    """
    path, called = _file_of(environment, path)
    file = Found() if path is None else read_file(path, called)
    problems = list(file.problems)
    given = {key: Given(setting.default, DEFAULT) for key, setting in SETTINGS.items()}
    given |= file.values
    given |= _of_environment(environment, problems)
    given |= {key: Given(value, SETTINGS[key].flag) for key, value in flags.items()}
    if problems:
        raise ConfigError(*map(_one_line, problems))
    values = {key: held.value for key, held in given.items()}
    rooms = {name: keep for name, (keep, _) in file.rooms.items()}
    config = launch_config(values, rooms, has_direct=file.has_direct)
    problems = [f"{_blame(keys, given)}: {why}" for keys, why in conflicts(config)]
    problems += _rooms_without_a_name(file, config)
    if problems:
        raise ConfigError(*map(_one_line, problems))
    return Effective(config, given, file.rooms)


def effective_again(
    flags: Mapping[str, Value], environment: Mapping[str, str], path: Path | None = None
) -> Effective:
    """Return what `effective` does, for a process that has read all of it before.

    Raises ConfigError also where the file is a pipe: it has given what it had, and who waits
    for more may wait for ever.
    """
    file, called = _file_of(environment, path)
    if file is not None and file.is_fifo():
        raise ConfigError(f"{called} {file}: a pipe, which cannot be read again")
    return effective(flags, environment, path)


def _file_of(environment: Mapping[str, str], path: Path | None) -> tuple[Path | None, str]:
    """Return where the file is, and who named it."""
    if path is None and environment.get(CONFIG_NAME):
        return Path(environment[CONFIG_NAME]), CONFIG_NAME
    return path, "--config"


def _of_environment(environment: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    known = {setting.environment: setting for setting in SETTINGS.values()}
    given = {}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name == CONFIG_NAME:
            continue
        if name not in known:
            problems.append(f"environment {name}: {near(name, [*known, CONFIG_NAME])}")
            continue
        try:
            value = known[name].kind.parse(environment[name])
        except BadValueError as error:
            problems.append(f"environment {name}: {error}")
        else:
            given[known[name].key] = Given(value, f"environment {name}")
    return given


def _blame(keys: tuple[str, ...], given: Mapping[str, Given]) -> str:
    """Name the settings that do not go together, those first that somebody gave."""
    chosen = [key for key in keys if given[key].origin != DEFAULT] or list(keys)
    return " and ".join(_named(SETTINGS[key], given[key]) for key in chosen)


def _named(setting: Setting, held: Given) -> str:
    value = "" if held.value is None else f" {setting.kind.write(held.value).strip(chr(34))}"
    if held.origin == DEFAULT:
        return f"{setting.key}{value}"
    if held.origin == setting.flag:
        return setting.flag if isinstance(held.value, bool) else f"{setting.flag}{value}"
    return f"{held.origin}: {setting.key}{value}"


def _rooms_without_a_name(file: Found, config: LaunchConfig) -> list[str]:
    longest = config.limits.core.room_name_bytes
    return [
        f"{origin}: retention.rooms.{name}: longer than limits.room_name_bytes, which is {longest}"
        for name, (_, origin) in file.rooms.items()
        if len(name) > longest
    ]


def _one_line(problem: str) -> str:
    """Keep what is quoted to a line that a terminal can show."""
    return "".join(char if char.isprintable() else " " for char in problem)
