"""Calls that read take turns: who reads much waits, and nobody else."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from chat_protos.chat.v1 import chat_pb2
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError
from chat_service.edge.calls import Call
from chat_service.edge.directory import token_hash
from chat_service.edge.limits import Rates
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.reads import CALL_S, MANY, MAX_REST_S, Reads
from tests.edge.clients import story
from tests.edge.scene import Scene, call_from

# In seconds: so much at once, then a tenth of the time; in line a quarter of it.
RATES = Rates(reads_burst_s=1.0, reads_share=0.1, reads_line_share=0.25)


class Room:
    """Readers who take as long as a test says, by a clock that it sets."""

    def __init__(self, *, on: bool = True) -> None:
        self.now = 1000.0
        self.rests: list[float] = []
        self.scene = Scene()
        self.pace = Pace(on=on, rates=RATES)
        self.reads = Reads(self.scene.directory, self.pace, lambda: self.now, self._sleep)
        # What is read now, and what was, in order.
        self.reading: list[str] = []
        self.done: list[str] = []
        self.most = 0
        self._ends: dict[str, asyncio.Event] = {}

    async def _sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds

    async def takes(self, key: str, seconds: float) -> None:
        """Read once, for so long, with nobody else."""
        async with self.reads.turn(key):
            self.now += seconds

    def begins(self, key: str) -> "asyncio.Task[None]":
        """Begin to read, until `ends`."""
        self._ends.setdefault(key, asyncio.Event())
        return asyncio.create_task(self._until_it_ends(key))

    def ends(self, key: str, seconds: float = 0.0) -> None:
        """Let the present read of a key be done, after so long."""
        self.now += seconds
        self._ends.pop(key).set()
        self._ends[key] = asyncio.Event()

    async def _until_it_ends(self, key: str) -> None:
        async with self.reads.turn(key):
            self.reading.append(key)
            self.most = max(self.most, len(self.reading))
            await self._ends[key].wait()
            self.reading.remove(key)
            self.done.append(key)


async def turns() -> None:
    """Let everything go on as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@story
async def test_who_reads_little_never_waits() -> None:
    """A page each second, for an hour."""
    room = Room()
    for _ in range(3600):
        await room.takes("alice", 0.02)
        room.now += 1
    assert room.rests == []


@story
async def test_who_reads_much_rests_after_each_page() -> None:
    """First what it has at once; then it reads for a quarter of the time."""
    room = Room()
    await room.takes("alice", 1.5)
    began = room.now
    for _ in range(100):
        await room.takes("alice", 0.05)
    # The first one in line waits for nobody.
    assert room.rests == pytest.approx([3 * (0.05 + CALL_S)] * 99)
    assert 100 * 0.05 / (room.now - began) == pytest.approx(0.25, rel=0.02)


@story
async def test_small_calls_cost_too() -> None:
    """A call in which nothing takes any time rests as well, once it was made often enough."""
    room = Room()
    for _ in range(5000):
        await room.takes("alice", 0)
    assert room.rests == pytest.approx([3 * CALL_S] * len(room.rests))
    assert len(room.rests) >= 2000


@story
async def test_page_that_was_held_up_does_not_stop_the_line() -> None:
    """A rest is bounded."""
    room = Room()
    await room.takes("alice", 60)
    for _ in range(2):
        await room.takes("alice", 10)
    assert room.rests == [MAX_REST_S]


@story
async def test_who_stops_reading_much_is_soon_quick_again() -> None:
    """What it owes is bounded by what it has at once."""
    room = Room()
    await room.takes("alice", 60)
    await room.takes("alice", 60)
    room.now += 2 * RATES.reads_burst_s / RATES.reads_share
    for _ in range(9):
        await room.takes("alice", 0.1)
    assert room.rests == []


@story
async def test_a_caller_reads_one_page_at_a_time() -> None:
    """And nobody else waits for it."""
    room = Room()
    calls = [room.begins("alice") for _ in range(3)]
    other = room.begins("bob")
    await turns()
    assert sorted(room.reading) == ["alice", "bob"]
    assert room.reads.waiting() == 4
    room.ends("bob")
    await other
    for left in (2, 1, 0):
        room.ends("alice")
        await turns()
        assert room.reads.waiting() == left
    await asyncio.gather(*calls)


