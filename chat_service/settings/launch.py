"""Values to a LaunchConfig. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chat_service.config import LaunchConfig, Tls, Transcripts
from chat_service.retention import Keep, Retention
from chat_service.settings.kinds import Value
from chat_service.settings.setting import defaults
from chat_service.settings.table import SETTINGS


def launch_config(
    values: Mapping[str, Value], rooms: Mapping[str, Keep], *, has_direct: bool
) -> LaunchConfig:
    """Return the configuration in which each setting has its value.

    `rooms` are bounds of rooms by the key of their names; `has_direct`: direct messages have
    bounds of their own, be it none.
    """
    # Any: fields of several dataclasses by name.
    fields: dict[str, Any] = {}
    for key, value in values.items():
        *path, name = SETTINGS[key].field.split(".")
        table = fields
        for part in path:
            table = table.setdefault(part, {})
        table[name] = value
    bounds = fields.pop("retention")
    direct = Keep(**bounds["direct"])
    if has_direct or not direct.is_all:
        direct_bounds: Keep | None = direct
    else:
        direct_bounds = None
    retention = Retention(Keep(**bounds["default"]), direct_bounds, tuple(rooms.items()))
    sizes = fields.pop("transcripts")
    transcripts = None if sizes["directory"] is None else Transcripts(**sizes)
    tls = Tls(**fields.pop("tls"))
    limits = defaults().limits
    figures = fields.pop("limits")
    changed = {
        name: replace(getattr(limits, name), **figure) if isinstance(figure, dict) else figure
        for name, figure in figures.items()
    }
    return LaunchConfig(
        **fields,
        retention=retention,
        transcripts=transcripts,
        limits=replace(limits, **changed),
        tls=tls,
    )
