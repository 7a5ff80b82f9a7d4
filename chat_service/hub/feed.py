"""One room's live side: its tick and its subscriptions.

A quiet room tells an event at once. In a busy one, events gather in a tick that
stretches with what the fan-out itself costs: a frame costs each reader one write
(20 to 25 µs) whatever it holds. The tick is bounded, so the delay is.
"""

from collections.abc import Callable

from chat_service.histogram import Histogram
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.replay import Positions, joined
from chat_service.hub.ring import Ring
from chat_service.hub.subscription import Subscription
from chat_service.hub.timers import Timer, Timers

# A tick lasts as long as the last fan-out took, so that fan-outs do not run into each
# other, and up to this many times as long when much is going on: then half of the time
# is left for what comes in, and a frame holds more for the same price.
TICK_STRETCH = 2.0
# Events of one tick from which on it is stretched in full.
BUSY_EVENTS = 16
# The bound of a tick. A fan-out to 1,000 readers takes 30 to 50 ms; with a bound below
# that, ticks ran into each other (60 events a frame instead of 170) and senders starved.
MAX_TICK_S = 0.1


# Upper bounds of the time that a fan-out took until the slowest tenth, in seconds.
FAN_OUT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Flow:
    """What all rooms together told: events times readers, and how long fan-outs took."""

    __slots__ = ("deliveries", "fan_out_seconds")

    def __init__(self) -> None:
        self.deliveries = 0
        self.fan_out_seconds = Histogram(FAN_OUT_SECONDS)


class Feed:
    """The tick, the ring and the subscriptions of one room."""

    __slots__ = (
        "_due",
        "_fan_out",
        "_flow",
        "_max_frame",
        "_room_id",
        "_soon",
        "_tick",
        "_timers",
        "_withheld",
        "deaf",
        "first_kept",
        "ring",
        "subscriptions",
        "told",
    )

    def __init__(
        self,
        head: int,
        first_kept: int,
        timers: Timers,
        flow: Flow,
        limits: HubLimits = DEFAULT_LIMITS,
        room_id: int = 0,
    ) -> None:
        self._room_id = room_id
        self.ring = Ring(head, limits)
        self._max_frame = limits.frame_bytes
        self.first_kept = first_kept
        # The seq of the newest event that subscriptions were sent.
        self.told = head
        # Live ones; a dictionary because it keeps its order.
        self.subscriptions: dict[Subscription, None] = {}
        # Those of them that are deaf.
        self.deaf: dict[Subscription, None] = {}
        self._timers = timers
        self._flow = flow
        # Events that are told when the tick ends, in order.
        self._tick: list[bytes] = []
        # What the deaf get in their place, by number in the tick; only where it differs.
        self._withheld: dict[int, bytes] = {}
        self._fan_out: _FanOut | None = None
        self._due: Timer | None = None
        self._soon = False

    @property
    def positions(self) -> Positions:
        """Where the room stands."""
        return Positions(self.ring.first, self.told, self.ring.head, self.first_kept)

    def join(self, subscription: Subscription) -> None:
        """Have a subscription told what happens from now on."""
        self.subscriptions[subscription] = None
        if subscription.deaf:
            self.deaf[subscription] = None

    def leave(self, subscription: Subscription) -> None:
        """Tell a subscription nothing more."""
        self.subscriptions.pop(subscription, None)
        self.deaf.pop(subscription, None)

    def publish(self, seq: int, frame: bytes, withheld: bytes | None = None) -> None:
        """Add the event that follows the head to the ring and to the tick.

        `withheld` is what the deaf get in its place; None: the same.
        """
        self.ring.append(seq, frame, withheld)
        if withheld is not None:
            self._withheld[len(self._tick)] = withheld
        self._tick.append(frame)
        if not self._soon and self._due is None:
            self._schedule()

    def replace(self, seq: int, rewrite: Callable[[bytes], bytes]) -> None:
        """Tell something else in the place of an event that is still held, or yet to be told.

        Who was told before it is not told again.
        """
        held = self.ring.at(seq)
        if held is not None:
            self.ring.replace(seq, rewrite(held))
        number = seq - self.told - 1
        if 0 <= number < len(self._tick):
            self._tick[number] = rewrite(self._tick[number])
            self._withheld.pop(number, None)

    def prune(self, first_kept: int) -> None:
        """Note that the events before `first_kept` are gone; who is live is told all the same."""
        self.first_kept = first_kept
        self.ring.prune(first_kept)

    def flush(self) -> None:
        """End the tick: hand what gathered to every subscription."""
        self._soon = False
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self.told = self.ring.head
        if not self._tick:
            return
        frames = joined(self._tick, self._max_frame)
        events = len(self._tick)
        busy = min(1.0, events / BUSY_EVENTS)
        readers = list(self.subscriptions)
        told = [(readers, frames)]
        if self._withheld:
            if self.deaf:
                told = self._told_apart(frames)
            self._withheld.clear()
        self._tick.clear()
        if not readers:
            return
        self._fan_out = fan_out = _FanOut(
            self._timers,
            len(readers),
            1.0 + (TICK_STRETCH - 1.0) * busy,
            self._flow.fan_out_seconds,
        )
        room_id = self._room_id
        for group, its_frames in told:
            for subscription in group:
                subscription.offer_tick(its_frames, fan_out, room_id)
                if subscription.ended is not None:
                    self.leave(subscription)
        self._flow.deliveries += events * len(self.subscriptions)

    def _told_apart(self, frames: list[bytes]) -> list[tuple[list[Subscription], list[bytes]]]:
        """Return who is handed what in a tick of which the deaf do not get everything."""
        withheld = self._withheld
        for_deaf = (withheld.get(number, frame) for number, frame in enumerate(self._tick))
        hearing = [one for one in self.subscriptions if not one.deaf]
        return [(hearing, frames), (list(self.deaf), joined(for_deaf, self._max_frame))]

    def _schedule(self) -> None:
        now = self._timers.time()
        fan_out = self._fan_out
        due = now if fan_out is None else fan_out.next_tick()
        if due <= now:
            self._soon = True
            self._timers.call_soon(self.flush)
        else:
            if fan_out is not None:
                fan_out.when_done = self._fan_out_done
            self._due = self._timers.call_at(due, self.flush)

    def _fan_out_done(self) -> None:
        """End the tick earlier than its bound, if the readers were quick."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
            self._schedule()


class _FanOut:
    """One frame on its way to many readers; tells what that took."""

    __slots__ = (
        "_began",
        "_left",
        "_seconds",
        "_stretch",
        "_timers",
        "_took",
        "_unhurried",
        "when_done",
    )

    def __init__(self, timers: Timers, readers: int, stretch: float, seconds: Histogram) -> None:
        self._timers = timers
        self._stretch = stretch
        self._seconds = seconds
        self._began = timers.time()
        self._left = readers
        # The slowest tenth is not waited for.
        self._unhurried = readers // 10
        self._took: float | None = None
        self.when_done: Callable[[], None] | None = None

    def written(self) -> None:
        """Note one more reader that has written the frame."""
        self._left -= 1
        if self._left == self._unhurried:
            self._took = self._timers.time() - self._began
            self._seconds.add(self._took)
            if self.when_done is not None:
                self.when_done()

    def next_tick(self) -> float:
        """Return when the next frame may follow."""
        if self._took is None:
            return self._began + MAX_TICK_S
        return self._began + min(self._took * self._stretch, MAX_TICK_S)
