"""The orders: frozen, plain values only.

Whatever is random or secret was made outside and comes in here, tokens hashed.
`wait_ms` in an order is the verdict of the rate limit: above 0, the order is
refused with that delay, unless it turns out to be a retry that was stored.

What is made for each message is a NamedTuple: a frozen dataclass takes three times
as long to make.
"""

from dataclasses import dataclass
from typing import NamedTuple

from chat_service.core.limits import Limits
from chat_service.core.model import Style


class RoomById(NamedTuple):
    """A room by its id."""

    room_id: int


class RoomByName(NamedTuple):
    """A public room by its name, in any case."""

    name: str


@dataclass(frozen=True, slots=True)
class Direct:
    """The direct message with these users, by name."""

    names: tuple[str, ...]


Target = RoomById | RoomByName | Direct


@dataclass(frozen=True, slots=True)
class StartInstance:
    """A server process begins; the first one gives the data its epoch."""

    instance: str
    epoch: str
    limits: Limits
    default_room: str


@dataclass(frozen=True, slots=True)
class Configure:
    """The limits that decisions use are to be these."""

    limits: Limits


@dataclass(frozen=True, slots=True)
class OpenGuest:
    """Sign in as a new user of this name, and join a room unless it is empty."""

    name: str
    token_hash: bytes
    instance: str
    room: str = ""
    # Verdict of the limit on new rooms of an address.
    room_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a further session of the user of `session_id`."""

    session_id: int
    name: str
    token_hash: bytes
    instance: str
    room: str = ""
    room_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class AttachSession:
    """A Chat stream of the session begins; `attachment` is above all earlier ones."""

    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class DetachSession:
    """The stream `attachment` is over; without effect if a newer one took its place."""

    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class RenewSession:
    """The session was used by a call."""

    session_id: int


@dataclass(frozen=True, slots=True)
class EndSession:
    """Sign out."""

    session_id: int


@dataclass(frozen=True, slots=True)
class ExpireSession:
    """A timer saw that the session's time is over; without effect if it is not."""

    session_id: int


@dataclass(frozen=True, slots=True)
class KickUser:
    """The operator removes whoever has this name, in any case; `reason` is told to them."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Become a member of a public room, or open a direct message."""

    session_id: int
    target: Target
    wait_ms: int = 0
    room_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Stop being a member of a public room."""

    session_id: int
    target: Target


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Change what a public room is about."""

    session_id: int
    target: Target
    topic: str
    wait_ms: int = 0


class PostMessage(NamedTuple):
    """Say something."""

    session_id: int
    target: Target
    style: Style
    text: str
    client_msg_id: str
    # Of target, style and text as they were sent; tells a retry from another message.
    request_hash: bytes
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Prune:
    """A timer saw that a room holds more than it keeps: events up to `up_to_seq` may go.

    Also of a forgotten room, of which nothing is kept. Without effect on what is gone
    already. All of them go in one commit: who gives the order bounds how many.
    """

    room_id: int
    up_to_seq: int


@dataclass(frozen=True, slots=True)
class PruneAnswers:
    """A timer saw first answers that nobody can need any more: the oldest may go.

    At most `at_most` of those whose messages are gone and whose time is over.
    """

    at_most: int


Command = (
    StartInstance
    | Configure
    | OpenGuest
    | OpenSession
    | AttachSession
    | DetachSession
    | RenewSession
    | EndSession
    | ExpireSession
    | KickUser
    | JoinRoom
    | LeaveRoom
    | SetTopic
    | PostMessage
    | Prune
    | PruneAnswers
)
