"""Protobuf to core and back: what requests name, and users and rooms as they are told."""

import hashlib
from typing import TypeVar

from chat_protos.chat.v1 import accounts_pb2
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.commands import (
    Direct,
    RoomById,
    RoomByName,
    Target,
    UserById,
    UserByName,
    UserTarget,
)
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import (
    HistoryPolicy,
    Invitation,
    Invite,
    Role,
    Room,
    RoomKind,
    Style,
    User,
)
from chat_service.edge.ids import invite_text, room_number, room_text, user_number, user_text

T = TypeVar("T")
_STYLES = {int(style): style for style in Style}
KINDS = {
    RoomKind.PUBLIC: pb.ROOM_KIND_PUBLIC,
    RoomKind.DIRECT: pb.ROOM_KIND_DIRECT,
    RoomKind.PRIVATE: pb.ROOM_KIND_PRIVATE,
}
ROLES = {
    Role.MEMBER: pb.ROLE_MEMBER,
    Role.MODERATOR: pb.ROLE_MODERATOR,
    Role.OWNER: pb.ROLE_OWNER,
}
HISTORIES = {
    HistoryPolicy.ALL: pb.HISTORY_POLICY_ALL,
    HistoryPolicy.FROM_JOIN: pb.HISTORY_POLICY_FROM_JOIN,
}
_KINDS_SENT: dict[int, RoomKind] = {sent: kind for kind, sent in KINDS.items()}
_ROLES_SENT: dict[int, Role] = {sent: role for role, sent in ROLES.items()}
_HISTORIES_SENT: dict[int, HistoryPolicy] = {sent: one for one, sent in HISTORIES.items()}


def target_of(target: pb.RoomTarget) -> Target:
    """Return which room is meant. Raises RefusedError (TARGET_MISSING) for none."""
    kind = target.WhichOneof("target")
    if kind == "room_id":
        return RoomById(room_number(target.room_id))
    if kind == "room_name":
        return RoomByName(target.room_name)
    if kind == "direct":
        return Direct(tuple(target.direct.names))
    raise RefusedError(Rejection(Reason.TARGET_MISSING, "name a room", field="room"))


def user_target_of(target: accounts_pb2.UserTarget) -> UserTarget:
    """Return who is meant. Raises RefusedError (TARGET_MISSING) for nobody."""
    kind = target.WhichOneof("target")
    if kind == "user_id":
        return UserById(user_number(target.user_id))
    if kind == "name":
        return UserByName(target.name)
    raise RefusedError(Rejection(Reason.TARGET_MISSING, "name a user", field="user"))


def role_of(role: int) -> Role:
    """Return which role is meant. Raises RefusedError for none."""
    return _known(_ROLES_SENT, role, "role")


def kind_of(kind: int) -> RoomKind:
    """Return which kind of room is meant. Raises RefusedError for none."""
    return _known(_KINDS_SENT, kind, "kind")


def history_of(history: int) -> HistoryPolicy | None:
    """Return which policy is meant; None for the usual one. Raises RefusedError as `role_of`."""
    return _known(_HISTORIES_SENT, history, "history") if history else None


def _known(table: dict[int, T], value: int, field: str) -> T:
    known = table.get(value)
    if known is None:
        raise RefusedError(
            Rejection(Reason.FIELD_INVALID, f"this {field} is not known", field=field)
        )
    return known


def style_of(style: int) -> Style:
    """Return how a text is meant. Raises RefusedError for a value that is not known."""
    known = _STYLES.get(style)
    if known is None:
        raise RefusedError(
            Rejection(Reason.FIELD_INVALID, "this style is not known", field="style")
        )
    return known


def request_hash(post: pb.Post) -> bytes:
    """Return 16 bytes that tell a retry from another message with the same id."""
    return hashlib.blake2b(post.SerializeToString(deterministic=True), digest_size=16).digest()


def user_message(user: User, *, connected: bool = False) -> pb.User:
    """Return a user as others see it."""
    return pb.User(
        user_id=user_text(user.user_id),
        name=user.name,
        connected=connected,
        bot=user.bot,
        account=user.account,
    )


def actor_message(user_id: int, name: str) -> pb.User | None:
    """Return who did something, by the name that it had then; None: whoever runs the server."""
    return pb.User(user_id=user_text(user_id), name=name) if user_id else None


def room_message(
    room: Room, *, head: int, present: int, role: Role | None = None, muted_until_ms: int = 0
) -> pb.Room:
    """Return a room as a user sees it, who has this role in it or none."""
    message = pb.Room(
        room_id=room_text(room.room_id),
        kind=KINDS[room.kind],
        name=room.name,
        topic=room.topic,
        head_seq=head,
        present=present,
        description=room.description,
        archived=room.archived,
        slow_mode_ms=room.slow_mode_ms,
        history=HISTORIES[room.history],
        topic_locked=room.topic_locked,
        has_password=bool(room.password_hash),
        role=pb.ROLE_UNSPECIFIED if role is None else ROLES[role],
        muted_until_ms=muted_until_ms,
    )
    for user_id, name in zip(room.member_ids, room.member_names, strict=True):
        message.members.add(user_id=user_text(user_id), name=name)
    return message


def invite_message(invite: Invite) -> accounts_pb2.Invite:
    """Return what a code is good for."""
    return accounts_pb2.Invite(
        invite_id=invite_text(invite.invite_id),
        uses_left=invite.uses_left,
        expires_ms=invite.until_ms,
        creator=pb.User(
            user_id=user_text(invite.creator_id) if invite.creator_id else "",
            name=invite.creator_name,
        ),
    )


def invitation_message(invitation: Invitation, room: Room) -> pb.Invitation:
    """Return an invitation to a private room."""
    return pb.Invitation(
        room_id=room_text(room.room_id),
        name=room.name,
        inviter=pb.User(user_id=user_text(invitation.inviter_id), name=invitation.inviter_name),
        time_ms=invitation.time_ms,
    )