@story
async def test_those_in_line_are_read_for_in_turn() -> None:
    """Whoever has asked for a hundred pages has one before each of the others."""
    room = Room()
    for name in ("alice", "bob"):
        await room.takes(name, 1.5)
    calls = [room.begins("alice") for _ in range(3)]
    await turns()
    calls.append(room.begins("bob"))
    await turns()
    assert room.reading == ["alice"]
    for name in ("alice", "bob", "alice", "alice"):
        room.ends(name)
        await turns()
    await asyncio.gather(*calls)
    assert room.done == ["alice", "bob", "alice", "alice"]
    assert room.most == 1


@story
async def test_call_that_gives_up_leaves_its_place() -> None:
    """In its caller's line, and in that of all."""
    room = Room()
    for name in ("alice", "bob"):
        await room.takes(name, 1.5)
    first, second, third = (room.begins(name) for name in ("alice", "alice", "bob"))
    await turns()
    for call in (second, third):
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
    room.ends("alice")
    await first
    assert room.reads.waiting() == 0
    await room.takes("bob", 0.1)


@story
async def test_nothing_waits_without_rates() -> None:
    """For benchmarks and private machines."""
    room = Room(on=False)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(room.reads.turn("alice"))
        room.now += 60
    await room.takes("alice", 60)
    assert room.rests == []


@story
async def test_callers_are_forgotten() -> None:
    """Once they have all of their time again."""
    room = Room()
    for number in range(MANY):
        await room.takes(f"user{number}", 0.1)
    room.now += 60
    await room.takes("one more", 0.1)
    assert len(room.reads._readers) <= 1


@pytest.mark.parametrize("network", ["192.0.2.7", ""])
@story
async def test_callers_are_told_apart_as_limits_count(network: str) -> None:
    """By their address, or by the user where that is exempt; who is nobody is not held up."""
    room = Room()
    alice, bob = (room.scene.joins(name) for name in ("alice", "bob"))
    assert alice.user_id != bob.user_id
    keys = []
    for token in ("alice", "bob", "nobody"):
        call = call_from("ipv4:127.0.0.1:1", token)
        call.network = network
        keys.append(room.reads._key_of(call))
    expected = [network] * 3 if network else [alice.user_id, bob.user_id, None]
    assert keys == expected


@story
async def test_who_was_removed_is_told_why_by_a_call_that_reads() -> None:
    """Its turn is found without taking the words, which are told once."""
    room = Room()
    scene = room.scene
    scene.does(cmd.Register(0, "carol", "#", b"", "here", by_operator=True))
    user_id = scene.directory.state.user_ids["carol"]
    scene.does(cmd.SignIn(user_id, "#", "", token_hash("carol"), "here"))
    scene.does(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("carol"), "enough"))
    call = call_from("ipv4:127.0.0.1:1", "carol")

    async def serves(_: object, call: Call) -> chat_pb2.SignOutResponse:
        scene.directory.session_of(call.token, scene.clock.ms())
        return chat_pb2.SignOutResponse()

    with pytest.raises(RefusedError) as refusal:
        await room.reads.bounded(serves)(None, call)
    assert refusal.value.rejection.reason is Reason.KICKED


@story
async def test_calls_that_read_are_bounded_and_no_others() -> None:
    """Their names begin as those of all such calls in the contract."""

    async def serves(_: object, __: Call) -> chat_pb2.SignOutResponse:
        return chat_pb2.SignOutResponse()

    class Some:
        def unary(self) -> Unary:
            return dict.fromkeys(("GetRoom", "ListRooms", "PostMessage"), serves)

    bounded = Room().reads.bounding(Some()).unary()
    assert [name for name, method in bounded.items() if method is serves] == ["PostMessage"]
    call = call_from("ipv4:127.0.0.1:1", "nobody")
    assert await bounded["ListRooms"](None, call) == chat_pb2.SignOutResponse()
