"""One reader's bounded queue."""

import asyncio
from collections.abc import Callable

import pytest

from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import User
from chat_service.hub.limits import HubLimits
from chat_service.hub.subscription import (
    FRESH_S,
    Subscription,
)
from chat_service.hub.turns import TURNS_A_STEP, Turns
from tests.hub.readers import BYE, reason, taken, turn
from tests.hub.readers import reader as new_reader
from tests.hub.timers import FakeTimers

MAX_FRAME_BYTES, REPLAY_BYTES = HubLimits().frame_bytes, HubLimits().replay_bytes
MAX_QUEUED_BYTES, MAX_QUEUED_S = HubLimits().queue_bytes, HubLimits().queue_age_s

ALICE = User(1, "alice", 0)


class Counted:
    """Counts the readers that are done with a frame; see `subscription.Tick`."""

    def __init__(self) -> None:
        self.done = 0

    def written(self) -> None:
        self.done += 1


@pytest.fixture
def timers() -> FakeTimers:
    """Give a clock that the test moves."""
    return FakeTimers()


@pytest.fixture
def reader(timers: FakeTimers) -> Subscription:
    """Give a subscription that is measured by the clock of the test."""
    return new_reader(timers)


def test_frame_alone_is_handed_on_as_it_is(reader: Subscription) -> None:
    """One queued frame is not copied: it may be shared by many readers."""
    frame = bytes(1000)
    reader.offer(frame)
    assert reader.queued_bytes == 1000
    assert taken(reader) is frame
    assert reader.queued_bytes == 0


def test_queued_frames_are_joined_in_order(reader: Subscription) -> None:
    """What has gathered goes out in one write."""
    for frame in (b"a", b"bb", b"ccc"):
        reader.offer(frame)
    assert taken(reader) == b"abbccc"


