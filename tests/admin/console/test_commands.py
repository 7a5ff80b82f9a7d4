"""`chat_service.admin.console.commands` and `actions`: what each command orders and answers."""

import asyncio

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.admin.console import answers
from chat_service.admin.console.actions import Desk
from chat_service.admin.console.commands import COMMANDS
from chat_service.admin.console.state import ConsoleState
from chat_service.admin.console.syntax import Mistake, parse
from chat_service.admin.operations import AdminError, Reloaded
from tests.admin.console.fleet import NOON, FakeFleet, instance, sample


class Operator:
    """Somebody who orders, and reads the answers."""

    def __init__(self, instances: int = 5) -> None:
        self.fleet = FakeFleet(instances)
        self.state = ConsoleState()
        self._desk = Desk(self.fleet, self.state, lambda: NOON, lambda: 80)

    def enters(self, line: str) -> list[str]:
        """Enter a line; give the answer."""
        meant = parse(COMMANDS, line, [one.port for one in self.fleet.instances() if one.port])
        assert meant is not None
        if isinstance(meant, Mistake):
            return [meant.line]

        command, order = meant

        async def answered() -> list[str]:
            return [line.text for line in await command.does(self._desk, order)]

        return asyncio.run(answered())


@pytest.mark.parametrize(
    ("line", "ordered", "answer"),
    [
        ("start", "start 50056", "127.0.0.1:50056 serves"),
        ("stop 50052", "stop 50052", "127.0.0.1:50052 has stopped"),
        ("restart 50052", "restart 50052", "127.0.0.1:50052 serves again"),
        ("say hello all", "say 0 hello all", "said to 3 clients"),
        ("say 50052 hello", "say 50052 hello", "said to 1 client"),
        (
            "kick 50051 anna too loud",
            "kick 50051 anna too loud",
            "anna was removed from 50051: 1 session ended",
        ),
        ("users 50052", "users 50052", "1 user, 1 connected"),
        ("rooms", "rooms 0", "0 public rooms"),
        ("reload", "reload", "nothing has changed"),
        (
            "owner-code 50052",
            "owner-code 50052",
            "K7QM-3XZD-P9RT-WB2H makes whoever registers with it on 50052 an admin, once",
        ),
    ],
)
def test_what_a_command_orders_and_answers(line: str, ordered: str, answer: str) -> None:
    """One order, and its answer in words."""
    operator = Operator()
    operator.fleet.people(50_051, "anna", "bob")
    operator.fleet.people(50_052, "carol")
    assert operator.enters(line)[0] == answer
    assert operator.fleet.orders == [ordered]


def test_every_instance_can_be_stopped_at_once() -> None:
    """A line for each."""
    operator = Operator(3)
    assert operator.enters("stop all") == [
        f"127.0.0.1:{port} has stopped" for port in (50_051, 50_052, 50_053)
    ]


def test_a_refusal_is_not_swallowed() -> None:
    """The console shows it."""
    with pytest.raises(AdminError, match="nobody is called dave on 50051"):
        Operator().enters("kick 50051 dave")


def test_a_list_of_more_than_anybody_reads_is_cut() -> None:
    """And not read to its end."""
    operator = Operator()
    operator.fleet.people(50_051, *(f"g{n}" for n in range(answers.MAX_LISTED + 1)))
    listed = operator.enters("users")
    assert listed[0] == "the first 4,000 users, 4,000 connected; “chat-admin users” lists all"
    assert len(listed) == answers.MAX_LISTED + 2


def test_where_several_serve_each_row_names_its_port() -> None:
    """Also if all who are there are on one; where one serves, there is nothing to tell apart."""
    for instances, titles in ((2, ["PORT", "NAME"]), (1, ["NAME", "KIND"])):
        operator = Operator(instances)
        operator.fleet.people(50_051, "anna")
        assert operator.enters("users")[1].split()[:2] == titles
        lobby = pb.InstanceRoom(port=50_051, room=chat_pb2.Room(name="lobby"))
        operator.fleet.rooms_of[50_051] = [lobby]
        assert ("PORT" in operator.enters("rooms")[1]) == (instances == 2)
    operator = Operator(2)
    operator.fleet.people(50_051, "anna")
    operator.fleet.put(instance(2, pb.INSTANCE_STATE_STOPPED))
    assert operator.enters("users")[1].startswith("NAME")


def test_those_that_answer_are_listed() -> None:
    """Below their rows one line names who did not; alone it is an error."""
    operator = Operator(3)
    operator.fleet.unanswered = AdminError("INSTANCE_UNAVAILABLE", "50053 does not answer")
    with pytest.raises(AdminError, match="50053 does not answer"):
        operator.enters("users")
    operator.fleet.people(50_051, "anna")
    lobby = pb.InstanceRoom(port=50_051, room=chat_pb2.Room(name="lobby"))
    operator.fleet.rooms_of[50_051] = [lobby]
    for command in ("users", "rooms"):
        first, _, _, last = operator.enters(command)
        assert first.startswith("1 ")
        assert last == "50053 does not answer"


def test_reload_tells_what_holds_and_what_waits() -> None:
    """By the keys of the configuration."""
    operator = Operator()
    operator.fleet.reloaded = Reloaded(("log_level", "keep_days"), ("port",))
    assert operator.enters("reload") == [
        "holds now: log_level, keep_days",
        "waits for a restart of the whole: port",
    ]


