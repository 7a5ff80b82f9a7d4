"""Replay, then live: nothing is lost, doubled or reordered where the two meet."""

import pytest

from chat_service.hub.feed import MAX_TICK_S
from chat_service.hub.limits import HubLimits
from tests.hub.frames import Item, Kind
from tests.hub.readers import BYE, all_taken, turn
from tests.hub.world import (
    OTHER_ROOM,
    ROOM,
    World,
    events,
    gap,
    heard_deaf,
    in_a_world,
    kinds,
    live,
    read,
    tombstone,
)

MAX_RING_EVENTS, MAX_RING_BYTES = HubLimits().ring_events, HubLimits().ring_bytes


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
    assert world.hub.rooms.first(ROOM) == 9


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
    world.hub.rooms.replace(ROOM, 2, tombstone)
    gates, world.gates = world.gates, None
    for gate in gates:
        gate.set_result(None)
    await follower
    assert kinds(all_taken(late)) == [Kind.EVENT, Kind.OTHER, Kind.EVENT, Kind.LIVE]


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
