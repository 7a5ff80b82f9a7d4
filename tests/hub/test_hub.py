"""The hub: presence, readers that are too slow, and every order of what may happen."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.core.errors import Reason
from chat_service.core.model import User
from chat_service.hub import presence
from chat_service.hub.feed import MAX_TICK_S
from chat_service.hub.limits import HubLimits
from chat_service.hub.presence import PERIOD_S
from chat_service.hub.subscription import Subscription, Tick
from tests.hub.frames import Item, Kind, encoded, items
from tests.hub.readers import BYE, reason, taken, turn
from tests.hub.world import (
    OTHER_ROOM,
    PAGE,
    PATIENCE,
    ROOM,
    World,
    events,
    in_a_world,
    read,
)

MAX_FRAME_BYTES, MAX_QUEUED_S = HubLimits().frame_bytes, HubLimits().queue_age_s
MAX_RING_BYTES, GRACE_S = HubLimits().ring_bytes, HubLimits().presence_grace_s

# ------------------------------------------------------------------------ presence


def told_of(subscription: Subscription) -> list[Item]:
    """Take all that is queued, and return what is about presence."""
    return [item for item in read(subscription) if item.kind in (Kind.CHANGE, Kind.SNAPSHOT)]


@in_a_world
async def test_changes_are_told_together_after_a_while(world: World) -> None:
    """Those who come within the period are told in one item, when it is over."""
    alice = await world.present(1)
    world.timers.advance(PERIOD_S)
    told_of(alice)
    await world.present(2)
    world.timers.advance(PERIOD_S / 2)
    await world.present(3)
    assert told_of(alice) == []
    world.timers.advance(PERIOD_S / 2)
    assert told_of(alice) == [Item(Kind.CHANGE, ROOM, 3)]
    world.timers.advance(10 * PERIOD_S)
    assert told_of(alice) == []


def test_crowd_is_told_period_by_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit one telling comes a period later, by itself."""

    @in_a_world
    async def story(world: World) -> None:
        alice = await world.present(1)
        for user_id in range(2, 6):
            await world.present(user_id)
        for _ in range(3):
            world.timers.advance(PERIOD_S)
            assert told_of(alice) == [Item(Kind.CHANGE, ROOM, 5)]
        world.timers.advance(10 * PERIOD_S)
        assert told_of(alice) == []

    monkeypatch.setattr(presence, "MAX_TOLD", 2)
    story()


@in_a_world
async def test_who_only_listens_is_not_told_of_presence(world: World) -> None:
    """A reader that is not present hears the events of the room, and nothing else."""
    alice = await world.present(1)
    listener = await world.live(2)
    world.timers.advance(PERIOD_S)
    world.happens()
    assert read(listener) == events(1, 1)
    assert told_of(alice) == [Item(Kind.CHANGE, ROOM, 1)]


@in_a_world
async def test_snapshot_is_for_one_reader(world: World) -> None:
    """Who begins to read is sent who is there."""
    alice, bob = await world.present(1), await world.present(2)
    world.timers.advance(PERIOD_S)
    told_of(alice), told_of(bob)
    world.hub.send_snapshot(bob, ROOM)
    assert (told_of(alice), told_of(bob)) == ([], [Item(Kind.SNAPSHOT, ROOM, 2)])


@in_a_world
async def test_dropped_reader_is_present_for_the_grace(world: World) -> None:
    """A reader that drops is told to have gone when the grace is over, at the next sweep."""
    alice, bob = await world.present(1), await world.present(2)
    world.timers.advance(PERIOD_S)
    told_of(alice)
    world.hub.remove(bob)
    world.passes(int(GRACE_S) - 1)
    world.timers.advance(PERIOD_S)
    assert (told_of(alice), world.hub.presence.count(ROOM)) == ([], 2)
    world.passes(1)
    world.timers.advance(PERIOD_S)
    assert told_of(alice) == [Item(Kind.CHANGE, ROOM, 1)]


@in_a_world
async def test_leaving_is_told_without_a_grace(world: World) -> None:
    """Who leaves is gone, whatever streams there are."""
    alice, bob = await world.present(1), await world.present(2)
    world.timers.advance(PERIOD_S)
    told_of(alice)
    world.hub.leave(ROOM, bob.user.user_id)
    world.hub.unfollow(bob, ROOM)
    world.timers.advance(PERIOD_S)
    assert told_of(alice) == [Item(Kind.CHANGE, ROOM, 1)]
    world.hub.leave(ROOM, bob.user.user_id)
    world.passes(int(GRACE_S))
    world.timers.advance(PERIOD_S)
    assert told_of(alice) == []


