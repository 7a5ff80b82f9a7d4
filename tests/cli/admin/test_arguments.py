"""`chat_cli.admin.arguments`: what the command line may say, and what is meant by it."""

from pathlib import Path

import platformdirs
import pytest

from chat_cli.admin.arguments import read_arguments
from chat_cli.admin.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["list"],
        ["start", "0"],
        ["start", "65536"],
        ["start", "-1"],
        ["start", "\u0665\u0660"],
        ["stop"],
        ["stop", "everything"],
        ["kick"],
        ["say"],
        ["say", "--port", "x", "hi"],
        ["export"],
        ["export", "lobby", "--format", "xml"],
        ["shutdown", "now"],
        ["--wait", "-1", "instances"],
        ["--wait", "soon", "instances"],
        ["users", "--js"],
        ["admin", "alice"],
        ["admin", "alice", "maybe"],
        ["set-password"],
        ["set-password", "alice", "secret"],
        ["set-password", "alice", "--generate", "--password-file", "-"],
        ["add-account", "alice", "bob"],
        ["audit", "--count", "0"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With a line that says what is wrong."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_data_is_where_the_server_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --data-dir it is that of the environment, or the default of chat-server."""
    monkeypatch.delenv("CHAT_SERVER_DATA_DIR", raising=False)
    served = platformdirs.user_data_path("durable-chat", appauthor=False)
    assert read_arguments(["instances"]).data_dir == served
    monkeypatch.setenv("CHAT_SERVER_DATA_DIR", "/srv/chat")
    assert read_arguments(["instances"]).data_dir == Path("/srv/chat")
    assert read_arguments(["--data-dir", "/here", "instances"]).data_dir == Path("/here")


@pytest.mark.parametrize(
    ("line", "port", "name", "behind"),
    [
        ("kick bob", 0, "bob", []),
        ("kick 7", 0, "7", []),
        ("kick 50051 7", 50051, "7", []),
        ("kick 99999 too many", 0, "99999", ["too", "many"]),
        ("kick 50051 bob no adverts", 50051, "bob", ["no", "adverts"]),
        ("set-password 50051 alice --generate", 50051, "alice", []),
        ("add-account --admin alice", 0, "alice", []),
        ("admin 50051 alice off", 50051, "alice", ["off"]),
        ("admin 7 on", 0, "7", ["on"]),
        ("close-account alice left us", 0, "alice", ["left", "us"]),
        ("unban 192.0.2.0/24", 0, "192.0.2.0/24", []),
    ],
)
def test_port_name_and_what_follows(line: str, port: int, name: str, behind: list[str]) -> None:
    """A number is a port where a name follows it, and a name where none does."""
    options = read_arguments(line.split())
    assert (options.port, options.name, options.reason) == (port, name, behind)
