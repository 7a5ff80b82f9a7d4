"""The rooms: what was replaced or forgotten is told to nobody, and all rings are bounded."""

from chat_service.hub.feed import MAX_TICK_S
from chat_service.hub.limits import HubLimits
from tests.hub.frames import Kind, event, items
from tests.hub.readers import all_taken
from tests.hub.world import (
    OTHER_ROOM,
    ROOM,
    World,
    events,
    in_a_world,
    kinds,
    live,
    read,
    tombstone,
)

MAX_RING_BYTES, MAX_RINGS_BYTES = HubLimits().ring_bytes, HubLimits().rings_bytes


@in_a_world
async def test_replaced_event_is_told_to_nobody_any_more(world: World) -> None:
    """Neither from the ring, nor at the end of a tick that is open, by bots or not."""
    for deaf in (False, True):
        world.has_bots = deaf
        live, late = world.reader(deaf=deaf), world.reader(deaf=deaf)
        head = world.hub.rooms.head(ROOM)
        await world.follow(live, head)
        all_taken(live)
        world.commit(count=6)
        world.publish()
        for seq in (head + 3, head + 4):
            world.hub.rooms.replace(ROOM, seq, tombstone)
        expected = [Kind.EVENT, Kind.EVENT, Kind.OTHER, Kind.OTHER, Kind.EVENT, Kind.EVENT]
        if deaf:
            expected[5] = Kind.WITHHELD
        world.timers.advance(MAX_TICK_S)
        assert kinds(all_taken(live)) == expected
        await world.follow(late, head)
        assert kinds(all_taken(late)) == [*expected, Kind.LIVE]
        size = world.hub.statistics().ring_bytes
        world.hub.rooms.replace(ROOM, head + 1, tombstone)
        assert world.hub.statistics().ring_bytes == size


@in_a_world
async def test_replacing_what_is_not_held(world: World) -> None:
    """An event that no ring holds is in the log alone; a room without readers has nothing."""
    world.hub.rooms.replace(ROOM, 1, tombstone)
    world.happens(count=3)
    late = world.reader()
    await world.follow(late, 2)
    world.hub.rooms.replace(ROOM, 1, tombstone)
    world.hub.rooms.replace(ROOM, 9, tombstone)
    assert kinds(all_taken(late)) == [Kind.EVENT, Kind.LIVE]


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
    world.hub.rooms.forget(ROOM)
    world.hub.rooms.prune(ROOM, 3)
    assert (world.hub.rooms.head(ROOM), world.hub.rooms.first(ROOM)) == (0, 1)


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
    world.hub.rooms.forget(ROOM)
    world.hub.rooms.forget(ROOM)
    assert world.hub.rooms.head(ROOM) == 0
