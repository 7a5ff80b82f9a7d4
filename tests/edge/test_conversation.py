"""One Chat stream: first with commits that the test makes, then over gRPC."""

import asyncio
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.config import ServerLimits
from chat_service.core import commands as cmd
from chat_service.core.commands import RoomById
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.limits import Limits
from chat_service.edge.limits import DEFAULT_CALLS, DEFAULT_RATES, CallLimits
from chat_service.edge.pace import joins_of, sends_of
from chat_service.edge.sessions import Sessions
from chat_service.hub.limits import HubLimits
from chat_service.wiring import Timing
from tests.edge.clients import Clock, Server, direct, hello, place, room, room_id, story
from tests.edge.scene import LOBBY, Caller, Scene, within

MAX_UNACKED = DEFAULT_CALLS.unacked_posts
MAX_HELLO_ROOMS = 2 * (Limits().rooms_per_user + Limits().directs_per_user)
SENDS = MISTAKES = sends_of(DEFAULT_RATES)
ROOM_JOINS = joins_of(DEFAULT_RATES)
MAX_QUEUED_S = HubLimits().queue_age_s

NOT_FOUND = "ROOM_NOT_FOUND"


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


def post(text: str, target: pb.RoomTarget | None = None) -> pb.ChatRequest:
    """Return the order to say something, its text being its ids too."""
    said = pb.Post(room=target or room("lobby"), text=text, client_msg_id=text)
    return pb.ChatRequest(order_id=text, post=said)


def errors(items: list[pb.StreamItem]) -> list[pb.Error]:
    """Return what was refused."""
    return [item.error for item in items if item.HasField("error")]


def acks(items: list[pb.StreamItem]) -> list[pb.Ack]:
    """Return what was acknowledged."""
    return [item.ack for item in items if item.HasField("ack")]


# ------------------------------------------------------- with commits that the test makes


