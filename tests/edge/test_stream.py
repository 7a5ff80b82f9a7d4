"""What Chat and Subscribe share."""

import asyncio
import logging

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.commands import RoomById, RoomByName
from chat_service.core.errors import Reason
from chat_service.core.model import HistoryPolicy, RoomKind, Session
from chat_service.edge.ids import room_text
from chat_service.edge.stream import MAX_RECENT
from tests.edge.clients import place, story
from tests.edge.scene import LOBBY, Scene, within


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


def kinds(items: list[pb.StreamItem]) -> list[str]:
    """Return what kinds of items there are, in order."""
    return [item.WhichOneof("item") or "" for item in items]


@story
async def test_welcome_says_who_one_is(scene: Scene) -> None:
    """The first item of a stream has epoch, user and session; a foreign epoch is reset."""
    alice = scene.joins("alice")
    stream = scene.stream(alice, welcomed=False)
    stream.welcome("epoch", epoch_holds=False)
    first, second = await scene.told(stream.subscription)
    assert first.welcome == pb.Welcome(
        epoch="epoch",
        user=pb.User(user_id=f"u{alice.user_id}", name="alice", connected=True),
        session_id=f"s{alice.session_id}",
    )
    assert second.reset.epoch == "epoch"
    listener = scene.stream(alice, chat=False)
    (item,) = await scene.told(listener.subscription)
    assert not item.welcome.user.connected


@story
async def test_nothing_is_read_before_the_welcome(scene: Scene) -> None:
    """A direct message that opens while a stream begins comes behind its welcome."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    stream = scene.stream(alice, welcomed=False)
    room_id = scene.opens_direct(bob, "alice")
    scene.says(bob, "psst", RoomById(room_id))
    assert await scene.told(stream.subscription) == []
    stream.welcome("epoch", epoch_holds=True)
    stream.read_directs()
    assert kinds(await scene.told(stream.subscription)) == ["welcome", "opened", "event", "live"]


@story
async def test_room_is_opened_read_and_shown(scene: Scene) -> None:
    """A Chat stream gets the room, what it missed, the live marker, and who is there."""
    alice = scene.joins("alice", "lobby")
    for text in ("one", "two", "three"):
        scene.says(alice, text)
    stream = scene.stream(alice)
    stream.read_room(LOBBY, 1)
    items = await scene.told(stream.subscription)
    assert kinds(items) == ["welcome", "opened", "event", "event", "live", "presence"]
    assert (items[1].opened.after_seq, items[1].opened.room.head_seq) == (1, 3)
    assert [item.event.seq for item in items[2:4]] == [2, 3]
    assert items[4].live == pb.Live(room_id="r1", seq=3)
    assert items[5].presence.snapshot
    assert [user.name for user in items[5].presence.joined] == ["alice"]


@story
async def test_listener_is_told_of_no_presence(scene: Scene) -> None:
    """A Subscribe stream makes nobody present, and is told of nobody."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    listener = scene.stream(alice, chat=False)
    listener.read_room(LOBBY, 0)
    assert kinds(await scene.told(listener.subscription)) == ["welcome", "opened", "live"]
    assert scene.hub.presence.count(LOBBY) == 0
    scene.stream(bob).read_room(LOBBY, 0)
    await asyncio.sleep(0)
    scene.timers.advance(1)
    assert scene.hub.presence.count(LOBBY) == 1
    assert await scene.told(listener.subscription) == []


@story
async def test_direct_message_has_no_presence(scene: Scene) -> None:
    """Who reads a direct message is not shown in it."""
    alice, _ = scene.joins("alice"), scene.joins("bob")
    stream = scene.stream(alice)
    room_id = scene.opens_direct(alice, "bob")
    assert kinds(await scene.told(stream.subscription)) == ["welcome", "opened", "live"]
    assert scene.hub.presence.count(room_id) == 0


@story
async def test_what_is_no_longer_kept_is_a_gap(scene: Scene) -> None:
    """Behind a position that was read comes the gap, then what is kept, then the live marker."""
    alice = scene.joins("alice", "lobby")
    for text in ("one", "two", "three", "four"):
        scene.says(alice, text)
    scene.does(cmd.Prune(LOBBY, 3))
    stream = scene.stream(alice, chat=False)
    stream.read_room(LOBBY, 1)
    items = await scene.told(stream.subscription)
    assert kinds(items) == ["welcome", "opened", "gap", "event", "live"]
    assert items[1].opened.after_seq == 1
    assert items[2].gap == pb.Gap(room_id="r1", after_seq=1, first_seq=4)
    assert items[3].event.seq == 4


