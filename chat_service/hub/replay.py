"""What a reader that is behind is sent next. Pure: positions in, a step out.

A reader whose next event is no longer kept is told of the gap, and goes on with the
first that is. So it is also when that event is pruned while the reader is on its way.

A reader at `after_seq` is brought up to what its room has told its live readers
(`told`), from the ring where it reaches that far back and from the log in pages
where not; then it joins the live readers within the same step of the loop, so
that nothing can fall between. What the log reads beyond `told` belongs to the
room's open tick: it is told at once, so that nothing comes twice. What the log
reads beyond `head` the room has not heard of yet: it is left for the tick.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

_NOTHING: Mapping[int, bytes] = MappingProxyType({})


class Step(Enum):
    """What to do next for a reader."""

    BEYOND = auto()  # the position is beyond the head of the room
    GAP = auto()  # what follows is no longer kept: say so, go on with what is
    TELL = auto()  # the position is inside the open tick: end the tick first
    JOIN = auto()  # send what the ring holds after the position, and go live
    PAGE = auto()  # read a page of the log


@dataclass(frozen=True, slots=True)
class Positions:
    """Where a room stands."""

    first_held: int  # the oldest seq in the ring; head + 1 if it is empty
    told: int  # the newest seq that live readers were sent
    head: int  # the newest seq; told <= head
    first_kept: int = 1  # the oldest seq that was not pruned; head + 1 if all were


class Page(NamedTuple):
    """What the log has after a seq, encoded, and the first seq that it keeps.

    The latter was read after the former: what is missing at the page's beginning is
    before it. `withheld` is what the deaf get in the place of events, by seq.
    """

    events: list[tuple[int, bytes]]
    first_kept: int
    withheld: Mapping[int, bytes] = _NOTHING

    def told(self, *, deaf: bool) -> list[tuple[int, bytes]]:
        """Return the events as a reader gets them."""
        if deaf and self.withheld:
            return [(seq, self.withheld.get(seq, frame)) for seq, frame in self.events]
        return self.events


def next_step(after_seq: int, room: Positions) -> Step:
    """Return what a reader that has everything up to `after_seq` needs next."""
    if after_seq > room.head:
        return Step.BEYOND
    if after_seq + 1 < room.first_kept:
        return Step.GAP
    if after_seq > room.told:
        return Step.TELL
    if after_seq == room.told or after_seq + 1 >= room.first_held:
        return Step.JOIN
    return Step.PAGE


def unseen(page: Iterable[tuple[int, bytes]], after_seq: int, head: int) -> list[tuple[int, bytes]]:
    """Return the events of a page that follow `after_seq` without a hole, up to `head`."""
    fresh = []
    for seq, frame in page:
        if seq == after_seq + 1 and seq <= head:
            fresh.append((seq, frame))
            after_seq = seq
    return fresh


def portion(frames: Iterable[bytes], max_bytes: int) -> list[bytes]:
    """Return the first of the frames: as many as it takes to reach `max_bytes`, or all."""
    taken: list[bytes] = []
    size = 0
    for frame in frames:
        taken.append(frame)
        size += len(frame)
        if size >= max_bytes:
            break
    return taken


def joined(frames: Iterable[bytes], max_bytes: int) -> list[bytes]:
    """Join encoded events to frames of at most `max_bytes`, never cutting an event."""
    whole: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for frame in frames:
        if part and size + len(frame) > max_bytes:
            whole.append(b"".join(part))
            part.clear()
            size = 0
        part.append(frame)
        size += len(frame)
    if part:
        whole.append(b"".join(part))
    return whole
