"""What commits mean for transcripts, handed from the event loop to the thread that writes.

Messages are not handed over, only how far their rooms are: the thread reads them from the
log. So however late it is, this stays small.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from chat_service.core.events import (
    EpochBegan,
    Event,
    MemberJoined,
    MemberLeft,
    MemberRemoved,
    MessagePosted,
    RoomChanged,
    RoomEvent,
    RoomOpened,
    UserCreated,
    UserEnded,
)
from chat_service.core.model import RoomKind
from chat_service.core.state import State

MAX_COMINGS = 10_000
"""Joins and leaves that may wait, some 2 MB; above it the oldest are dropped, and counted."""


class Coming(NamedTuple):
    """Somebody joined or left a room, when the newest event there was `after_seq`."""

    room_id: int
    after_seq: int
    time_ms: int
    name: str
    joined: bool


@dataclass(slots=True)
class Taken:
    """What happened since the last time."""

    # The seq of the newest event of each room in which something happened.
    heads: dict[int, int] = field(default_factory=dict)
    # Oldest first.
    comings: deque[Coming] = field(default_factory=deque)
    # How many joins and leaves of a room were dropped.
    dropped: dict[int, int] = field(default_factory=dict)


class Notes:
    """Follows the public rooms of an instance. `note` never waits for the disk."""

    def __init__(self, state: State) -> None:
        """Begin with the state as it is before the first commit that is noted.

        Every room counts as one in which something happened.
        """
        self.epoch = state.epoch
        self.woken = threading.Event()
        self.woken.set()
        public = [room for room in state.rooms.values() if room.kind is RoomKind.PUBLIC]
        # Written here alone; a single look-up from the thread needs no lock.
        self._room_names = {room.room_id: room.name for room in public}
        self._heads = {room.room_id: state.heads[room.room_id] for room in public}
        self._user_names = {user.user_id: user.name for user in state.users.values()}
        self._rooms_of: dict[int, tuple[int, ...]] = {}
        for member in state.members.values():
            self._enters(member.user_id, member.room_id)
        self._lock = threading.Lock()
        self._due = Taken(heads=dict(self._heads))

    def room_name(self, room_id: int) -> str:
        """Return the name of a public room. Raises KeyError where there is none."""
        return self._room_names[room_id]

    def note(self, events: Iterable[Event]) -> None:
        """Note the events of a commit; to be called in the order of commits."""
        heads = self._heads
        with self._lock:
            due = self._due.heads
            for event in events:
                # One type alone: a union of two takes three times as long.
                if isinstance(event, MessagePosted):
                    room_id = event.room_id
                    if room_id in heads:
                        heads[room_id] = due[room_id] = event.seq
                else:
                    self._fold(event)
            if due and not self.woken.is_set():
                self.woken.set()

    def take(self) -> Taken:
        """Return what was noted since the last time, and forget it."""
        with self._lock:
            taken, self._due = self._due, Taken()
        return taken

    def give_back(self, comings: Iterable[Coming], dropped: dict[int, int]) -> None:
        """Note again what was taken last and could not be written yet."""
        with self._lock:
            due = self._due
            due.comings.extendleft(reversed([*comings]))
            for room_id, count in dropped.items():
                due.dropped[room_id] = due.dropped.get(room_id, 0) + count
            self._bound()

    def _fold(self, event: Event) -> None:
        if isinstance(event, RoomEvent):
            if event.room_id in self._heads:
                self._heads[event.room_id] = self._due.heads[event.room_id] = event.seq
                if isinstance(event, MemberRemoved):
                    self._goes(event.user_id, event.room_id)
                elif isinstance(event, RoomChanged) and event.name is not None:
                    self._room_names[event.room_id] = event.name
        elif isinstance(event, MemberJoined):
            if event.room_id in self._heads:
                self._enters(event.user_id, event.room_id)
                self._comes(event.room_id, event.time_ms, event.user_id, joined=True)
        elif isinstance(event, MemberLeft):
            if event.room_id in self._heads:
                self._goes(event.user_id, event.room_id)
                self._comes(event.room_id, event.time_ms, event.user_id, joined=False)
        elif isinstance(event, UserCreated):
            self._user_names[event.user_id] = event.name
        elif isinstance(event, UserEnded):
            for room_id in self._rooms_of.pop(event.user_id, ()):
                self._comes(room_id, event.time_ms, event.user_id, joined=False)
            del self._user_names[event.user_id]
        elif isinstance(event, RoomOpened) and event.kind is RoomKind.PUBLIC:
            self._room_names[event.room_id] = event.name
            self._heads[event.room_id] = self._due.heads[event.room_id] = 0
        elif isinstance(event, EpochBegan):
            self.epoch = event.epoch

    def _enters(self, user_id: int, room_id: int) -> None:
        if room_id in self._room_names:
            self._rooms_of[user_id] = (*self._rooms_of.get(user_id, ()), room_id)

    def _goes(self, user_id: int, room_id: int) -> None:
        rooms = self._rooms_of[user_id]
        self._rooms_of[user_id] = tuple(n for n in rooms if n != room_id)

    def _comes(self, room_id: int, time_ms: int, user_id: int, *, joined: bool) -> None:
        head = self._due.heads[room_id] = self._heads[room_id]
        name = self._user_names[user_id]
        self._due.comings.append(Coming(room_id, head, time_ms, name, joined))
        self._bound()

    def _bound(self) -> None:
        due = self._due
        while len(due.comings) > MAX_COMINGS:
            room_id = due.comings.popleft().room_id
            due.dropped[room_id] = due.dropped.get(room_id, 0) + 1