@in_a_world
async def test_session_that_ends_takes_its_user_along_unless_another_reads(world: World) -> None:
    """A user is gone with the last stream; one who has another window is not."""
    alice, bob = await world.present(1), await world.present(2)
    window = await world.present(2)
    world.hub.remove(bob)
    world.hub.leave_if_expected(ROOM, 2)
    assert world.hub.presence.count(ROOM) == 2
    world.hub.remove(window)
    world.hub.leave_if_expected(ROOM, 2)
    assert world.hub.presence.count(ROOM) == 1
    assert alice.present_in == {ROOM: None}


# ------------------------------------------------------------ readers that are slow


@in_a_world
async def test_blocked_writer_is_ended_by_the_sweep(world: World) -> None:
    """A reader whose write does not return is ended, by itself; the others hear everything."""
    frozen, alice = await world.live(1), await world.live(2)
    frozen.offer(b"x")
    taken(frozen)
    read(alice)
    for _ in range(20):
        world.happens()
        assert len(read(alice)) == 1
        world.timers.advance(MAX_QUEUED_S / 20)
        world.hub.sweep()
    world.timers.advance(1)
    world.hub.sweep()
    assert reason(frozen) is Reason.SLOW_READER
    assert alice.ended is None


@in_a_world
async def test_server_that_stood_still_holds_it_against_nobody(world: World) -> None:
    """What waited while nothing ran is no older for it, neither a write nor a queued frame."""
    writing, waiting, gone = await world.live(1), await world.live(2), await world.present(3)
    writing.offer(b"x")
    taken(writing)
    waiting.offer(b"y")
    world.hub.remove(gone)
    world.passes(1)
    world.timers.advance(10 * MAX_QUEUED_S)
    world.happens()
    world.passes(int(MAX_QUEUED_S) - 2)
    assert (writing.ended, waiting.ended) == (None, None)
    assert world.hub.presence.count(ROOM) == 1
    world.passes(2)
    world.happens()
    assert (reason(writing), reason(waiting)) == (Reason.SLOW_READER, Reason.SLOW_READER)


@in_a_world
async def test_overflow_harms_only_the_one_who_is_behind(world: World) -> None:
    """A reader that takes nothing is cut at its bound; nothing is dropped for the others."""
    frozen, alice = await world.live(1), await world.live(2)
    seen: list[Item] = []
    for _ in range(40):
        world.happens(size=MAX_FRAME_BYTES // 2)
        seen += read(alice)
    assert reason(frozen) is Reason.SLOW_READER
    assert seen == events(1, 40)


@in_a_world
async def test_burst_cuts_nobody_who_reads(world: World) -> None:
    """A reader that has taken everything so far is not behind, however much is told at once."""
    alice = await world.live()
    # What four senders at their bound put into one commit: 256 texts of 4 KiB each.
    world.commit(count=1000, size=4200)
    world.publish()
    world.timers.advance(MAX_TICK_S)
    assert alice.ended is None
    assert read(alice) == events(1, 1000)


@in_a_world
async def test_all_are_ended_together(world: World) -> None:
    """At the end every reader is given the reason, live or not; open ticks are told before."""
    alice, bob = await world.live(1), world.reader(2)
    world.commit()
    world.publish()
    world.hub.rooms.flush_all()
    assert read(alice) == events(1, 1)
    world.hub.end_all(BYE)
    assert [alice.ended, bob.ended] == [BYE, BYE]


# ----------------------------------------------------------- whatever the order is

READERS = 4
DEAF = READERS - 1
"""The one of them that does not hear bots."""
NOWHERE = 2**32 - 1
"""Stands for the place of a reader that has left."""
SIZES = (20, 900, 30_000, 70_000)

_room = st.sampled_from((ROOM, OTHER_ROOM))
_reader = st.integers(0, READERS - 1)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), _room, st.integers(1, 6), st.sampled_from(SIZES)),
        st.tuples(st.just("publish"), _room, st.integers(1, 6)),
        st.tuples(st.just("follow"), _reader, _room, st.floats(0, 1)),
        st.tuples(st.just("leave"), _reader, _room),
        st.tuples(st.just("page")),
        st.tuples(st.just("prune"), _room, st.floats(0, 1)),
        st.tuples(st.just("read early"), st.booleans()),
        st.tuples(st.just("write"), _reader),
        st.tuples(st.just("pass"), st.integers(0, 80)),
    ),
    max_size=60,
)


