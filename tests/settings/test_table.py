"""The table of settings: each line of it makes sense."""

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from chat_service.config import LaunchConfig, Transcripts
from chat_service.core.limits import Limits
from chat_service.settings.kinds import Switch
from chat_service.settings.setting import CONFIG_NAME, PREFIX, Setting, defaults
from chat_service.settings.table import GROUPS, SETTINGS

ALL = pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))

NOT_A_SETTING = {
    # What was found in the file that a setting names.
    "tls.fingerprint",
    # A deadline is moved so seldom that calls do not each cost a commit: nobody notices it.
    "limits.core.renewal_ms",
    # Bounds of rooms by name: a table that is open at its end.
    "retention.rooms",
}


def leaves(part: Any, path: str = "") -> list[str]:
    """Return the paths of all fields that are no dataclass."""
    if not is_dataclass(part):
        return [path]
    prefix = f"{path}." if path else ""
    return [
        leaf
        for field in fields(part)
        for leaf in leaves(getattr(part, field.name), prefix + field.name)
    ]


def test_every_figure_is_a_setting() -> None:
    """What a launch can be told is in the table, all of it, once."""
    config = defaults()
    found = set(leaves(config)) - {"transcripts", "retention.direct"}
    found |= {f"transcripts.{field.name}" for field in fields(Transcripts)}
    found |= {f"retention.direct.{field.name}" for field in fields(config.retention.default)}
    table = [setting.field for setting in SETTINGS.values()]
    assert sorted(table) == sorted(found - NOT_A_SETTING)
    assert found > NOT_A_SETTING


def test_names_are_unique() -> None:
    """No two settings have the same key, flag or name in the environment."""
    settings = [setting for group in GROUPS for setting in group.settings]
    assert len({setting.key for setting in settings}) == len(settings)
    names = [setting.environment for setting in settings]
    assert len({*names, CONFIG_NAME}) == len(names) + 1
    flags = [setting.flag for setting in settings if setting.flag]
    assert len(set(flags)) == len(flags)


@ALL
def test_setting_is_of_its_group(setting: Setting) -> None:
    """A key begins with the table of the file that it stands in."""
    (group,) = (group for group in GROUPS if setting in group.settings)
    table = setting.key.rpartition(".")[0]
    assert table == group.name or table.startswith(f"{group.name}.")


@ALL
def test_setting_is_told(setting: Setting) -> None:
    """There is a sentence about each, and one about having no value where that can be."""
    assert setting.help[0].islower()
    assert not setting.help.endswith(".")
    assert "\n" not in setting.help
    assert setting.environment == PREFIX + setting.key.upper().replace(".", "_")
    assert (setting.default is None) == bool(setting.unset)


@ALL
def test_default_is_a_value(setting: Setting) -> None:
    """A default is within the bounds of its kind."""
    if setting.default is not None and setting.key != "data_dir":
        text = setting.kind.write(setting.default).strip('"')
        if not isinstance(setting.default, tuple):
            assert setting.kind.parse(text) == setting.default


@ALL
def test_flag_is_a_flag(setting: Setting) -> None:
    """A flag has hyphens, and that of a switch which is on says no."""
    if setting.flag:
        assert setting.flag.startswith("--")
        assert "_" not in setting.flag
        is_on = isinstance(setting.kind, Switch) and setting.default is True
        assert setting.flag.startswith("--no-") == is_on
        assert bool(setting.flag_help) == is_on


def test_promised_limits() -> None:
    """The defaults are those of the service's guarantees."""
    told = {
        "connections.message_bytes": 64 << 10,
        "limits.text_bytes": 4096,
        "limits.text_lines": 100,
        "connections.streams": 32,
        "connections.handshake_timeout": 5_000,
        "connections.hello_timeout": 10.0,
        "connections.idle_timeout": 300_000,
        "rates.sends_burst": 20,
        "rates.sends_per_second": 5.0,
        "rates.joins_burst": 15,
        "rates.joins_per_minute": 12.0,
        "rates.guests_burst": 20,
        "rates.guests_per_minute": 20.0,
        "rates.rooms_burst": 10,
        "rates.rooms_per_hour": 10.0,
        "rates.strikes": 3,
        "rates.strike_after": 1.0,
        "rates.strikes_within": 60.0,
        "queues.reader_bytes": 1 << 20,
        "queues.reader_age": 10.0,
        "queues.frame_bytes": 64 << 10,
        "rings.events": 4096,
        "rings.bytes": 1 << 20,
        "rings.total_bytes": 64 << 20,
        "queues.unacked_of_stream": 256,
        "queues.unacked": 10_000,
        "connections.min_ping_interval": 15_000,
        "limits.name_bytes": 32,
        "limits.room_name_bytes": 64,
        "limits.topic_bytes": 390,
        "limits.rooms_per_user": 100,
        "limits.guest_grace": 600_000,
        "limits.first_answer_life": 14 * 86_400_000,
        "limits.reserved_names": Limits().reserved_names,
        "pages.default": 100,
        "pages.largest": 1000,
        "pages.bytes": 1 << 20,
        "stop.drain": 10.0,
        "stats.interval": 5.0,
    }
    assert {key: SETTINGS[key].default for key in told} == told


def test_defaults_are_private() -> None:
    """Whoever asks for nothing gets one server that other machines cannot reach."""
    config: LaunchConfig = defaults()
    assert (config.host, config.port, config.instances) == ("127.0.0.1", 50051, 1)
    assert config.is_private
    assert not config.insecure
    assert config.metrics_port is None
