"""The rooms together: publishing, following, presence, and who is too slow."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chat_service.core.errors import Rejection
from chat_service.core.model import User
from chat_service.histogram import Distribution
from chat_service.hub.feed import Feed, Flow
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.pages import Pages, ReadPage
from chat_service.hub.patience import Patience
from chat_service.hub.presence import PERIOD_S, Change, Presence
from chat_service.hub.replay import Step, joined, next_step, portion, unseen
from chat_service.hub.subscription import Subscription
from chat_service.hub.timers import Timers
from chat_service.hub.turns import Turns


class Encode(Protocol):
    """How the hub's own items become frames."""

    def live(self, room_id: int, seq: int) -> bytes:
        """Encode that a reader is up to date."""
        ...

    def gap(self, room_id: int, after_seq: int, first_seq: int) -> bytes:
        """Encode that what follows `after_seq` is no longer kept, up to `first_seq`."""
        ...

    def change(self, room_id: int, change: Change) -> bytes:
        """Encode who came to a room and who went."""
        ...

    def snapshot(self, room_id: int, present: list[tuple[User, bool]]) -> bytes:
        """Encode who is in a room."""
        ...


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """How the live side is at one moment, and what it told since it began."""

    # Readings of a room by a stream that go on.
    subscriptions: int
    # Events times the readers that they were handed to, replays included.
    deliveries: int
    # Bytes of frames that were taken to be written.
    written_bytes: int
    # Time from a tick until nine tenths of its readers had written it, in seconds.
    fan_out_seconds: Distribution
    # Bytes that wait to be written, of all readers and of the one furthest behind.
    queued_bytes: int
    largest_queue_bytes: int
    # Bytes of recent events, all rooms together.
    ring_bytes: int


