"""Orders about rooms, their members, and who may enter."""

from dataclasses import dataclass

from chat_service.core.commands.targets import Target, UserTarget
from chat_service.core.model import HistoryPolicy, Role, RoomKind


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Become a member of a room, or open a direct message.

    Into a private room: by an invitation, by the code of an invite, or by its password,
    where `password_hash` is what the password was compared with and found right.
    """

    session_id: int
    target: Target
    wait_ms: int = 0
    room_wait_ms: int = 0
    password_hash: str = ""


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Stop being a member of a room."""

    session_id: int
    target: Target


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Change what a room is about."""

    session_id: int
    target: Target
    topic: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class JoinByInvite:
    """Become a member of the private room that the code of an invite is for."""

    session_id: int
    code_hash: bytes
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Open a room that is not there yet, as its owner."""

    session_id: int
    name: str
    # PUBLIC or PRIVATE.
    kind: RoomKind
    topic: str = ""
    description: str = ""
    # None: the usual for its kind.
    history: HistoryPolicy | None = None
    password_hash: str = ""
    wait_ms: int = 0
    room_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class UpdateRoom:
    """Change what is not None."""

    session_id: int
    target: Target
    name: str | None = None
    description: str | None = None
    archived: bool | None = None
    slow_mode_ms: int | None = None
    history: HistoryPolicy | None = None
    topic_locked: bool | None = None
    # Empty: it has no password from now on.
    password_hash: str | None = None
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class SetRole:
    """Give a member another role."""

    session_id: int
    target: Target
    user: UserTarget
    role: Role
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class InviteUser:
    """Let a user enter a private room."""

    session_id: int
    target: Target
    user: UserTarget
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class RevokeInvitation:
    """Take back that a user may enter a private room."""

    session_id: int
    target: Target
    user: UserTarget


@dataclass(frozen=True, slots=True)
class DeclineInvitation:
    """Let go of one's own invitation to a private room."""

    session_id: int
    room_id: int


@dataclass(frozen=True, slots=True)
class CreateInvite:
    """Make a code: for a private room, or for registrations where `target` is None."""

    session_id: int
    target: Target | None
    code_hash: bytes
    uses: int
    lifetime_ms: int
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class RevokeInvite:
    """End a code: of a private room, or for registrations where `target` is None."""

    session_id: int
    target: Target | None
    invite_id: int