@story
async def test_direct_message_that_is_read_anew_begins_with_what_is_kept(scene: Scene) -> None:
    """Who did not name a direct message has missed nothing of it that is gone."""
    alice, _ = scene.joins("alice"), scene.joins("bob")
    room_id = scene.opens_direct(alice, "bob")
    for text in ("one", "two", "three"):
        scene.says(alice, text, RoomById(room_id))
    scene.does(cmd.Prune(room_id, 2))
    stream = scene.stream(alice)
    stream.read_directs()
    items = await scene.told(stream.subscription)
    assert kinds(items) == ["welcome", "opened", "event", "live"]
    assert (items[1].opened.after_seq, items[2].event.seq) == (2, 3)


@story
async def test_live_reader_is_told_nothing_of_a_prune(scene: Scene) -> None:
    """Whoever has read everything does not notice, also when nothing is kept."""
    alice = scene.joins("alice", "lobby")
    stream = scene.stream(alice, chat=False)
    stream.read_room(LOBBY, 0)
    scene.says(alice, "one")
    await scene.told(stream.subscription)
    scene.does(cmd.Prune(LOBBY, 1))
    scene.says(alice, "two")
    assert kinds(await scene.told(stream.subscription)) == ["event"]
    stream.close_room(LOBBY)
    stream.read_room(LOBBY, 1)
    assert kinds(await scene.told(stream.subscription)) == ["closed", "opened", "event", "live"]


@pytest.mark.parametrize(
    ("position", "epoch_holds", "start"),
    [
        (place("lobby", recent=1), True, 4),
        (place("lobby", recent=4), True, 3),
        (place("lobby", after_seq=0, recent=4), False, 3),
        (place("lobby", after_seq=0), True, 0),  # a gap comes
        (place("lobby", after_seq=4), True, 4),
    ],
)
@story
async def test_where_reading_begins_in_a_pruned_room(
    scene: Scene, position: pb.RoomPosition, epoch_holds: bool, start: int
) -> None:
    """Only a position that was read may lie before what is kept."""
    alice = scene.joins("alice", "lobby")
    for text in ("one", "two", "three", "four", "five"):
        scene.says(alice, text)
    scene.does(cmd.Prune(LOBBY, 3))
    assert scene.stream(alice).start_of(position, LOBBY, epoch_holds=epoch_holds) == start


@pytest.mark.parametrize(
    ("position", "epoch_holds", "start"),
    [
        (place("lobby"), True, 5),  # from now on
        (place("lobby", recent=2), True, 3),
        (place("lobby", recent=5), True, 0),
        (place("lobby", recent=9), True, 0),
        (place("lobby", recent=2**32 - 1), True, 0),
        (place("lobby", after_seq=0), True, 0),
        (place("lobby", after_seq=5), True, 5),
        (place("lobby", after_seq=4, recent=1), True, 4),
        # A position of another epoch counts for nothing.
        (place("lobby", after_seq=1, recent=2), False, 3),
        (place("lobby", after_seq=99), False, 5),
    ],
)
@story
async def test_start_of_reading(
    scene: Scene, position: pb.RoomPosition, epoch_holds: bool, start: int
) -> None:
    """Each way to say where to begin leads to a seq."""
    alice = scene.joins("alice")
    for number in range(5):
        scene.says(alice, f"{number}")
    stream = scene.stream(alice)
    assert stream.start_of(position, LOBBY, epoch_holds=epoch_holds) == start


@story
async def test_recent_events_are_bounded(scene: Scene) -> None:
    """Who was never there begins with at most so many events."""
    alice = scene.joins("alice")
    for number in range(MAX_RECENT + 5):
        scene.says(alice, f"{number}")
    stream = scene.stream(alice)
    position = place("lobby", recent=MAX_RECENT + 3)
    assert stream.start_of(position, LOBBY, epoch_holds=True) == 5


@story
async def test_room_is_read_once(scene: Scene) -> None:
    """Asking again for a room that is being read changes nothing."""
    stream = scene.stream(scene.joins("alice", "lobby"))
    stream.read_room(LOBBY, 0)
    stream.read_room(LOBBY, 0)
    await scene.told(stream.subscription)
    stream.read_room(LOBBY, 0)
    assert await scene.told(stream.subscription) == []


@story
async def test_room_that_was_left_and_entered_again_is_read_once(scene: Scene) -> None:
    """While another room is replayed, a room is entered, left and entered: no event comes twice."""
    alice = scene.joins("alice", "lobby")
    attic = scene.does(cmd.JoinRoom(alice.session_id, RoomByName("attic"))).room_id
    for number in range(3):
        scene.says(alice, f"lobby {number}")
        scene.says(alice, f"attic {number}", RoomById(attic))
    stream = scene.stream(alice)
    async with scene.reading:
        stream.read_room(LOBBY, 0)
        stream.read_room(attic, 0)
        await scene.told(stream.subscription)
        stream.close_room(attic)
        stream.read_room(attic, 1)
        await scene.told(stream.subscription)
    items = await scene.told(stream.subscription)
    assert [i.opened.after_seq for i in items if i.opened.room.room_id == f"r{attic}"] == [1]
    assert [i.event.seq for i in items if i.event.room_id == f"r{attic}"] == [2, 3]
    # Its user was counted once, and is gone with the stream.
    scene.streams.remove(stream)
    stream.close()
    assert scene.hub.presence.is_expected(attic, alice.user_id)


