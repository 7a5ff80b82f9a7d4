"""What waits for its answer: messages and other orders, and to whom a message belongs."""

from dataclasses import dataclass, field

from chat_cli.model import Entrance, Target, User

HELLO_ID = "hello"
"""The order_id of the first request of each stream."""


def owner_of(user: User, epoch: str) -> str:
    """Name a user apart from all users of all epochs."""
    return f"{epoch} {user.user_id}"


@dataclass(slots=True)
class PendingPost:
    """A message on its way. `owner` is who wrote it; None before the first sign-in.

    `place` is what the person called the room, for a process that does not know the room.
    `typed_ms` is when it was written, in milliseconds since 1970-01-01 UTC; 0 is not known.
    `adopted` says that a dead process left it. `written_at` is when it was last written to a
    stream.
    """

    client_msg_id: str
    target: Target
    text: str
    action: bool
    owner: str | None
    place: str = ""
    typed_ms: int = 0
    adopted: bool = False
    written: bool = False
    written_at: float = 0.0
    not_before: float = 0.0
    # Why it has to wait until then, in the server's words.
    why: str = ""
    # Whether only its room has to wait: then messages to others overtake it.
    alone: bool = False


@dataclass(frozen=True, slots=True)
class FailedPost:
    """A message that will not be sent, and why. The person has not seen that yet."""

    post: PendingPost
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What dead processes left, the oldest first.

    `damaged` are the new places of files of which a part made no sense.
    """

    posts: tuple[PendingPost, ...] = ()
    failed: tuple[FailedPost, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Enter a room, beginning with the newest `recent` events.

    `password` is that of a private room; it is kept nowhere else.
    """

    target: Entrance
    recent: int
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Leave a room."""

    room_id: str


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Change what a room is about; an empty topic removes it."""

    room_id: str
    topic: str


Order = JoinRoom | LeaveRoom | SetTopic


@dataclass(slots=True)
class PendingOrder:
    """An order on its way."""

    order_id: str
    order: Order
    written: bool = False
    not_before: float = 0.0
    why: str = ""
