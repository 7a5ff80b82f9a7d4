"""Who, where and what: the client's own words for the contract's nouns.

Plain frozen values. Nothing here knows the wire.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class User:
    """Somebody on the server. Compare by `user_id`; the name may go to another user later."""

    user_id: str
    name: str
    connected: bool = False


class RoomKind(Enum):
    """What a room is."""

    PUBLIC = "public"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """A room as the server describes it; `head_seq` is 0 when it has no event."""

    room_id: str
    kind: RoomKind
    name: str = ""
    topic: str = ""
    head_seq: int = 0
    present: int = 0
    members: tuple[User, ...] = ()


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


Body = Said | TopicChanged


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

    target: Target
    after_seq: int | None
    recent: int


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """What `Hello` says: where reading goes on, and in which epoch the numbers count."""

    epoch: str
    rooms: tuple[Position, ...]


def key(name: str) -> str:
    """Give the form in which names are compared: they are ASCII and unique in any case."""
    return name.casefold()


def room_label(name: str) -> str:
    """Name a public room the way people write it: `#lobby`."""
    return f"#{name}"


def direct_label(names: Iterable[str]) -> str:
    """Name a direct message after the others in it: `@bob,carol`."""
    return "@" + ",".join(sorted(names, key=key))