@story
async def test_welcome_is_the_first_item_whatever_happens_meanwhile(scene: Scene) -> None:
    """A direct message that opens in the very commit of the Hello comes behind the welcome."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    caller = Caller(scene, alice)
    caller.calls(pb.Hello(rooms=[place("lobby")]))
    await caller.goes_on()
    scene.journal.note(cmd.JoinRoom(bob.session_id, cmd.Direct(("alice",))))
    scene.commits()
    await caller.goes_on()
    assert caller.kinds()[0] == "welcome"
    assert sorted(caller.kinds()[1:]) == ["live", "live", "opened", "opened", "presence"]


@story
async def test_stream_is_not_read_while_too_much_is_unanswered(scene: Scene) -> None:
    """At the bound no further order is taken; every kind of order counts; answers make room."""
    caller = Caller(scene, scene.joins("alice"))
    await caller.opens(place("lobby"))
    leave = pb.ChatRequest(leave_room=pb.LeaveRoom(room=room("nowhere")))
    topic = pb.ChatRequest(set_topic=pb.SetTopic(room=room("lobby"), topic="tea"))
    join = pb.ChatRequest(join_room=pb.JoinRoom(position=place("lobby")))
    for number in range(MAX_UNACKED):
        caller.sends(post(f"{number}"), leave, topic, join)
    await caller.goes_on()
    for _ in range(MAX_UNACKED):
        await caller.goes_on()
    assert caller.taken == MAX_UNACKED
    scene.commits()
    for _ in range(MAX_UNACKED):
        await caller.goes_on()
    assert caller.taken == 2 * MAX_UNACKED


@story
async def test_client_that_has_said_all_gets_every_answer(scene: Scene) -> None:
    """After the last order the stream stays until each order is answered, and then ends well."""
    caller = Caller(scene, scene.joins("alice"))
    await caller.opens(place("lobby"))
    caller.sends(
        post("hi"),
        pb.ChatRequest(order_id="topic", set_topic=pb.SetTopic(room=room("lobby"), topic="tea")),
        pb.ChatRequest(order_id="join", join_room=pb.JoinRoom(position=place("attic"))),
        pb.ChatRequest(order_id="leave", leave_room=pb.LeaveRoom(room=room("lobby"))),
    )
    caller.says_done()
    await caller.goes_on()
    assert caller.ends is not None
    assert not caller.ends.done()
    assert acks(caller.items) == []
    # A slow client gets its answers too.
    caller.reads.clear()
    scene.commits()
    await caller.goes_on()
    assert not caller.ends.done()
    caller.reads.set()
    assert await caller.ended() is None
    assert [ack.order_id for ack in acks(caller.items)] == ["hi", "topic", "join", "leave"]


@story
async def test_end_of_the_stream_detaches_the_session(scene: Scene) -> None:
    """When the stream is over, its session is noted to have none, and nothing is left."""
    alice = scene.joins("alice", "lobby")
    before = asyncio.all_tasks()
    caller = Caller(scene, alice)
    await caller.opens(place("lobby"))
    sessions = scene.directory.state.sessions
    assert sessions[alice.session_id].attachment == caller.stream.attachment
    caller.says_done()
    assert await caller.ended() is None
    scene.commits()
    assert sessions[alice.session_id].attachment == 0
    assert (scene.streams.all(), scene.hub.subscriptions) == ([], [])
    assert scene.hub.presence.is_expected(LOBBY, alice.user_id)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@story
async def test_cancelled_call_lets_go_of_everything(scene: Scene) -> None:
    """A client that goes away, at whatever moment, leaves no task, no reader, no attachment."""
    alice = scene.joins("alice", "lobby")
    before = asyncio.all_tasks()
    for moment in range(6):
        caller = Caller(scene, alice)
        caller.calls(pb.Hello(rooms=[place("lobby")]))
        if moment > 1:
            await caller.goes_on()
        if moment > 2:
            scene.commits()
            await caller.goes_on()
        if moment > 3:
            caller.sends(post(f"{moment}"))
            await caller.goes_on()
        if moment > 4:
            caller.reads.clear()
            scene.commits()
            await caller.goes_on()
        await asyncio.sleep(0)
        assert caller.ends is not None
        caller.ends.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(caller.ends)
        scene.commits()
        assert scene.directory.state.sessions[alice.session_id].attachment == 0
        assert (scene.streams.all(), scene.hub.subscriptions) == ([], [])
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before


@pytest.mark.parametrize("moment", range(8))
@story
async def test_cancel_in_the_midst_of_the_cleaning_up(scene: Scene, moment: int) -> None:
    """A write that fails and a cancel that follows leave nothing, whatever lies between them."""
    alice = scene.joins("alice", "lobby")
    before = asyncio.all_tasks()
    caller = Caller(scene, alice)
    await caller.opens(place("lobby"))
    caller.is_gone = True
    scene.says(alice, "hi")
    for _ in range(moment):
        await asyncio.sleep(0)
    assert caller.ends is not None
    caller.ends.cancel()
    await asyncio.gather(caller.ends, return_exceptions=True)
    scene.commits()
    assert scene.directory.state.sessions[alice.session_id].attachment == 0
    assert (scene.streams.all(), scene.hub.subscriptions) == ([], [])
    await caller.goes_on()
    assert asyncio.all_tasks() == before


@story
async def test_user_who_is_kicked_while_it_says_hello(scene: Scene) -> None:
    """Whichever comes first in the log, the stream ends by the kick."""
    kick = cmd.KickUser(cmd.OPERATOR, cmd.UserByName("bob"), "")
    before = Caller(scene, scene.joins("bob", "lobby"))
    scene.journal.note(kick)
    before.calls()
    await before.goes_on()
    scene.commits()
    with pytest.raises(RefusedError) as refused:
        await before.ended()
    assert refused.value.rejection.reason is Reason.KICKED
    after = Caller(scene, scene.joins("bob", "lobby"))
    after.calls()
    await after.goes_on()
    scene.journal.note(kick)
    scene.commits()
    ended = await after.ended()
    assert ended is not None
    assert ended.reason is Reason.KICKED
    assert scene.streams.all() == []


@story
async def test_session_that_ended_before_its_hello_was_committed(scene: Scene) -> None:
    """A Hello of a session that has ended meanwhile is refused, and nothing is left of it."""
    alice = scene.joins("alice")
    scene.journal.note(cmd.EndSession(alice.session_id))
    caller = Caller(scene, alice)
    caller.calls()
    await caller.goes_on()
    scene.commits()
    with pytest.raises(RefusedError) as refused:
        await caller.ended()
    assert refused.value.rejection.reason is Reason.SESSION_ENDED
    assert scene.streams.all() == []


@pytest.mark.parametrize(
    ("greeting", "hello_id", "reason", "field"),
    [
        (
            pb.Hello(rooms=[place("lobby")] * (MAX_HELLO_ROOMS + 1)),
            "hello",
            Reason.FIELD_INVALID,
            "hello.rooms",
        ),
        (pb.Hello(), "x" * 65, Reason.CLIENT_ID_INVALID, "order_id"),
        (pb.Hello(), "two words", Reason.CLIENT_ID_INVALID, "order_id"),
    ],
)
@story
async def test_hello_that_is_not_valid(
    scene: Scene, greeting: pb.Hello, hello_id: str, reason: Reason, field: str
) -> None:
    """A Hello with too many rooms, or with an id that answers cannot repeat, is refused."""
    caller = Caller(scene, scene.joins("alice"))
    caller.calls(greeting, hello_id)
    with pytest.raises(RefusedError) as refused:
        await caller.ended()
    assert (refused.value.rejection.reason, refused.value.rejection.field) == (reason, field)


@story
async def test_rooms_of_a_hello_that_cannot_be_read(scene: Scene) -> None:
    """Each is refused by an error that says which and repeats the Hello's id; others are read."""
    alice, _, _ = scene.joins("alice", "lobby"), scene.joins("bob"), scene.joins("carol")
    scene.says(alice, "hi")
    caller = Caller(scene, alice)
    await caller.opens(
        pb.RoomPosition(),
        place(room_id("r99")),
        place(".hidden"),
        place(direct("nobody")),
        place("lobby", after_seq=2),
        place("attic"),
    )
    assert caller.kinds()[0] == "welcome"
    told = [(error.order_id, error.reason, error.room_id) for error in errors(caller.items)]
    assert told == [
        ("hello", "TARGET_MISSING", ""),
        ("hello", "ROOM_NOT_FOUND", "r99"),
        ("hello", "SEQ_OUT_OF_RANGE", "r1"),
        ("hello", "ROOM_NAME_INVALID", ""),
        ("hello", "USER_NOT_FOUND", ""),
    ]
    facts = [dict(error.metadata) for error in errors(caller.items)]
    beyond = {"room_id": "r1", "room_name": "lobby"}
    assert facts == [{}, {}, beyond, {"room_name": ".hidden"}, {"names": "nobody"}]
    opened = [item.opened.room.name for item in caller.items if item.HasField("opened")]
    assert opened == ["attic"]


