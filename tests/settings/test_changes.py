"""What a reload changes, and what has to wait."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from chat_service.config import ConfigError, LaunchConfig, Tls
from chat_service.retention import Keep, Retention
from chat_service.settings.changes import changes, check_meanwhile
from chat_service.settings.kinds import Value
from chat_service.settings.setting import defaults
from chat_service.settings.sources import effective
from chat_service.settings.table import SETTINGS
from tests.settings import values

OLD = defaults()


def test_nothing_changed() -> None:
    """Without a change there is nothing to tell."""
    assert changes(OLD, OLD) == ((), ())


def test_what_holds_at_once_and_what_waits() -> None:
    """Live settings are told apart from those that need a restart, in the order of the table."""
    new = effective({"limits.text_bytes": 5, "port": 7000, "log.level": "debug"}, {}).config
    found = changes(OLD, new)
    assert found.applied == ("log.level", "limits.text_bytes")
    assert found.after_restart == ("port",)
    assert changes(new, OLD) == found


@pytest.mark.parametrize(
    ("retention", "keys"),
    [
        (Retention(Keep(5)), ("retention.max_age",)),
        (Retention(rooms=(("den", Keep(5)),)), ("retention.rooms",)),
        (Retention(direct=Keep()), ("retention.direct",)),
        (Retention(direct=Keep(5)), ("retention.direct.max_age",)),
    ],
)
def test_retention_is_applied(retention: Retention, keys: tuple[str, ...]) -> None:
    """What rooms keep changes at once, whichever room it is."""
    new = replace(OLD, retention=retention)
    assert changes(OLD, new) == (keys, ())


def test_transcripts_begin_with_a_restart() -> None:
    """A directory waits for a restart; how its files are rotated does not."""
    new = effective({"transcripts.directory": Path("/t"), "transcripts.keep_files": 3}, {}).config
    assert "transcripts.directory" in changes(OLD, new).after_restart
    other = effective({"transcripts.directory": Path("/t")}, {}).config
    assert changes(other, new) == (("transcripts.keep_files",), ())


@pytest.mark.parametrize(
    ("old", "new", "applied", "waiting"),
    [
        (Tls(Path("c"), Path("k"), (), "1"), Tls(Path("c"), Path("k"), (), "2"), "tls.cert", ""),
        (Tls(Path("c"), Path("k"), (), "1"), Tls(Path("d"), Path("k"), (), "2"), "", "tls.cert"),
        (Tls(), Tls(Path("c"), Path("k"), (), "1"), "", "tls.cert tls.key"),
        # One that the launch made is not looked for again.
        (Tls(fingerprint="1"), Tls(), "", ""),
    ],
)
def test_certificate(old: Tls, new: Tls, applied: str, waiting: str) -> None:
    """What a file holds is shown at once; other files need a restart."""
    found = changes(replace(OLD, tls=old), replace(OLD, tls=new))
    assert found == (tuple(applied.split()), tuple(waiting.split()))


def asked(wish: dict[str, Value]) -> LaunchConfig:
    """Return the configuration with these values, or the defaults where they do not fit."""
    try:
        return effective(wish, {}).config
    except ConfigError:
        return OLD


@given(values.some(), values.some())
def test_each_change_is_told_once(one: dict[str, Value], other: dict[str, Value]) -> None:
    """Every setting that differs is in one of the two lists, and no other is."""
    old, new = asked(one), asked(other)
    found = changes(old, new)
    for key, setting in SETTINGS.items():
        lists = (key in found.applied, key in found.after_restart)
        if setting.of(old) == setting.of(new):
            assert lists == (False, False)
        else:
            assert lists == (setting.live, not setting.live)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            {"connections.message_bytes": 16 << 10, "limits.rooms_per_user": 10,
             "limits.directs_per_user": 10},
            {"limits.text_bytes": 32 << 10, "limits.rooms_per_user": 10,
             "limits.directs_per_user": 10},
            "limits.text_bytes and limits.recipients and connections.message_bytes: the largest",
        ),
        (
            {},
            {"limits.rooms_per_user": 1000, "connections.message_bytes": 1 << 20},
            "limits.rooms_per_user and limits.directs_per_user and connections.message_bytes: a s",
        ),
        ({"port": 7000}, {"metrics.port": 7000}, "metrics.port: an instance has this port"),
    ],
)  # fmt: skip
def test_what_holds_at_once_goes_with_what_waits(
    one: dict[str, Value], other: dict[str, Value], told: str
) -> None:
    """A reload must not leave servers that run with values of which only some are the new ones."""
    old, new = effective(one, {}).config, effective(other, {}).config
    with pytest.raises(ConfigError, match=f"^{told}.*, with what servers that run have"):
        check_meanwhile(old, new)


def test_address_of_the_metrics_goes_by_either_permission() -> None:
    """Where `insecure` comes with a reload, metrics may be reached from outside at once."""
    new: dict[str, Value] = {"insecure": True, "metrics.host": "0.0.0.0", "metrics.port": 9100}
    check_meanwhile(OLD, effective(new, {}).config)
    check_meanwhile(effective(new, {}).config, OLD)


@given(values.some())
def test_same_configuration_goes_with_itself(wish: dict[str, Value]) -> None:
    """What was checked once is not refused when it is read again."""
    check_meanwhile(asked(wish), asked(wish))
