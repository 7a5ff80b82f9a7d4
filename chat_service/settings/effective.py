"""The configuration that holds, as a file that would ask for it: `--print-config`."""

from collections.abc import Iterator

from chat_service.retention import Keep
from chat_service.settings.file import DIRECT, ROOMS
from chat_service.settings.kinds import quoted
from chat_service.settings.setting import Setting
from chat_service.settings.sources import Effective
from chat_service.settings.table import AGE, GROUPS, MESSAGES

_COMMENT_AT = 48


def toml(effective: Effective) -> str:
    """Return TOML in which each value has a comment that says where it comes from."""
    return "".join(f"{line}\n" for line in _lines(effective))


def _lines(effective: Effective) -> Iterator[str]:
    table = ""
    for group in GROUPS:
        for setting in group.settings:
            above, _, name = setting.key.rpartition(".")
            if above != table:
                table = above
                yield ""
                # An empty table of direct messages says something, so absence must too.
                if above != DIRECT or effective.config.retention.direct is not None:
                    yield f"[{above}]"
            yield _line(name, setting, effective)
    for name, (keep, origin) in effective.rooms.items():
        yield ""
        yield _commented(f"[{ROOMS}.{quoted(name)}]", origin)
        yield from _bounds(keep)


def _line(name: str, setting: Setting, effective: Effective) -> str:
    held = effective.given[setting.key]
    if held.value is None:
        return _commented(f"# {setting.key} has no value", f"{held.origin}: {setting.unset}")
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
