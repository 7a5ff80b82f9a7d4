"""What has a place in a room, and what every member may see."""

from dataclasses import dataclass
from typing import NamedTuple

from chat_service.core.model import HistoryPolicy, Role, Style


class MessagePosted(NamedTuple):
    """Somebody spoke."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    style: Style
    text: str
    client_msg_id: str
    # Of the whole request; tells a retry from another message with the same id.
    request_hash: bytes
    # Whether its author is a bot.
    bot: bool = False


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """Somebody changed what a room is about; an empty topic removes it."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    topic: str


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """Somebody deleted the message at `deleted_seq`, of which a tombstone is left."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    deleted_seq: int
    # Who had said it.
    deleted_author_id: int
    deleted_author_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A message stood here. Only ever read back: it takes the place of a MessagePosted."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """Somebody gave a member another role; nobody (0) where the last owner left."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    user_id: int
    user_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """Somebody removed a member. `until_ms` above 0: it is banned until then."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    user_id: int
    user_name: str
    reason: str
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Somebody changed how a room is: what is not None."""

    time_ms: int
    room_id: int
    seq: int
    author_id: int
    author_name: str
    name: str | None = None
    description: str | None = None
    archived: bool | None = None
    slow_mode_ms: int | None = None
    history: HistoryPolicy | None = None
    topic_locked: bool | None = None
