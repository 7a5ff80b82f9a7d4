"""Everything the client knows. Pure: no clock, no socket, no terminal.

`intake.apply` changes it with what is told, `orders` with what the person does; nobody else
writes here. The rules that they keep together:

- an event is handled once: one with a known `seq` is dropped, a hole is never stepped over
  silently;
- an own message is shown once, in its place in the room, when its event comes back;
- numbers of one epoch, and the ids of its rooms, are never used in another.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from chat_cli.model import (
    ByCode,
    ById,
    ByName,
    Direct,
    Entrance,
    Invitation,
    Limits,
    Position,
    ResumePoint,
    RoomKind,
    Target,
    User,
    direct_label,
    key,
    room_label,
)
from chat_cli.outbox import Outbox
from chat_cli.pending import JoinRoom, PendingPost, owner_of
from chat_cli.rooms import JOINED_RECENT, RECENT, Room

# Names of people who spoke and went, kept for Tab. More than anybody remembers.
_REMEMBERED_NAMES = 500


class Link(Enum):
    """The state of the connection, in the words of the toolbar."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    NAMELESS = "no name yet"
    SIGNED_OUT = "signed out"
    REPLACED = "taken over"
    KICKED = "removed"
    STOPPED = "stopped"


@dataclass(slots=True)
class Heading:
    """A room that was asked for and becomes the current one when it opens.

    `room_id` is known as soon as the order is acknowledged.
    """

    order_id: str
    target: Entrance
    room_id: str = ""


@dataclass(slots=True)
class Echo:
    """An own message that is acknowledged and whose event has not come back yet."""

    post: PendingPost
    room_id: str
    seq: int
    time_ms: int


@dataclass(slots=True)
class CatchUp:
    """What is still to be read after a reconnect, and how many messages it brought."""

    room_ids: set[str]
    messages: int = 0