def test_the_log_is_followed_until_it_is_asked_for_again() -> None:
    """First what was logged last; another instance takes its place."""
    operator = Operator()
    operator.fleet.logs(50_051, "one")
    operator.fleet.logs(50_052, "two")
    assert operator.enters("logs 50052") == ["two"]
    assert operator.state.following == 50_052
    assert operator.enters("logs 50051") == ["one"]
    assert operator.enters("logs") == ["no longer following the log"]
    assert operator.state.following is None
    assert operator.enters("logs") == ["50051 one", "50052 two"]
    assert operator.state.following == 0
    assert operator.enters("logs") == ["no longer following the log"]


def test_statistics_of_one_and_of_all() -> None:
    """All are added up; the only one is named."""
    operator = Operator(2)
    operator.fleet.history = {
        50_051: [sample(3, time_ms=NOON - 5_000), sample(4)],
        50_052: [sample(1, time_ms=NOON + 100)],
    }
    assert (
        operator.enters("stats 50051")[0]
        == "50051, the last 5s                 min     now     max"
    )
    every = operator.enters("stats")
    assert every[0] == "all instances, the last 5s         min     now     max"
    assert every[1].split() == ["users", "▅█", "3", "5", "5"]
    assert operator.enters("stats 50052")[1].split() == ["users", "█", "1", "1", "1"]
    only = Operator(1)
    assert only.enters("stats") == ["50051: nothing was measured yet"]


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("127.0.0.1", "localhost:50051"),
        ("[::1]", "localhost:50051"),
        ("0.0.0.0", "localhost:50051"),
        ("127.0.0.2", "127.0.0.2:50051"),
        ("192.0.2.7", "192.0.2.7:50051"),
        ("[2001:db8::7]", "[2001:db8::7]:50051"),
        ("strange", "strange:50051"),
    ],
)
def test_how_a_client_connects(host: str, target: str) -> None:
    """The line can be copied as it is, except for the name."""
    operator = Operator(1)
    operator.fleet.put(instance(1, host=host))
    if not target.startswith(("localhost", "127.", "strange")):
        operator.fleet.fingerprint = "A1:B2"
    assert operator.enters("open")[0] == f"chat-cli --target {target} --name NAME"
    operator.fleet.put(instance(1, pb.INSTANCE_STATE_STOPPED, host=host))
    assert operator.enters("open")[-1] == f"{host}:50051 does not serve now"


@pytest.mark.parametrize(
    ("host", "encrypted", "option"),
    [
        ("127.0.0.1", True, " --tls"),
        ("0.0.0.0", True, " --tls"),
        ("[::1]", True, " --tls"),
        ("127.0.0.2", True, " --tls"),
        ("0.0.0.0", False, ""),
        ("192.0.2.7", True, ""),
        ("192.0.2.7", False, " --plaintext"),
        ("[2001:db8::7]", False, " --plaintext"),
    ],
)
def test_how_a_client_is_told_of_encryption(host: str, encrypted: bool, option: str) -> None:
    """An option stands where the client would not do by itself as the server does."""
    operator = Operator(1)
    operator.fleet.put(instance(1, host=host))
    operator.fleet.fingerprint = "A1:B2" if encrypted else ""
    line, *told = operator.enters("open")
    assert line.endswith(f":50051{option} --name NAME")
    if host == "0.0.0.0":
        elsewhere = told.pop(0)
        assert elsewhere.startswith("from elsewhere")
        assert elsewhere.endswith(": --target NAME-OF-THIS-MACHINE:50051")
        assert ("if the certificate is for another name" in elsewhere) == encrypted
    assert told == (["certificate SHA-256 A1:B2"] if encrypted else [])


def test_shutdown_asks_when_people_are_connected() -> None:
    """How many are counted over all instances."""
    operator = Operator()
    operator.fleet.people(50_051, "anna", "bob")
    operator.fleet.people(50_054, "carol")
    assert operator.enters("shutdown") == []
    assert operator.state.question == "3 people are connected. Stop everything?"
    assert operator.fleet.orders == []
    operator.fleet.people(50_051)
    operator.enters("shutdown")
    assert operator.state.question == "1 person is connected. Stop everything?"


def test_shutdown_goes_on_at_once_when_nobody_is_there() -> None:
    """And once is enough."""
    operator = Operator()
    assert operator.enters("shutdown") == ["stopping: clients are told to come back later"]
    assert operator.enters("shutdown") == ["it is being stopped; Ctrl+C makes it quick"]
    assert operator.fleet.orders == ["shutdown"]


def test_a_shutdown_that_was_refused_can_be_repeated() -> None:
    """It is not taken for a stop that goes on."""
    operator = Operator()
    operator.fleet.fails = AdminError("UNAVAILABLE", "the launcher does not answer")
    with pytest.raises(AdminError):
        operator.enters("shutdown")
    assert not operator.state.stopping


def test_help_has_every_command() -> None:
    """In the order of the table, each in words, then the keys."""
    listed = Operator().enters("help")
    assert len(listed) > len(COMMANDS)
    for line, command in zip(listed, COMMANDS.values(), strict=False):
        assert line.startswith(command.usage)
        assert line.endswith(command.summary)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(name: str) -> None:
    """Usage, what it does, and what is worth knowing."""
    command = COMMANDS[name]
    wanted = [command.usage, command.summary, *([command.detail] if command.detail else [])]
    assert Operator().enters(f"help {name}") == wanted


def test_help_of_what_is_no_command() -> None:
    """The nearest is named."""
    assert Operator().enters("help stpo") == ["There is no “stpo”. Did you mean “stop”?"]


def test_every_command_fits_the_hint_of_a_narrow_terminal() -> None:
    """Usage and summary in sixty columns."""
    for command in COMMANDS.values():
        assert len(f" {command.usage}  {command.summary}") <= 60