class Handed(Subscription):
    """A subscription that remembers the objects of which live events were handed to it."""

    def __init__(self, world: World, number: int) -> None:
        deaf = number == DEAF
        user = User(number, f"user{number}", 0, bot=deaf)
        super().__init__(number, user, world.hub.turns, world.timers.time, deaf=deaf)
        # The rooms whose live marker came, and what came behind it.
        self.live: set[int] = set()
        self.ticks: dict[tuple[Item, ...], bytes] = {}

    def offer(self, frame: bytes, room_id: int = 0) -> None:
        self._note(frame)
        super().offer(frame, room_id)

    def offer_tick(self, frames: list[bytes], tick: Tick, room_id: int = 0) -> None:
        for frame in frames:
            self._note(frame)
        super().offer_tick(frames, tick, room_id)

    def _note(self, frame: bytes) -> None:
        told = tuple(items(frame))
        kind, room_id, _ = told[0]
        if kind is Kind.LIVE:
            self.live.add(room_id)
        elif kind is Kind.OTHER:
            self.live.discard(room_id)
        elif room_id in self.live:
            self.ticks[told] = frame


class Seen:
    """One reader with a writer of its own, and what it was handed, checked as it comes.

    A frame before each reading tells where it begins, and one behind it that it is over,
    as opened and closed rooms do on the wire.
    """

    def __init__(self, world: World, number: int) -> None:
        self.subscription = Handed(world, number)
        # For each room: the last seq of its reading, and whether the live marker came.
        self.places: dict[int, tuple[int, bool]] = {}
        self.followers: list[asyncio.Task[None]] = []
        self.writer = asyncio.create_task(self._write())
        # The writes that may return; a reader that is `free` needs none.
        self.kept = world.kept
        self.is_bots = world.is_bots
        self.writes = asyncio.Semaphore(0)
        self.free = False
        world.hub.add(self.subscription)

    def follow(self, world: World, room_id: int, after_seq: int) -> None:
        """Begin a reading."""
        self.subscription.offer(encoded(Kind.OTHER, room_id, after_seq))
        self.followers.append(world.follow(self.subscription, after_seq, room_id))

    def leave(self, world: World, room_id: int) -> None:
        """End a reading: nothing of it may come behind this."""
        world.hub.unfollow(self.subscription, room_id)
        self.subscription.offer(encoded(Kind.OTHER, room_id, NOWHERE))

    async def _write(self) -> None:
        while frame := await self.subscription.wait_frame():
            self._check(frame)
            if not self.free:
                await self.writes.acquire()

    def _check(self, frame: bytes) -> None:
        told = items(frame)
        assert len(frame) <= MAX_FRAME_BYTES or len(told) == 1
        for kind, room_id, number in told:
            if kind is Kind.OTHER:
                self.places[room_id] = (number, False)
                continue
            last, is_live = self.places[room_id]
            assert last != NOWHERE
            if kind is Kind.LIVE:
                assert (number, is_live) == (last, False)
                self.places[room_id] = (last, True)
            elif kind is Kind.GAP:
                assert (number, is_live) == (last, False)
            elif kind is Kind.KEPT:
                # Nothing that is kept is passed over.
                assert last + 1 < number <= self.kept[room_id]
                self.places[room_id] = (number - 1, False)
            else:
                assert number == last + 1
                assert (kind is Kind.WITHHELD) == (self.subscription.deaf and self.is_bots(number))
                self.places[room_id] = (number, is_live)


# ----------------------------------------------------------------------------- statistics


@in_a_world
async def test_statistics_count_what_readers_were_handed(world: World) -> None:
    """Events times readers, live, from the ring and from the log; bytes as they are taken."""
    world.happens(count=10)
    alice = world.reader(1)
    sent = await world.catches_up(alice, 4)
    assert world.hub.statistics().deliveries == 6
    bob = await world.live(2, 9)
    assert world.hub.statistics().deliveries == 7
    world.happens(count=3)
    assert world.hub.statistics().deliveries == 13
    before = world.hub.statistics().written_bytes
    waiting = alice.queued_bytes
    assert waiting == bob.queued_bytes > 0
    assert world.hub.statistics().queued_bytes == 2 * waiting
    sent += read(alice)
    found = world.hub.statistics()
    assert found.written_bytes == before + waiting
    assert (found.queued_bytes, found.largest_queue_bytes) == (waiting, waiting)
    assert [item for item in sent if item.kind is Kind.EVENT] == events(5, 13)


