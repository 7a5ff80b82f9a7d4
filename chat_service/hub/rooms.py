"""The live side of each room that is read: its events published, all rings bounded together."""

from collections import Counter
from collections.abc import Callable

from chat_service.hub.feed import Feed, Flow
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.subscription import Subscription
from chat_service.hub.timers import Timers


class Rooms:
    """Where each room stands, and the feeds of those that somebody reads or has read."""

    def __init__(
        self,
        heads: dict[int, int],
        firsts: dict[int, int],
        timers: Timers,
        limits: HubLimits = DEFAULT_LIMITS,
    ) -> None:
        """Begin with the newest seq of each room, and the first kept where it is not 1."""
        self._limits = limits
        self._max_rings = limits.rings_bytes
        self._heads = heads
        self._firsts = firsts
        self._timers = timers
        self._feeds: dict[int, Feed] = {}
        # How often an event of a room was replaced.
        self._replaced: Counter[int] = Counter()
        # Bytes of recent events, all rooms together.
        self.ring_bytes = 0
        self.flow = Flow()

    def head(self, room_id: int) -> int:
        """Return the newest seq of a room; 0 for a new one."""
        return self._heads.get(room_id, 0)

    def first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room; head + 1 if none is."""
        return self._firsts.get(room_id, 1)

    def publish(self, room_id: int, seq: int, frame: bytes, withheld: bytes | None = None) -> None:
        """Tell an event, encoded, to all who follow the room. Never waits.

        `withheld` is what deaf subscriptions are told in its place; None: the same.
        """
        self._heads[room_id] = seq
        feed = self._feeds.get(room_id)
        if feed is not None:
            before = feed.ring.size
            feed.publish(seq, frame, withheld)
            self.ring_bytes += feed.ring.size - before
            if self.ring_bytes > self._max_rings:
                self._trim(room_id)

    def prune(self, room_id: int, first_seq: int) -> None:
        """Let go of the events of a room before `first_seq`; who is live does not notice."""
        if room_id not in self._heads:
            # It was forgotten before.
            return
        self._firsts[room_id] = first_seq
        feed = self._feeds.get(room_id)
        if feed is not None:
            before = feed.ring.size
            feed.prune(first_seq)
            self.ring_bytes += feed.ring.size - before

    def replace(self, room_id: int, seq: int, rewrite: Callable[[bytes], bytes]) -> None:
        """Have readers who are yet to be told an event told what `rewrite` makes of its frame.

        Also those who are being brought up to date: what was read of the log for them,
        and is from before, is read anew.
        """
        self._replaced[room_id] += 1
        feed = self._feeds.get(room_id)
        if feed is not None:
            before = feed.ring.size
            feed.replace(seq, rewrite)
            self.ring_bytes += feed.ring.size - before

    def replaced(self, room_id: int) -> int:
        """Return how often an event of a room was replaced since the hub began."""
        return self._replaced[room_id]

    def forget(self, room_id: int) -> None:
        """Let go of a room that cannot be reached any more."""
        self._heads.pop(room_id, None)
        self._firsts.pop(room_id, None)
        self._replaced.pop(room_id, None)
        feed = self._feeds.pop(room_id, None)
        if feed is not None:
            self.ring_bytes -= feed.ring.size

    def live_in(self, room_id: int) -> list[Subscription]:
        """Return the subscriptions that are told what happens in a room."""
        feed = self._feeds.get(room_id)
        return [] if feed is None else list(feed.subscriptions)

    def leave(self, subscription: Subscription, room_id: int) -> None:
        """Tell a subscription nothing more of a room."""
        feed = self._feeds.get(room_id)
        if feed is not None:
            feed.leave(subscription)

    def flush_all(self) -> None:
        """End the tick of every room."""
        for feed in self._feeds.values():
            feed.flush()

    def feed(self, room_id: int) -> Feed:
        """Return the live side of a room, made if there is none."""
        feed = self._feeds.get(room_id)
        if feed is None:
            feed = self._feeds[room_id] = Feed(
                self.head(room_id),
                self.first(room_id),
                self._timers,
                self.flow,
                self._limits,
                room_id,
            )
        return feed

    def _trim(self, kept_id: int) -> None:
        """Empty rings, those without readers first, until all fit."""
        by_need = sorted(self._feeds, key=lambda n: len(self._feeds[n].subscriptions))
        for room_id in by_need:
            if self.ring_bytes <= self._max_rings * 3 // 4:
                return
            if room_id == kept_id:
                continue
            # Its tick goes on: ended here, its events could overtake their acks.
            feed = self._feeds[room_id]
            self.ring_bytes -= feed.ring.size
            feed.ring.clear()
            if not feed.subscriptions:
                del self._feeds[room_id]
