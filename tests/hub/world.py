"""A world around a hub: its clock, the log behind it, and what readers were sent."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

from chat_service.hub.feed import MAX_TICK_S
from chat_service.hub.hub import Hub
from chat_service.hub.replay import Page
from chat_service.hub.subscription import Subscription
from tests.hub.frames import Frames, Item, Kind, encoded, event, items, withheld
from tests.hub.readers import all_taken, reader, turn
from tests.hub.timers import FakeTimers

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
        head = self.hub.rooms.head(room_id)
        fresh = self.log[room_id][head : head + most]
        self._tell_prunes(room_id)
        for seq, frame in enumerate(fresh, start=head + 1):
            of_bot = withheld(room_id, seq) if self.is_bots(seq) else None
            self.hub.rooms.publish(room_id, seq, frame, of_bot)
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
        while prunes and prunes[0][0] <= self.hub.rooms.head(room_id):
            self.hub.rooms.prune(room_id, prunes.pop(0)[1])

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
        subscription = await self.live(user_id, self.hub.rooms.head(ROOM))
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


def tombstone(_: bytes) -> bytes:
    """Return what stands in the place of any event."""
    return encoded(Kind.OTHER, ROOM, 0)


def kinds(frames: list[bytes]) -> list[Kind]:
    """Return what frames say, in order."""
    return [item.kind for frame in frames for item in items(frame)]
