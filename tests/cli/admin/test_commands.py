"""`chat_cli.admin.commands`: what is asked and printed, against a service in memory."""

import json
import re
from pathlib import Path

import pytest

from chat_cli.admin.arguments import read_arguments
from chat_cli.admin.commands import COMMANDS
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2 as chat
from chat_text.sanitize import sanitize
from tests.cli.admin.fake_admin import FakeAdmin, FakeInstance
from tests.cli.admin.script import admin
from tests.cli.desk import run

Printed = pytest.CaptureFixture[str]

EVIL = "a\x1b[2J\nb\u202e"
"""What a terminal would obey, or nobody would see."""


@pytest.fixture
def fake(nest: Path) -> FakeAdmin:
    """Give a service with two instances, one of them stopped."""
    fake = FakeAdmin(nest / "admin.sock")
    first = fake.instance(50051)
    figures = {"users": 3, "streams": 4, "rooms": 2, "connections": 5}
    first.sample(**figures, messages_in=1.25, messages_out=1234.5, cpu=0.5, memory_bytes=48 << 20)
    first.user("alice", sessions=2, room_names=["lobby", "ops"], addresses=["127.0.0.1", "::1"])
    first.user("bob")
    first.room("lobby", topic="welcome", members=7)
    fake.instance(50052, pb.INSTANCE_STATE_STOPPED).told.problem = "its data is damaged"
    return fake


def printed(fake: FakeAdmin, capsys: Printed, *arguments: str) -> list[str]:
    """Run a command that must succeed; return its lines."""

    async def story() -> None:
        async with fake:
            assert await admin(fake, *arguments) == 0

    run(story())
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def refused(fake: FakeAdmin, capsys: Printed, *arguments: str, code: int = 1) -> str:
    """Run a command that must fail; return the one line on stderr."""

    async def story() -> None:
        async with fake:
            assert await admin(fake, *arguments) == code

    run(story())
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("chat-admin: ")
    return line.removeprefix("chat-admin: ")


def test_every_command_of_the_parser_is_done() -> None:
    """The parser knows the commands of the table and no other."""
    arguments = {
        "stop": ["all"],
        "say": ["hi"],
        "kick": ["bob"],
        "export": ["lobby"],
        "add-account": ["bob"],
        "set-password": ["bob"],
        "admin": ["bob", "on"],
        "close-account": ["bob"],
        "reopen-account": ["bob"],
        "unban": ["bob"],
    }
    for name in COMMANDS:
        assert read_arguments([name, *arguments.get(name, [])]).command == name
    with pytest.raises(SystemExit):
        read_arguments(["list"])


def test_instances_are_a_table(fake: FakeAdmin, capsys: Printed) -> None:
    """Each has a line with its figures; one that does not serve has none, and says why."""
    head, first, second = printed(fake, capsys, "instances")
    words = "ADDRESS STATE SINCE USERS ROOMS IN/S OUT/S CPU MEMORY RESTARTS PROBLEM"
    assert head.split() == words.split()
    pattern = r"127.0.0.1:50051  serving  [\ddhms ]+  3      2   1.2  1,234  50%  48.0 MiB +0"
    assert re.fullmatch(pattern, first)
    assert re.match(r"127.0.0.1:50052  stopped .* +- +- +- +- +- +- +0  its data is dam", second)
    assert head.index("PROBLEM") == second.index("its data")
    assert head.index("USERS") + len("USERS") == first.index("3 ") + 1


def test_instances_as_json(fake: FakeAdmin, capsys: Printed) -> None:
    """Each is an object, with its sample."""
    first, second = map(json.loads, printed(fake, capsys, "instances", "--json"))
    assert first == {
        "number": 1,
        "address": "127.0.0.1:50051",
        "port": 50051,
        "state": "serving",
        "since": "2026-11-20T12:00:00.000Z",
        "restarts": 0,
        "pid": 4711,
        "data_directory": "/data/50051",
        "problem": "",
        "sample": {
            "time": "2026-11-20T12:00:00.000Z",
            "users": 3,
            "streams": 4,
            "rooms": 2,
            "messages_in": 1.25,
            "messages_out": 1234.5,
            "cpu": 0.5,
            "memory_bytes": 48 << 20,
            "connections": 5,
        },
    }
    assert (second["state"], second["sample"]) == ("stopped", None)
    assert second["problem"] == "its data is damaged"


def test_an_instance_that_does_not_answer_has_no_figures(fake: FakeAdmin, capsys: Printed) -> None:
    """What is not known is `-`, and null: it is not 0."""
    told = fake.instances[50051].told
    told.ClearField("sample")
    told.problem = "its process runs, and does not answer"
    row = printed(fake, capsys, "instances")[1]
    assert re.search(r"serving .*( +-){6} +0  its process runs, and does not answer$", row)
    one = json.loads(printed(fake, capsys, "instances", "--json")[0])
    assert (one["state"], one["sample"]) == ("serving", None)


