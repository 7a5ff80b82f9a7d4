"""Protobuf to core and back."""

from typing import Any

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.commands import Direct, RoomById, RoomByName, Target
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.events import MessagePosted
from chat_service.core.model import HistoryPolicy, Invitation, Role, Room, RoomKind, Style
from chat_service.edge import wire
from tests.edge.clients import direct, room, room_id


def post(**other: Any) -> pb.Post:
    """Return a post that differs from the usual one in some fields."""
    fields: dict[str, Any] = {"room": room("lobby"), "text": "hi", "client_msg_id": "m1"}
    return pb.Post(**fields | other)


def message(text: str = "hi", style: Style = Style.TEXT) -> MessagePosted:
    """Return a message of alice."""
    return MessagePosted(5, 7, 3, 1, "alice", style, text, "m1", b"hash")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (room_id("r7"), RoomById(7)),
        (room_id("x"), RoomById(0)),
        (room("Lobby"), RoomByName("Lobby")),
        (room(""), RoomByName("")),
        (direct("carol", "Bob"), Direct(("carol", "Bob"))),
        (direct(), Direct(())),
    ],
)
def test_target_says_which_room_is_meant(target: pb.RoomTarget, expected: Target) -> None:
    """Each of the three ways to name a room is understood; rules are not looked at here."""
    assert wire.target_of(target) == expected


def test_target_must_be_set() -> None:
    """A target that names nothing is refused with the field."""
    with pytest.raises(RefusedError) as refused:
        wire.target_of(pb.RoomTarget())
    assert (refused.value.rejection.reason, refused.value.rejection.field) == (
        Reason.TARGET_MISSING,
        "room",
    )


def test_styles() -> None:
    """Known styles are understood, any other number is refused."""
    assert wire.style_of(pb.MESSAGE_STYLE_UNSPECIFIED) is Style.TEXT
    assert wire.style_of(pb.MESSAGE_STYLE_ACTION) is Style.ACTION
    for number in (2, 99, -1):
        with pytest.raises(RefusedError) as refused:
            wire.style_of(number)
        assert refused.value.rejection.field == "style"


def test_hash_tells_a_retry_from_another_message() -> None:
    """The same request hashes alike; room, text and style each change the hash."""
    hashes = [
        wire.request_hash(one)
        for one in (
            post(),
            post(room=room("other")),
            post(room=room_id("r1")),
            post(text="hi!"),
            post(style=pb.MESSAGE_STYLE_ACTION),
        )
    ]
    assert len(set(hashes)) == len(hashes)
    assert wire.request_hash(post()) == hashes[0]
    assert len(hashes[0]) == 16


def test_public_room_as_its_members_see_it() -> None:
    """A public room has its name, topic, head and how many are there, and no members."""
    shown = wire.room_message(Room(7, RoomKind.PUBLIC, "lobby", "hello", 0, 1), head=41, present=3)
    assert shown == pb.Room(
        room_id="r7",
        kind=pb.ROOM_KIND_PUBLIC,
        name="lobby",
        topic="hello",
        head_seq=41,
        present=3,
        history=pb.HISTORY_POLICY_ALL,
    )


def test_private_room_as_a_member_sees_it() -> None:
    """All that can be set of it, the role of its reader, and of the password that it has one."""
    room = Room(
        9,
        RoomKind.PRIVATE,
        "den",
        "cats",
        1,
        1,
        description="ours",
        archived=True,
        slow_mode_ms=5000,
        history=HistoryPolicy.FROM_JOIN,
        topic_locked=True,
        password_hash="$argon2id$secret",
    )
    shown = wire.room_message(room, head=2, present=1, role=Role.MODERATOR, muted_until_ms=77)
    assert shown == pb.Room(
        room_id="r9",
        kind=pb.ROOM_KIND_PRIVATE,
        name="den",
        topic="cats",
        head_seq=2,
        present=1,
        description="ours",
        archived=True,
        slow_mode_ms=5000,
        history=pb.HISTORY_POLICY_FROM_JOIN,
        topic_locked=True,
        has_password=True,
        role=pb.ROLE_MODERATOR,
        muted_until_ms=77,
    )


def test_invitation_names_room_and_inviter() -> None:
    """With the name that the inviter had then."""
    room = Room(9, RoomKind.PRIVATE, "den", "", 1, 1)
    assert wire.invitation_message(Invitation(9, 2, 1, "alice", 5), room) == pb.Invitation(
        room_id="r9", name="den", inviter=pb.User(user_id="u1", name="alice"), time_ms=5
    )


def test_direct_message_as_its_members_see_it() -> None:
    """A direct message has its members, and neither a name nor who is there."""
    shown = wire.room_message(
        Room(8, RoomKind.DIRECT, "", "", 1, 1, (1, 2), ("alice", "Bob")), head=2, present=0
    )
    assert shown == pb.Room(
        room_id="r8",
        kind=pb.ROOM_KIND_DIRECT,
        head_seq=2,
        history=pb.HISTORY_POLICY_ALL,
        members=[pb.User(user_id="u1", name="alice"), pb.User(user_id="u2", name="Bob")],
    )


def test_no_field_stands_beside_the_items() -> None:
    """Frames can be joined only while the responses have the one repeated field."""
    for kind in (pb.ChatResponse, pb.SubscribeResponse):
        (field,) = kind.DESCRIPTOR.fields
        assert (field.name, field.number, field.is_repeated) == ("items", 1, True)
        assert field.message_type is pb.StreamItem.DESCRIPTOR


def test_whoever_runs_the_server_has_no_name() -> None:
    """Who did something is named by id and name of then; the operator by nothing."""
    assert wire.actor_message(0, "") is None
    assert wire.actor_message(3, "ann") == pb.User(user_id="u3", name="ann")
