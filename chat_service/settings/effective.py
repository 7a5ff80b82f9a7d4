"""The configuration that holds, as a file that would ask for it: `--print-config`."""

from collections.abc import Iterator

from chat_service.retention import Keep
from chat_service.settings.file import DIRECT, ROOMS
from chat_service.settings.kinds import quoted
from chat_service.settings.setting import Setting
from chat_service.settings.sources import Effective
from chat_service.settings.table import AGE, MESSAGES, SETTINGS

_COMMENT_AT = 48


def toml(effective: Effective) -> str:
    """Return TOML in which each value has a comment that says where it comes from.

    A setting that has none is a comment, which may be made a line with a value.
    """
    return "".join(f"{line}\n" for line in _lines(effective))


def _lines(effective: Effective) -> Iterator[str]:
    # An empty table of direct messages says something, so absence must too: its keys are
    # then told in the table above.
    open_tables = {setting.key.rpartition(".")[0] for setting in SETTINGS.values()}
    if effective.config.retention.direct is None:
        open_tables.discard(DIRECT)
    table = ""
    for setting in SETTINGS.values():
        above, _, name = setting.key.rpartition(".")
        if above not in open_tables:
            name = setting.key.removeprefix(f"{table}.")
        elif above != table:
            table = above
            yield ""
            yield f"[{above}]"
        yield _line(name, setting, effective)
    for name, (keep, origin) in effective.rooms.items():
        yield ""
        yield _commented(f"[{ROOMS}.{quoted(name)}]", origin)
        yield from _bounds(keep)


def _line(name: str, setting: Setting, effective: Effective) -> str:
    held = effective.given[setting.key]
    if held.value is None:
        return _commented(f"# {name} = …", f"{held.origin}: {setting.unset}")
    return _commented(f"{name} = {setting.kind.write(held.value)}", held.origin)


def _bounds(keep: Keep) -> Iterator[str]:
    if keep.max_age_ms is not None:
        yield f"max_age = {AGE.write(keep.max_age_ms)}"
    if keep.max_messages is not None:
        yield f"max_messages = {MESSAGES.write(keep.max_messages)}"


def _commented(line: str, origin: str) -> str:
    # The path of a file may hold what a comment may not.
    shown = "".join(char if char.isprintable() else "?" for char in origin)
    return f"{line:<{_COMMENT_AT}} # {shown}"
