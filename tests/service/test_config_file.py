"""The configuration file: what it may say, and what is answered to a slip in it."""

from pathlib import Path

import pytest

from chat_service.config import ConfigError, InstanceConfig
from chat_service.config_file import MAX_ROOMS, Settings, read_settings
from chat_service.retention import KEEP_ALL, Keep, Retention

DAY_MS = 86_400_000


def settings(tmp_path: Path, text: str) -> Settings:
    """Read a file with this text."""
    path = tmp_path / "chat.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "[retention]\n", "[retention.rooms]\n"])
def test_file_that_says_nothing(tmp_path: Path, text: str) -> None:
    """What is absent has its default: everything is kept."""
    assert settings(tmp_path, text) == Settings(KEEP_ALL)


def test_everything_that_it_may_say(tmp_path: Path) -> None:
    """Bounds by default, of direct messages, and of rooms, whose names are read in any case."""
    found = settings(
        tmp_path,
        """
        [retention]
        max_age = "30d"
        max_messages = 100_000
        [retention.direct]
        max_age = "90m"
        [retention.rooms.Builds]
        max_messages = 5
        [retention.rooms."v1.2"]
        max_age = "45s"
        [retention.rooms.archive]
        [disk]
        reserve = "3G"
        """,
    )
    assert found.disk_reserve == 3 << 30
    assert found.retention == Retention(
        Keep(30 * DAY_MS, 100_000),
        Keep(90 * 60_000, None),
        (("builds", Keep(None, 5)), ("v1.2", Keep(45_000, None)), ("archive", Keep())),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retntion = 1", "retntion: not known here; known: retention"),
        ("[limits]", "limits: not known here"),
        ("retention = 7", "retention: not a table"),
        ("[retention]\nmax_ages = '1d'", "retention.max_ages: not known here; known: max_age"),
        ("[retention]\nmax_age = 30", "retention.max_age: not an age such as"),
        ("[retention]\nmax_age = '30'", "retention.max_age: not an age"),
        ("[retention]\nmax_age = '0d'", "retention.max_age: not an age"),
        ("[retention]\nmax_age = '1.5d'", "retention.max_age: not an age"),
        ("[retention]\nmax_age = '-1d'", "retention.max_age: not an age"),
        ("[retention]\nmax_age = '1d '", "retention.max_age: not an age"),
        ("[retention]\nmax_age = '٣d'", "retention.max_age: not an age"),
        ("[retention]\nmax_age = ''", "retention.max_age: not an age"),
        ("[retention]\nmax_age = true", "retention.max_age: not an age"),
        ("[retention]\nmax_messages = 0", "retention.max_messages: not a whole number from 1"),
        ("[retention]\nmax_messages = '5'", "retention.max_messages: not a whole number"),
        ("[retention]\nmax_messages = true", "retention.max_messages: not a whole number"),
        ("[retention]\nmax_messages = 1e3", "retention.max_messages: not a whole number"),
        ("[retention]\ndirect = 1", "retention.direct: not a table"),
        ("[retention.direct]\nrooms = 1", "retention.direct.rooms: not known here"),
        ("[retention]\nrooms = []", "retention.rooms: not a table"),
        ("[retention]\nrooms.x = 5", "retention.rooms.x: not a table"),
        ("[retention.rooms.x]\nmax_age = 1", "retention.rooms.x.max_age: not an age"),
        ("[retention.rooms.v1.2]\n", "retention.rooms.v1.2: not known here"),
        ("[retention.rooms.'two words']", "retention.rooms.two words: no room can have this name"),
        ("[retention.rooms.'\\u001b[2J']", "no room can have this name"),
        ('[retention.rooms."a\\nb\\u001b"]', "retention.rooms.a b : no room can have this name"),
        ("[retention.rooms.Ab]\n[retention.rooms.aB]", "retention.rooms.aB: this room is named"),
        ("disk = 1", "disk: not a table"),
        ("[disk]\nsize = 1", "disk.size: not known here; known: reserve"),
        ("[disk]\nreserve = '1.5G'", "disk.reserve: not a size such as"),
        ("[disk]\nreserve = true", "disk.reserve: not a size"),
        ("[disk]\nreserve = -1", "disk.reserve: not a size"),
        ("[retention", "not TOML: "),
        ("max_age = '1d'\nmax_age = '2d'", "not TOML: "),
        ("a = " + "[" * 5000, "not TOML: "),
    ],
)
def test_slip_is_one_line_with_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    """Nothing is guessed: what is not known or cannot be used is named."""
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    line = str(caught.value)
    assert line.startswith(f"--config {tmp_path}/chat.toml: ")
    assert told in line
    assert line.isprintable()


def test_size_may_be_a_number(tmp_path: Path) -> None:
    """A number is of bytes, and 0 keeps nothing back."""
    assert settings(tmp_path, "[disk]\nreserve = 4096").disk_reserve == 4096
    assert settings(tmp_path, "[disk]\nreserve = 0").disk_reserve == 0


def test_rooms_are_so_few_that_an_instance_can_be_told(tmp_path: Path) -> None:
    """The longest that may be said of rooms still fits into one argument of a command."""
    bounds = "{ max_age = '999999999d', max_messages = 9999999999 }"
    names = [f"{number:0>64}" for number in range(MAX_ROOMS + 1)]
    lines = [f"{name} = {bounds}\n" for name in names]
    found = settings(tmp_path, "[retention.rooms]\n" + "".join(lines[:MAX_ROOMS]))
    config = InstanceConfig("::1", 1, tmp_path, "info", True, retention=found.retention)
    assert len(config.to_json()) < 100 * 1024
    with pytest.raises(ConfigError, match=r"retention\.rooms: at most 500 rooms"):
        settings(tmp_path, "[retention.rooms]\n" + "".join(lines))


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is absent, a directory, or not text is named with the reason."""
    with pytest.raises(ConfigError, match=r"--config .*/none\.toml: No such file"):
        read_settings(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_settings(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"binary\.toml: not TOML: "):
        read_settings(binary)