@in_a_world
async def test_statistics_know_who_is_gone(world: World) -> None:
    """What a reader took still counts when it is gone; its rooms and its queue do not."""
    alice, bob = await world.live(1), await world.live(2)
    await world.catches_up(bob, 0, OTHER_ROOM)
    world.happens()
    read(alice)
    found = world.hub.statistics()
    assert (found.subscriptions, found.queued_bytes) == (3, bob.queued_bytes)
    assert world.hub.readings() == {ROOM: 2, OTHER_ROOM: 1}
    for _ in range(2):
        world.hub.remove(bob)
        bob.end(BYE)
    left = world.hub.statistics()
    assert left.written_bytes == found.written_bytes
    assert (left.subscriptions, left.queued_bytes, left.largest_queue_bytes) == (1, 0, 0)
    assert world.hub.readings() == {ROOM: 1}
    assert left.ring_bytes == found.ring_bytes > 0


@in_a_world
async def test_statistics_time_a_fan_out_without_its_slowest_tenth(world: World) -> None:
    """It is counted once, when nine of ten have written, and not before."""
    readers = [await world.live(number) for number in range(1, 11)]
    world.happens()
    for subscription in readers[:8]:
        read(subscription)
    assert world.hub.statistics().fan_out_seconds.count == 0
    world.timers.advance(0.02)
    read(readers[8])
    found = world.hub.statistics().fan_out_seconds
    assert found.count == 1
    assert found.total == pytest.approx(0.02 + MAX_TICK_S)
    read(readers[9])
    assert world.hub.statistics().fan_out_seconds.count == 1


@in_a_world
async def test_reader_who_is_cut_was_handed_nothing(world: World) -> None:
    """An event that ended a reader was not delivered to it."""
    alice = await world.live()
    await world.live(2)
    world.happens()
    read(alice)
    before = world.hub.statistics().deliveries
    world.passes(int(MAX_QUEUED_S) + 1)
    world.happens()
    assert world.hub.statistics().deliveries == before + 1


async def _play(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    world.has_bots = True
    world.happens(ROOM, 3 * PAGE)
    world.gates = []
    readers = [Seen(world, number) for number in range(READERS)]
    # The first reader always reads at once: it may never be cut.
    readers[0].free = True
    untold = 0

    async def settle() -> None:
        for _ in range(3):
            await turn()
            world.timers.step()
        for task in [seen.writer for seen in readers] + [t for s in readers for t in s.followers]:
            if task.done():
                task.result()

    for what, *rest in steps:
        if what == "commit":
            world.commit(*rest)
        elif what == "publish":
            if untold > MAX_RING_BYTES // 4:
                world.timers.advance(MAX_TICK_S)
                untold = 0
            untold += world.publish(*rest)
        elif what == "follow":
            seen = readers[rest[0]]
            if rest[1] not in seen.subscription.rooms:
                seen.follow(world, rest[1], round(world.hub.rooms.head(rest[1]) * rest[2]))
        elif what == "leave":
            readers[rest[0]].leave(world, rest[1])
        elif what == "prune":
            head = len(world.log[rest[0]])
            world.prune(rest[0], round(head * rest[1]) + 1)
        elif what == "read early":
            (world.reads_early,) = rest
        elif what == "page" and world.gates:
            world.gates.pop(0).set_result(None)
        elif what == "write":
            readers[rest[0]].writes.release()
        elif what == "pass":
            world.timers.advance(rest[0] / 1000)
            untold = 0
        await settle()

    for room_id in (ROOM, OTHER_ROOM):
        while world.publish(room_id, 6):
            world.timers.advance(MAX_TICK_S)
            await settle()
    world.timers.advance(MAX_TICK_S)
    for seen in readers:
        seen.free = True
        seen.writes.release()
    while world.gates or not all(seen.subscription.drained() for seen in readers):
        for gate in world.gates:
            gate.set_result(None)
        world.gates.clear()
        await settle()
    await settle()

    assert readers[0].subscription.ended is None
    for seen in readers:
        if seen.subscription.ended is None:
            for room_id in seen.subscription.rooms:
                assert seen.places[room_id] == (len(world.log[room_id]), True)
        seen.subscription.end(BYE)
        await seen.writer
    for told in readers[0].subscription.ticks:
        frames = [tick for seen in readers[:DEAF] if (tick := seen.subscription.ticks.get(told))]
        assert all(frame is frames[0] for frame in frames)


@given(_steps)
@settings(max_examples=400, deadline=None)
def test_every_reader_sees_everything_once_and_in_order(steps: list[tuple[Any, ...]]) -> None:
    """Whatever happens in between: no hole, no double, one live marker, shared ticks, small frames.

    Each reading gets what follows its position, one seq after the other, or is told of
    the gap where that is pruned, and never what is kept is in a gap; the live marker
    names the seq before it; live events come in the very bytes object that the other
    readers get; a reader that takes what it is sent is never cut. A deaf one gets all
    that, with marks where bots spoke.
    """
    asyncio.run(asyncio.wait_for(_play(steps), PATIENCE))
