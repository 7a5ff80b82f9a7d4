"""From what is read of an instance to its samples, and the samples of the last minutes. Pure.

Rates come from counters that begin at 0 with a process: one that fell, or belongs to another
process than before, is counted from 0.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from chat_protos.chat.v1 import admin_pb2 as pb

KEPT_S = 15 * 60.0
"""What "the last minutes" are: long enough to see what led to a trouble that is noticed."""

MAX_KEPT = 900
"""Of one instance: as many as there are in that time at the shortest interval, a second."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses, as the system tells it."""

    # Time of a core since the process began, in seconds.
    cpu_s: float
    # Resident set.
    memory_bytes: int
    # Established connections to the port of the instance.
    connections: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What a sample needs of the figures of an instance."""

    users: int
    streams: int
    rooms: int
    # Counters: messages stored, and messages handed to readers.
    stored: float
    delivered: float
    # Whether posts are refused for want of room.
    disk_full: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of an instance at one moment."""

    # Of a clock that never goes back, in seconds.
    at_s: float
    # Of the wall, in milliseconds since 1970.
    time_ms: int
    # The process that it is about.
    pid: int
    # None: there is no such process any more.
    usage: Usage | None
    # None: the instance did not answer in time.
    totals: Totals | None


def totals_of(figures: Iterable[pb.Figure]) -> Totals:
    """Return what a sample needs; what an instance does not measure is 0."""
    by_name = {figure.name: figure for figure in figures}

    def total(name: str, **labels: str) -> float:
        values = by_name[name].values if name in by_name else ()
        return sum(value.value for value in values if labels.items() <= value.labels.items())

    return Totals(
        users=round(total("chat_users")),
        streams=round(total("chat_streams")),
        rooms=round(total("chat_rooms", kind="public")),
        stored=total("chat_messages"),
        delivered=total("chat_deliveries"),
        disk_full=total("chat_disk_full") > 0,
    )


class History:
    """The readings of one instance, whichever process it has, as samples."""

    def __init__(self) -> None:
        # When, and the sample, with whether the instance told its figures.
        self._kept: deque[tuple[float, pb.Sample, bool]] = deque(maxlen=MAX_KEPT)
        # The last readings that had the one and the other: a silence in between is bridged.
        self._used: tuple[Reading, Usage] | None = None
        self._counted: tuple[Reading, Totals] | None = None
        self._last: Reading | None = None

    def add(self, reading: Reading) -> pb.Sample:
        """Make a sample of a reading and keep it; rates are 0 where there is none before."""
        sample = pb.Sample(time_ms=reading.time_ms)
        if usage := reading.usage:
            sample.memory_bytes = usage.memory_bytes
            sample.connections = usage.connections
            if self._used is not None:
                before, used = self._used
                sample.cpu = _rate(before, used.cpu_s, reading, usage.cpu_s)
            self._used = reading, usage
        if totals := reading.totals:
            sample.users = totals.users
            sample.streams = totals.streams
            sample.rooms = totals.rooms
            if self._counted is not None:
                before, counted = self._counted
                sample.messages_in = _rate(before, counted.stored, reading, totals.stored)
                sample.messages_out = _rate(before, counted.delivered, reading, totals.delivered)
            self._counted = reading, totals
        self._last = reading
        self._kept.append((reading.at_s, sample, totals is not None))
        while self._kept[0][0] < reading.at_s - KEPT_S:
            self._kept.popleft()
        return sample

    def samples(self) -> list[pb.Sample]:
        """Return the samples of the last minutes, oldest first, but those of a silence."""
        return [sample for _, sample, told in self._kept if told]

    def last_of(self, pid: int) -> pb.Sample | None:
        """Return the newest sample, if it is one of this process."""
        if self._last is None or self._last.pid != pid:
            return None
        return self._kept[-1][1]

    def usage_of(self, pid: int) -> Usage | None:
        """Return what this process used when it was looked at last."""
        return self._last.usage if self._last is not None and self._last.pid == pid else None

    def silent(self, pid: int) -> bool:
        """Tell whether this process did not answer when it was asked last."""
        return self._last is not None and self._last.pid == pid and self._last.totals is None

    def disk_full(self, pid: int) -> bool:
        """Tell whether this process had a full disk when it was asked last."""
        last = self._last
        return last is not None and last.pid == pid and bool(last.totals and last.totals.disk_full)


def _rate(before: Reading, then: float, reading: Reading, now: float) -> float:
    elapsed_s = reading.at_s - before.at_s
    if elapsed_s <= 0:
        return 0.0
    began_anew = reading.pid != before.pid or now < then
    return (now if began_anew else now - then) / elapsed_s
