"""Who, where and what: the client's own words for the contract's nouns.

Plain frozen values. Nothing here knows the wire.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

# What the server says for "until" where there is no end: the largest exact number of JSON.
FOREVER_MS = 2**53 - 1


@dataclass(frozen=True, slots=True)
class User:
    """Somebody on the server. Compare by `user_id`; the name may go to another user later.

    A `bot` is a program that speaks; an `account` has its name for ever.
    """

    user_id: str
    name: str
    connected: bool = False
    bot: bool = False
    account: bool = False


class RoomKind(Enum):
    """What a room is."""

    PUBLIC = "public"
    DIRECT = "direct"
    PRIVATE = "private"


class Role(IntEnum):
    """What a member may do in a room; each may do what those before it may."""

    NONE = 0
    MEMBER = 1
    MODERATOR = 2
    OWNER = 3


class HistoryPolicy(Enum):
    """How much of what was said before newcomers may read."""

    ALL = "all"
    FROM_JOIN = "from-join"


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """A room as the server describes it; `head_seq` is 0 when it has no event.

    `role` is the own one. `slow_mode_ms` is how long members wait between two messages, and
    `muted_until_ms` until when the own user may not speak; 0 is not at all.
    """

    room_id: str
    kind: RoomKind
    name: str = ""
    topic: str = ""
    head_seq: int = 0
    present: int = 0
    members: tuple[User, ...] = ()
    description: str = ""
    archived: bool = False
    slow_mode_ms: int = 0
    history: HistoryPolicy = HistoryPolicy.ALL
    topic_locked: bool = False
    has_password: bool = False
    role: Role = Role.NONE
    muted_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody asks the user into a private room; `time_ms` is when, since 1970-01-01 UTC."""

    room_id: str
    name: str
    inviter: User
    time_ms: int


@dataclass(frozen=True, slots=True)
class ById:
    """A room that the server has named to us."""

    room_id: str


@dataclass(frozen=True, slots=True)
class ByName:
    """The public room of this name, in any case."""

    name: str


@dataclass(frozen=True, slots=True)
class Direct:
    """The direct message between the own user and these names."""

    names: tuple[str, ...]


Target = ById | ByName | Direct


@dataclass(frozen=True, slots=True)
class ByCode:
    """The private room that an invite code leads to; only the server knows which."""

    code: str = field(repr=False)


Entrance = Target | ByCode


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server accepts. The defaults are the contract's, until Join has told.

    `send_burst` 0 means that the server has no rate limits.
    """

    text_bytes: int = 4096
    text_lines: int = 100
    topic_bytes: int = 390
    unacked_posts: int = 256
    page_size: int = 1000
    send_burst: int = 20
    reason_bytes: int = 390
    description_bytes: int = 2000
    password_min_chars: int = 8
    password_max_chars: int = 256

    def flaw_of(self, text: str) -> str:
        """Tell why a text would be refused; empty if it would not."""
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return "This text has a character that cannot be sent."
        lines = text.count("\n") + 1
        if size > self.text_bytes:
            return f"Too long: {size} bytes of at most {self.text_bytes}."
        if lines > self.text_lines:
            return f"Too many lines: {lines} of at most {self.text_lines}."
        if "\0" in text:
            return "This text has a NUL character, which cannot be sent."
        return ""


@dataclass(frozen=True, slots=True)
class Said:
    """The body of a message; `action` is for `/me`."""

    text: str
    action: bool = False
    client_msg_id: str = ""


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """A new topic; empty when it was removed."""

    topic: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A message stood here and was deleted."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The message `seq` is deleted. Its author is `author`, that of the event did it."""

    seq: int
    author: User
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A member has another role."""

    user: User
    role: Role


@dataclass(frozen=True, slots=True)
class Removed:
    """A member was removed; `banned` says that it may not come back before `until_ms`."""

    user: User
    reason: str = ""
    banned: bool = False
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The room is like this from now on; what is None did not change."""

    name: str | None = None
    description: str | None = None
    archived: bool | None = None
    slow_mode_ms: int | None = None
    history: HistoryPolicy | None = None
    topic_locked: bool | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """A bot spoke, and this reader, a bot too, did not ask to hear that."""


Body = Said | TopicChanged | Tombstone | Deleted | RoleChanged | Removed | RoomChanged | Withheld


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something that happened in a room. `time_ms` is milliseconds since 1970-01-01 UTC.

    `body` is None for a kind of event that this client does not know: it counts as seen.
    """

    room_id: str
    seq: int
    time_ms: int
    author: User
    body: Body | None


@dataclass(frozen=True, slots=True)
class Position:
    """A room and the last `seq` handled in it; None when nothing was read yet."""

    target: Entrance
    after_seq: int | None
    recent: int


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """What `Hello` says: where reading goes on, and in which epoch the numbers count.

    Other rooms of the user are read too, from their `joined_recent` newest events on; None:
    only those that are named. A bot may ask to hear bots too. With `members_only` no room is
    entered by this: for who comes back, and may have been put out meanwhile.
    """

    epoch: str
    rooms: tuple[Position, ...]
    joined_recent: int | None = None
    hear_bots: bool = False
    members_only: bool = False


def key(name: str) -> str:
    """Give the form in which names are compared: they are ASCII and unique in any case."""
    return name.casefold()


def room_label(name: str) -> str:
    """Name a public room the way people write it: `#lobby`."""
    return f"#{name}"


def private_label(name: str) -> str:
    """Name a private room: a public one may have the same name."""
    return f"{name} (private)"


def direct_label(names: Iterable[str]) -> str:
    """Name a direct message after the others in it: `@bob,carol`."""
    return "@" + ",".join(sorted(names, key=key))
