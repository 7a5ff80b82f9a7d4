"""The rooms together: replay then live, presence, and readers that are too slow."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.core.errors import Reason
from chat_service.core.model import User
from chat_service.hub import presence
from chat_service.hub.feed import MAX_TICK_S
from chat_service.hub.hub import Hub
from chat_service.hub.limits import HubLimits
from chat_service.hub.presence import PERIOD_S
from chat_service.hub.replay import Page
from chat_service.hub.subscription import Subscription, Tick
from tests.hub.frames import Frames, Item, Kind, encoded, event, items, withheld
from tests.hub.readers import BYE, all_taken, reader, reason, taken, turn
from tests.hub.timers import FakeTimers

MAX_FRAME_BYTES, MAX_QUEUED_S = HubLimits().frame_bytes, HubLimits().queue_age_s
MAX_RING_EVENTS, MAX_RING_BYTES = HubLimits().ring_events, HubLimits().ring_bytes
MAX_RINGS_BYTES, GRACE_S = HubLimits().rings_bytes, HubLimits().presence_grace_s

PATIENCE = 20.0
"""Seconds after which a test that waits in vain gives up."""

ROOM, OTHER_ROOM = 7, 8
PAGE = 4
"""Events of a page, so that few events are many pages."""


class World:
    """A hub, its clock, and the log behind it: events may be committed before they are told."""

    def __init__(self) -> None:
        self.timers = FakeTimers()
        self.log: dict[int, list[bytes]] = {ROOM: [], OTHER_ROOM: []}
        # The first seq that the log keeps, and the prunes that the room has not heard of
        # yet: the head that the log had then, and the first seq.
        self.kept: dict[int, int] = defaultdict(lambda: 1)
        self.prunes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        # Where each page began that was read.
        self.pages: list[tuple[int, int]] = []
        # With gates, a page is read only when the test opens one.
        self.gates: list[asyncio.Future[None]] | None = None
        # Whether a page is read as it is asked for, and not when its gate is opened.
        self.reads_early = False
        # Whether every third event of a room is what a bot said.
        self.has_bots = False
        self.hub = Hub({}, {}, timers=self.timers, encode=Frames(), read_page=self.read_page)

    async def read_page(self, room_id: int, after_seq: int) -> Page:
        self.pages.append((room_id, after_seq))
        page = self._page(room_id, after_seq)
        if self.gates is not None:
            gate = asyncio.get_running_loop().create_future()
            self.gates.append(gate)
            await gate
        if not self.reads_early:
            page = self._page(room_id, after_seq)
        of_bots = {seq: withheld(room_id, seq) for seq, _ in page if self.is_bots(seq)}
        return Page(page, self.kept[room_id], of_bots)

    def is_bots(self, seq: int) -> bool:
        """Whether a bot said this."""
        return self.has_bots and seq % 3 == 0

    def _page(self, room_id: int, after_seq: int) -> list[tuple[int, bytes]]:
        start = max(after_seq, self.kept[room_id] - 1)
        return list(enumerate(self.log[room_id][start : start + PAGE], start=start + 1))

    def commit(self, room_id: int = ROOM, count: int = 1, size: int = 0) -> None:
        """Store events that the room has not heard of yet."""
        for _ in range(count):
            self.log[room_id].append(event(room_id, len(self.log[room_id]) + 1, size))

    def publish(self, room_id: int = ROOM, most: int = 1_000_000) -> int:
        """Tell the room of stored events, and of prunes between; return the bytes of events."""
        head = self.hub.head(room_id)
        fresh = self.log[room_id][head : head + most]
        self._tell_prunes(room_id)
        for seq, frame in enumerate(fresh, start=head + 1):
            of_bot = withheld(room_id, seq) if self.is_bots(seq) else None
            self.hub.publish(room_id, seq, frame, of_bot)
            self._tell_prunes(room_id)
        return sum(map(len, fresh))

    def prune(self, room_id: int, first_kept: int) -> None:
        """Have the log let go of events; the room has not heard of it yet."""
        if first_kept > self.kept[room_id]:
            self.kept[room_id] = first_kept
            self.prunes[room_id].append((len(self.log[room_id]), first_kept))

    def pruned(self, first_kept: int, room_id: int = ROOM) -> None:
        """Have the log let go of events, and tell the room."""
        self.prune(room_id, first_kept)
        self.publish(room_id)

    def _tell_prunes(self, room_id: int) -> None:
        prunes = self.prunes[room_id]
        while prunes and prunes[0][0] <= self.hub.head(room_id):
            self.hub.prune(room_id, prunes.pop(0)[1])

    def happens(self, room_id: int = ROOM, count: int = 1, size: int = 0) -> None:
        """Store events and tell them, to the end of the tick."""
        self.commit(room_id, count, size)
        self.publish(room_id)
        self.timers.advance(MAX_TICK_S)

    def passes(self, seconds: int) -> None:
        """Let time pass as a server does, with a sweep every second."""
        for _ in range(seconds):
            self.timers.advance(1)
            self.hub.sweep()

    def reader(self, user_id: int = 1, *, deaf: bool = False) -> Subscription:
        """Return a reader that the hub watches over."""
        subscription = reader(self.hub, user_id, deaf=deaf)
        self.hub.add(subscription)
        return subscription

    def follow(
        self, subscription: Subscription, after_seq: int, room_id: int = ROOM
    ) -> asyncio.Task[None]:
        """Begin to bring a reader up to date."""
        subscription.begin_reading(room_id)
        return asyncio.create_task(self.hub.follow(subscription, room_id, after_seq))

    async def catches_up(
        self, subscription: Subscription, after_seq: int, room_id: int = ROOM
    ) -> list[Item]:
        """Bring a reader up to date that takes what it is sent; return what it was sent."""
        follower = self.follow(subscription, after_seq, room_id)
        seen = []
        while not follower.done():
            await turn()
            seen += read(subscription)
        follower.result()
        return seen

    async def live(self, user_id: int = 1, after_seq: int = 0) -> Subscription:
        """Return a reader that is live and was told of it."""
        subscription = self.reader(user_id)
        assert (await self.catches_up(subscription, after_seq))[-1].kind is Kind.LIVE
        return subscription

    async def present(self, user_id: int) -> Subscription:
        """Return a live reader whose user is present."""
        subscription = await self.live(user_id, self.hub.head(ROOM))
        self.hub.enter(subscription, ROOM)
        return subscription


Story = Callable[[World], Coroutine[Any, Any, None]]


def in_a_world(story: Story) -> Callable[[], None]:
    """Make a test of a coroutine that is given a world of its own."""

    def told() -> None:
        asyncio.run(asyncio.wait_for(story(World()), PATIENCE))

    told.__name__, told.__doc__ = story.__name__, story.__doc__
    return told


def read(subscription: Subscription) -> list[Item]:
    """Take all that is queued, and have it written."""
    frames = all_taken(subscription)
    if subscription.ended is None:
        waits = subscription.wait_frame()
        waits.send(None)
        waits.close()
    return [item for frame in frames for item in items(frame)]


def events(first: int, last: int, room_id: int = ROOM) -> list[Item]:
    """Return the events of a room from one seq to another."""
    return [Item(Kind.EVENT, room_id, seq) for seq in range(first, last + 1)]


def heard_deaf(first: int, last: int) -> list[Item]:
    """Return the events of a room with bots from one seq to another, as the deaf get them."""
    kinds = (Kind.EVENT, Kind.EVENT, Kind.WITHHELD)
    return [Item(kinds[(seq - 1) % 3], ROOM, seq) for seq in range(first, last + 1)]


def live(seq: int, room_id: int = ROOM) -> Item:
    """Return the live marker behind an event."""
    return Item(Kind.LIVE, room_id, seq)


def gap(after_seq: int, first_kept: int, room_id: int = ROOM) -> list[Item]:
    """Return what a reader is told of events that are no longer kept."""
    return [Item(Kind.GAP, room_id, after_seq), Item(Kind.KEPT, room_id, first_kept)]


# --------------------------------------------------------------- replay, then live


@in_a_world
async def test_new_room_is_live_at_once(world: World) -> None:
    """A reader of an empty room is live from the beginning, without a read of the log."""
    alice = world.reader()
    assert await world.catches_up(alice, 0) == [live(0)]
    world.happens(count=2)
    assert read(alice) == events(1, 2)
    assert world.pages == []


@in_a_world
async def test_missed_events_come_from_the_log_in_pages(world: World) -> None:
    """What the ring does not hold is read page by page, then the reader is live."""
    world.happens(count=10)
    assert await world.catches_up(world.reader(), 1) == [*events(2, 10), live(10)]
    assert world.pages == [(ROOM, 1), (ROOM, 5), (ROOM, 9)]


@in_a_world
async def test_recent_events_come_from_the_ring(world: World) -> None:
    """A short absence costs no read of the log."""
    await world.live()
    world.happens(count=10)
    assert await world.catches_up(world.reader(2), 3) == [*events(4, 10), live(10)]
    assert world.pages == []


@in_a_world
async def test_deaf_do_not_hear_bots(world: World) -> None:
    """From the log, from the ring and live, a mark stands where a bot spoke; others hear it."""
    world.has_bots = True
    world.happens(count=10)
    deaf = world.reader(2, deaf=True)
    assert await world.catches_up(deaf, 1) == [*heard_deaf(2, 10), live(10)]
    assert world.pages == [(ROOM, 1), (ROOM, 5), (ROOM, 9)]
    alice = await world.live(1, 10)
    world.happens(count=5)
    assert read(deaf) == heard_deaf(11, 15)
    assert read(alice) == events(11, 15)
    del world.pages[:]
    assert await world.catches_up(world.reader(3, deaf=True), 10) == [
        *heard_deaf(11, 15),
        live(15),
    ]
    assert await world.catches_up(world.reader(4), 10) == [*events(11, 15), live(15)]
    assert world.pages == []


@in_a_world
async def test_log_and_ring_meet_without_a_seam(world: World) -> None:
    """A long absence is read from the log as far back as the ring does not reach."""
    alice = await world.live()
    world.happens(count=MAX_RING_EVENTS + 6)
    last = MAX_RING_EVENTS + 6
    assert await world.catches_up(world.reader(2), 0) == [*events(1, last), live(last)]
    assert world.pages == [(ROOM, 0), (ROOM, 4)]
    assert read(alice) == events(1, last)


@in_a_world
async def test_events_that_happen_during_the_replay_are_not_lost(world: World) -> None:
    """What is told while a page is read comes once, behind the page."""
    world.happens(count=3)
    world.gates = []
    alice = world.reader()
    follower = world.follow(alice, 0)
    await turn()
    world.commit(count=2)
    world.gates.pop().set_result(None)
    world.publish()
    await follower
    world.happens()
    assert read(alice) == [*events(1, 5), live(5), *events(6, 6)]


@in_a_world
async def test_log_may_be_ahead_of_the_room(world: World) -> None:
    """An event that is stored but not told yet is left to its tick, not taken from a page."""
    world.happens(count=2)
    world.commit()
    alice = world.reader()
    await world.follow(alice, 0)
    world.publish()
    world.timers.advance(MAX_TICK_S)
    assert read(alice) == [*events(1, 2), live(2), *events(3, 3)]


@in_a_world
async def test_reader_inside_the_open_tick_ends_it(world: World) -> None:
    """A position among events that wait for their tick has them told, so that none comes twice."""
    alice = await world.live()
    world.happens()
    world.commit(count=3)
    world.publish()
    bob = world.reader(2)
    await world.follow(bob, 3)
    assert read(bob) == [*events(4, 4), live(4)]
    assert read(alice) == events(1, 4)
    world.happens()
    assert (read(alice), read(bob)) == (events(5, 5), events(5, 5))


@in_a_world
async def test_position_beyond_the_head_is_a_mistake(world: World) -> None:
    """The hub never guesses at events that are not there."""
    world.happens()
    with pytest.raises(ValueError, match="seq 2 is beyond the head of room 7"):
        await world.follow(world.reader(), 2)


@in_a_world
async def test_hole_in_the_log_is_never_told(world: World) -> None:
    """Where the log has lost an event, the replay fails instead of leaving it out."""
    world.happens(count=2)
    world.log[ROOM].clear()
    with pytest.raises(LookupError, match="room 7 has no event after 0"):
        await world.follow(world.reader(), 0)


@in_a_world
async def test_gap_in_place_of_what_is_no_longer_kept(world: World) -> None:
    """A reader from before the first kept event is told so, and goes on with that event."""
    world.happens(count=10)
    world.pruned(4)
    assert await world.catches_up(world.reader(), 1) == [*gap(1, 4), *events(4, 10), live(10)]
    assert await world.catches_up(world.reader(), 3) == [*events(4, 10), live(10)]


@in_a_world
async def test_gap_up_to_the_head(world: World) -> None:
    """Where nothing is kept the gap ends behind the newest event; what happens then is told."""
    world.happens(count=10)
    world.pruned(11)
    alice, bob = world.reader(1), world.reader(2)
    assert await world.catches_up(alice, 2) == [*gap(2, 11), live(10)]
    assert await world.catches_up(bob, 10) == [live(10)]
    assert world.pages == []
    world.happens()
    assert read(alice) == read(bob) == events(11, 11)


@in_a_world
async def test_live_reader_does_not_notice_a_prune(world: World) -> None:
    """Who is live gets everything, also what is pruned before its tick ends."""
    alice = await world.live()
    world.commit(count=3)
    world.publish()
    world.pruned(4)
    bob = world.reader(2)
    assert await world.catches_up(bob, 0) == [*gap(0, 4), live(3)]
    world.happens()
    assert read(alice) == events(1, 4)
    assert read(bob) == events(4, 4)


@in_a_world
async def test_pruned_events_leave_the_ring(world: World) -> None:
    """What is no longer kept is not in memory either, and no longer counted there."""
    keeper = await world.live(9)
    world.happens(count=6)
    world.pruned(5)
    assert await world.catches_up(world.reader(), 2) == [*gap(2, 5), *events(5, 6), live(6)]
    world.happens(count=MAX_RING_EVENTS)
    assert world.pages == []
    assert len(read(keeper)) == 6 + MAX_RING_EVENTS


@pytest.mark.parametrize("reads_early", [False, True])
@pytest.mark.parametrize("told", [False, True])
def test_prune_overtakes_a_replay(*, reads_early: bool, told: bool) -> None:
    """Events that go while a reader is on its way to them are a gap, heard of or not."""

    @in_a_world
    async def story(world: World) -> None:
        world.happens(count=10)
        alice = world.reader()
        world.gates, world.reads_early = [], reads_early
        follower = world.follow(alice, 0)
        await turn()
        world.prune(ROOM, 8)
        if told:
            world.publish()
        while not follower.done():
            for gate in world.gates:
                gate.set_result(None)
            world.gates.clear()
            await turn()
        follower.result()
        if reads_early:
            # The page was read before: it is as good as ever.
            assert read(alice) == [*events(1, 4), *gap(4, 8), *events(8, 10), live(10)]
        else:
            assert read(alice) == [*gap(0, 8), *events(8, 10), live(10)]

    story()


@in_a_world
async def test_prune_that_is_ahead_of_the_room(world: World) -> None:
    """A gap never reaches over events that the room has yet to hear of: they come live."""
    world.happens(count=5)
    world.commit(count=3)
    world.prune(ROOM, 9)
    alice = world.reader()
    assert await world.catches_up(alice, 0) == [*gap(0, 6), live(5)]
    world.publish()
    world.timers.advance(MAX_TICK_S)
    assert read(alice) == events(6, 8)
    assert world.hub.first(ROOM) == 9


def tombstone(_: bytes) -> bytes:
    """Return what stands in the place of any event."""
    return encoded(Kind.OTHER, ROOM, 0)


def kinds(frames: list[bytes]) -> list[Kind]:
    """Return what frames say, in order."""
    return [item.kind for frame in frames for item in items(frame)]


@in_a_world
async def test_replaced_event_is_told_to_nobody_any_more(world: World) -> None:
    """Neither from the ring, nor at the end of a tick that is open, by bots or not."""
    for deaf in (False, True):
        world.has_bots = deaf
        live, late = world.reader(deaf=deaf), world.reader(deaf=deaf)
        head = world.hub.head(ROOM)
        await world.follow(live, head)
        all_taken(live)
        world.commit(count=6)
        world.publish()
        for seq in (head + 3, head + 4):
            world.hub.replace(ROOM, seq, tombstone)
        expected = [Kind.EVENT, Kind.EVENT, Kind.OTHER, Kind.OTHER, Kind.EVENT, Kind.EVENT]
        if deaf:
            expected[5] = Kind.WITHHELD
        world.timers.advance(MAX_TICK_S)
        assert kinds(all_taken(live)) == expected
        await world.follow(late, head)
        assert kinds(all_taken(late)) == [*expected, Kind.LIVE]
        size = world.hub.statistics().ring_bytes
        world.hub.replace(ROOM, head + 1, tombstone)
        assert world.hub.statistics().ring_bytes == size


@in_a_world
async def test_replacing_what_is_not_held(world: World) -> None:
    """An event that no ring holds is in the log alone; a room without readers has nothing."""
    world.hub.replace(ROOM, 1, tombstone)
    world.happens(count=3)
    late = world.reader()
    await world.follow(late, 2)
    world.hub.replace(ROOM, 1, tombstone)
    world.hub.replace(ROOM, 9, tombstone)
    assert kinds(all_taken(late)) == [Kind.EVENT, Kind.LIVE]


@in_a_world
async def test_page_from_before_a_replacement_is_read_anew(world: World) -> None:
    """Who is being brought up to date when an event is replaced is not told the old one."""
    world.reads_early = True
    world.happens(count=3)
    world.gates = []
    late = world.reader()
    follower = world.follow(late, 0)
    await turn()
    world.log[ROOM][1] = tombstone(b"")
    world.hub.replace(ROOM, 2, tombstone)
    gates, world.gates = world.gates, None
    for gate in gates:
        gate.set_result(None)
    await follower
    assert kinds(all_taken(late)) == [Kind.EVENT, Kind.OTHER, Kind.EVENT, Kind.LIVE]


@in_a_world
async def test_what_is_queued_of_a_room_is_dropped_with_it(world: World) -> None:
    """Replay, marker and ticks of the one room go; those of another stay, and its tick ends."""
    both = world.reader()
    world.happens(count=2)
    world.happens(OTHER_ROOM, count=2)
    await world.follow(both, 0)
    await world.follow(both, 0, OTHER_ROOM)
    world.happens()
    world.happens(OTHER_ROOM)
    world.hub.unfollow(both, ROOM)
    both.drop(ROOM)
    world.happens()
    told = [item for frame in all_taken(both) for item in items(frame)]
    assert {item.room_id for item in told} == {OTHER_ROOM}
    assert [item.number for item in told if item.kind is Kind.EVENT] == [1, 2, 3]


@in_a_world
async def test_forgotten_room_is_not_remembered_by_a_prune(world: World) -> None:
    """What is pruned of a room that is forgotten is nobody's gap."""
    world.happens(count=3)
    world.hub.forget_room(ROOM)
    world.hub.prune(ROOM, 3)
    assert (world.hub.head(ROOM), world.hub.first(ROOM)) == (0, 1)