@story
async def test_position_beyond_the_head_is_refused_before_the_room_is_entered(
    scene: Scene,
) -> None:
    """The order has one answer, an error; nobody is a member by it, and no room is opened."""
    bob = scene.joins("bob", "attic")
    scene.joins("alice")
    talk = scene.opens_direct(bob, "alice")
    caller = Caller(scene, scene.joins("carol"))
    await caller.opens(place("attic", after_seq=1), place("cellar", after_seq=1))
    targets = (room("attic"), room_id("r2"), room("cellar"), direct("bob"))
    for number, target in enumerate(targets):
        position = place(target, after_seq=1)
        join = pb.JoinRoom(position=position)
        caller.sends(pb.ChatRequest(order_id=f"join-{number}", join_room=join))
    # A room that is hidden from one is not found, wherever one wants to begin.
    hidden = pb.JoinRoom(position=place(room_id(f"r{talk}"), after_seq=1))
    caller.sends(pb.ChatRequest(order_id="hidden", join_room=hidden))
    await caller.goes_on()
    scene.commits()
    await caller.goes_on()
    told = [(error.order_id, error.reason, error.room_id) for error in errors(caller.items)]
    assert told == [
        ("hello", "SEQ_OUT_OF_RANGE", "r2"),
        ("hello", "SEQ_OUT_OF_RANGE", ""),
        ("join-0", "SEQ_OUT_OF_RANGE", "r2"),
        ("join-1", "SEQ_OUT_OF_RANGE", "r2"),
        ("join-2", "SEQ_OUT_OF_RANGE", ""),
        ("join-3", "SEQ_OUT_OF_RANGE", ""),
        ("hidden", "ROOM_NOT_FOUND", f"r{talk}"),
    ]
    assert caller.kinds() == ["welcome"] + ["error"] * len(told)
    state = scene.directory.state
    assert state.rooms_of.get(caller.stream.user.user_id) is None
    assert sorted(found.name for found in state.rooms.values()) == ["", "attic", "lobby"]


@story
async def test_second_hello_ends_the_stream(scene: Scene) -> None:
    """Hello comes once."""
    caller = Caller(scene, scene.joins("alice"))
    await caller.opens()
    caller.sends(pb.ChatRequest(hello=pb.Hello()))
    ended = await caller.ended()
    assert ended is not None
    assert ended.reason is Reason.HELLO_REPEATED


@story
async def test_log_that_takes_no_more_refuses_orders_not_streams(scene: Scene) -> None:
    """An order that the log does not take is refused in the stream, with a delay."""
    caller = Caller(scene, scene.joins("alice"))
    await caller.opens(place("lobby"))
    scene.log.refusal = Rejection(Reason.OVERLOADED, "too much", retry_after_ms=1000)
    caller.sends(post("one"))
    await caller.goes_on()
    scene.log.refusal = None
    caller.sends(post("two"))
    await caller.goes_on()
    scene.journal.apply(scene.log.fail(Rejection(Reason.STORAGE_FULL, "full", retry_after_ms=5)))
    caller.sends(post("three"))
    await caller.goes_on()
    scene.commits()
    await caller.goes_on()
    refused = [
        (e.reason, e.order_id, e.client_msg_id, e.retry_after_ms) for e in errors(caller.items)
    ]
    assert refused == [("OVERLOADED", "one", "one", 1000), ("STORAGE_FULL", "two", "two", 5)]
    assert [ack.order_id for ack in acks(caller.items)] == ["three"]


