"""Orders to the log, and commits to all that is live."""

import asyncio

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.commands import RoomById, RoomByName
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.ids import room_text
from chat_service.edge.journal import Outcome
from chat_service.edge.stream import Stream
from tests.edge.clients import story
from tests.edge.scene import LOBBY, Scene, post, within

FULL = Rejection(Reason.STORAGE_FULL, "full", retry_after_ms=5000)


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


def kinds(items: list[pb.StreamItem]) -> list[str]:
    """Return what kinds of items there are, in order."""
    return [item.WhichOneof("item") or "" for item in items]


async def reading(scene: Scene, stream: Stream, room_id: int = LOBBY) -> Stream:
    """Have a stream read a room, and forget what it was told at the beginning."""
    stream.read_room(room_id, scene.hub.rooms.head(room_id))
    await scene.told(stream.subscription)
    return stream


@story
async def test_answers_come_when_all_is_known(scene: Scene) -> None:
    """When an order is answered, its room is listed and its message is on its way."""
    alice = scene.joins("alice", "lobby")
    stream = await reading(scene, scene.stream(alice))
    seen: list[tuple[bool, int]] = []

    def answered(_: tuple[Outcome, ...]) -> None:
        seen.append(("attic" in scene.directory.state.room_ids, scene.hub.rooms.head(LOBBY)))

    entry = cmd.JoinRoom(alice.session_id, RoomByName("attic"))
    scene.journal.submit((entry, post(alice, "hi")), answered)
    assert seen == []
    scene.commits()
    assert seen == [(True, 1)]
    assert kinds(await scene.told(stream.subscription)) == ["event"]


def test_each_ticket_gets_its_own_answers(scene: Scene) -> None:
    """Orders of one commit are answered apart, in the order in which they were given."""
    alice = scene.joins("alice")
    answers: list[tuple[Outcome, ...]] = []
    for name in ("one", "two"):
        orders = (post(alice, name), post(alice, f"{name} more", RoomById(99)))
        scene.journal.submit(orders, answers.append)
    scene.commits()
    assert len(answers) == 2
    for seq, (first, second) in enumerate(answers, start=1):
        assert isinstance(first, Answer)
        assert first.seq == seq
        assert isinstance(second, Rejection)


@story
async def test_order_waits_for_its_answer(scene: Scene) -> None:
    """An order returns its answer, or raises its refusal, once it is committed."""
    alice = scene.joins("alice")
    good = asyncio.create_task(scene.journal.order(post(alice, "hi")))
    bad = asyncio.create_task(scene.journal.order(post(alice, "ho", RoomById(99))))
    await asyncio.sleep(0)
    assert not good.done()
    scene.commits()
    assert (await within(good)).seq == 1
    with pytest.raises(RefusedError) as refused:
        await within(bad)
    assert refused.value.rejection.reason is Reason.ROOM_NOT_FOUND


@story
async def test_who_stops_waiting_is_no_trouble(scene: Scene) -> None:
    """An order whose caller has gone is carried out all the same."""
    alice = scene.joins("alice")
    waits = asyncio.create_task(scene.journal.order(post(alice, "hi")))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    scene.commits()
    assert scene.hub.rooms.head(LOBBY) == 1


@story
async def test_failed_commit_changes_nothing(scene: Scene) -> None:
    """When a commit failed, its orders are refused and nothing is told."""
    alice = scene.joins("alice", "lobby")
    stream = await reading(scene, scene.stream(alice))
    waits = asyncio.create_task(scene.journal.order(post(alice, "hi")))
    await asyncio.sleep(0)
    scene.journal.apply(scene.log.fail(FULL))
    with pytest.raises(RefusedError) as refused:
        await within(waits)
    assert refused.value.rejection == FULL
    assert await scene.told(stream.subscription) == []


def test_log_that_takes_no_more(scene: Scene) -> None:
    """An order that the log does not take is refused at once; a note is let go of."""
    alice = scene.joins("alice")
    scene.log.close()
    answers: list[tuple[Outcome, ...]] = []
    with pytest.raises(RefusedError) as refused:
        scene.journal.submit((post(alice, "hi"),), answers.append)
    assert refused.value.rejection.reason is Reason.DRAINING
    scene.journal.note(cmd.RenewSession(alice.session_id))
    scene.log.refusal = None
    scene.commits()
    assert answers == []
    assert scene.says(alice, "hi").seq == 1


