"""The configuration file: what it may say, and what is answered to a slip in it."""

from pathlib import Path

import pytest

from chat_service.config import ConfigError, InstanceConfig, LaunchConfig
from chat_service.retention import KEEP_ALL, Keep, Retention
from chat_service.settings.file import MAX_ROOMS, read_file
from chat_service.settings.sources import effective

DAY_MS = 86_400_000


def launch(tmp_path: Path, text: str) -> LaunchConfig:
    """Read a file with this text."""
    path = tmp_path / "chat.toml"
    path.write_text(text, encoding="utf-8")
    return effective({}, {}, path).config


@pytest.mark.parametrize("text", ["", "# nothing\n", "[retention]\n", "[retention.rooms]\n"])
def test_file_that_says_nothing(tmp_path: Path, text: str) -> None:
    """What is absent has its default: everything is kept."""
    assert launch(tmp_path, text) == effective({}, {}).config
    assert launch(tmp_path, text).retention == KEEP_ALL


def test_how_much_rooms_keep(tmp_path: Path) -> None:
    """Bounds by default, of direct messages, and of rooms, whose names are read in any case."""
    found = launch(
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


def test_empty_table_of_direct_messages(tmp_path: Path) -> None:
    """With a table of their own, be it empty, direct messages do not go by the bounds of rooms."""
    few = "[retention]\nmax_messages = 5\n"
    assert launch(tmp_path, few).retention == Retention(Keep(None, 5), None)
    assert launch(tmp_path, few + "[retention.direct]").retention == Retention(
        Keep(None, 5), Keep()
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retntion = 1", "1: retntion: not known here; did you mean retention?"),
        ("colour = 1", "1: colour: not known here"),
        ("[limits]\n\ntext_byte = 1", "3: limits.text_byte: not known here; did you mean limits."),
        ("'limits.text_bytes' = 1", "1: limits.text_bytes: not known here"),
        ("limits = 7", "1: limits: not a table"),
        ("[host]", "1: host: not an IP address or localhost"),
        ("port = '7'", "1: port: not a whole number from 0 to 65535"),
        ("[retention]\nmax_ages = '1d'", "2: retention.max_ages: not known here; did you mean"),
        ("[retention]\nmax_age = 30", "2: retention.max_age: not a time from 1s"),
        ("[retention]\nmax_messages = 0", "2: retention.max_messages: not a whole number from 1"),
        ("[retention]\ndirect = 1", "2: retention.direct: not a table"),
        ("[retention.direct]\nrooms = 1", "2: retention.direct.rooms: not known here"),
        ("[retention]\nrooms = []", "2: retention.rooms: not a table"),
        ("[retention]\nrooms.x = 5", "2: retention.rooms.x: not a table"),
        ("[retention.rooms.x]\nmax_age = 1", "2: retention.rooms.x.max_age: not a time"),
        ("[retention.rooms.x]\nmax_ag = 1", "2: retention.rooms.x.max_ag: not known here; did you"),
        ("[retention.rooms.v1.2]\n", "1: retention.rooms.v1.2: not known here"),
        ("[retention.rooms.'a b']", "1: retention.rooms.a b: no room can have this name"),
        ("[retention.rooms.'\\u001b[2J']", "no room can have this name"),
        ('[retention.rooms."a\\nb\\u001b"]', "1: retention.rooms.a b : no room can have this name"),
        ("[retention.rooms.Ab]\n[retention.rooms.aB]", "2: retention.rooms.aB: this room is named"),
        ("[limits]\nroom_name_bytes = 5\n[retention.rooms.longer]", "3: retention.rooms.longer: "),
        ("[disk]\nreserve = '1.5G'", "2: disk.reserve: not a size"),
        ("port = 1\n[retention", "2: not TOML: "),
        ("max_age = '1d'\nmax_age = '2d'", "2: not TOML: "),
        ("a = " + "[" * 5000, "not TOML: "),
        ("a = 1\nport = " + "1" * 5000, "2: not TOML: a number of too many digits"),
        ("port = 0x" + "f" * 5000, "1: port: not a whole number"),
        ("[limits]\ntext_bytes = 0x" + "f" * 5000, "2: limits.text_bytes: not a size"),
        ("[stats]\ninterval = 0x" + "f" * 5000, "2: stats.interval: not a time"),
        ("[rates]\nsends_per_second = 0x" + "f" * 5000, "2: rates.sends_per_second: not a number"),
    ],
)
def test_slip_is_one_line_with_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    """Nothing is guessed: what is not known or cannot be used is named, with its line."""
    with pytest.raises(ConfigError) as caught:
        launch(tmp_path, text)
    (line,) = caught.value.problems
    assert line.startswith(f"{tmp_path}/chat.toml:")
    assert told in line
    assert line.isprintable()


def test_all_slips_are_told_at_once(tmp_path: Path) -> None:
    """Who made several mistakes is told of each, in the order of the file."""
    with pytest.raises(ConfigError) as caught:
        launch(tmp_path, "port = -1\nhots = 'a'\n[limits]\ntext_lines = 0\n[log]\nlevel = 'x'\n")
    where = [problem.removeprefix(f"{tmp_path}/chat.toml:") for problem in caught.value.problems]
    assert [told.split(": ")[:2] for told in where] == [
        ["1", "port"],
        ["2", "hots"],
        ["4", "limits.text_lines"],
        ["6", "log.level"],
    ]
    assert str(caught.value) == "; ".join(caught.value.problems)


def test_rooms_are_so_few_that_an_instance_can_be_told(tmp_path: Path) -> None:
    """The longest that may be said of rooms still fits into one argument of a command."""
    bounds = "{ max_age = '364999d', max_messages = 999999999999 }"
    names = [f"{number:0>64}" for number in range(MAX_ROOMS + 1)]
    lines = [f"{name} = {bounds}\n" for name in names]
    reserved = ", ".join(f"'{number:0>32}'" for number in range(500))
    text = f"[limits]\nreserved_names = [{reserved}]\n[retention.rooms]\n"
    found = launch(tmp_path, text + "".join(lines[:MAX_ROOMS]))
    config: InstanceConfig = found.instance_configs()[0]
    assert len(config.to_json()) < 110 * 1024
    with pytest.raises(ConfigError, match=r":3: retention\.rooms: at most 500 rooms"):
        launch(tmp_path, text + "".join(lines))


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is absent, a directory, or not text is named with the reason."""
    with pytest.raises(ConfigError, match=r"--config .*/none\.toml: No such file"):
        read_file(tmp_path / "none.toml", "--config")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_file(tmp_path, "--config")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"binary\.toml: not TOML: not UTF-8"):
        read_file(binary, "--config")