class Hub:
    """The live side of all rooms, used on the event loop only.

    Nothing in it waits for a reader but `follow`, which is one reader's own.
    """

    def __init__(
        self,
        heads: dict[int, int],
        firsts: dict[int, int],
        *,
        timers: Timers,
        encode: Encode,
        read_page: ReadPage,
        limits: HubLimits = DEFAULT_LIMITS,
    ) -> None:
        """Begin with the newest seq of each room, and the first kept where it is not 1."""
        self.limits = limits
        self._max_rings = limits.rings_bytes
        self._heads = heads
        self._firsts = firsts
        self._timers = timers
        self._patience = Patience(timers.time)
        self._encode = encode
        self._pages = Pages(read_page, timers.time)
        self._feeds: dict[int, Feed] = {}
        # How often an event of a room was replaced.
        self._replaced: Counter[int] = Counter()
        self._ring_bytes = 0
        self._flow = Flow()
        # Of subscriptions that are no longer watched over.
        self._written_bytes = 0
        self._subscriptions: dict[Subscription, None] = {}
        self._presence_due: dict[int, None] = {}
        self.presence = Presence(limits.presence_grace_s)
        self.turns = Turns(timers)

    def time(self) -> float:
        """Return the time by which readers are measured, in seconds; see `Patience`."""
        return self._patience.time()

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
            self._ring_bytes += feed.ring.size - before
            if self._ring_bytes > self._max_rings:
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
            self._ring_bytes += feed.ring.size - before

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
            self._ring_bytes += feed.ring.size - before

    def replaced(self, room_id: int) -> int:
        """Return how often an event of a room was replaced since the hub began."""
        return self._replaced[room_id]

    def forget_room(self, room_id: int) -> None:
        """Let go of a room that cannot be reached any more."""
        self._heads.pop(room_id, None)
        self._firsts.pop(room_id, None)
        self._replaced.pop(room_id, None)
        feed = self._feeds.pop(room_id, None)
        if feed is not None:
            self._ring_bytes -= feed.ring.size

    # -------------------------------------------------------------- subscribing

    def add(self, subscription: Subscription) -> None:
        """Watch over a subscription until `remove`."""
        self._subscriptions[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Stop telling a subscription anything; its user's grace begins in its rooms."""
        if subscription in self._subscriptions:
            del self._subscriptions[subscription]
            self._written_bytes += subscription.taken_bytes
        for room_id in list(subscription.rooms):
            self.unfollow(subscription, room_id)

    async def follow(
        self, subscription: Subscription, room_id: int, after_seq: int, floor: int = 1
    ) -> None:
        """Send a reader what it missed, then the live marker, then live events.

        Where events that it missed are no longer kept, it is sent a gap instead. `floor` is
        the first seq that it may read, at most one beyond the head: what is before is to it
        as if it were not kept.

        Returns when the reader is live, or when the subscription ended or
        stopped reading the room meanwhile. The caller has called
        `begin_reading`, and has compared the position with `head`.

        Raises ValueError for a position beyond the head of the room.
        """
        frame_bytes, replay_bytes = self.limits.frame_bytes, self.limits.replay_bytes
        reading = subscription.rooms.get(room_id)
        pages = 0
        if reading is not None and after_seq + 1 < floor:
            first_seq = max(floor, min(self.first(room_id), self.head(room_id) + 1))
            after_seq = self._tell_gap(subscription, room_id, after_seq, first_seq)
        while reading is not None and subscription.rooms.get(room_id) == reading:
            if subscription.ended is not None:
                return
            feed = self._feed(room_id)
            step = next_step(after_seq, feed.positions)
            if step is Step.BEYOND:
                raise ValueError(f"seq {after_seq} is beyond the head of room {room_id}")
            if step is Step.TELL:
                feed.flush()
            elif subscription.queued_bytes >= replay_bytes:
                await subscription.wait_space()
            elif step is Step.PAGE:
                replaced = self._replaced[room_id]
                page = await self._pages.read(room_id, after_seq, pages)
                pages += 1
                if subscription.rooms.get(room_id) != reading:
                    return
                if self._replaced[room_id] != replaced:
                    continue
                # The log may be ahead of what the room was told of, prunes included.
                head = self.head(room_id)
                fresh = unseen(page.told(deaf=subscription.deaf), after_seq, head)
                if fresh:
                    for frame in joined((frame for _, frame in fresh), frame_bytes):
                        subscription.offer(frame, room_id)
                    self._flow.deliveries += len(fresh)
                    after_seq = fresh[-1][0]
                elif after_seq + 1 < page.first_kept:
                    first_kept = min(page.first_kept, head + 1)
                    after_seq = self._tell_gap(subscription, room_id, after_seq, first_kept)
                else:
                    raise LookupError(f"room {room_id} has no event after {after_seq}")
            elif step is Step.GAP:
                after_seq = self._tell_gap(subscription, room_id, after_seq, feed.first_kept)
            elif after_seq < feed.told:
                recent = feed.ring.between(after_seq, feed.told, deaf=subscription.deaf)
                held = portion(recent, replay_bytes)
                for frame in joined(held, frame_bytes):
                    subscription.offer(frame, room_id)
                self._flow.deliveries += len(held)
                after_seq += len(held)
            else:
                subscription.offer(self._encode.live(room_id, feed.told), room_id)
                if subscription.ended is None:
                    feed.join(subscription)
                return

    def _tell_gap(
        self, subscription: Subscription, room_id: int, after_seq: int, first_kept: int
    ) -> int:
        """Tell a reader what it cannot have; return where it is then."""
        subscription.offer(self._encode.gap(room_id, after_seq, first_kept), room_id)
        return first_kept - 1

    def unfollow(self, subscription: Subscription, room_id: int) -> None:
        """Stop telling a subscription of one room; its user's grace begins there."""
        subscription.rooms.pop(room_id, None)
        feed = self._feeds.get(room_id)
        if feed is not None:
            feed.leave(subscription)
        if room_id in subscription.present_in:
            del subscription.present_in[room_id]
            self.presence.drop(room_id, subscription.user, self.time())

    # ----------------------------------------------------------------- presence

    def enter(self, subscription: Subscription, room_id: int) -> None:
        """Count the subscription's user as present in a room that it reads."""
        subscription.present_in[room_id] = None
        if self.presence.enter(room_id, subscription.user):
            self._tell_presence(room_id)

    def send_snapshot(self, subscription: Subscription, room_id: int) -> None:
        """Send a reader who is in the room."""
        picture = self.presence.picture(room_id)
        subscription.offer(self._encode.snapshot(room_id, picture), room_id)

    def leave(self, room_id: int, user_id: int) -> None:
        """Count a user as gone from a room, whatever streams there are."""
        if self.presence.remove(room_id, user_id):
            self._tell_presence(room_id)

    def leave_if_expected(self, room_id: int, user_id: int) -> None:
        """Count a user as gone from a room unless another stream reads it."""
        if self.presence.is_expected(room_id, user_id):
            self.leave(room_id, user_id)

    def sweep(self) -> None:
        """End graces that are over and readers whose writes are blocked.

        To be called about once a second.
        """
        now = self.time()
        for room_id in self.presence.expire(now):
            self._tell_presence(room_id)
        for subscription in list(self._subscriptions):
            subscription.check_write(now)

    def end_all(self, reason: Rejection) -> None:
        """End every subscription."""
        for subscription in list(self._subscriptions):
            subscription.end(reason)

    def flush_all(self) -> None:
        """End the tick of every room."""
        for feed in self._feeds.values():
            feed.flush()

    @property
    def subscriptions(self) -> list[Subscription]:
        """All that are watched over."""
        return list(self._subscriptions)

    def readings(self) -> Counter[int]:
        """Return how many streams read each room, those that catch up included."""
        return Counter(room_id for one in self._subscriptions for room_id in one.rooms)

    def statistics(self) -> HubStatistics:
        """Return how the live side is. Looks at each subscription, a microsecond each."""
        queues = [subscription.queued_bytes for subscription in self._subscriptions]
        taken = sum(subscription.taken_bytes for subscription in self._subscriptions)
        return HubStatistics(
            subscriptions=sum(len(subscription.rooms) for subscription in self._subscriptions),
            deliveries=self._flow.deliveries,
            written_bytes=self._written_bytes + taken,
            fan_out_seconds=self._flow.fan_out_seconds.distribution(),
            queued_bytes=sum(queues),
            largest_queue_bytes=max(queues, default=0),
            ring_bytes=self._ring_bytes,
        )

    def _tell_presence(self, room_id: int) -> None:
        if room_id not in self._presence_due:
            self._presence_due[room_id] = None
            self._timers.call_at(
                self._timers.time() + PERIOD_S, lambda: self._presence_told(room_id)
            )

    def _presence_told(self, room_id: int) -> None:
        self._presence_due.pop(room_id, None)
        change = self.presence.take_change(room_id)
        if self.presence.has_change(room_id):
            self._tell_presence(room_id)
        feed = self._feeds.get(room_id)
        if change is None or feed is None:
            return
        frame = self._encode.change(room_id, change)
        for subscription in feed.subscriptions:
            # Who only listens is not told who is there.
            if room_id in subscription.present_in:
                subscription.offer(frame, room_id)

    # -------------------------------------------------------------------- rooms

    def _feed(self, room_id: int) -> Feed:
        feed = self._feeds.get(room_id)
        if feed is None:
            feed = self._feeds[room_id] = Feed(
                self.head(room_id),
                self.first(room_id),
                self._timers,
                self._flow,
                self.limits,
                room_id,
            )
        return feed

    def _trim(self, kept_id: int) -> None:
        """Empty rings, those without readers first, until all fit."""
        by_need = sorted(self._feeds, key=lambda n: len(self._feeds[n].subscriptions))
        for room_id in by_need:
            if self._ring_bytes <= self._max_rings * 3 // 4:
                return
            if room_id == kept_id:
                continue
            # Its tick goes on: ended here, its events could overtake their acks.
            feed = self._feeds[room_id]
            self._ring_bytes -= feed.ring.size
            feed.ring.clear()
            if not feed.subscriptions:
                del self._feeds[room_id]
