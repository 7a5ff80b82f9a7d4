"""Rooms, their members, and who may enter.

What of it all members are told is in `history`.
"""

from dataclasses import dataclass

from chat_service.core.model import HistoryPolicy, Role, RoomKind


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """A room exists. `member_ids` are those of a direct message, sorted; else empty."""

    time_ms: int
    room_id: int
    kind: RoomKind
    name: str
    opener_id: int
    member_ids: tuple[int, ...]
    topic: str = ""
    description: str = ""
    history: HistoryPolicy = HistoryPolicy.ALL
    password_hash: str = ""


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A user is a member of a room."""

    time_ms: int
    room_id: int
    user_id: int
    role: Role = Role.MEMBER
    # The first seq that it may read.
    from_seq: int = 1


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A user is no longer a member of a room, by its own will."""

    time_ms: int
    room_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class RoomPasswordSet:
    """A private room has another password, or none: `password_hash` is empty."""

    time_ms: int
    room_id: int
    password_hash: str


@dataclass(frozen=True, slots=True)
class UserInvited:
    """A user may enter a private room."""

    time_ms: int
    room_id: int
    user_id: int
    inviter_id: int
    inviter_name: str


@dataclass(frozen=True, slots=True)
class InvitationEnded:
    """An invitation was taken, declined or taken back."""

    time_ms: int
    room_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class InviteCreated:
    """There is a code, for a private room or (`room_id` is 0) for registrations."""

    time_ms: int
    invite_id: int
    code_hash: bytes
    room_id: int
    uses: int
    until_ms: int
    creator_id: int
    creator_name: str


@dataclass(frozen=True, slots=True)
class InviteUsed:
    """Somebody used a code; the last use ends it."""

    time_ms: int
    invite_id: int


@dataclass(frozen=True, slots=True)
class InviteEnded:
    """A code is good no longer."""

    time_ms: int
    invite_id: int
