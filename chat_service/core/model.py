"""What is known: frozen records, and State, which holds them in tables.

A table has a scratch layer: evolve writes there, `merge` makes it so once the
batch is durable, `discard` forgets it when the commit failed. State holds
nothing that grows with the number of messages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar, cast

from chat_service.core.limits import Limits

# Version of the rules in `decide`. Raised only when the same command must be
# decided otherwise; `decide` then branches on the version in the state.
RULES_VERSION = 1

K = TypeVar("K")
V = TypeVar("V")


class RoomKind(IntEnum):
    """What a room is. The values are stored."""

    PUBLIC = 1
    DIRECT = 2


class Style(IntEnum):
    """How a text is meant. The values are stored."""

    TEXT = 0
    ACTION = 1


@dataclass(frozen=True, slots=True)
class User:
    """Who speaks: an id for life, and a name as an attribute."""

    user_id: int
    name: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in client of a user."""

    session_id: int
    user_id: int
    token_hash: bytes
    # The server process that it was opened on.
    instance: str
    # Number of its live Chat stream; 0: it has none.
    attachment: int
    # Without a stream it is void from then on, in ms since 1970.
    until_ms: int

    def is_valid(self, now_ms: int) -> bool:
        """Whether the session may be used at `now_ms`."""
        return self.attachment != 0 or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Member:
    """That a user belongs to a room."""

    room_id: int
    user_id: int
    joined_ms: int


@dataclass(frozen=True, slots=True)
class Room:
    """A room but for its messages; the seq of the newest is in `State.heads`."""

    room_id: int
    kind: RoomKind
    name: str
    topic: str
    opener_id: int
    created_ms: int
    # Of a direct message, by id; names as they were when it was opened, for
    # those who are gone.
    member_ids: tuple[int, ...] = ()
    member_names: tuple[str, ...] = ()


class _Dropped:
    """Marks a key that the scratch layer removed."""


_DROPPED = _Dropped()


class Table(Generic[K, V]):
    """A dictionary whose changes can be taken back until they are merged."""

    __slots__ = ("_base", "_scratch")

    def __init__(self) -> None:
        self._base: dict[K, V] = {}
        self._scratch: dict[K, V | _Dropped] = {}

    def get(self, key: K) -> V | None:
        """Return the value, or None."""
        found = self._scratch.get(key)
        if found is None:
            return self._base.get(key)
        return None if isinstance(found, _Dropped) else found

    def __getitem__(self, key: K) -> V:
        """Return the value; raise KeyError if there is none."""
        found = self._scratch.get(key)
        if found is None:
            return self._base[key]
        if isinstance(found, _Dropped):
            raise KeyError(key)
        return found

    def __contains__(self, key: K) -> bool:
        found = self._scratch.get(key)
        return key in self._base if found is None else found is not _DROPPED

    def __len__(self) -> int:
        return sum(1 for _ in self.values())

    def put(self, key: K, value: V) -> None:
        """Set the value in the scratch layer."""
        # What comes back after it was dropped is new: `changed` tells it in its new place.
        if self._scratch.get(key) is _DROPPED:
            del self._scratch[key]
        self._scratch[key] = value

    def drop(self, key: K) -> None:
        """Remove the key, if it is there, in the scratch layer."""
        self._scratch[key] = _DROPPED

    def values(self) -> Iterator[V]:
        """Yield the values, those merged first, in the order in which they came."""
        for key, value in self._base.items():
            if key not in self._scratch:
                yield value
        for found in self._scratch.values():
            if found is not _DROPPED:
                yield cast(V, found)

    def changed(self) -> Iterator[tuple[K, V | None]]:
        """Yield what the scratch layer holds, in order of arrival; None for a removed key."""
        for key, found in self._scratch.items():
            yield key, None if found is _DROPPED else cast(V, found)

    def merge(self) -> None:
        """Make the scratch layer so."""
        for key, found in self._scratch.items():
            if found is _DROPPED:
                self._base.pop(key, None)
            else:
                self._base[key] = cast(V, found)
        self._scratch.clear()

    def discard(self) -> None:
        """Forget the scratch layer."""
        self._scratch.clear()

    def snapshot(self) -> dict[K, V]:
        """Return a copy of what is there, the scratch layer included."""
        copy = dict(self._base)
        for key, found in self._scratch.items():
            if found is _DROPPED:
                copy.pop(key, None)
            else:
                copy[key] = cast(V, found)
        return copy


class State:
    """All that decisions need. Changed by `evolve` alone."""

    def __init__(self) -> None:
        # "position": events so far. "time_ms": time of the last.
        # "user", "session", "room": the last id given. "rules": rules_version.
        self.counters: Table[str, int] = Table()
        # "epoch" of the data.
        self.names: Table[str, str] = Table()
        self.settings: Table[str, Limits] = Table()
        self.users: Table[int, User] = Table()
        self.user_ids: Table[str, int] = Table()  # by key of the name
        self.sessions: Table[int, Session] = Table()
        self.session_ids: Table[bytes, int] = Table()  # by hash of the token
        self.sessions_of: Table[int, tuple[int, ...]] = Table()  # by user
        self.rooms: Table[int, Room] = Table()
        self.heads: Table[int, int] = Table()  # by room
        # The first seq that is kept, by room; not of rooms that still have all.
        self.firsts: Table[int, int] = Table()
        # Forgotten rooms whose events are still stored: the newest seq, by room.
        self.leftovers: Table[int, int] = Table()
        self.room_ids: Table[str, int] = Table()  # public rooms, by key of the name
        self.direct_ids: Table[tuple[int, ...], int] = Table()  # by sorted member ids
        self.members: Table[tuple[int, int], Member] = Table()  # by room and user
        self.rooms_of: Table[int, tuple[int, ...]] = Table()  # by user, both kinds

    @property
    def epoch(self) -> str:
        """The name of the data's life; empty before ServerCreated."""
        return self.names.get("epoch") or ""

    @property
    def limits(self) -> Limits:
        """The figures that decisions use."""
        return self.settings.get("limits") or _DEFAULT_LIMITS

    def counter(self, name: str) -> int:
        """Return a counter; 0 before its first use."""
        return self.counters.get(name) or 0

    def first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room; head + 1 where none is."""
        return self.firsts.get(room_id) or 1

    def tables(self) -> dict[str, Table[object, object]]:
        """Return every table by name."""
        return {name: cast(Table[object, object], table) for name, table in vars(self).items()}

    def merge(self) -> None:
        """Make all scratch layers so: the batch is durable."""
        for table in vars(self).values():
            table.merge()

    def discard(self) -> None:
        """Forget all scratch layers: the batch failed."""
        for table in vars(self).values():
            table.discard()

    def snapshot(self) -> dict[str, dict[object, object]]:
        """Return plain dictionaries of everything, to compare two states."""
        return {name: table.snapshot() for name, table in self.tables().items()}


_DEFAULT_LIMITS = Limits()