def test_start_takes_the_port_or_the_next(fake: FakeAdmin, capsys: Printed) -> None:
    """The one that serves is told by its address."""
    assert printed(fake, capsys, "start", "50060") == ["127.0.0.1:50060 serves"]
    (line,) = printed(fake, capsys, "start", "--json")
    assert json.loads(line)["port"] == 50061


def test_start_of_a_port_that_serves_is_refused(fake: FakeAdmin, capsys: Printed) -> None:
    """With the server's words and exit code 1."""
    assert refused(fake, capsys, "start", "50051") == "50051 serves already"


def test_stop_names_a_port_or_all(fake: FakeAdmin, capsys: Printed) -> None:
    """Those that were stopped are told, one a line."""
    assert printed(fake, capsys, "stop", "50051") == ["127.0.0.1:50051 has stopped"]
    assert len(printed(fake, capsys, "stop", "all")) == 2
    assert refused(fake, capsys, "stop", "1") == "no instance has the port 1"


def test_restart_without_a_port_is_of_the_only_one(fake: FakeAdmin, capsys: Printed) -> None:
    """Where several serve, the ports to choose from are told, and it is wrong usage."""
    assert printed(fake, capsys, "restart") == ["127.0.0.1:50051 serves again"]
    assert printed(fake, capsys, "restart", "50052") == ["127.0.0.1:50052 serves again"]
    line = refused(fake, capsys, "restart", code=2)
    assert line == "several instances serve, so a port is needed: one of 50051, 50052"


def test_nothing_serves(nest: Path, capsys: Printed) -> None:
    """A command about the only instance is refused where there is none."""
    fake = FakeAdmin(nest / "admin.sock")
    assert refused(fake, capsys, "export", "lobby") == "no instance serves"


def test_users(fake: FakeAdmin, capsys: Printed) -> None:
    """Users are lines, or objects."""
    assert printed(fake, capsys, "users") == [
        " PORT  NAME   KIND   CONNECTED  SESSIONS  FROM            ROOMS",
        "50051  alice  guest  yes               2  127.0.0.1, ::1  lobby, ops",
        "50051  bob    guest  yes               1",
    ]
    alice, _ = map(json.loads, printed(fake, capsys, "users", "50051", "--json"))
    assert alice == {
        "port": 50051,
        "name": "alice",
        "user_id": "u1",
        "connected": True,
        "sessions": 2,
        "rooms": ["lobby", "ops"],
        "addresses": ["127.0.0.1", "::1"],
        "created": "2026-11-20T12:00:00.000Z",
        "account": False,
        "bot": False,
        "admin": False,
        "closed": False,
    }
    assert refused(fake, capsys, "users", "7") == "no instance has the port 7"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("account", pb.InstanceUser(user=chat.User(account=True))),
        ("admin", pb.InstanceUser(user=chat.User(account=True), admin=True)),
        ("bot", pb.InstanceUser(user=chat.User(account=True, bot=True))),
        ("closed", pb.InstanceUser(user=chat.User(account=True), admin=True, closed=True)),
    ],
)
def test_kinds_of_users(fake: FakeAdmin, capsys: Printed, kind: str, told: pb.InstanceUser) -> None:
    """What a user is stands beside the name."""
    fake.instances[50051].users[0].MergeFrom(told)
    assert f"alice  {kind}" in printed(fake, capsys, "users")[1]


def test_rooms(fake: FakeAdmin, capsys: Printed) -> None:
    """Rooms are lines, or objects."""
    assert printed(fake, capsys, "rooms") == [
        " PORT  ROOM   PRESENT  MEMBERS  READERS  EVENTS  TOPIC",
        "50051  lobby        0        7        1       0  welcome",
    ]
    (lobby,) = map(json.loads, printed(fake, capsys, "rooms", "--json"))
    assert lobby == {
        "port": 50051,
        "name": "lobby",
        "room_id": "r1",
        "topic": "welcome",
        "first_seq": 1,
        "head_seq": 0,
        "members": 7,
        "present": 0,
        "readers": 1,
    }


def test_long_lists_come_in_pages(fake: FakeAdmin, capsys: Printed) -> None:
    """2,500 users are asked for in three pages, and each is told once, below one head."""
    busy = FakeInstance(fake.instance(50053).told)
    fake.instances = {50053: busy}
    for number in range(2500):
        busy.user(f"user{number}")
    head, *lines = printed(fake, capsys, "users")
    assert fake.pages == 3
    assert head.split()[:2] == ["PORT", "NAME"]
    assert [line.split()[1] for line in lines] == [f"user{number}" for number in range(2500)]


@pytest.mark.parametrize("what", ["users", "rooms"])
def test_those_that_answer_are_listed(what: str, fake: FakeAdmin, capsys: Printed) -> None:
    """Who does not is named on stderr after the rows of the others, and it is exit code 1."""
    for port in (50053, 50054):
        fake.instance(port).user("carol")
        fake.instances[port].room("tea")

    def listed(*silent: int) -> tuple[str, str]:
        fake.silent = {*silent}

        async def story() -> None:
            async with fake:
                assert await admin(fake, what) == 1

        run(story())
        captured = capsys.readouterr()
        return captured.out, captured.err

    out, err = listed(50051)
    assert [row.split()[0] for row in out.splitlines()] == ["PORT", "50053", "50054"]
    assert err == "chat-admin: 50051 does not answer\n"
    out, err = listed(50051, 50053, 50054)
    assert (out, err) == ("", "chat-admin: 50051, 50053, 50054 do not answer\n")
    fake.silent = {50053}
    assert refused(fake, capsys, what, "50053") == "127.0.0.1:50053 does not answer at the moment"


