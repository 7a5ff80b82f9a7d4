"""What the server and the connection told, as flat frozen facts.

The first group comes from the server's stream, one class for each kind of item; the second
from the connection itself. The consumer needs neither protobuf nor grpc to read them.
"""

from dataclasses import dataclass
from enum import Enum

from chat_cli.model import Invitation, Limits, RoomEvent, RoomInfo, User

# ---------------------------------------------------------------- from the server


@dataclass(frozen=True, slots=True)
class Welcome:
    """The stream is accepted."""

    epoch: str
    user: User


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """The stream reads this room from now on; the events after `after_seq` follow."""

    room: RoomInfo
    after_seq: int


@dataclass(frozen=True, slots=True)
class EventArrived:
    """An event of a room."""

    event: RoomEvent


@dataclass(frozen=True, slots=True)
class Live:
    """All that was missed in a room has been sent, up to `seq`."""

    room_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """The events between `after_seq` and `first_seq` are no longer kept."""

    room_id: str
    after_seq: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class Reset:
    """The positions of another epoch are void."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Acked:
    """An order was carried out and is durable; `seq` is 0 if it made no event."""

    order_id: str
    room_id: str
    seq: int
    time_ms: int
    client_msg_id: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """An order was refused, or a room of Hello cannot be read.

    `code` is the number of the gRPC status, `reason` the stable word for programs and
    `retry_after` the seconds to wait; 0 when waiting does not help.
    """

    code: int
    reason: str
    message: str
    order_id: str = ""
    client_msg_id: str = ""
    room_id: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Presence:
    """Who came and went; in a snapshot `joined` is who is there, `total` how many."""

    room_id: str
    snapshot: bool
    joined: tuple[User, ...]
    left: tuple[User, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A word from the server itself.

    One that tells of a stop has `draining` set; `announcement` is what the operator says to
    everybody.
    """

    text: str
    draining: bool = False
    retry_after: float = 0.0
    announcement: bool = False


@dataclass(frozen=True, slots=True)
class Muted:
    """The user may not speak in a room until `until_ms`; `text` is the server's sentence."""

    room_id: str
    until_ms: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unmuted:
    """The user may speak in a room again."""

    room_id: str
    text: str = ""


class CloseReason(Enum):
    """Why a room is no longer read."""

    LEFT = "left"
    REMOVED = "removed"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """The stream no longer reads this room.

    Who was removed by somebody is told by whom and why, and who was banned also until when.
    """

    room_id: str
    reason: CloseReason = CloseReason.LEFT
    text: str = ""
    by: User | None = None
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody invites the user to a private room."""

    invitation: Invitation


# ------------------------------------------------------------ from the connection


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt to reach the server begins."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Join succeeded. `user` differs from the one before when that identity had expired.

    `resumed` says that the user was here before this sign-in, in another or a former client.
    """

    user: User
    epoch: str
    limits: Limits
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class NameWanted:
    """There is no name yet, or the server refused it for `reason`."""

    reason: str


class Cause(Enum):
    """Why there is no connection."""

    SILENCE = "nobody answers"
    BUSY = "the server asks to come later"
    REFUSAL = "the server says no"


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is lost or could not be made; the next attempt is in `retry_in` seconds.

    `code` is the number of the gRPC status that the server gave, 0 if it gave none.
    """

    reason: str
    retry_in: float
    cause: Cause = Cause.SILENCE
    code: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """A trouble beside the connection, such as a token that cannot be kept."""

    text: str


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The sign-in of an account is over, for `reason`; only its password opens another.

    `asking` says that it is asked for now; else only when the person wants to go on.
    """

    reason: str
    asking: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another client took over the session; there is no attempt to come back by itself."""


@dataclass(frozen=True, slots=True)
class Kicked:
    """The operator removed the user, for `reason`; there is no attempt to come back by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The connection cannot work, ever: what listens there is no chat server, or not trusted."""

    reason: str


StreamItem = (
    Welcome
    | RoomOpened
    | EventArrived
    | Live
    | Gap
    | Reset
    | Acked
    | Refused
    | Presence
    | Notice
    | Muted
    | Unmuted
    | RoomClosed
    | Invited
)
LinkItem = (
    Connecting | SignedIn | NameWanted | Offline | Remark | SignedOut | Replaced | Kicked | Stopped
)
Item = StreamItem | LinkItem
