"""Protobuf to core and back."""

from typing import Any

import psutil
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.commands import Direct, RoomById, RoomByName, Target
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.events import MessagePosted, TopicChanged
from chat_service.core.model import Room, RoomKind, Style, User
from chat_service.edge import wire
from chat_service.hub.limits import DEFAULT_LIMITS
from chat_service.hub.presence import MAX_TOLD, Change
from tests.edge.clients import direct, room, room_id

ALICE, BOB = User(1, "alice", 0), User(2, "Bob", 0)


@pytest.mark.parametrize("number", [1, 9, 10, 123456789, 10**18 - 1])
def test_room_number_comes_back(number: int) -> None:
    """An id that was given out leads to its room."""
    assert wire.room_number(wire.room_text(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "r", "r0", "r01", "1", "u1", "s1", "R1", "r-1", "r1 ", " r1", "r1\n", "r1x", "r1.0"),
        # Digits of other scripts.
        *("r\uff11", "r\u0661"),
        *("lobby", "\x00", "r" + "9" * 99),
    ],
)
def test_no_other_text_is_a_room(text: str) -> None:
    """Whatever is not an id of a room is the number that no room has."""
    assert wire.room_number(text) == 0


def test_ids_of_different_things_are_different_texts() -> None:
    """The same number names a room, a user and a session by different texts."""
    assert len({wire.room_text(7), wire.user_text(7), wire.session_text(7)}) == 3


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


def post(**other: Any) -> pb.Post:
    """Return a post that differs from the usual one in some fields."""
    fields: dict[str, Any] = {"room": room("lobby"), "text": "hi", "client_msg_id": "m1"}
    return pb.Post(**fields | other)


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
        members=[pb.User(user_id="u1", name="alice"), pb.User(user_id="u2", name="Bob")],
    )


def message(text: str = "hi", style: Style = Style.TEXT) -> MessagePosted:
    """Return a message of alice."""
    return MessagePosted(5, 7, 3, 1, "alice", style, text, "m1", b"hash")


def test_events_as_they_travel() -> None:
    """A message and a change of topic keep place, time, author and body."""
    said, changed = pb.RoomEvent(), pb.RoomEvent()
    wire.put_event(said, message(style=Style.ACTION))
    author = pb.User(user_id="u1", name="alice")
    assert said == pb.RoomEvent(
        room_id="r7",
        seq=3,
        time_ms=5,
        author=author,
        message=pb.Message(text="hi", style=pb.MESSAGE_STYLE_ACTION, client_msg_id="m1"),
    )
    wire.put_event(changed, TopicChanged(6, 7, 4, 1, "alice", ""))
    assert changed == pb.RoomEvent(
        room_id="r7", seq=4, time_ms=6, author=author, topic=pb.TopicChange(topic="")
    )
    assert changed.WhichOneof("body") == "topic"


def test_ack_names_order_message_and_place() -> None:
    """An ack carries the ids of the order and of the message, and the whole answer."""
    frames = wire.LiveFrames()
    answers = [Answer(room_id=7, seq=3, time_ms=5, duplicate=True), Answer(room_id=8)]
    said, joined = (frames.ack(f"o{a.room_id}", "m1" * a.seq, a) for a in answers)
    assert pb.ChatResponse.FromString(said).items[0].ack == pb.Ack(
        order_id="o7", client_msg_id="m1m1m1", room_id="r7", seq=3, time_ms=5, duplicate=True
    )
    assert pb.ChatResponse.FromString(joined).items[0].ack == pb.Ack(order_id="o8", room_id="r8")


def test_nothing_of_an_event_is_left_in_the_next() -> None:
    """Live frames are those of a fresh message, whatever was encoded before."""
    frames = wire.LiveFrames()
    for event in (
        message("one", Style.ACTION),
        message("two"),
        TopicChanged(6, 9, 4, 2, "bob", "cats"),
        message("", Style.ACTION),
        TopicChanged(6, 9, 4, 2, "", ""),
        message("three"),
    ):
        assert frames.event(event) == wire.event_frame(event)


def test_frames_laid_end_to_end_are_a_frame() -> None:
    """Items of joined frames keep their order, and are a SubscribeResponse as well."""
    frames = [
        wire.event_frame(message("one")),
        wire.HubFrames().live(7, 3),
        wire.frame(pb.StreamItem(ack=pb.Ack(order_id="o1")), pb.StreamItem(event=pb.RoomEvent())),
        b"",
        wire.event_frame(message("two")),
    ]
    assert all(type(frame) is bytes for frame in frames)
    for kind in (pb.ChatResponse, pb.SubscribeResponse):
        items = kind.FromString(b"".join(frames)).items
        kinds = [item.WhichOneof("item") for item in items]
        assert kinds == ["event", "live", "ack", "event", "event"]
        assert [items[0].event.message.text, items[-1].event.message.text] == ["one", "two"]


def test_no_field_stands_beside_the_items() -> None:
    """Frames can be joined only while the responses have the one repeated field."""
    for kind in (pb.ChatResponse, pb.SubscribeResponse):
        (field,) = kind.DESCRIPTOR.fields
        assert (field.name, field.number, field.is_repeated) == ("items", 1, True)
        assert field.message_type is pb.StreamItem.DESCRIPTOR


def presence_of(frame: bytes) -> pb.Presence:
    """Return the one item of a frame."""
    (item,) = pb.ChatResponse.FromString(frame).items
    return item.presence


def test_change_of_presence() -> None:
    """Who came is connected, who went is not."""
    told = presence_of(wire.HubFrames().change(7, Change([ALICE], [BOB], 4)))
    assert told == pb.Presence(
        room_id="r7",
        joined=[pb.User(user_id="u1", name="alice", connected=True)],
        left=[pb.User(user_id="u2", name="Bob")],
        total=4,
    )


def test_presence_fits_a_frame() -> None:
    """As many users as are told at once, with the longest ids and names, take at most 64 KiB."""
    crowd = [User(10**17 + n, f"{n:032}", 0) for n in range(MAX_TOLD)]
    frames = wire.HubFrames()
    room_id = 10**17
    change = frames.change(room_id, Change(crowd, [], 5000))
    assert DEFAULT_LIMITS.frame_bytes * 0.85 < len(change) < DEFAULT_LIMITS.frame_bytes
    present = [(user, True) for user in crowd]
    assert len(frames.snapshot(room_id, present)) < DEFAULT_LIMITS.frame_bytes


def test_snapshot_is_the_first_by_name() -> None:
    """A picture of a room is sorted, whatever the case, and bounded; the total is not."""
    crowd = [(User(n, f"user{n:03}", 0), n % 2 == 0) for n in range(400, 0, -1)]
    told = presence_of(wire.HubFrames().snapshot(7, [*crowd, (BOB, True), (ALICE, False)]))
    assert told.snapshot
    assert told.total == 402
    assert len(told.joined) == wire.MAX_SNAPSHOT == 256
    assert [(user.name, user.connected) for user in told.joined[:4]] == [
        ("alice", False),
        ("Bob", True),
        ("user001", False),
        ("user002", True),
    ]


def test_live_frames_keep_nothing_of_what_they_encoded() -> None:
    """Encoding takes no memory for good: neither for texts nor for the ids of acks."""
    process = psutil.Process()
    frames = wire.LiveFrames()

    def encode(count: int) -> int:
        for number in range(count):
            frames.event(message(f"{number:x<4000}"))
            frames.ack(f"o{number}", f"m{number}", Answer(room_id=5, seq=number))
        return process.memory_info().rss

    before = encode(1000)
    # What was kept would be 40 MB.
    assert encode(10_000) - before < 10_000_000