def test_note_is_carried_out(scene: Scene) -> None:
    """A note needs no answer, and is an order like others."""
    alice = scene.joins("alice")
    scene.journal.note(cmd.EndSession(alice.session_id))
    scene.commits()
    assert scene.directory.state.sessions.get(alice.session_id) is None


@story
async def test_topic_is_known_and_told(scene: Scene) -> None:
    """A new topic is an event for those who read, and what the room is about from then on."""
    alice = scene.joins("alice", "lobby")
    stream = await reading(scene, scene.stream(alice))
    scene.does(cmd.SetTopic(alice.session_id, RoomById(LOBBY), "tea"))
    (item,) = await scene.told(stream.subscription)
    assert (item.event.seq, item.event.topic.topic) == (1, "tea")
    assert scene.directory.state.rooms[LOBBY].topic == "tea"


@story
async def test_new_direct_message_is_read_by_all_windows_of_its_members(scene: Scene) -> None:
    """Each Chat stream of each member opens it by itself; Subscribe streams and others do not."""
    alice, bob, carol = (scene.joins(name) for name in ("alice", "bob", "carol"))
    second = scene.directory.state.sessions[
        scene.does(cmd.OpenSession(bob.session_id, "", b"2", "here")).session_id
    ]
    windows = [scene.stream(session) for session in (alice, bob, second)]
    others = [scene.stream(carol), scene.stream(bob, chat=False)]
    for stream in windows + others:
        await scene.told(stream.subscription)
    room_id = scene.opens_direct(alice, "bob")
    scene.says(alice, "psst", RoomById(room_id))
    for stream in windows:
        items = await scene.told(stream.subscription)
        assert kinds(items) == ["opened", "event", "live"]
        assert {member.name for member in items[0].opened.room.members} == {"alice", "bob"}
    assert [await scene.told(stream.subscription) for stream in others] == [[], []]


@story
async def test_leaving_closes_the_room_in_every_window(scene: Scene) -> None:
    """All Chat streams of the user stop reading; the others are told that the user went."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    second = scene.directory.state.sessions[
        scene.does(cmd.OpenSession(bob.session_id, "", b"2", "here")).session_id
    ]
    watcher = await reading(scene, scene.stream(alice))
    windows = [await reading(scene, scene.stream(session)) for session in (bob, second)]
    scene.timers.advance(1)
    for stream in (watcher, *windows):
        await scene.told(stream.subscription)
    scene.does(cmd.LeaveRoom(bob.session_id, RoomById(LOBBY)))
    scene.timers.advance(1)
    scene.says(alice, "he is gone")
    for stream in windows:
        (item,) = await scene.told(stream.subscription)
        assert (item.closed.room_id, item.closed.reason) == ("r1", pb.CLOSE_REASON_LEFT)
    items = await scene.told(watcher.subscription)
    assert kinds(items) == ["presence", "event"]
    assert [user.name for user in items[0].presence.left] == ["bob"]


@story
async def test_leaving_ends_no_subscribe(scene: Scene) -> None:
    """A script that reads a public room needs no membership, and goes on when its user leaves."""
    bob = scene.joins("bob", "lobby")
    script = await reading(scene, scene.stream(bob, chat=False))
    scene.does(cmd.LeaveRoom(bob.session_id, RoomById(LOBBY)))
    scene.says(scene.joins("alice"), "he is gone")
    (item,) = await scene.told(script.subscription)
    assert item.event.message.text == "he is gone"


@story
async def test_newer_stream_takes_the_place_of_older_ones(scene: Scene) -> None:
    """Only older Chat streams of the same session are ended."""
    alice = scene.joins("alice")
    second = scene.directory.state.sessions[
        scene.does(cmd.OpenSession(alice.session_id, "", b"2", "here")).session_id
    ]
    first, window, listener = (
        scene.stream(alice),
        scene.stream(second),
        scene.stream(alice, chat=False),
    )
    newer = scene.stream(alice)
    assert first.subscription.ended is not None
    assert first.subscription.ended.reason is Reason.SESSION_REPLACED
    assert [s.subscription.ended for s in (window, listener, newer)] == [None] * 3


@story
async def test_end_of_a_session_ends_its_streams(scene: Scene) -> None:
    """Signing out ends every stream of the session, and its user is gone from the rooms at once."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    watcher = await reading(scene, scene.stream(alice))
    stream, listener = await reading(scene, scene.stream(bob)), scene.stream(bob, chat=False)
    scene.timers.advance(1)
    await scene.told(watcher.subscription)
    scene.does(cmd.EndSession(bob.session_id))
    for ended in (stream, listener):
        assert ended.subscription.ended is not None
        assert ended.subscription.ended.reason is Reason.SESSION_ENDED
    scene.timers.advance(1)
    (item,) = await scene.told(watcher.subscription)
    assert ([user.name for user in item.presence.left], item.presence.total) == (["bob"], 1)
    assert scene.directory.state.users.get(bob.user_id) is None


