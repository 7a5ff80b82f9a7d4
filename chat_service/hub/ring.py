"""The recent events of one room, encoded, so that a short absence costs no disk."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits


class Ring:
    """Consecutive events up to the newest; the oldest go when it is full."""

    __slots__ = ("_frames", "_max_bytes", "_max_events", "head", "size")

    def __init__(self, head: int, limits: HubLimits = DEFAULT_LIMITS) -> None:
        self._max_events = limits.ring_events
        self._max_bytes = limits.ring_bytes
        # The seq of the newest event, also when the ring holds none.
        self.head = head
        # Bytes held.
        self.size = 0
        self._frames: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def first(self) -> int:
        """The seq of the oldest event that is held; head + 1 if none is."""
        return self.head - len(self._frames) + 1

    def append(self, seq: int, frame: bytes) -> None:
        """Add the event that follows the head. Raises ValueError for any other."""
        if seq != self.head + 1:
            raise ValueError(f"seq {seq} does not follow {self.head}")
        self.head = seq
        self._frames.append(frame)
        self.size += len(frame)
        while len(self._frames) > self._max_events or self.size > self._max_bytes:
            self.size -= len(self._frames.popleft())

    def between(self, after_seq: int, up_to: int) -> Iterator[bytes]:
        """Yield the events after `after_seq` up to and with `up_to`; all must be held."""
        start = after_seq + 1 - self.first
        if start < 0:
            raise ValueError(f"seq {after_seq + 1} is no longer held")
        return islice(self._frames, start, up_to - self.first + 1)

    def prune(self, first_kept: int) -> None:
        """Let go of the events before `first_kept`; the head stays."""
        while self._frames and self.first < first_kept:
            self.size -= len(self._frames.popleft())

    def clear(self) -> None:
        """Let go of all events; the head stays."""
        self._frames.clear()
        self.size = 0