def test_say_joins_its_words(fake: FakeAdmin, capsys: Printed) -> None:
    """To all instances, or to that of a port."""
    assert printed(fake, capsys, "say", "back", "in", "5 minutes") == ["said to 2 clients"]
    assert printed(fake, capsys, "say", "--port", "50052", "hi") == ["said to 0 clients"]
    assert [(one.port, one.text) for one in fake.said] == [
        (0, "back in 5 minutes"),
        (50052, "hi"),
    ]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["50051", "Alice"], (50051, "Alice", "")),
        (["50051", "alice", "no", "adverts here"], (50051, "alice", "no adverts here")),
        # The only instance that serves.
        (["alice"], (50051, "alice", "")),
        (["bob", "adverts"], (50051, "bob", "adverts")),
        # A name may be a number.
        (["50052"], (50051, "50052", "")),
        (["50051", "50052"], (50051, "50052", "")),
        (["99999", "reason"], (50051, "99999", "reason")),
    ],
)
def test_kick(
    words: list[str], asked: tuple[int, str, str], fake: FakeAdmin, capsys: Printed
) -> None:
    """A number with something behind it is the port; then come the name and the reason."""
    for name in ("50052", "99999"):
        fake.instances[50051].user(name)
    (line,) = printed(fake, capsys, "kick", *words)
    assert re.fullmatch(rf"(?i){asked[1]} was removed from 50051: \d sessions? ended", line)
    (request,) = fake.kicked
    assert (request.port, request.name, request.reason) == asked


def test_kick_of_nobody_is_refused(fake: FakeAdmin, capsys: Printed) -> None:
    """In the server's words, made safe."""
    line = refused(fake, capsys, "kick", "50051", EVIL)
    assert line == f"nobody is called {sanitize(EVIL)}"


def test_stats_tell_lowest_now_and_highest(fake: FakeAdmin, capsys: Printed) -> None:
    """A line for each figure, of the instances that have samples."""
    fake.instances[50051].sample(users=1, cpu=0.01, memory_bytes=50 << 20)
    assert printed(fake, capsys, "stats") == [
        " PORT  FIGURE            MIN       NOW       MAX",
        "50051  users               1         1         3",
        "50051  in msg/s          0.0       0.0       1.2",
        "50051  out msg/s         0.0       0.0     1,234",
        "50051  cpu                1%        1%       50%",
        "50051  memory       48.0 MiB  50.0 MiB  50.0 MiB",
        "50051  connections         0         0         5",
    ]


def test_stats_as_json(fake: FakeAdmin, capsys: Printed) -> None:
    """An object for each sample, oldest first, with the port."""
    fake.instances[50051].sample(users=1)
    first, second = map(json.loads, printed(fake, capsys, "stats", "50051", "--json"))
    assert (first["port"], first["users"], first["memory_bytes"]) == (50051, 3, 48 << 20)
    assert (second["users"], second["time"]) == (1, "2026-11-20T12:00:05.000Z")


def test_reload_tells_what_holds_now(fake: FakeAdmin, capsys: Printed) -> None:
    """And what waits for a restart; a flaw is told and is exit code 1."""
    assert printed(fake, capsys, "reload") == ["nothing has changed"]
    fake.applied, fake.after_restart = ["log.level", "rates.sends"], ["host"]
    assert printed(fake, capsys, "reload") == [
        "holds now: log.level, rates.sends",
        "waits for a restart of the whole: host",
    ]
    fake.flaw = "chat.toml:3: limits.text_bytes: not a number"
    assert refused(fake, capsys, "reload") == fake.flaw


def test_shutdown_may_be_repeated(fake: FakeAdmin, capsys: Printed) -> None:
    """Each time it is passed on."""
    for _ in range(2):
        assert printed(fake, capsys, "shutdown") == ["the server stops"]
    assert fake.shutdowns == 2


def test_remote_text_is_harmless(fake: FakeAdmin, capsys: Printed) -> None:
    """Whatever a server sends stays on its line, and has nothing that a terminal obeys."""
    one = fake.instances[50051]
    one.told.problem = one.told.address = EVIL
    one.user(EVIL, room_names=[EVIL], addresses=[EVIL])
    one.room(EVIL, topic=EVIL)
    fake.applied = [EVIL]
    for arguments in (
        ["instances"],
        ["users"],
        ["rooms"],
        ["reload"],
        ["restart", "50051"],
        ["kick", "50051", EVIL],
        ["instances", "--json"],
        ["users", "--json"],
        ["rooms", "--json"],
    ):
        lines = printed(fake, capsys, *arguments)
        assert len(lines) <= 4
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", "".join(lines)), arguments
