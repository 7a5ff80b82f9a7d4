"""One open room as this client sees it: how far it was read and who is there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from chat_cli.model import ById, ByName, RoomInfo, RoomKind, Target, User, direct_label, key
from chat_cli.model import room_label as public_label

# Events that a room begins with when it is entered. More are a /history away.
RECENT = 50


class Place(Enum):
    """Where an event stands relative to what was read."""

    NEXT = auto()
    SEEN = auto()
    AHEAD = auto()


@dataclass(slots=True)
class Room:
    """A room that the stream reads, or will read again after a reconnect.

    `last_seq` is the last event handled, None when the position is void. `skip_to` is the
    last event that is too old to be shown on first entry, `begin` the last one before those
    that can be read at all. `present` has those who are
    there, at most 256 of `total`; for a direct message its members.
    """

    room_id: str
    kind: RoomKind
    name: str
    topic: str
    members: tuple[User, ...]
    last_seq: int | None
    skip_to: int = 0
    begin: int = 0
    live: bool = False
    unread: int = 0
    total: int = 0
    present: dict[str, User] = field(default_factory=dict)
    counted: bool = False
    announced: bool = False
    jumped_at: int | None = None

    @classmethod
    def opened(cls, info: RoomInfo, after_seq: int) -> "Room":
        """Begin with a room that was not open before."""
        skip_to = max(0, info.head_seq - RECENT) if after_seq < info.head_seq - RECENT else 0
        room = cls(info.room_id, info.kind, info.name, info.topic, info.members, after_seq, skip_to)
        room.begin = after_seq
        room.total = info.present
        return room

    def begin_anew(self) -> None:
        """Void what was read: the room is shorter now, and its numbers mean other events."""
        self.last_seq = self.jumped_at = None
        self.skip_to = self.begin = self.unread = 0
        self.live = False
        self.announced = True

    def place_of(self, seq: int) -> Place:
        """Tell whether `seq` continues the room, was handled already, or leaves a hole."""
        last = self.last_seq if self.last_seq is not None else seq - 1
        if seq <= last:
            return Place.SEEN
        return Place.NEXT if seq == last + 1 else Place.AHEAD

    def label(self, own_id: str) -> str:
        """Name the room for people: `#lobby`, or `@bob` for a direct message."""
        if self.kind is RoomKind.PUBLIC:
            return public_label(self.name)
        others = [user.name for user in self.members if user.user_id != own_id]
        return direct_label(others or [user.name for user in self.members])

    def answers_to(self, target: Target, own_id: str) -> bool:
        """Tell whether `target` means this room."""
        if isinstance(target, ById):
            return target.room_id == self.room_id
        if isinstance(target, ByName):
            return self.kind is RoomKind.PUBLIC and key(target.name) == key(self.name)
        if self.kind is not RoomKind.DIRECT:
            return False
        own = {key(user.name) for user in self.members if user.user_id == own_id}
        members = {key(user.name) for user in self.members}
        return {key(name) for name in target.names} | own == members

    def move(self, joined: Iterable[User], left: Iterable[User], total: int) -> None:
        """Note who came and went."""
        for user in left:
            self.present.pop(user.user_id, None)
        for user in joined:
            self.present[user.user_id] = user
        self.total = total

    def count_anew(self, users: Iterable[User], total: int) -> None:
        """Take a picture of who is there."""
        self.present = {user.user_id: user for user in users}
        self.total = total
        self.counted = True