@story
async def test_end_of_a_stream_that_the_log_did_not_take(scene: Scene) -> None:
    """A session whose stream ended while the log was full is freed in the next look around."""
    alice = scene.joins("alice")
    caller = Caller(scene, alice)
    await caller.opens(place("lobby"))
    scene.log.refusal = Rejection(Reason.OVERLOADED, "too much", retry_after_ms=1000)
    caller.says_done()
    assert await caller.ended() is None
    scene.log.refusal = None
    scene.commits()
    state = scene.directory.state
    assert state.sessions[alice.session_id].attachment == caller.stream.attachment
    Sessions(scene.directory, scene.journal, scene.clock.ms).expire(scene.streams)
    scene.commits()
    assert state.sessions[alice.session_id].attachment == 0


@story
async def test_reader_that_blocks_is_ended(scene: Scene) -> None:
    """A stream whose write does not return ends with its reason, though the write never does."""
    caller = Caller(scene, scene.joins("alice"))
    await caller.opens(place("lobby"))
    caller.reads.clear()
    caller.sends(post("hi"))
    await caller.goes_on()
    scene.commits()
    await caller.goes_on()
    scene.passes(int(MAX_QUEUED_S) + 1)
    ended = await caller.ended()
    assert ended is not None
    assert (ended.reason, ended.retry_after_ms > 0) == (Reason.SLOW_READER, True)


@story
async def test_sender_who_ignores_refusals_loses_the_stream() -> None:
    """At 100 messages a second: a burst, refusals with a delay, three strikes, the end.

    Until then no more comes through than the rate allows.
    """
    scene = Scene(rate_limits=True)
    alice = scene.joins("alice", "lobby")
    caller = Caller(scene, alice)
    await caller.opens(place("lobby"))
    assert caller.ends is not None
    began = scene.clock.now
    sent = 0
    while not caller.ends.done():
        caller.sends(post(f"{sent}"))
        sent += 1
        await caller.goes_on()
        scene.commits()
        await caller.goes_on()
        scene.clock.now += 0.01
        assert scene.clock.now < began + 60
    ended = await caller.ended()
    assert ended is not None
    assert (ended.reason, ended.retry_after_ms > 0) == (Reason.RATE_IGNORED, True)
    taken_s = scene.clock.now - began
    assert taken_s > 3
    assert SENDS.burst < scene.hub.rooms.head(LOBBY) <= SENDS.burst + taken_s * SENDS.per_second + 1
    refused = errors(caller.items)
    assert {error.reason for error in refused} == {"RATE_LIMITED"}
    assert {error.code for error in refused} == {8}
    assert all(0 < error.retry_after_ms <= 200 and error.client_msg_id for error in refused)


@pytest.mark.parametrize(
    ("mistake", "reason"),
    [
        (pb.ChatRequest(post=pb.Post(room=room("lobby"), client_msg_id="m")), "TEXT_INVALID"),
        (pb.ChatRequest(post=pb.Post(room=room("x"), text="hi", client_msg_id="m")), NOT_FOUND),
        (pb.ChatRequest(post=pb.Post(text="hi", client_msg_id="m")), "TARGET_MISSING"),
        (pb.ChatRequest(leave_room=pb.LeaveRoom(room=room("nowhere"))), NOT_FOUND),
        (pb.ChatRequest(set_topic=pb.SetTopic(room=room("nowhere"))), NOT_FOUND),
        (pb.ChatRequest(join_room=pb.JoinRoom(position=place(room_id("r99")))), NOT_FOUND),
        (pb.ChatRequest(join_room=pb.JoinRoom(position=place("lobby", 99))), "SEQ_OUT_OF_RANGE"),
        (pb.ChatRequest(), "ORDER_MISSING"),
    ],
)
@story
async def test_flood_of_mistakes_loses_the_stream(mistake: pb.ChatRequest, reason: str) -> None:
    """Orders that cannot be carried out have a rate: then delays are told, and then it ends."""
    scene = Scene(rate_limits=True)
    caller = Caller(scene, scene.joins("alice", "lobby"))
    await caller.opens(place("lobby"))
    assert caller.ends is not None
    began = scene.clock.now
    while not caller.ends.done():
        caller.sends(mistake)
        await caller.goes_on()
        scene.commits()
        await caller.goes_on()
        scene.clock.now += 0.01
        assert scene.clock.now < began + 60
    ended = await caller.ended()
    assert ended is not None
    assert ended.reason is Reason.RATE_IGNORED
    told = [error.reason for error in errors(caller.items)]
    taken_s = scene.clock.now - began
    assert told[: MISTAKES.burst] == [reason] * MISTAKES.burst
    assert told.count(reason) <= MISTAKES.burst + taken_s * MISTAKES.per_second + 1
    assert set(told) == {reason, "RATE_LIMITED"}