@story
async def test_closed_room_is_told(scene: Scene) -> None:
    """A room that is read no longer is named with the reason; one that is not read is not."""
    stream = scene.stream(scene.joins("alice", "lobby"))
    stream.read_room(LOBBY, 0)
    await scene.told(stream.subscription)
    stream.close_room(LOBBY)
    stream.close_room(LOBBY)
    (item,) = await scene.told(stream.subscription)
    assert item.closed == pb.RoomClosed(room_id="r1", reason=pb.CLOSE_REASON_LEFT)


@story
async def test_room_that_is_gone_is_not_opened(scene: Scene) -> None:
    """A room that was forgotten before its turn came is left out."""
    stream = scene.stream(scene.joins("alice"))
    stream.read_room(99, 0)
    assert kinds(await scene.told(stream.subscription)) == ["welcome"]


@story
async def test_replay_that_fails_ends_the_stream(
    scene: Scene, loud_log: pytest.LogCaptureFixture
) -> None:
    """A mistake in a replay is INTERNAL with an id that is in the log; its text stays there."""
    alice = scene.joins("alice", "lobby")
    scene.says(alice, "hi")
    stream = scene.stream(alice)
    scene.log._events.clear()
    stream.read_room(LOBBY, 0)
    await scene.told(stream.subscription)
    ended = stream.subscription.ended
    assert ended is not None
    assert ended.reason is Reason.INTERNAL
    assert ended.retry_after_ms > 0
    (record,) = (r for r in loud_log.records if r.levelno == logging.ERROR)
    incident = ended.message.rpartition("id=")[2]
    assert incident
    assert vars(record)["fields"]["id"] == incident
    assert "has no event" not in ended.message


@pytest.mark.parametrize("chat", [True, False], ids=["chat", "subscribe"])
@story
async def test_room_that_cannot_be_read(scene: Scene, *, chat: bool) -> None:
    """A damaged history is told with its room and spoils no other; it ends a Subscribe."""
    alice = scene.joins("alice", "lobby")
    den = scene.does(cmd.JoinRoom(alice.session_id, cmd.RoomByName("den"))).room_id
    scene.says(alice, "lost")
    scene.says(alice, "kept", cmd.RoomById(den))
    scene.log.damaged.add(LOBBY)
    stream = scene.stream(alice, chat=chat)
    stream.read_room(LOBBY, 0)
    stream.read_room(den, 0)
    items = await scene.told(stream.subscription)
    if not chat:
        assert stream.subscription.ended is not None
        assert stream.subscription.ended.reason is Reason.STORAGE_DAMAGED
        return
    assert stream.subscription.ended is None
    (error,) = (item.error for item in items if item.HasField("error"))
    assert (error.room_id, error.reason) == (room_text(LOBBY), "STORAGE_DAMAGED")
    assert [item.event.message.text for item in items if item.HasField("event")] == ["kept"]
    scene.says(alice, "not told")
    scene.says(alice, "told", cmd.RoomById(den))
    items = await scene.told(stream.subscription)
    assert [item.event.message.text for item in items if item.HasField("event")] == ["told"]


@story
async def test_closed_stream_lets_go_of_everything(scene: Scene) -> None:
    """A stream that is closed during a replay reads nothing and follows nothing."""
    alice = scene.joins("alice", "lobby")
    scene.says(alice, "hi")
    stream = scene.stream(alice)
    before = asyncio.all_tasks()
    await scene.reading.acquire()
    stream.read_room(LOBBY, 0)
    await scene.told(stream.subscription)
    scene.streams.remove(stream)
    stream.close()
    await within(stream.closed())
    assert asyncio.all_tasks() == before
    assert scene.streams.all() == []
    assert scene.hub.subscriptions == []
    assert stream.subscription.rooms == {}
    scene.says(alice, "more")
    stream.read_room(LOBBY, 0)
    assert await scene.told(stream.subscription) == []


@story
async def test_draining_is_told_with_a_delay(scene: Scene) -> None:
    """The notice of a stop says when to come back."""
    stream = scene.stream(scene.joins("alice"))
    stream.say_draining(700)
    _, item = await scene.told(stream.subscription)
    assert (item.notice.kind, item.notice.retry_after_ms) == (pb.NOTICE_KIND_DRAINING, 700)
    assert item.notice.text