@in_a_world
async def test_replay_never_cuts_its_own_reader(world: World) -> None:
    """Two rooms whose rings are full are sent as fast as the reader takes them, not faster."""
    keeper = await world.live(9)
    await world.follow(keeper, 0, OTHER_ROOM)
    for room_id in (ROOM, OTHER_ROOM):
        for _ in range(64):
            world.happens(room_id, 1, MAX_RING_BYTES // 64)
            all_taken(keeper)
    alice = world.reader()
    followers = [world.follow(alice, 0), world.follow(alice, 0, OTHER_ROOM)]
    seen: list[Item] = []
    while not all(follower.done() for follower in followers):
        await turn()
        assert alice.queued_bytes
        seen += read(alice)
    seen += read(alice)
    assert alice.ended is None
    assert world.pages == []
    for room_id in (ROOM, OTHER_ROOM):
        of_room = [item for item in seen if item.room_id == room_id]
        assert of_room == [*events(1, 64, room_id), live(64, room_id)]


@in_a_world
async def test_replay_waits_for_a_slow_reader(world: World) -> None:
    """A reader that takes nothing is sent no more than it may owe, and is not cut for it."""
    world.happens(count=64, size=MAX_RING_BYTES // 16)
    alice = world.reader()
    follower = world.follow(alice, 0)
    await turn()
    queued = alice.queued_bytes
    await turn()
    assert alice.queued_bytes == queued < MAX_RING_BYTES
    assert not follower.done()
    alice.end(BYE)
    await follower


@in_a_world
async def test_leaving_ends_the_replay(world: World) -> None:
    """Who stops reading during a page is sent nothing of it; reading again begins anew."""
    world.happens(count=6)
    world.gates = []
    alice = world.reader()
    first = world.follow(alice, 0)
    await turn()
    world.hub.unfollow(alice, ROOM)
    second = world.follow(alice, 4)
    await turn()
    for gate in world.gates:
        gate.set_result(None)
    await first
    await second
    assert read(alice) == [*events(5, 6), live(6)]
    world.happens()
    assert read(alice) == events(7, 7)


@in_a_world
async def test_who_left_hears_no_more(world: World) -> None:
    """After unfollow nothing of the room comes; after remove nothing of any."""
    alice, bob = await world.live(1), await world.live(2)
    await world.follow(bob, 0, OTHER_ROOM)
    world.hub.unfollow(alice, ROOM)
    world.hub.remove(bob)
    read(bob)
    world.happens()
    world.happens(OTHER_ROOM)
    assert (read(alice), read(bob)) == ([], [])
    assert world.hub.subscriptions == [alice]
    assert bob.rooms == {}


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
    world.hub.flush_all()
    assert read(alice) == events(1, 1)
    world.hub.end_all(BYE)
    assert [alice.ended, bob.ended] == [BYE, BYE]


# ------------------------------------------------------------------------- bounds


@in_a_world
async def test_all_rings_together_are_bounded(world: World) -> None:
    """When rings hold too much, those of rooms that nobody reads are emptied first."""
    frame = event(0, 1, MAX_RING_BYTES)
    rooms = range(100, 100 + MAX_RINGS_BYTES // MAX_RING_BYTES + 1)
    followed = world.reader(1)
    for room_id in rooms:
        world.log[room_id] = [frame]
        visitor = followed if room_id == rooms[0] else world.reader(2)
        await world.follow(visitor, 0, room_id)
        if visitor is not followed:
            world.hub.remove(visitor)
    all_taken(followed)
    for room_id in rooms:
        world.publish(room_id)
        world.timers.advance(MAX_TICK_S)
    assert all_taken(followed) == [frame]
    for room_id in (rooms[0], rooms[-1], rooms[1]):
        await world.catches_up(world.reader(3), 0, room_id)
    assert world.pages == [(rooms[1], 0)]


@in_a_world
async def test_reader_goes_on_where_a_ring_was_emptied(world: World) -> None:
    """Emptying a ring loses nothing: the room keeps its place and its readers."""
    alice = await world.live()
    world.happens()
    for room_id in range(100, 170):
        world.log[room_id] = [bytes(MAX_RING_BYTES)]
        await world.follow(world.reader(2), 0, room_id)
        world.publish(room_id)
    world.happens()
    assert read(alice) == events(1, 2)
    assert await world.catches_up(world.reader(3), 0) == [*events(1, 2), live(2)]
    assert world.pages == [(ROOM, 0)]


@in_a_world
async def test_forgotten_room_is_gone(world: World) -> None:
    """Nothing is left of a room that cannot be reached any more."""
    await world.live()
    world.happens(count=2)
    world.hub.forget_room(ROOM)
    world.hub.forget_room(ROOM)
    assert world.hub.head(ROOM) == 0


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
                seen.follow(world, rest[1], round(world.hub.head(rest[1]) * rest[2]))
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