@story
async def test_mistakes_within_their_rate_are_named() -> None:
    """A person who mistypes is told what was wrong, as often as that happens to people."""
    scene = Scene(rate_limits=True)
    caller = Caller(scene, scene.joins("alice", "lobby"))
    await caller.opens(place("lobby"))
    for number in range(3 * MISTAKES.burst):
        caller.sends(post(f"{number}", room("nowhere")))
        await caller.goes_on()
        scene.commits()
        await caller.goes_on()
        scene.clock.now += 1 / MISTAKES.per_second
    assert [error.reason for error in errors(caller.items)] == [NOT_FOUND] * 3 * MISTAKES.burst


@story
async def test_sender_who_obeys_for_each_of_many_posts_keeps_the_stream() -> None:
    """A client that repeats all that was refused, each after its delay, gets all through."""
    scene = Scene(rate_limits=True)
    caller = Caller(scene, scene.joins("alice", "lobby"))
    await caller.opens(place("lobby"))
    waiting = {f"{number}": 0.0 for number in range(60)}
    answered = len(caller.items)
    began = scene.clock.now
    while waiting:
        due = [text for text, not_before in waiting.items() if not_before <= scene.clock.now]
        all_taken = caller.taken + len(due)
        caller.sends(*map(post, due))
        while caller.taken < all_taken:
            await caller.goes_on()
        scene.commits()
        await caller.goes_on()
        for item in caller.items[answered:]:
            if item.HasField("ack"):
                del waiting[item.ack.order_id]
            elif item.HasField("error"):
                told_s = item.error.retry_after_ms / 1000
                waiting[item.error.order_id] = scene.clock.now + told_s
        answered = len(caller.items)
        assert caller.ends is not None
        assert not caller.ends.done()
        scene.clock.now += 0.05
    assert (scene.clock.now - began) == pytest.approx(40 / SENDS.per_second, abs=1.0)


@story
async def test_joins_and_posts_have_their_delays_apart() -> None:
    """Who was told to wait long before the next join may be refused posts meanwhile."""
    scene = Scene(rate_limits=True)
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob")
    for number in range(ROOM_JOINS.burst):
        scene.does(cmd.JoinRoom(bob.session_id, cmd.RoomByName(f"room-{number}")))
        assert not scene.pace.join(alice.user_id, scene.clock.now)
    caller = Caller(scene, alice)
    await caller.opens()
    joins = pb.JoinRoom(position=place("room-1"))
    caller.sends(pb.ChatRequest(order_id="join", join_room=joins))
    for _ in range(SENDS.burst):
        assert not scene.pace.send(alice.user_id, scene.clock.now)
    # More than a strike takes, at a pace at which every other post is refused.
    for number in range(40):
        caller.sends(post(f"{number}"))
        await caller.goes_on()
        scene.commits()
        await caller.goes_on()
        scene.clock.now += 0.1
    assert {error.reason for error in errors(caller.items)} == {"RATE_LIMITED"}
    assert max(error.retry_after_ms for error in errors(caller.items)) == 5000
    assert caller.ends is not None
    assert not caller.ends.done()


@story
async def test_retries_cost_nothing() -> None:
    """A client that repeats what was stored is never too fast for it."""
    scene = Scene(rate_limits=True)
    caller = Caller(scene, scene.joins("alice", "lobby"))
    await caller.opens(place("lobby"))
    for _ in range(3 * SENDS.burst):
        caller.sends(post("again"))
        await caller.goes_on()
        scene.commits()
    await caller.goes_on()
    answers = acks(caller.items)
    assert len(answers) == 3 * SENDS.burst
    assert {ack.seq for ack in answers} == {1}
    assert [ack.duplicate for ack in answers] == [False] + [True] * (len(answers) - 1)
    caller.sends(*(post(f"new-{number}") for number in range(SENDS.burst)))
    for _ in range(SENDS.burst):
        await caller.goes_on()
    scene.commits()
    await caller.goes_on()
    assert [error.order_id for error in errors(caller.items)] == [f"new-{SENDS.burst - 1}"]


@story
async def test_stored_retry_is_answered_though_the_sender_is_too_fast() -> None:
    """Over its rate a user is refused what is new, and answered what is stored."""
    scene = Scene(rate_limits=True)
    caller = Caller(scene, scene.joins("alice", "lobby"))
    await caller.opens(place("lobby"))
    caller.sends(*(post(f"{number}") for number in range(SENDS.burst + 1)))
    caller.sends(post("0"))
    for _ in range(SENDS.burst):
        await caller.goes_on()
    scene.commits()
    await caller.goes_on()
    assert [error.order_id for error in errors(caller.items)] == [f"{SENDS.burst}"]
    assert (acks(caller.items)[-1].order_id, acks(caller.items)[-1].duplicate) == ("0", True)


# ------------------------------------------------------------------------- over gRPC


