"""One open room as this client sees it: how far it was read and who is there."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from chat_cli.model import (
    ById,
    ByName,
    Role,
    RoomChanged,
    RoomInfo,
    RoomKind,
    Target,
    User,
    direct_label,
    key,
    private_label,
)
from chat_cli.model import room_label as public_label

# Events that a room begins with when it is entered. More are a /history away.
RECENT = 50
# Events of a room that the user is in and did not ask for now. A person with fifty rooms wants
# to see what comes, and not what was said in all of them.
JOINED_RECENT = 0
# Own messages of which the last is what /delete means.
_REMEMBERED = 100


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
    that can be read at all. `present` has those who are there, at most 256 of `total`; for a
    direct message its members. `removed` are the ids of those of them who were put out, until
    they are told to have left. `own_seqs` are the own messages that were read here and are not
    deleted, the latest last. `asked` says that it was asked for since the start.
    """

    info: RoomInfo
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
    asked: bool = False
    removed: set[str] = field(default_factory=set)
    own_seqs: list[int] = field(default_factory=list)

    @property
    def room_id(self) -> str:
        """Its id."""
        return self.info.room_id

    @property
    def kind(self) -> RoomKind:
        """What it is."""
        return self.info.kind

    @property
    def name(self) -> str:
        """Its name, in which nobody sees whether it is public: see `label`."""
        return self.info.name

    @property
    def topic(self) -> str:
        """What it is about."""
        return self.info.topic

    @property
    def members(self) -> tuple[User, ...]:
        """The users of a direct message."""
        return self.info.members

    @property
    def moderated(self) -> bool:
        """Whether the own user keeps order in it."""
        return self.info.role >= Role.MODERATOR

    @classmethod
    def opened(cls, info: RoomInfo, after_seq: int) -> "Room":
        """Begin with a room that was not open before."""
        skip_to = max(0, info.head_seq - RECENT) if after_seq < info.head_seq - RECENT else 0
        room = cls(info, after_seq, skip_to)
        room.begin = after_seq
        room.total = info.present
        return room

    def begin_anew(self) -> None:
        """Void what was read: the room is shorter now, and its numbers mean other events."""
        self.last_seq = self.jumped_at = None
        self.skip_to = self.begin = self.unread = 0
        self.live = False
        self.announced = True
        self.own_seqs.clear()

    def place_of(self, seq: int) -> Place:
        """Tell whether `seq` continues the room, was handled already, or leaves a hole."""
        last = self.last_seq if self.last_seq is not None else seq - 1
        if seq <= last:
            return Place.SEEN
        return Place.NEXT if seq == last + 1 else Place.AHEAD

    def label(self, own_id: str) -> str:
        """Name the room for people: `#lobby`, `plan (private)`, or `@bob` for a direct message."""
        if self.kind is RoomKind.PUBLIC:
            return public_label(self.name)
        if self.kind is RoomKind.PRIVATE:
            return private_label(self.name)
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

    def change(self, change: RoomChanged) -> None:
        """Take in what is different from now on."""
        new = {n: getattr(change, n) for n in change.__slots__ if getattr(change, n) is not None}
        self.info = replace(self.info, **new)

    def spoke(self, seq: int) -> None:
        """Note an own message."""
        self.own_seqs.append(seq)
        del self.own_seqs[:-_REMEMBERED]

    def unspoke(self, seq: int) -> None:
        """Note that a message is deleted."""
        if seq in self.own_seqs:
            self.own_seqs.remove(seq)

    def move(self, joined: Iterable[User], left: Iterable[User], total: int) -> None:
        """Note who came and went."""
        for user in left:
            self.present.pop(user.user_id, None)
            self.removed.discard(user.user_id)
        for user in joined:
            self.present[user.user_id] = user
            self.removed.discard(user.user_id)
        self.total = total

    def put_out(self, user_id: str) -> None:
        """Note that somebody was removed; who is there will be told to have left, too."""
        if user_id in self.present:
            self.removed.add(user_id)

    def count_anew(self, users: Iterable[User], total: int) -> None:
        """Take a picture of who is there."""
        self.present = {user.user_id: user for user in users}
        self.removed.clear()
        self.total = total
        self.counted = True
