"""The configuration read again."""

from dataclasses import replace
from pathlib import Path

import pytest

from chat_service.config import ConfigError, LaunchConfig, Tls
from chat_service.launcher.reload import Configuration
from tests.launcher.fakes import launch


def differ(old: LaunchConfig, new: LaunchConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell some of the keys."""
    applied = ("log.level",) if old.log_level != new.log_level else ()
    fields = {"server.port": "port", "log.format": "log_format", "limits": "limits"}
    waiting = [key for key, name in fields.items() if getattr(old, name) != getattr(new, name)]
    return applied, tuple(waiting)


def test_what_can_change_changes() -> None:
    """What is started later stays where the others are, and is told each time."""
    asked = replace(launch(1), log_level="debug", port=60000, instances=3)
    configuration = Configuration(launch(1), lambda: asked, differ, lambda *_: None)
    assert configuration.reload() == (("log.level",), ("server.port",))
    assert configuration.now == replace(launch(1), log_level="debug")
    assert configuration.reload() == ((), ("server.port",))


def test_what_waits_is_told_until_it_is_there() -> None:
    """A key that a running server has otherwise is named each time, whatever was read meanwhile."""
    old = launch(1)
    asked = replace(old, limits=replace(old.limits, unacked_posts=7))
    configuration = Configuration(old, lambda: asked, differ, lambda *_: None)
    for _ in range(2):
        assert configuration.reload([old, asked]) == ((), ("limits",))
    assert configuration.reload([asked]) == ((), ())


def test_what_is_taken_back_waits_no_longer() -> None:
    """A server that never got the other value has what is asked for."""
    old = launch(1)
    written = replace(old, limits=replace(old.limits, unacked_posts=7))
    configuration = Configuration(old, lambda: written, differ, lambda *_: None)
    assert configuration.reload([old]) == ((), ("limits",))
    written = old
    assert configuration.reload([old]) == ((), ())


def test_format_of_the_log_stays() -> None:
    """What is started later writes to the same stream, and so in the same format."""
    asked = replace(launch(1), log_format="json", console=False)
    configuration = Configuration(launch(1), lambda: asked, differ, lambda *_: None)
    for _ in range(2):
        assert configuration.reload([configuration.now]) == ((), ("log.format",))
        assert configuration.now == launch(1)


def test_certificate_is_that_of_the_same_files() -> None:
    """What is started later shows what the others show: the files of the start, as they are now."""
    old = replace(launch(1), tls=Tls(Path("/c"), Path("/k"), (), "AA"))
    renewed = replace(old, tls=Tls(Path("/c"), Path("/k"), (), "BB"))
    moved = replace(old, tls=Tls(Path("/d"), Path("/k"), (), "CC"))
    answers = [renewed, moved]
    configuration = Configuration(old, lambda: answers.pop(0), differ, lambda *_: None)
    for _ in range(2):
        configuration.reload()
        assert configuration.now == renewed


def test_own_certificate_stays() -> None:
    """One that the launch made is shown until its end, whatever is read meanwhile."""
    old = replace(launch(1), host="192.0.2.7", tls=Tls(fingerprint="AA"))
    for asked in (
        replace(old, tls=Tls()),
        replace(old, host="127.0.0.1", tls=Tls()),
        replace(old, tls=Tls(Path("/c"), Path("/k"), (), "BB")),
    ):
        configuration = Configuration(old, lambda asked=asked: asked, differ, lambda *_: None)  # type: ignore[misc] # mypy infers no type of a default of lambda
        configuration.reload()
        assert configuration.now == old


def test_what_cannot_be_used_changes_nothing() -> None:
    """Where it cannot be read, what was in force stays so."""

    def bad() -> LaunchConfig:
        raise ConfigError("chat.toml:3: no")

    configuration = Configuration(launch(1), bad, differ, lambda *_: None)
    with pytest.raises(ConfigError, match="3: no"):
        configuration.reload()
    assert configuration.now == launch(1)


def test_servers_that_run_are_asked_about() -> None:
    """What does not go with what one of them was started with changes nothing."""
    asked = replace(launch(1), stats_interval_s=3.0)

    def check(started: LaunchConfig, new: LaunchConfig) -> None:
        assert new == asked
        if started == launch(2):
            raise ConfigError("not as long as it runs")

    configuration = Configuration(launch(1), lambda: asked, differ, check)
    with pytest.raises(ConfigError, match="not as long as it runs"):
        configuration.reload([launch(1), launch(2)])
    assert configuration.now == launch(1)
    configuration.reload([launch(1)])
    assert configuration.now == asked