@story
async def test_two_people_chat(tmp_path: Path) -> None:
    """What one says the other hears, in order, and each sees their own; acks name the place."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        first = await alice.says("hi bob")
        assert (await bob.hears("hi bob")).author == pb.User(user_id=alice.user_id, name="alice")
        second = await bob.says("hi alice")
        heard = await alice.hears("hi alice")
        assert (first.seq, second.seq) == (1, 2)
        assert (heard.room_id, heard.seq, heard.time_ms) == (
            second.room_id,
            second.seq,
            second.time_ms,
        )
        await alice.hears("hi bob")
        assert alice.chat.texts(first.room_id) == bob.chat.texts(first.room_id)


@story
async def test_orders_of_a_room(tmp_path: Path) -> None:
    """Rooms are opened, named, left and entered; each order has its answer."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        attic = (await alice.chat.joins("Attic")).room_id
        opened = await alice.chat.opened("Attic")
        assert (opened.room.kind, opened.room.head_seq) == (pb.ROOM_KIND_PUBLIC, 0)
        assert (await bob.chat.joins("ATTIC")).room_id == attic
        topic = pb.SetTopic(room=room("attic"), topic="dust & boxes")
        assert (await bob.chat.ack(await bob.chat.order(set_topic=topic))).seq == 1
        told = await alice.chat.event(lambda event: event.HasField("topic"))
        assert (told.room_id, told.topic.topic, told.author.name) == (attic, "dust & boxes", "bob")
        await alice.chat.joined("bob", attic)
        left = await bob.chat.leaves("attic")
        assert (left.room_id, left.seq) == (attic, 0)
        closed = await bob.chat.item(lambda item: item.HasField("closed"))
        assert closed.closed == pb.RoomClosed(room_id=attic, reason=pb.CLOSE_REASON_LEFT)
        assert (await alice.chat.left("bob", attic)).total == 1
        await alice.says("alone now", room("attic"))
        again = pb.JoinRoom(position=place("attic", after_seq=1))
        await bob.chat.ack(await bob.chat.order(join_room=again))
        await bob.hears("alone now")
        assert [event.seq for event in bob.chat.events(attic)] == [1, 2]


@story
async def test_orders_that_need_a_membership(tmp_path: Path) -> None:
    """Who is not in a room cannot leave it or name it; direct messages have no topic at all."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.chat.joins("attic")
        await alice.chat.joins(direct("bob"))
        for order, reason in (
            ({"leave_room": pb.LeaveRoom(room=room("attic"))}, "NOT_A_MEMBER"),
            ({"set_topic": pb.SetTopic(room=room("attic"), topic="x")}, "NOT_A_MEMBER"),
            ({"leave_room": pb.LeaveRoom(room=direct("alice"))}, "ROOM_IS_DIRECT"),
            ({"set_topic": pb.SetTopic(room=direct("alice"), topic="x")}, "ROOM_IS_DIRECT"),
            ({"leave_room": pb.LeaveRoom(room=room("nowhere"))}, "ROOM_NOT_FOUND"),
        ):
            refused = await bob.chat.refusal(await bob.chat.order(**order))
            assert (refused.reason, refused.code > 0, refused.retry_after_ms) == (reason, True, 0)


@story
async def test_texts_at_their_bounds(tmp_path: Path) -> None:
    """A text has 1 to 4,096 bytes, at most 100 lines and something visible, and is never cut."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        good = ("x", "x" * 4096, "ß" * 2048, "a" + "😀" * 1023 + "bcd", "\n".join("x" * 100))
        bad: tuple[str, ...] = (
            "",
            " ",
            " \t\n\u00a0\u200b",
            "x" * 4097,
            "ß" * 2048 + "x",
            "😀" * 1024 + "x",
        )
        bad += ("\n".join("x" * 101), "nul\x00here")
        for text in good:
            await alice.says(text)
            await bob.hears(text)
        for text in bad:
            refused = await alice.chat.refusal(await alice.chat.posts(text, client_msg_id="bad"))
            assert (refused.reason, refused.code) == ("TEXT_INVALID", 3)
            assert refused.client_msg_id == "bad"
        await alice.says("the end")
        await bob.hears("the end")
        assert bob.chat.texts((await bob.chat.opened("lobby")).room.room_id) == [*good, "the end"]


@story
async def test_style_and_own_id_come_back(tmp_path: Path) -> None:
    """An action is an action for all, and its author can tell that it is the own one."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        waves = pb.Post(
            room=room("lobby"),
            text="waves",
            style=pb.MESSAGE_STYLE_ACTION,
            client_msg_id="wave-1",
        )
        ack = await alice.chat.ack(await alice.chat.order(post=waves))
        assert ack.client_msg_id == "wave-1"
        for guest in (alice, bob):
            message = (await guest.hears("waves")).message
            assert (message.style, message.client_msg_id) == (pb.MESSAGE_STYLE_ACTION, "wave-1")


@story
async def test_request_without_an_order(tmp_path: Path) -> None:
    """An empty request, or one of an order of the future, is refused in the stream."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.chat.send(pb.ChatRequest(order_id="o1"))
        assert (await alice.chat.refusal("o1")).reason == "ORDER_MISSING"
        unknown = pb.ChatRequest.FromString(
            pb.ChatRequest(order_id="o2").SerializeToString() + b"\xf2\x3f\x03abc"
        )
        await alice.chat.send(unknown)
        assert (await alice.chat.refusal("o2")).reason == "ORDER_MISSING"
        known = post("unknown-fields-are-ignored")
        known.MergeFromString(b"\xf2\x3f\x03abc")
        await alice.chat.ack(await alice.chat.send(known))


