"""The facts: frozen, in the past tense, plain values only.

A RoomEvent has a place (`seq`) in its room and is what every member may see; the
others change who is there and what exists. Every event has the time of its
decision in milliseconds since 1970, never smaller than that of the one before.

What is made for each message is a NamedTuple: a frozen dataclass takes three times
as long to make.
"""

from dataclasses import dataclass
from typing import NamedTuple

from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind, Style


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
class ServerCreated:
    """The data began: `epoch` names its life."""

    time_ms: int
    epoch: str
    rules_version: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The limits that decisions use are these from now on."""

    time_ms: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class InstanceStarted:
    """A server process began; what it left attached is detached until `until_ms`."""

    time_ms: int
    instance: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class UserCreated:
    """A guest has an identity."""

    time_ms: int
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class UserEnded:
    """An identity is gone for ever; its name is free, its memberships are over."""

    time_ms: int
    user_id: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A client signed in. The token itself is never stored, only its SHA-256."""

    time_ms: int
    session_id: int
    user_id: int
    token_hash: bytes
    instance: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class SessionAttached:
    """A Chat stream of the session began; `attachment` tells it from older ones."""

    time_ms: int
    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class SessionDetached:
    """The stream is over; the session lives until `until_ms` unless it is used."""

    time_ms: int
    session_id: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class SessionRenewed:
    """The session was used; it lives until `until_ms`."""

    time_ms: int
    session_id: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The token is void."""

    time_ms: int
    session_id: int


@dataclass(frozen=True, slots=True)
class UserKicked:
    """The operator removed a user; the ends of its sessions and of itself follow."""

    time_ms: int
    user_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """A room exists. `member_ids` are those of a direct message, sorted; else empty."""

    time_ms: int
    room_id: int
    kind: RoomKind
    name: str
    opener_id: int
    member_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoomForgotten:
    """A direct message whose members are all gone for ever is not reachable any more.

    `left_seq` is the newest of its events, which are still stored; 0 if none is.
    """

    time_ms: int
    room_id: int
    left_seq: int


@dataclass(frozen=True, slots=True)
class RoomPruned:
    """Events of a room before `first_seq` are no longer kept."""

    time_ms: int
    room_id: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class AnswersPruned:
    """First answers from before `before_ms` whose messages are gone are forgotten.

    The `at_most` oldest of them, by time, user and client_msg_id.
    """

    time_ms: int
    before_ms: int
    at_most: int


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A user is a member of a public room."""

    time_ms: int
    room_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A user is no longer a member of a public room."""

    time_ms: int
    room_id: int
    user_id: int


RoomEvent = MessagePosted | TopicChanged
ControlEvent = (
    ServerCreated
    | Configured
    | InstanceStarted
    | UserCreated
    | UserEnded
    | SessionOpened
    | SessionAttached
    | SessionDetached
    | SessionRenewed
    | SessionEnded
    | UserKicked
    | RoomOpened
    | RoomForgotten
    | RoomPruned
    | AnswersPruned
    | MemberJoined
    | MemberLeft
)
Event = RoomEvent | ControlEvent