@story
async def test_kick_ends_all_streams_of_a_user(scene: Scene) -> None:
    """Every stream of every session ends by the kick and not by the end of its session.

    What is queued is dropped within the step of the commit, and the room is told at once.
    """
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    second = scene.directory.state.sessions[
        scene.does(cmd.OpenSession(bob.session_id, "", b"2", "here")).session_id
    ]
    watcher = await reading(scene, scene.stream(alice))
    window = await reading(scene, scene.stream(second))
    stream, listener = await reading(scene, scene.stream(bob)), scene.stream(bob, chat=False)
    early = scene.stream(bob, chat=False, welcomed=False)
    scene.timers.advance(1)
    await scene.told(watcher.subscription)
    scene.says(alice, "this waits for bob")
    assert window.subscription.queued_bytes
    await scene.told(watcher.subscription)
    outcomes: list[tuple[Outcome, ...]] = []
    scene.journal.submit(
        (cmd.KickUser(cmd.OPERATOR, cmd.UserByName("BOB"), "spam"), post(bob, "one more")),
        outcomes.append,
    )
    scene.journal.apply(scene.log.commit())
    for ended in (window, stream, listener, early):
        assert ended.subscription.ended == Rejection(
            Reason.KICKED, "you were removed by the operator: spam"
        )
        assert not ended.subscription.queued_bytes
    kick, posted = outcomes[0]
    assert kick == Answer(user_id=bob.user_id, name="bob", sessions=2)
    assert isinstance(posted, Rejection)
    assert posted.reason is Reason.SESSION_ENDED
    scene.timers.advance(1)
    (item,) = await scene.told(watcher.subscription)
    assert ([user.name for user in item.presence.left], item.presence.total) == (["bob"], 1)
    assert scene.journal.tally.kicks == 1


@story
async def test_window_that_signs_out_leaves_its_user_in_the_rooms_of_another(scene: Scene) -> None:
    """A user with a second window in the room has not gone."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    second = scene.directory.state.sessions[
        scene.does(cmd.OpenSession(bob.session_id, "", b"2", "here")).session_id
    ]
    watcher = await reading(scene, scene.stream(alice))
    for session in (bob, second):
        await reading(scene, scene.stream(session))
    scene.timers.advance(1)
    await scene.told(watcher.subscription)
    scene.does(cmd.EndSession(bob.session_id))
    scene.passes(60)
    assert await scene.told(watcher.subscription) == []
    assert scene.hub.presence.count(LOBBY) == 2


@story
async def test_absent_user_who_ends_is_gone_from_the_rooms(scene: Scene) -> None:
    """Who dropped and then signs out is told to have gone, without the rest of the grace."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    watcher = await reading(scene, scene.stream(alice))
    stream = await reading(scene, scene.stream(bob))
    scene.timers.advance(1)
    await scene.told(watcher.subscription)
    scene.streams.remove(stream)
    stream.close()
    scene.does(cmd.EndSession(bob.session_id))
    scene.timers.advance(1)
    (item,) = await scene.told(watcher.subscription)
    assert [user.name for user in item.presence.left] == ["bob"]


@story
async def test_forgotten_room_is_forgotten_by_the_hub(scene: Scene) -> None:
    """A direct message whose members are all gone leaves nothing behind."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = scene.opens_direct(alice, "bob")
    scene.says(alice, "hi", RoomById(room_id))
    scene.does(cmd.EndSession(alice.session_id))
    assert scene.hub.rooms.head(room_id) == 1
    scene.does(cmd.EndSession(bob.session_id))
    assert scene.hub.rooms.head(room_id) == 0
    assert scene.directory.state.rooms.get(room_id) is None


def test_answers_of_posts(scene: Scene) -> None:
    """A message is answered with its place, and its retry with the same place."""
    alice = scene.joins("alice")
    first = scene.says(alice, "hi")
    assert first == Answer(room_id=LOBBY, seq=1, time_ms=scene.clock.ms())
    again = scene.says(alice, "hi")
    assert (again.seq, again.duplicate) == (1, True)
    assert room_text(again.room_id) == "r1"