@story
async def test_nobody_speaks_for_another(tmp_path: Path) -> None:
    """No field of an order names its author: the author is the user of the token."""
    async with Server(tmp_path) as server:
        alice, _ = await server.guests("alice", "bob")
        await alice.says("it is me")
        assert (await alice.hears("it is me")).author.user_id == alice.user_id
        fields = {
            field.name
            for kind in (pb.Post, pb.Hello, pb.ChatRequest)
            for field in kind.DESCRIPTOR.fields
        }
        assert not fields & {"author", "user", "user_id", "name", "session_id", "token"}


@story
async def test_order_before_hello(tmp_path: Path) -> None:
    """The first request is a Hello, or the stream ends."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        for request in (post("too early"), pb.ChatRequest(order_id="empty")):
            chat = await alice.dials()
            await chat.send(request)
            refusal = await chat.end()
            assert refusal is not None
            assert (refusal.code, refusal.reason) == (
                grpc.StatusCode.FAILED_PRECONDITION,
                "HELLO_MISSING",
            )


@story
async def test_second_hello_over_the_wire(tmp_path: Path) -> None:
    """A second Hello ends the stream with FAILED_PRECONDITION; the session goes on."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.chat.send(hello())
        refusal = await alice.chat.end()
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "HELLO_REPEATED",
        )
        await alice.opens("lobby")


@story
async def test_silent_stream_is_ended(tmp_path: Path) -> None:
    """Streams that say no Hello in time end by themselves, all of them; others are unharmed."""
    async with Server(tmp_path, limits=ServerLimits(calls=CallLimits(hello_s=0.2))) as server:
        # A Subscribe has no Hello that might be late.
        alice = await server.joins("alice")
        reading = await alice.subscribes("lobby")
        silent = [await server.joins(f"silent{number}") for number in range(7)]
        streams = [await guest.dials() for guest in silent for _ in range(29)]
        for stream in streams:
            refusal = await stream.end()
            assert refusal is not None
            assert (refusal.code, refusal.reason) == (
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "HELLO_TIMEOUT",
            )
        await reading.begun()
        await alice.posts("still here")
        await reading.hears("still here")


@story
async def test_stream_that_ends_before_its_hello(tmp_path: Path) -> None:
    """A client that says nothing and then that it is done has a stream that ended well."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        assert await (await alice.dials()).done() is None


@story
async def test_newer_stream_replaces_the_older(tmp_path: Path) -> None:
    """The older stream ends with SESSION_REPLACED, nobody is told that its user went."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        older = alice.chat
        newer = await alice.opens("lobby")
        refusal = await older.end()
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "SESSION_REPLACED")
        assert refusal.retry_ms is None
        await newer.says("it is still me")
        await bob.hears("it is still me")
        users = await bob.calls("ListUsers", pb.ListUsersRequest(room=room("lobby")))
        assert [(user.name, user.connected) for user in users.users] == [
            ("alice", True),
            ("bob", True),
        ]
        assert not any(item.presence.left for item in bob.chat.items)