@dataclass(slots=True)
class ChatState:
    """What the client knows. `host` is the server's address, for people.

    `here` is the id of the current room, empty if there is none. `retry_at` is the moment of
    the next attempt to connect, on the clock that `intake.apply` is given.
    """

    host: str
    outbox: Outbox
    own: User | None = None
    epoch: str = ""
    limits: Limits = field(default_factory=Limits)
    link: Link = Link.CONNECTING
    # Whether the server can be asked: already while the stream of a new sign-in opens.
    reachable: bool = False
    # Why nobody can sign in here, if that was found out before anybody did: the program ends.
    unusable: str = ""
    retry_at: float = 0.0
    rooms: dict[str, Room] = field(default_factory=dict)
    here: str = ""
    heading: Heading | None = None
    # The room that somebody removed the person from while it was the current one, until the person
    # goes on in the one that took its place: what was being typed was not meant for that.
    put_out_of: str = ""
    # Rooms that were the current one, the latest last: where /leave goes back to.
    visited: list[str] = field(default_factory=list)
    echoes: dict[str, Echo] = field(default_factory=dict)
    # Own messages that were shown at their ack because their room was not open.
    shown_early: set[str] = field(default_factory=set)
    heard_names: dict[str, None] = field(default_factory=dict)
    # Whether there was a stream before, and whether its end was told to the person.
    met: bool = False
    told_offline: bool = False
    catch_up: CatchUp | None = None
    # Set between the finding of a hole and the next stream: what still arrives is ignored.
    deaf: bool = False
    told_direct: bool = False
    # By the id of the room. Those of `told_invitations` have been shown.
    invitations: dict[str, Invitation] = field(default_factory=dict)
    told_invitations: set[tuple[str, int]] = field(default_factory=set)
    # Whom the person wants to see nothing of: names as written, by their keys.
    ignored: dict[str, str] = field(default_factory=dict)
    # What is added to the clock of `intake.apply` to have the time of day.
    clock_offset_ms: int = 0
    # Set from when the operator removed this user until the next sign-in.
    kicked: bool = False
    # Set from a sign-in that begins without the rooms of the one before until they are entered.
    anew: bool = False
    # Whether the person was asked for a password where messages are typed too.
    asked: bool = False
    # Set when the person ends the sign-in, so that its end is no news.
    leaving: bool = False

    @property
    def own_id(self) -> str:
        """The id of the own user; empty before the first sign-in."""
        return self.own.user_id if self.own else ""

    @property
    def owner(self) -> str | None:
        """Whose the messages are that are written now; None before the first sign-in."""
        return owner_of(self.own, self.epoch) if self.own else None

    @property
    def room(self) -> Room | None:
        """The current room, if it is open."""
        return self.rooms.get(self.here)

    def label(self, room_id: str) -> str:
        """Name a room for people."""
        room = self.rooms.get(room_id)
        return room.label(self.own_id) if room else ""

    def label_of(self, target: Entrance) -> str:
        """Name a room that may not be open yet."""
        if isinstance(target, ByCode):
            return "a private room"
        if isinstance(target, ById):
            return self.label(target.room_id)
        if isinstance(target, Direct):
            own = key(self.own.name) if self.own else ""
            return direct_label([name for name in target.names if key(name) != own])
        return room_label(target.name)

    def label_for(self, post: PendingPost) -> str:
        """Name the room of an own message, which a former process may have known better."""
        return self.label_of(post.target) or post.place

    def place(self, room_id: str) -> str:
        """Name a room unless it is the current one."""
        return "" if room_id == self.here else self.label(room_id)

    def find(self, target: Target) -> Room | None:
        """Give the open room that `target` means.

        Of several direct messages with the same names it is the latest: who had a name
        before is gone for ever.
        """
        rooms = reversed(self.rooms.values())
        return next((room for room in rooms if room.answers_to(target, self.own_id)), None)

    def find_private(self, name: str) -> Room | None:
        """Give the open private room of this name, the latest if there are several."""
        rooms = [room for room in self.rooms.values() if room.kind is RoomKind.PRIVATE]
        return next((room for room in reversed(rooms) if key(room.name) == key(name)), None)

    def current_target(self) -> Target | None:
        """Tell where a text goes: to the room that was asked for last, open or not yet."""
        if self.heading:
            target = self.heading.target
            return None if isinstance(target, ByCode) else target
        return ById(self.here) if self.here else None

    def current_label(self) -> str:
        """Name the room that a text goes to; empty if there is none."""
        target = self.heading.target if self.heading else self.current_target()
        return self.label_of(target) if target else ""

    def move_to(self, room_id: str) -> None:
        """Make a room the current one."""
        self.heading = None
        self.put_out_of = ""
        if self.here and self.here != room_id:
            self.visited = [n for n in self.visited if n not in (self.here, room_id)]
            self.visited.append(self.here)
        self.here = room_id
        if room := self.rooms.get(room_id):
            room.unread = 0

    def drop(self, room_id: str) -> None:
        """Forget a room; if it was the current one, go back to the one before."""
        self.rooms.pop(room_id, None)
        self.visited = [n for n in self.visited if n in self.rooms]
        if self.here == room_id:
            self.here = self.visited.pop() if self.visited else next(iter(self.rooms), "")
            if self.room:
                self.room.unread = 0

    def resume_point(self) -> ResumePoint:
        """Tell where reading goes on in each open room, and where it begins in those asked for.

        A room that the user is in already is read from the stream's beginning on: if it was not
        named there, the order to enter it would bring nothing of before.
        """
        known = [Position(ById(one.room_id), one.last_seq, RECENT) for one in self.rooms.values()]
        entering = [
            Position(pending.order.target, None, pending.order.recent)
            for pending in self.outbox.orders.values()
            if isinstance(pending.order, JoinRoom)
            and isinstance(pending.order.target, ByName)
            and self.find(pending.order.target) is None
        ]
        back = bool(known) and not self.anew
        return ResumePoint(self.epoch, (*known, *entering), JOINED_RECENT, members_only=back)

    def remember_name(self, name: str) -> None:
        """Keep the name of somebody who spoke, the latest last."""
        self.heard_names.pop(name, None)
        self.heard_names[name] = None
        if len(self.heard_names) > _REMEMBERED_NAMES:
            del self.heard_names[next(iter(self.heard_names))]

    def known_names(self) -> list[str]:
        """List the others, those of the current room first, then all who were met."""
        names: dict[str, None] = {}
        rooms = sorted(self.rooms.values(), key=lambda room: room.room_id != self.here)
        for room in rooms:
            people = room.members if room.kind is RoomKind.DIRECT else room.present.values()
            names.update((user.name, None) for user in people if user.user_id != self.own_id)
        names.update((name, None) for name in self.heard_names)
        if self.own:
            names.pop(self.own.name, None)
        return list(names)

    def public_names(self) -> list[str]:
        """List the names of the open public rooms."""
        return [room.name for room in self.rooms.values() if room.kind is RoomKind.PUBLIC]

    def room_names(self) -> list[str]:
        """List the names of the open rooms, each once, and of those that one is invited to."""
        names = [room.name for room in self.rooms.values() if room.kind is not RoomKind.DIRECT]
        names += [invitation.name for invitation in self.invitations.values()]
        return list(dict.fromkeys(names))

    def wall_ms(self, now: float) -> int:
        """Give the time of day at `now`, in milliseconds since 1970-01-01 UTC."""
        return self.clock_offset_ms + round(now * 1000)

    def ignores(self, name: str) -> bool:
        """Tell whether nothing of somebody is to be seen."""
        return key(name) in self.ignored

    def waiting(self) -> Iterator[tuple[PendingPost, bool]]:
        """Give the own messages that are not in the scroll-back, and whether each is acked."""
        for echo in self.echoes.values():
            yield echo.post, True
        for post in self.outbox.posts.values():
            yield post, False
