"""What is told in streams: frames that can be joined, and that keep nothing of others."""

import psutil
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.decision import Answer
from chat_service.core.events import MessagePosted, Tombstone, TopicChanged
from chat_service.core.model import Style, User
from chat_service.edge import frames
from chat_service.hub.limits import DEFAULT_LIMITS
from chat_service.hub.presence import MAX_TOLD, Change

ALICE, BOB = User(1, "alice", 0), User(2, "Bob", 0)


def message(text: str = "hi", style: Style = Style.TEXT) -> MessagePosted:
    """Return a message of alice."""
    return MessagePosted(5, 7, 3, 1, "alice", style, text, "m1", b"hash")


def presence_of(frame: bytes) -> pb.Presence:
    """Return the one item of a frame."""
    (item,) = pb.ChatResponse.FromString(frame).items
    return item.presence


def test_what_a_bot_says_has_a_second_form() -> None:
    """For bots a mark stands in its place; all else is the same for everybody."""
    said = message()._replace(bot=True)
    (item,) = pb.ChatResponse.FromString(frames.event_frame(said)).items
    author = pb.User(user_id="u1", name="alice", bot=True)
    assert (item.event.author, item.event.message.text) == (author, "hi")
    frame = frames.withheld_frame(said)
    assert frame is not None
    (item,) = pb.ChatResponse.FromString(frame).items
    assert item.event == pb.RoomEvent(
        room_id="r7", seq=3, time_ms=5, author=author, withheld=pb.Withheld()
    )
    assert frames.withheld_frame(message()) is None
    assert frames.withheld_frame(TopicChanged(5, 7, 3, 1, "alice", "tea")) is None


def test_events_as_they_travel() -> None:
    """A message and a change of topic keep place, time, author and body."""
    said, changed = pb.RoomEvent(), pb.RoomEvent()
    frames.put_event(said, message(style=Style.ACTION))
    author = pb.User(user_id="u1", name="alice")
    assert said == pb.RoomEvent(
        room_id="r7",
        seq=3,
        time_ms=5,
        author=author,
        message=pb.Message(text="hi", style=pb.MESSAGE_STYLE_ACTION, client_msg_id="m1"),
    )
    frames.put_event(changed, TopicChanged(6, 7, 4, 1, "alice", ""))
    assert changed == pb.RoomEvent(
        room_id="r7", seq=4, time_ms=6, author=author, topic=pb.TopicChange(topic="")
    )
    assert changed.WhichOneof("body") == "topic"


def test_ack_names_order_message_and_place() -> None:
    """An ack carries the ids of the order and of the message, and the whole answer."""
    encoder = frames.LiveFrames()
    answers = [Answer(room_id=7, seq=3, time_ms=5, duplicate=True), Answer(room_id=8)]
    said, joined = (encoder.ack(f"o{a.room_id}", "m1" * a.seq, a) for a in answers)
    assert pb.ChatResponse.FromString(said).items[0].ack == pb.Ack(
        order_id="o7", client_msg_id="m1m1m1", room_id="r7", seq=3, time_ms=5, duplicate=True
    )
    assert pb.ChatResponse.FromString(joined).items[0].ack == pb.Ack(order_id="o8", room_id="r8")


def test_nothing_of_an_event_is_left_in_the_next() -> None:
    """Live frames are those of a fresh message, whatever was encoded before."""
    encoder = frames.LiveFrames()
    for event in (
        message("one", Style.ACTION),
        message("two"),
        TopicChanged(6, 9, 4, 2, "bob", "cats"),
        message("", Style.ACTION),
        TopicChanged(6, 9, 4, 2, "", ""),
        message("three"),
    ):
        assert encoder.event(event) == frames.event_frame(event)


def test_frames_laid_end_to_end_are_a_frame() -> None:
    """Items of joined frames keep their order, and are a SubscribeResponse as well."""
    parts = [
        frames.event_frame(message("one")),
        frames.HubFrames().live(7, 3),
        frames.frame(pb.StreamItem(ack=pb.Ack(order_id="o1")), pb.StreamItem(event=pb.RoomEvent())),
        b"",
        frames.event_frame(message("two")),
    ]
    assert all(type(frame) is bytes for frame in parts)
    for kind in (pb.ChatResponse, pb.SubscribeResponse):
        items = kind.FromString(b"".join(parts)).items
        kinds = [item.WhichOneof("item") for item in items]
        assert kinds == ["event", "live", "ack", "event", "event"]
        assert [items[0].event.message.text, items[-1].event.message.text] == ["one", "two"]


def test_change_of_presence() -> None:
    """Who came is connected, who went is not."""
    told = presence_of(frames.HubFrames().change(7, Change([ALICE], [BOB], 4)))
    assert told == pb.Presence(
        room_id="r7",
        joined=[pb.User(user_id="u1", name="alice", connected=True)],
        left=[pb.User(user_id="u2", name="Bob")],
        total=4,
    )


def test_presence_fits_a_frame() -> None:
    """As many users as are told at once, with the longest ids and names, take at most 64 KiB."""
    crowd = [User(10**17 + n, f"{n:032}", 0) for n in range(MAX_TOLD)]
    encoder = frames.HubFrames()
    room_id = 10**17
    change = encoder.change(room_id, Change(crowd, [], 5000))
    assert DEFAULT_LIMITS.frame_bytes * 0.85 < len(change) < DEFAULT_LIMITS.frame_bytes
    present = [(user, True) for user in crowd]
    assert len(encoder.snapshot(room_id, present)) < DEFAULT_LIMITS.frame_bytes


def test_snapshot_is_the_first_by_name() -> None:
    """A picture of a room is sorted, whatever the case, and bounded; the total is not."""
    crowd = [(User(n, f"user{n:03}", 0), n % 2 == 0) for n in range(400, 0, -1)]
    told = presence_of(frames.HubFrames().snapshot(7, [*crowd, (BOB, True), (ALICE, False)]))
    assert told.snapshot
    assert told.total == 402
    assert len(told.joined) == frames.MAX_SNAPSHOT == 256
    assert [(user.name, user.connected) for user in told.joined[:4]] == [
        ("alice", False),
        ("Bob", True),
        ("user001", False),
        ("user002", True),
    ]


def test_live_frames_keep_nothing_of_what_they_encoded() -> None:
    """Encoding takes no memory for good: neither for texts nor for the ids of acks."""
    process = psutil.Process()
    encoder = frames.LiveFrames()

    def encode(count: int) -> int:
        for number in range(count):
            encoder.event(message(f"{number:x<4000}"))
            encoder.ack(f"o{number}", f"m{number}", Answer(room_id=5, seq=number))
        return process.memory_info().rss

    before = encode(1000)
    # What was kept would be 40 MB.
    assert encode(10_000) - before < 10_000_000


@pytest.mark.parametrize("bot", [False, True])
def test_tombstone_is_the_same_from_memory_and_from_the_log(*, bot: bool) -> None:
    """What takes the place of a message that was not told yet is what is read back later."""
    said = MessagePosted(5, 7, 3, 1, "alice", Style.ACTION, "secret", "m1", b"", bot)
    stone = frames.tombstone_frame(frames.event_frame(said))
    assert stone == frames.event_frame(Tombstone(5, 7, 3, 1, "alice"))
    assert b"secret" not in stone
