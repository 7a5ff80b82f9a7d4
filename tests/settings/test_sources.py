"""Defaults, file, environment and flags: who wins, and who is told of a mistake."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.config import ConfigError
from chat_service.settings.setting import CONFIG_NAME
from chat_service.settings.sources import DEFAULT, effective, effective_again
from chat_service.settings.table import SETTINGS

PORTS = {"file": 1, "environment": 2, "flag": 3}


def written(tmp_path: Path, text: str) -> Path:
    """Write a file with this text."""
    path = tmp_path / "chat.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given_by", "port", "origin"),
    [
        ("", 50051, "default"),
        ("file", 1, "FILE:1"),
        ("environment", 2, "environment CHAT_SERVER_PORT"),
        ("flag", 3, "--port"),
        ("file environment", 2, "environment CHAT_SERVER_PORT"),
        ("file flag", 3, "--port"),
        ("environment flag", 3, "--port"),
        ("file environment flag", 3, "--port"),
    ],
)
def test_strongest_source_counts(tmp_path: Path, given_by: str, port: int, origin: str) -> None:
    """A flag beats the environment, which beats the file, which beats the default."""
    path = written(tmp_path, "port = 1") if "file" in given_by else None
    environment = {"CHAT_SERVER_PORT": "2"} if "environment" in given_by else {}
    flags = {"port": 3} if "flag" in given_by else {}
    found = effective(flags, environment, path)
    assert found.config.port == port
    assert found.given["port"].value == port
    assert found.given["port"].origin == origin.replace("FILE", str(path))
    assert found.given["host"].origin == DEFAULT


def test_file_of_the_environment(tmp_path: Path) -> None:
    """The environment may name the file; --config names another in its place."""
    path = written(tmp_path, "port = 7")
    environment = {CONFIG_NAME: str(path)}
    assert effective({}, environment).config.port == 7
    other = tmp_path / "other.toml"
    other.touch()
    assert effective({}, environment, other).config.port == 50051
    with pytest.raises(ConfigError, match=rf"{CONFIG_NAME} {tmp_path}/none: No such file"):
        effective({}, {CONFIG_NAME: str(tmp_path / "none")})
    assert effective({}, {CONFIG_NAME: ""}).config.port == 50051


def test_mistake_counts_also_where_it_is_overruled(tmp_path: Path) -> None:
    """A value of the file that cannot be used is told although a flag takes its place."""
    with pytest.raises(ConfigError, match="port: not a whole number"):
        effective({"port": 3}, {}, written(tmp_path, "port = 'x'"))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CHAT_SERVER_PORT", "x", "environment CHAT_SERVER_PORT: not a whole number from 0"),
        ("CHAT_SERVER_PORT", "", "environment CHAT_SERVER_PORT: not a whole number"),
        (
            "CHAT_SERVER_PROT",
            "1",
            "CHAT_SERVER_PROT: not known here; did you mean CHAT_SERVER_PORT?",
        ),
        ("CHAT_SERVER_CONFIGS", "a", "not known here; did you mean CHAT_SERVER_CONFIG?"),
        ("CHAT_SERVER_", "1", "environment CHAT_SERVER_: not known here"),
    ],
)
def test_slip_in_the_environment(name: str, value: str, told: str) -> None:
    """What begins with our prefix is ours, and must be right."""
    with pytest.raises(ConfigError) as caught:
        effective({}, {name: value, "PATH": "/bin", "CHAT_FAULT": "1"})
    (line,) = caught.value.problems
    assert told in line
    assert line.isprintable()


def test_slips_of_both_are_told_at_once(tmp_path: Path) -> None:
    """Mistakes of the file and of the environment come together."""
    with pytest.raises(ConfigError) as caught:
        effective({}, {"CHAT_SERVER_HOST": "?"}, written(tmp_path, "port = -1"))
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        f"{tmp_path}/chat.toml:1",
        "environment CHAT_SERVER_HOST",
    ]


@pytest.mark.parametrize(
    ("flags", "environment", "text", "told"),
    [
        ({"tls.cert": Path("c")}, {}, "", "--tls-cert c: a certificate needs its key"),
        (
            {"metrics.port": 9100},
            {"CHAT_SERVER_METRICS_HOST": "::"},
            "",
            "environment CHAT_SERVER_METRICS_HOST: metrics.host ::: other machines",
        ),
        (
            {"metrics.port": 9100},
            {},
            "[metrics]\nhost = '::'",
            "FILE:2: metrics.host ::: other machines",
        ),
        (
            {"instances": 5},
            {},
            "port = 65_532",
            "FILE:1: port 65532 and --instances 5: the last port would be over 65535",
        ),
        (
            {},
            {},
            "[pages]\nlargest = 50",
            "FILE:2: pages.largest 50: the default is larger than the largest",
        ),
    ],
)
def test_what_does_not_go_together_is_blamed_on_who_asked_for_it(
    tmp_path: Path,
    flags: Mapping[str, int | str],
    environment: Mapping[str, str],
    text: str,
    told: str,
) -> None:
    """A conflict names the values that somebody gave, and where."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        effective(flags, environment, path)
    (line,) = caught.value.problems
    assert line.startswith(told.replace("FILE", str(path)))


@given(st.dictionaries(st.sampled_from([s.environment for s in SETTINGS.values()]), st.text()))
def test_environment_is_understood_or_refused(environment: Mapping[str, str]) -> None:
    """Whatever the environment holds, there is a configuration or lines that can be shown."""
    problems: tuple[str, ...] = ("none",)
    try:
        effective({}, environment)
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(line.isprintable() for line in problems)


@pytest.mark.parametrize("by_flag", [True, False])
def test_pipe_is_not_read_again(tmp_path: Path, by_flag: bool) -> None:
    """A reload neither waits for a pipe nor takes its end for a file that says nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environment = {} if by_flag else {CONFIG_NAME: str(pipe)}
    with pytest.raises(ConfigError, match="/pipe: a pipe, which cannot be read again"):
        effective_again({}, environment, pipe if by_flag else None)


def test_file_is_read_again(tmp_path: Path) -> None:
    """What holds is what is written now."""
    file = tmp_path / "chat.toml"
    for port in (7000, 8000):
        file.write_text(f"port = {port}\n")
        assert effective_again({}, {}, file) == effective({}, {}, file)
        assert effective_again({}, {}, file).config.port == port
    assert effective_again({}, {}) == effective({}, {})