@story
async def test_welcome_comes_before_a_notice(scene: Scene) -> None:
    """A stream that the stop of the server finds before its welcome still begins with that."""
    stream = scene.stream(scene.joins("alice"), welcomed=False)
    stream.say_draining(700)
    assert await scene.told(stream.subscription) == []
    stream.welcome("epoch", epoch_holds=False)
    assert kinds(await scene.told(stream.subscription)) == ["welcome", "reset", "notice"]


# --------------------------------------------------------------------- private rooms


def private(scene: Scene, owner: Session, *members: Session, history: HistoryPolicy) -> int:
    """Open a private room in which two things were said before the members came."""
    order = cmd.CreateRoom(owner.session_id, "den", RoomKind.PRIVATE, history=history)
    room_id = scene.does(order).room_id
    for number in range(2):
        scene.says(owner, f"before {number}", RoomById(room_id))
    for one in members:
        user = scene.directory.user_of(one)
        scene.does(cmd.InviteUser(owner.session_id, RoomById(room_id), cmd.UserById(user.user_id)))
        scene.does(cmd.JoinRoom(one.session_id, RoomById(room_id)))
    return room_id


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize(
    ("history", "after_seq", "gap", "seqs"),
    [
        (HistoryPolicy.FROM_JOIN, None, None, [3]),
        (HistoryPolicy.FROM_JOIN, 0, (0, 3), [3]),
        (HistoryPolicy.FROM_JOIN, 1, (1, 3), [3]),
        (HistoryPolicy.FROM_JOIN, 2, None, [3]),
        (HistoryPolicy.FROM_JOIN, 3, None, []),
        (HistoryPolicy.ALL, None, None, [1, 2, 3]),
        (HistoryPolicy.ALL, 0, None, [1, 2, 3]),
    ],
)
@story
async def test_newcomer_reads_from_its_floor_on(
    scene: Scene,
    history: HistoryPolicy,
    after_seq: int | None,
    gap: tuple[int, int] | None,
    seqs: list[int],
    *,
    chat: bool,
) -> None:
    """A position before it gets one gap up to it; without one, reading begins there."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = private(scene, alice, bob, history=history)
    scene.says(alice, "after", RoomById(room_id))
    stream = scene.stream(bob, chat=chat)
    position = place("den", after_seq=after_seq, recent=MAX_RECENT)
    stream.read_room(room_id, stream.start_of(position, room_id, epoch_holds=True))
    items = await scene.told(stream.subscription)
    gaps = [(item.gap.after_seq, item.gap.first_seq) for item in items if item.HasField("gap")]
    assert gaps == ([gap] if gap else [])
    assert [item.event.seq for item in items if item.HasField("event")] == seqs


@story
async def test_gap_of_a_newcomer_reaches_over_what_was_pruned(scene: Scene) -> None:
    """One gap tells of both, the floor and what is no longer kept."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = private(scene, alice, bob, history=HistoryPolicy.FROM_JOIN)
    for number in range(2):
        scene.says(alice, f"after {number}", RoomById(room_id))
    scene.does(cmd.Prune(room_id, 3))
    stream = scene.stream(bob)
    stream.read_room(room_id, 0)
    items = await scene.told(stream.subscription)
    (gap,) = (item.gap for item in items if item.HasField("gap"))
    assert (gap.after_seq, gap.first_seq) == (0, 4)
    assert [item.event.seq for item in items if item.HasField("event")] == [4]


@story
async def test_entry_that_is_over_before_its_answer_reads_nothing(scene: Scene) -> None:
    """Who enters and leaves in one commit is not read to, in a private room or a public one."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = private(scene, alice, bob, history=HistoryPolicy.ALL)
    stream = scene.stream(bob)
    await scene.told(stream.subscription)
    for target in (RoomById(room_id), RoomByName("hall")):
        scene.asks(cmd.JoinRoom(bob.session_id, target), cmd.LeaveRoom(bob.session_id, target))
    for gone in (room_id, scene.directory.state.room_ids["hall"]):
        stream.read_room(gone, 0)
    assert await scene.told(stream.subscription) == []
    listener = scene.stream(bob, chat=False)
    await scene.told(listener.subscription)
    listener.read_room(room_id, 0)
    assert await scene.told(listener.subscription) == []


@story
async def test_invitation_is_told_once_after_the_welcome(scene: Scene) -> None:
    """One that comes while a stream begins is among those that are told then."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = private(scene, alice, history=HistoryPolicy.ALL)
    stream = scene.stream(bob, welcomed=False)
    scene.does(cmd.InviteUser(alice.session_id, RoomById(room_id), cmd.UserByName("bob")))
    assert await scene.told(stream.subscription) == []
    stream.welcome("epoch", epoch_holds=True)
    stream.tell_invitations()
    assert kinds(await scene.told(stream.subscription)) == ["welcome", "invitation"]