@story
async def test_streams_that_race_for_a_session(tmp_path: Path) -> None:
    """Of many streams that open at once, the last one stays and every other is told the reason."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        chats = [await alice.dials() for _ in range(30)]
        await asyncio.gather(*(chat.send(hello("lobby")) for chat in chats))
        for chat in chats:
            await chat.begun()
        last = await (await server.again(alice)).opens("lobby")
        for chat in chats:
            refusal = await chat.end()
            assert refusal is not None
            assert refusal.reason == "SESSION_REPLACED"
        await last.says("the last one")


@story
async def test_rates_over_the_wire(tmp_path: Path) -> None:
    """A burst passes, then refusals name a delay that is enough; who waits loses nothing."""
    clock = Clock()
    timing = replace(Timing(), rate_s=clock.seconds)
    async with Server(tmp_path, rate_limits=True, timing=timing) as server:
        alice, bob = await server.guests("alice", "bob")
        assert alice.joined.limits.send_burst == SENDS.burst == 20
        assert alice.joined.limits.send_rate == SENDS.per_second == 5.0
        orders = [await alice.chat.posts(f"{number}") for number in range(SENDS.burst + 3)]
        for order in orders[: SENDS.burst]:
            await alice.chat.ack(order)
        for order in orders[SENDS.burst :]:
            refused = await alice.chat.refusal(order)
            assert (refused.code, refused.reason) == (8, "RATE_LIMITED")
            assert refused.retry_after_ms == 200
        clock.now += 0.61
        for number in range(3):
            await alice.says(f"later {number}")
        await bob.says("others are not slowed down")
        await bob.hears("later 2")


@story
async def test_no_rates(tmp_path: Path) -> None:
    """Without rate limits nobody is too fast, the client is told so, and sizes stay."""
    async with Server(tmp_path, rate_limits=False) as server:
        alice = await server.guest("alice")
        assert (alice.joined.limits.send_burst, alice.joined.limits.send_rate) == (0, 0.0)
        orders = [await alice.chat.posts(f"{number}") for number in range(300)]
        for order in orders:
            await alice.chat.ack(order)
        refused = await alice.chat.refusal(await alice.chat.posts("x" * 4097))
        assert refused.reason == "TEXT_INVALID"
        assert alice.joined.limits.text_bytes == 4096


@story
async def test_room_that_is_one_too_many(tmp_path: Path) -> None:
    """A user is in at most a hundred public rooms; leaving one makes room for another."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        assert alice.joined.limits.rooms_per_user == 100
        orders = [
            await alice.chat.order(join_room=pb.JoinRoom(position=place(f"room{number}")))
            for number in range(100)
        ]
        for order in orders[:99]:
            await alice.chat.ack(order)
        refused = await alice.chat.refusal(orders[99])
        assert (refused.code, refused.reason) == (8, "TOO_MANY_ROOMS")
        assert refused.metadata["room_name"] == "room99"
        await alice.chat.leaves("room0")
        await alice.chat.joins("room99")


@story
async def test_coming_and_going_is_paced_and_told_together(tmp_path: Path) -> None:
    """Entering rooms over the rate is refused with a delay, and notices do not multiply."""
    clock = Clock()
    timing = replace(Timing(), rate_s=clock.seconds)
    async with Server(tmp_path, rate_limits=True, timing=timing) as server:
        alice, bob = await server.guests("alice", "bob")
        refusals = []
        for _ in range(40):
            await alice.chat.leaves("lobby")
            order = await alice.chat.order(join_room=pb.JoinRoom(position=place("lobby")))
            answer = await alice.chat.answer(order)
            if answer.HasField("error"):
                refusals.append(answer.error)
                clock.now += answer.error.retry_after_ms / 1000
                await alice.chat.joins("lobby")
        assert refusals
        assert {(error.code, error.reason) for error in refusals} == {(8, "RATE_LIMITED")}
        await alice.says("here I am")
        await bob.hears("here I am")
        news = [item for item in bob.chat.items if item.presence.joined or item.presence.left]
        assert len(news) < 40


@story
async def test_leaving_is_for_every_window(tmp_path: Path) -> None:
    """A room that is left in one window is closed in the other."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        window = await server.joins("alice", token=alice.token)
        other = await window.opens("lobby")
        await other.opened("lobby")
        await alice.chat.leaves("lobby")
        for chat in (alice.chat, other):
            closed = (await chat.item(lambda item: item.HasField("closed"))).closed
            assert closed.reason == pb.CLOSE_REASON_LEFT


@story
async def test_same_id_for_another_message(tmp_path: Path) -> None:
    """A client_msg_id that was used is refused for another text or another room."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.chat.joins("attic")
        first = await alice.chat.says("hi", client_msg_id="m1")
        assert (await alice.chat.says("hi", client_msg_id="m1")).duplicate
        for text, target in (("ho", "lobby"), ("hi", "attic")):
            refused = await alice.chat.refusal(await alice.chat.posts(text, target, "m1"))
            assert (refused.code, refused.reason) == (6, "ID_REUSED")
            assert refused.client_msg_id == "m1"
        bob = await server.guest("bob")
        assert not (await bob.chat.says("hi", client_msg_id="m1")).duplicate
        assert await alice.chat.head(first.room_id, 2)


@story
async def test_fifty_duplicates_at_once(tmp_path: Path) -> None:
    """Many retries in flight together are one message, and all get the one answer."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        orders = [await alice.chat.posts("once", client_msg_id="m1") for _ in range(50)]
        answers = [await alice.chat.ack(order) for order in orders]
        assert {(ack.room_id, ack.seq, ack.time_ms) for ack in answers} == {
            (answers[0].room_id, 1, answers[0].time_ms)
        }
        assert [ack.duplicate for ack in answers].count(False) == 1
        await bob.says("more")
        await alice.hears("more")
        assert alice.chat.texts(answers[0].room_id) == ["once", "more"]


@story
async def test_room_by_its_number(tmp_path: Path) -> None:
    """An id that a client has learned names the room in every order."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = (await alice.chat.opened("lobby")).room.room_id
        assert (await alice.says("by id", room_id(lobby))).room_id == lobby
        assert RoomById(LOBBY) == RoomById(int(lobby.removeprefix("r")))
