"""The live side as one: who reads, who is present, and who is too slow."""

from collections import Counter
from dataclasses import dataclass

from chat_service.core.errors import Rejection
from chat_service.histogram import Distribution
from chat_service.hub.catch_up import CatchUp
from chat_service.hub.frames import Encode
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.pages import Pages, ReadPage
from chat_service.hub.patience import Patience
from chat_service.hub.presence import PERIOD_S, Presence
from chat_service.hub.rooms import Rooms
from chat_service.hub.subscription import Subscription
from chat_service.hub.timers import Timers
from chat_service.hub.turns import Turns


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
        self.rooms = Rooms(heads, firsts, timers, limits)
        self._timers = timers
        self._patience = Patience(timers.time)
        self._encode = encode
        self._catch_up = CatchUp(self.rooms, Pages(read_page, timers.time), encode, limits)
        # Of subscriptions that are no longer watched over.
        self._written_bytes = 0
        self._subscriptions: dict[Subscription, None] = {}
        self._presence_due: dict[int, None] = {}
        self.presence = Presence(limits.presence_grace_s)
        self.turns = Turns(timers)

    def time(self) -> float:
        """Return the time by which readers are measured, in seconds; see `Patience`."""
        return self._patience.time()

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
        """Send a reader what it missed, then live events; see `CatchUp.follow`."""
        await self._catch_up.follow(subscription, room_id, after_seq, floor)

    def unfollow(self, subscription: Subscription, room_id: int) -> None:
        """Stop telling a subscription of one room; its user's grace begins there."""
        subscription.rooms.pop(room_id, None)
        self.rooms.leave(subscription, room_id)
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
            deliveries=self.rooms.flow.deliveries,
            written_bytes=self._written_bytes + taken,
            fan_out_seconds=self.rooms.flow.fan_out_seconds.distribution(),
            queued_bytes=sum(queues),
            largest_queue_bytes=max(queues, default=0),
            ring_bytes=self.rooms.ring_bytes,
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
        if change is None:
            return
        frame = self._encode.change(room_id, change)
        for subscription in self.rooms.live_in(room_id):
            # Who only listens is not told who is there.
            if room_id in subscription.present_in:
                subscription.offer(frame, room_id)
