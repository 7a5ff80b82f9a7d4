"""One stream's live reading: its rooms, and its bounded queue of encoded frames.

The queue is bounded in bytes and in age. Frames that many subscriptions share
count fully for each: the bound is on what a reader owes, not on memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import User
from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits
from chat_service.hub.turns import Turns

# What rooms told this recently, at least, and twice as long ago at most, is not held
# against a reader: it may not have had its turn since. As long as a tick, see `feed`.
FRESH_S = 0.1


class Tick(Protocol):
    """A shared frame that wants to know when a reader has written it."""

    def written(self) -> None:
        """Note one more reader that is done with the frame."""
        ...


class Subscription:
    """The queue of one stream. Made and used on the event loop.

    Attributes: `rooms` maps the id of each room that is read to a number that
    tells this reading from an earlier one of the same room; in the rooms of
    `present_in` its user counts as present by it. `deaf` says that it is not told what
    bots say, but that they spoke. `ended` is why the
    subscription is over, or None. `taken_bytes` is how much its writer took so far.
    `on_end` is called once when it ends,
    `on_idle` whenever all that was queued has been written.
    """

    __slots__ = (
        "_clock",
        "_done_ticks",
        "_entries",
        "_fresh",
        "_fresh_before",
        "_fresh_since",
        "_in_line",
        "_loop",
        "_max_age_s",
        "_max_bytes",
        "_max_frame",
        "_readings",
        "_replay_bytes",
        "_size",
        "_space",
        "_turns",
        "_waiter",
        "_write_began",
        "deaf",
        "ended",
        "on_end",
        "on_idle",
        "present_in",
        "rooms",
        "session_id",
        "taken_bytes",
        "user",
    )

    def __init__(
        self,
        session_id: int,
        user: User,
        turns: Turns,
        clock: Callable[[], float],
        limits: HubLimits = DEFAULT_LIMITS,
        *,
        deaf: bool = False,
    ) -> None:
        self.session_id = session_id
        self.user = user
        self.deaf = deaf
        self.rooms: dict[int, int] = {}
        self.present_in: dict[int, None] = {}
        self.ended: Rejection | None = None
        self.taken_bytes = 0
        self.on_end: Callable[[], object] | None = None
        self.on_idle: Callable[[], None] | None = None
        # Each is looked at for every frame.
        self._max_bytes = limits.queue_bytes
        self._max_age_s = limits.queue_age_s
        self._max_frame = limits.frame_bytes
        self._replay_bytes = limits.replay_bytes
        self._turns = turns
        self._in_line = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clock = clock
        self._readings = 0
        # A frame, the tick that it ends, when it was queued, and the room that it is of.
        self._entries: deque[tuple[bytes, Tick | None, float, int]] = deque()
        self._size = 0
        # Bytes of ticks since the last full FRESH_S, when that was, and of the one before.
        self._fresh = 0
        self._fresh_before = 0
        self._fresh_since = 0.0
        # Ticks whose frames are in the write that is under way.
        self._done_ticks: list[Tick] = []
        self._write_began: float | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._space: asyncio.Future[None] | None = None

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be written."""
        return self._size

    def begin_reading(self, room_id: int) -> int:
        """Note that the room is read from now on; return the number of this reading."""
        self._readings += 1
        self.rooms[room_id] = self._readings
        return self._readings

    def offer(self, frame: bytes, room_id: int = 0) -> None:
        """Queue a frame. Never waits: a reader that is too far behind is ended instead.

        `room_id` is the room that it tells of; 0: it is not dropped with any.
        """
        now = self._clock()
        if self._keeps_up(len(frame), now):
            self._queue(frame, None, now, room_id)

    def offer_tick(self, frames: list[bytes], tick: Tick, room_id: int = 0) -> None:
        """Queue the frames of a tick, at least one, as `offer`.

        What counts is how far behind the reader was before: who has taken everything
        so far is not cut, however much its rooms tell at once.
        """
        now = self._clock()
        if self._keeps_up(1, now):
            *first, last = frames
            for frame in first:
                self._queue(frame, None, now, room_id)
            self._queue(last, tick, now, room_id)
            self._fresh += sum(map(len, frames))
        else:
            tick.written()

    def _keeps_up(self, more: int, now: float) -> bool:
        """Whether this many bytes may be queued; if not, the subscription is over."""
        if self.ended is not None:
            return False
        entries = self._entries
        passed = now - self._fresh_since
        if passed > FRESH_S or not entries:
            self._fresh_before = self._fresh if entries and passed <= 2 * FRESH_S else 0
            self._fresh = 0
            self._fresh_since = now
        if not entries:
            return True
        # The oldest are taken first, so what is fresh is the last of what is queued.
        owed = max(0, self._size - self._fresh - self._fresh_before)
        if owed + more > self._max_bytes:
            self._overflow(f"more than {self._max_bytes >> 10} KiB behind")
        elif now - entries[0][2] > self._max_age_s:
            self._overflow(f"more than {self._max_age_s:g} s behind")
        return self.ended is None

    def _queue(self, frame: bytes, tick: Tick | None, now: float, room_id: int) -> None:
        self._entries.append((frame, tick, now, room_id))
        self._size += len(frame)
        if self._waiter is not None and not self._in_line:
            if self._turns.ask(self):
                self._wake()
            else:
                self._in_line = True

    def drop(self, room_id: int) -> None:
        """Let go of all that is queued of a room: its user may not read it any more.

        What the writer has taken already is on its way.
        """
        dropped = [entry for entry in self._entries if entry[3] == room_id]
        if not dropped:
            return
        self._entries = deque(entry for entry in self._entries if entry[3] != room_id)
        for frame, tick, _, _ in dropped:
            self._size -= len(frame)
            if tick is not None:
                tick.written()
        self._give_space()

    def turn(self) -> None:
        """Let the writer, which waited in line, take what is queued."""
        self._in_line = False
        self._wake()

    async def wait_frame(self) -> bytes:
        """Wait until something is queued and it is this writer's turn; take it.

        What is queued is joined up to the size of a frame. Calling it says that the
        frame taken before has been written. Returns empty bytes once the
        subscription has ended.
        """
        self._written()
        if self._entries:
            if self._turns.ask(self):
                return self._take()
            self._in_line = True
        while self.ended is None:
            if not self._entries:
                if self.on_idle is not None:
                    self.on_idle()
            elif not self._in_line:
                return self._take()
            self._waiter = self._future()
            await self._waiter
        return b""

    def drained(self) -> bool:
        """Whether nothing is queued and no write is under way."""
        return not self._entries and self._write_began is None

    async def wait_space(self) -> None:
        """Wait until little enough is queued for a replay to go on, or the end."""
        while self._size >= self._replay_bytes and self.ended is None:
            if self._space is None:
                self._space = self._future()
            await self._space

    def end(self, reason: Rejection) -> None:
        """End the subscription: what is queued is dropped, the writer wakes."""
        if self.ended is not None:
            return
        self.ended = reason
        for _, tick, _, _ in self._entries:
            if tick is not None:
                tick.written()
        self._entries.clear()
        self._size = 0
        self._written()
        for waiter in (self._waiter, self._space):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        self._waiter = self._space = None
        if self.on_end is not None:
            self.on_end()

    def check_write(self, now: float) -> None:
        """End the subscription if a write has been blocked for too long."""
        began = self._write_began
        if began is not None and now - began > self._max_age_s:
            self._overflow(f"a write was blocked for {self._max_age_s:g} s")

    def _future(self) -> asyncio.Future[None]:
        if self._loop is None:
            # Asked once: each time costs a system call, 14 % of a fan-out.
            self._loop = asyncio.get_running_loop()
        return self._loop.create_future()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _take(self) -> bytes:
        entries = self._entries
        frame, tick, _, _ = entries.popleft()
        size = len(frame)
        if tick is not None:
            self._done_ticks.append(tick)
        most = self._max_frame
        if entries and size + len(entries[0][0]) <= most:
            frames = [frame]
            while entries and size + len(entries[0][0]) <= most:
                frame, tick, _, _ = entries.popleft()
                frames.append(frame)
                size += len(frame)
                if tick is not None:
                    self._done_ticks.append(tick)
            frame = b"".join(frames)
        self._size -= size
        self.taken_bytes += size
        self._write_began = self._clock()
        self._give_space()
        return frame

    def _give_space(self) -> None:
        if self._space is not None and self._size < self._replay_bytes:
            if not self._space.done():
                self._space.set_result(None)
            self._space = None

    def _written(self) -> None:
        self._write_began = None
        if self._done_ticks:
            for tick in self._done_ticks:
                tick.written()
            self._done_ticks.clear()

    def _overflow(self, how: str) -> None:
        self.end(
            Rejection(
                Reason.SLOW_READER,
                f"this reader is {how}; come back and resume",
                retry_after_ms=1000,
            )
        )
