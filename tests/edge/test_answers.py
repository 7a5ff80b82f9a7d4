"""What the orders of one stream come to; what the stream does with that: `test_conversation`."""

import asyncio
from dataclasses import replace

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.commands import RoomByName
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, Rejection
from chat_service.edge.answers import MAX_NAMED, Answers
from chat_service.edge.journal import Outcome
from chat_service.edge.limits import DEFAULT_CALLS, Rates
from chat_service.edge.stream import Stream
from tests.edge.clients import story
from tests.edge.scene import Scene

MOST = 3
TOO_FAST = Rejection(Reason.RATE_LIMITED, "too fast", retry_after_ms=700)


class Desk:
    """The answers to somebody's stream, which may owe three."""

    def __init__(self) -> None:
        self.scene = Scene()
        session = self.scene.joins("alice", "lobby")
        self.session_id = session.session_id
        self.stream: Stream = self.scene.stream(session)
        self.answers = Answers(
            self.stream,
            self.scene.journal,
            self.scene.orders(session),
            self.scene.clock.seconds,
            replace(DEFAULT_CALLS, unacked_posts=MOST),
            Rates,
        )

    async def errors(self) -> list[pb.Error]:
        """Return what was refused since the last look."""
        items = await self.scene.told(self.stream.subscription)
        return [item.error for item in items if item.HasField("error")]


@pytest.fixture
def desk() -> Desk:
    """Give the answers to a stream."""
    return Desk()


@story
async def test_order_is_owed_until_its_commit(desk: Desk) -> None:
    """Each order counts; whoever waits for room goes on with the next commit."""
    outcomes: list[Outcome] = []
    for _ in range(MOST):
        leave = cmd.LeaveRoom(desk.session_id, RoomByName("lobby"))
        desk.answers.submit(leave, outcomes.append)
    assert desk.answers.owed == MOST
    waiting = asyncio.ensure_future(desk.answers.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert outcomes == []
    desk.scene.commits()
    await waiting
    assert desk.answers.owed == 0
    assert len(outcomes) == MOST


@story
async def test_ack_names_the_order(desk: Desk) -> None:
    """By its own id, by that of the message, with its place in the room."""
    desk.answers.ack("o1", Answer(room_id=1, seq=7, time_ms=1), "m1")
    items = await desk.scene.told(desk.stream.subscription)
    (item,) = (item for item in items if item.HasField("ack"))
    assert (item.ack.order_id, item.ack.client_msg_id, item.ack.seq) == ("o1", "m1", 7)
    assert desk.scene.journal.tally.acks == 1


@story
async def test_refusal_repeats_no_more_than_an_id(desk: Desk) -> None:
    """What was no id, or is longer than one, comes back shortened or not at all."""
    desk.answers.refuse(Rejection(Reason.MUTED, "no"), "o" * 1000, "m" * 1000, "r" * 1000)
    desk.answers.refuse(Rejection(Reason.MUTED, "no"), "o1", "m1", "r1")
    long, short = await desk.errors()
    assert long.order_id == ""
    assert 0 < len(long.client_msg_id) == len(long.room_id) < 1000
    assert (short.order_id, short.client_msg_id, short.room_id) == ("o1", "m1", "r1")
    assert desk.scene.journal.tally.rejections["MUTED"] == 2


@story
async def test_refusal_of_a_room_names_it(desk: Desk) -> None:
    """As it was named: by its id, or by a name, which is cut."""
    gone = Rejection(Reason.ROOM_NOT_FOUND, "no such room")
    desk.answers.refuse_room("o1", pb.RoomTarget(room_id="r9"), gone)
    desk.answers.refuse_room("o2", pb.RoomTarget(room_name="x" * 1000), gone)
    by_id, by_name = await desk.errors()
    assert by_id.room_id == "r9"
    assert by_name.metadata["room_name"] == "x" * MAX_NAMED


@story
async def test_strikes_of_rooms_are_apart(desk: Desk) -> None:
    """Who waits as told with messages and with rooms is not cut; who sends on in spite of it is."""
    subscription, clock = desk.stream.subscription, desk.scene.clock
    for number in range(50):
        desk.answers.refuse(TOO_FAST, f"m{number}")
        clock.now += 0.4
        desk.answers.refuse_room(f"r{number}", pb.RoomTarget(room_name="a"), TOO_FAST)
        clock.now += 0.4
    assert subscription.ended is None
    for number in range(100):
        clock.now += 0.1
        desk.answers.refuse(TOO_FAST, f"on{number}")
    assert subscription.ended is not None
    assert subscription.ended.reason is Reason.RATE_IGNORED
