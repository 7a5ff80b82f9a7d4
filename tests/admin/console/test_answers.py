"""`chat_service.admin.console.answers`: answers of the instances as lines."""

import asyncio
from datetime import UTC

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.admin.console.answers import (
    error,
    instance_lines,
    log_line,
    room_lines,
    user_lines,
)
from chat_service.admin.console.lines import Line
from chat_service.admin.operations import Logged
from tests.admin.console.fleet import HOUR, NOON, FakeFleet, instance
from tests.text.test_sanitize import ATTACKS


def texts(lines: list[Line]) -> list[str]:
    """Give what lines say."""
    return [line.text for line in lines]


def user(name: str, port: int = 50_051) -> pb.InstanceUser:
    """Make a user who came an hour ago."""
    who = chat_pb2.User(user_id="u1", name=name, connected=True)
    return pb.InstanceUser(
        port=port,
        user=who,
        sessions=2,
        room_names=["lobby", "dev"],
        addresses=["10.0.0.7"],
        created_ms=NOON - HOUR,
    )


def room(name: str, port: int = 50_051, topic: str = "", first: int = 1) -> pb.InstanceRoom:
    """Make a room of 120 events, of which those from `first` on are kept."""
    what = chat_pb2.Room(name=name, topic=topic, head_seq=120)
    return pb.InstanceRoom(port=port, room=what, members=9, readers=4, first_seq=first)


def test_users() -> None:
    """How many first, since it is what a long list hides."""
    gone = user("bob")
    gone.user.connected = False
    del gone.addresses[:], gone.room_names[:]
    assert texts(user_lines([user("anna"), gone], True, False, NOON)) == [
        "2 users, 1 connected",
        "NAME  KIND   CONNECTED  SESSIONS  HERE FOR  FROM      ROOMS",
        "anna  guest  yes               2     1h00m  10.0.0.7  lobby dev",
        "bob   guest  no                2     1h00m  -         -",
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("account", pb.InstanceUser(user=chat_pb2.User(account=True))),
        ("admin", pb.InstanceUser(user=chat_pb2.User(account=True), admin=True)),
        ("bot", pb.InstanceUser(user=chat_pb2.User(account=True, bot=True))),
        ("closed", pb.InstanceUser(user=chat_pb2.User(account=True), admin=True, closed=True)),
    ],
)
def test_kinds_of_users(kind: str, told: pb.InstanceUser) -> None:
    """What a user is stands beside the name."""
    told.MergeFrom(user("anna"))
    assert texts(user_lines([told], True, False, NOON))[2].startswith(f"anna  {kind} ")


def test_users_of_several_instances_are_told_apart() -> None:
    """By the port."""
    lines = texts(user_lines([user("anna"), user("anna", 50_052)], True, True, NOON))
    assert lines[2].startswith("50051  anna")
    assert lines[3].startswith("50052  anna")


def test_a_list_that_is_not_complete_says_so() -> None:
    """And names what lists all."""
    assert texts(user_lines([user("anna")], False, False, NOON))[0] == (
        "the first 1 user, 1 connected; “chat-admin users” lists all"
    )
    assert "“chat-admin rooms” lists all" in texts(room_lines([room("lobby")], False, False))[0]


def test_nobody_and_nothing() -> None:
    """No empty tables."""
    assert texts(user_lines([], True, False, NOON)) == ["0 users, 0 connected"]
    assert texts(room_lines([], True, False)) == ["0 public rooms"]


def test_rooms() -> None:
    """Events are those that are kept."""
    assert texts(room_lines([room("lobby", topic="hi"), room("dev", first=101)], True, False)) == [
        "2 public rooms",
        "ROOM    MEMBERS  READERS  EVENTS  TOPIC",
        "#lobby        9        4     120  hi",
        "#dev          9        4      20  -",
    ]


def test_instances() -> None:
    """With process and data, and what is wrong below."""
    lines = [
        instance(1, problem="does not answer"),
        instance(2, pb.INSTANCE_STATE_STOPPED, "port 50052 is taken"),
    ]
    assert texts(instance_lines(lines, UTC)) == [
        "ADDRESS          STATE    SINCE            PROCESS  DATA",
        "127.0.0.1:50051  serving  Nov 20 09:55:00     4001  /srv/chat/50051",
        "  └ does not answer",
        "127.0.0.1:50052  stopped  Nov 20 09:55:00        -  /srv/chat/50052",
        "  └ port 50052 is taken",
    ]
    assert len(instance_lines([], UTC)) == 1


def test_lines_of_the_log() -> None:
    """Among those of others each names its writer, who may be the launcher."""
    assert log_line(Logged(50_051, "a\tb\n"), named=True).text == "50051 a    b"
    assert log_line(Logged(50_051, "a\tb\n"), named=False).text == "a    b"
    assert log_line(Logged(0, "started"), named=True).text == "server started"


def test_what_went_wrong_stands_out_in_the_log() -> None:
    """By the level in the line, which is there to be read too; a record names its writer."""
    line = "2025-11-20T12:00:00.123Z ERROR 127.0.0.1:50051 the disk is full"
    assert log_line(Logged(50_051, line), named=True).fragments == [("class:log.error", line)]
    line = line.replace("ERROR", "INFO")
    assert log_line(Logged(50_051, line), named=True).fragments == [("class:log.info", line)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_comes_from_elsewhere_is_made_harmless(attack: str) -> None:
    """Names, topics, addresses, directories, problems, errors and the log."""
    bad_user = user(attack)
    bad_user.addresses[:] = [attack]
    bad_user.room_names[:] = [attack]
    bad_instance = instance(1, pb.INSTANCE_STATE_WAITING, attack)
    bad_instance.data_directory = bad_instance.address = attack
    lines = [
        error(attack),
        log_line(Logged(50_051, attack), named=True),
        *user_lines([bad_user], True, False, NOON),
        *room_lines([room(attack, topic=attack)], True, False),
        *instance_lines([bad_instance], UTC),
    ]
    assert all(attack not in line.text for line in lines)
    assert all(line.text.isprintable() for line in lines)


def test_the_fake_obeys_its_contract() -> None:
    """What other tests of the console rest on: lists are by port, orders are heard."""

    async def story() -> None:
        fleet = FakeFleet(2)
        fleet.people(50_052, "bob")
        fleet.people(50_051, "carol", "anna")
        found = [(user.port, user.user.name) async for user in fleet.users(0)]
        assert found == [(50_051, "anna"), (50_051, "carol"), (50_052, "bob")]
        assert [one.port for one in await fleet.stop(0)] == [50_051, 50_052]
        assert fleet.orders == ["users 0", "stop 0"]

    asyncio.run(story())
