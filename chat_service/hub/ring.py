"""The recent events of one room, encoded, so that a short absence costs no disk."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from chat_service.hub.limits import DEFAULT_LIMITS, HubLimits


class Ring:
    """Consecutive events up to the newest; the oldest go when it is full."""

    __slots__ = ("_frames", "_max_bytes", "_max_events", "_withheld", "head", "size")

    def __init__(self, head: int, limits: HubLimits = DEFAULT_LIMITS) -> None:
        self._max_events = limits.ring_events
        self._max_bytes = limits.ring_bytes
        # The seq of the newest event, also when the ring holds none.
        self.head = head
        # Bytes held.
        self.size = 0
        self._frames: deque[bytes] = deque()
        # What the deaf are told in the place of an event, by seq; only where it differs.
        self._withheld: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def first(self) -> int:
        """The seq of the oldest event that is held; head + 1 if none is."""
        return self.head - len(self._frames) + 1

    def append(self, seq: int, frame: bytes, withheld: bytes | None = None) -> None:
        """Add the event that follows the head; `withheld` is what the deaf get in its place.

        Raises ValueError for any other event.
        """
        if seq != self.head + 1:
            raise ValueError(f"seq {seq} does not follow {self.head}")
        self.head = seq
        self._frames.append(frame)
        self.size += len(frame)
        if withheld is not None:
            self._withheld[seq] = withheld
            self.size += len(withheld)
        while len(self._frames) > self._max_events or self.size > self._max_bytes:
            # Looked at here: a call for each message would cost more than the rest.
            if self._withheld:
                self._let_go_withheld()
            self.size -= len(self._frames.popleft())

    def at(self, seq: int) -> bytes | None:
        """Return the event of a seq; None if it is not held."""
        number = seq - self.first
        return self._frames[number] if 0 <= number < len(self._frames) else None

    def replace(self, seq: int, frame: bytes) -> None:
        """Hold something else in the place of an event, for the deaf too, if it is held."""
        held = self.at(seq)
        if held is not None:
            self._frames[seq - self.first] = frame
            self.size += len(frame) - len(held) - len(self._withheld.pop(seq, b""))

    def between(self, after_seq: int, up_to: int, *, deaf: bool = False) -> Iterator[bytes]:
        """Yield the events after `after_seq` up to and with `up_to`, as the deaf get them if so.

        Raises ValueError where one of them is not held.
        """
        start = after_seq + 1 - self.first
        if start < 0:
            raise ValueError(f"seq {after_seq + 1} is no longer held")
        frames = islice(self._frames, start, up_to - self.first + 1)
        if deaf and self._withheld:
            withheld = self._withheld
            return (withheld.get(seq, frame) for seq, frame in enumerate(frames, after_seq + 1))
        return frames

    def prune(self, first_kept: int) -> None:
        """Let go of the events before `first_kept`; the head stays."""
        while self._frames and self.first < first_kept:
            self._let_go_withheld()
            self.size -= len(self._frames.popleft())

    def clear(self) -> None:
        """Let go of all events; the head stays."""
        self._frames.clear()
        self._withheld.clear()
        self.size = 0

    def _let_go_withheld(self) -> None:
        """Let go of what the deaf get in the place of the oldest event."""
        self.size -= len(self._withheld.pop(self.first, b""))