def test_joined_frame_is_bounded(reader: Subscription) -> None:
    """A write takes as many frames as fit into its bound, and one that is larger alone."""
    half = bytes(MAX_FRAME_BYTES // 2)
    large = bytes(MAX_FRAME_BYTES + 1)
    for frame in (half, half, b"x", large, b"y"):
        reader.offer(frame)
    assert [len(taken(reader)) for _ in range(4)] == [MAX_FRAME_BYTES, 1, len(large), 1]


def test_waits_for_a_frame() -> None:
    """A writer without work waits, and is woken by the next frame."""

    async def story() -> None:
        reader = new_reader(FakeTimers())
        idle: list[bool] = []
        reader.on_idle = lambda: idle.append(reader.drained())
        writer = asyncio.create_task(reader.wait_frame())
        await turn()
        assert idle == [True]
        reader.offer(b"a")
        reader.offer(b"b")
        assert await writer == b"ab"

    asyncio.run(story())


def test_drained_means_written(reader: Subscription) -> None:
    """A frame that is being written is still owed; asking for the next says it was written."""

    async def story() -> None:
        assert reader.drained()
        reader.offer(b"a")
        assert not reader.drained()
        assert await reader.wait_frame() == b"a"
        assert not reader.drained()
        writer = asyncio.create_task(reader.wait_frame())
        await turn()
        assert reader.drained()
        reader.end(BYE)
        assert await writer == b""

    asyncio.run(story())


def test_end_drops_what_is_queued(reader: Subscription) -> None:
    """After the end nothing is taken and nothing is queued; only the first reason counts."""
    ends: list[Reason | None] = []
    reader.on_end = lambda: ends.append(reason(reader))
    reader.offer(b"a")
    reader.end(BYE)
    reader.end(Rejection(Reason.INTERNAL, "again"))
    reader.offer(b"b")
    assert (ends, reader.queued_bytes, taken(reader)) == ([Reason.DRAINING], 0, b"")


def test_queue_is_bounded_in_bytes(reader: Subscription) -> None:
    """A reader that is too many bytes behind is ended at once; exactly so many are allowed."""
    reader.offer(bytes(MAX_QUEUED_BYTES - 1))
    reader.offer(b"x")
    assert (reader.ended, reader.queued_bytes) == (None, MAX_QUEUED_BYTES)
    reader.offer(b"x")
    assert reason(reader) is Reason.SLOW_READER
    assert reader.ended is not None
    assert reader.ended.retry_after_ms > 0
    assert reader.queued_bytes == 0


def test_drop_lets_go_of_one_room(reader: Subscription) -> None:
    """What is queued of a room goes, its ticks are done, and the rest stays in its order."""
    ticks = Counted()
    reader.offer(b"a", 1)
    reader.offer_tick([b"b", b"b"], ticks, 1)
    reader.offer(b"mine")
    reader.offer_tick([b"c"], Counted(), 2)
    reader.drop(1)
    assert (ticks.done, reader.queued_bytes) == (1, 5)
    reader.drop(1)
    reader.drop(3)
    assert taken(reader) == b"minec"


def test_drop_gives_a_replay_its_space() -> None:
    """A replay of another room that waits for space goes on when a drop gives it."""

    async def story() -> None:
        reader = new_reader(FakeTimers())
        reader.offer(bytes(REPLAY_BYTES), 1)
        waiting = asyncio.create_task(reader.wait_space())
        await turn()
        assert not waiting.done()
        reader.drop(1)
        await waiting

    asyncio.run(story())


def test_drop_while_the_writer_waits_in_line() -> None:
    """A writer whose turn comes when nothing is left waits on, and takes what comes next."""

    async def story() -> None:
        timers = FakeTimers()
        turns = Turns(timers)
        reader = Subscription(1, ALICE, turns, timers.time)
        writer = asyncio.create_task(reader.wait_frame())
        await turn()
        for _ in range(TURNS_A_STEP):
            assert turns.ask(reader)
        reader.offer(b"a", 1)
        reader.drop(1)
        timers.step()
        await turn()
        assert not writer.done()
        reader.offer(b"b", 2)
        timers.step()
        assert await writer == b"b"

    asyncio.run(story())


LARGE = [bytes(MAX_FRAME_BYTES)] * (2 * MAX_QUEUED_BYTES // MAX_FRAME_BYTES)
"""A tick of twice what a reader may owe."""


def test_large_ticks_of_several_rooms(reader: Subscription, timers: FakeTimers) -> None:
    """Who owed nothing is not cut by what its rooms tell before it can have had its turn."""
    for _ in range(3):
        reader.offer_tick(LARGE, Counted())
        timers.advance(FRESH_S / 3)
    assert reader.ended is None
    timers.advance(2 * FRESH_S)
    reader.offer_tick([b"x"], Counted())
    assert reason(reader) is Reason.SLOW_READER


def test_ticks_without_end_are_held_against_a_reader(
    reader: Subscription, timers: FakeTimers
) -> None:
    """Whoever takes nothing is cut, however the ticks are spread over time."""
    for _ in range(round(4 * FRESH_S / 0.01)):
        reader.offer_tick([bytes(MAX_QUEUED_BYTES // 10)], Counted())
        timers.advance(0.01)
    assert reason(reader) is Reason.SLOW_READER


def test_answer_behind_a_large_tick(reader: Subscription) -> None:
    """Who owed nothing before a large tick is not cut by an answer that follows it at once."""
    reader.offer_tick(LARGE, Counted())
    reader.offer(b"ack")
    assert reader.ended is None


def test_one_frame_is_never_too_large(reader: Subscription) -> None:
    """A reader that owes nothing is sent a frame of any size."""
    reader.offer(bytes(MAX_QUEUED_BYTES + 1))
    assert reader.ended is None
    assert len(taken(reader)) == MAX_QUEUED_BYTES + 1


def test_queue_is_bounded_in_age(reader: Subscription, timers: FakeTimers) -> None:
    """A reader whose oldest frame is too old is ended by the next, however few they are."""
    reader.offer(b"a")
    timers.advance(MAX_QUEUED_S)
    reader.offer(b"b")
    assert reader.ended is None
    timers.advance(0.001)
    reader.offer(b"c")
    assert reason(reader) is Reason.SLOW_READER


def test_blocked_write_is_ended_by_the_check(reader: Subscription, timers: FakeTimers) -> None:
    """A write that does not return for too long ends the reader, though nothing is queued."""
    reader.offer(b"a")
    taken(reader)
    timers.advance(MAX_QUEUED_S)
    reader.check_write(timers.time())
    assert reader.ended is None
    timers.advance(0.001)
    reader.check_write(timers.time())
    assert reason(reader) is Reason.SLOW_READER


def test_idle_reader_is_never_too_slow(reader: Subscription, timers: FakeTimers) -> None:
    """Time that passes without anything to write is not held against a reader."""

    async def story() -> None:
        reader.offer(b"a")
        await reader.wait_frame()
        writer = asyncio.create_task(reader.wait_frame())
        await turn()
        timers.advance(10 * MAX_QUEUED_S)
        reader.check_write(timers.time())
        reader.offer(b"b")
        assert reader.ended is None
        assert await writer == b"b"

    asyncio.run(story())


def test_tick_hears_when_its_frame_was_written(reader: Subscription) -> None:
    """A shared frame is done when the next one is asked for, not when it was taken."""
    first, second = Counted(), Counted()
    reader.offer_tick([b"a"], first)
    reader.offer_tick([b"b"], second)
    assert taken(reader) == b"ab"
    assert (first.done, second.done) == (0, 0)
    reader.offer(b"c")
    taken(reader)
    assert (first.done, second.done) == (1, 1)


def offered_after_the_end(reader: Subscription, tick: Counted) -> None:
    """Offer a frame to a reader that is gone."""
    reader.end(BYE)
    reader.offer_tick([b"a"], tick)


def ended_with_a_queue(reader: Subscription, tick: Counted) -> None:
    """End a reader that has the frame in its queue."""
    reader.offer_tick([b"a"], tick)
    reader.end(BYE)


def ended_in_a_write(reader: Subscription, tick: Counted) -> None:
    """End a reader that is writing the frame."""
    reader.offer_tick([b"a"], tick)
    taken(reader)
    reader.end(BYE)


def ended_by_the_frame(reader: Subscription, tick: Counted) -> None:
    """Offer the frame that is one too many."""
    reader.offer(bytes(MAX_QUEUED_BYTES))
    reader.offer_tick([b"a"], tick)


@pytest.mark.parametrize(
    "how", [offered_after_the_end, ended_with_a_queue, ended_in_a_write, ended_by_the_frame]
)
def test_tick_never_waits_for_a_reader_that_is_gone(
    reader: Subscription, how: Callable[[Subscription, Counted], None]
) -> None:
    """However a reader ends, the tick counts it as done, once."""
    tick = Counted()
    how(reader, tick)
    assert tick.done == 1


def test_replay_waits_for_space() -> None:
    """A replay goes on when little enough is queued, or when the reader ends."""

    async def story() -> None:
        for last in (True, False):
            reader = new_reader(FakeTimers())
            reader.offer(b"x")
            await reader.wait_space()
            reader.offer(bytes(REPLAY_BYTES))
            replay = asyncio.create_task(reader.wait_space())
            await turn()
            assert not replay.done()
            if last:
                reader.end(BYE)
            else:
                await reader.wait_frame()
                await turn()
                assert not replay.done()
                await reader.wait_frame()
            await replay

    asyncio.run(story())


def test_readings_of_a_room_are_told_apart(reader: Subscription) -> None:
    """Reading a room again is another reading."""
    first = reader.begin_reading(7)
    other = reader.begin_reading(8)
    again = reader.begin_reading(7)
    assert len({first, other, again}) == 3
    assert reader.rooms == {7: again, 8: other}


def test_writers_wait_for_their_turn() -> None:
    """When many have something to write, those in line write later, joined with what came since."""

    async def story() -> None:
        timers = FakeTimers()
        turns = Turns(timers)
        readers = [Subscription(n, ALICE, turns, timers.time) for n in range(TURNS_A_STEP + 1)]
        writers = [asyncio.create_task(reader.wait_frame()) for reader in readers]
        await turn()
        for reader in readers:
            reader.offer(b"a")
        readers[-1].offer(b"b")
        await turn()
        assert [writer.done() for writer in writers] == [True] * TURNS_A_STEP + [False]
        timers.step()
        assert await writers[-1] == b"ab"

    asyncio.run(story())


def test_end_reaches_a_writer_in_line() -> None:
    """A reader that ends while it is in line is told so, and its turn then does nothing."""

    async def story() -> None:
        timers = FakeTimers()
        turns = Turns(timers)
        reader = Subscription(1, ALICE, turns, timers.time)
        for _ in range(TURNS_A_STEP):
            turns.ask(reader)
        reader.offer(b"a")
        writer = asyncio.create_task(reader.wait_frame())
        await turn()
        assert not writer.done()
        reader.end(BYE)
        assert await writer == b""
        timers.step()

    asyncio.run(story())
