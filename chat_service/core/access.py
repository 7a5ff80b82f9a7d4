"""Who may do what: the questions that every decision about a right asks.

A right is a matter of three things: the scopes of the token, the role in the room or on
the server, and what is held against the user. Whoever runs the server (OPERATOR) is asked
for none of them.
"""

from typing import NamedTuple

from chat_service.core.commands import OPERATOR
from chat_service.core.decision import valid_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import ALL_SCOPES, Restriction, Role, Room, RoomKind, Scope, Session
from chat_service.core.state import State

NO_SUCH_ROOM = Rejection(Reason.ROOM_NOT_FOUND, "there is no such room", field="room")
"""What an outsider is told of a room, whether or not there is one."""
TOO_HIGH = Rejection(
    Reason.ROLE_TOO_HIGH, "they have the same rights as you, or more", field="user"
)
ADMIN_NEEDED = Rejection(Reason.ADMIN_NEEDED, "only admins of the server may do that")

OPERATOR_RANK = Role.OWNER + 1


class Actor(NamedTuple):
    """Who gives an order: a user, or whoever runs the server, who has no name here."""

    user_id: int
    name: str
    scopes: tuple[int, ...]


_OPERATOR = Actor(OPERATOR, "", ALL_SCOPES)


def actor_for(
    state: State, session_id: int, scope: Scope | None, time_ms: int
) -> Actor | Rejection:
    """Return who gives an order, if the token may be used for that; None: for anything."""
    if session_id == OPERATOR:
        return _OPERATOR
    if scope is None:
        session = valid_session(state, session_id, time_ms)
    else:
        session = session_for(state, session_id, scope, time_ms)
    if isinstance(session, Rejection):
        return session
    user = state.users[session.user_id]
    return Actor(user.user_id, user.name, session.scopes)


def admin_for(state: State, session_id: int, time_ms: int) -> Actor | Rejection:
    """Return who gives an order about the server, if it looks after it."""
    actor = actor_for(state, session_id, Scope.ADMIN, time_ms)
    if (
        isinstance(actor, Actor)
        and actor.user_id != OPERATOR
        and not is_admin(state, actor.user_id)
    ):
        return ADMIN_NEEDED
    return actor


def session_for(state: State, session_id: int, scope: Scope, time_ms: int) -> Session | Rejection:
    """Return the session that an order came by, if its token may be used for that."""
    session = valid_session(state, session_id, time_ms)
    if isinstance(session, Session) and scope not in session.scopes:
        return scope_missing(scope)
    return session


def scope_missing(scope: Scope) -> Rejection:
    """Refuse an order that a token may not be used for."""
    return Rejection(
        Reason.SCOPE_MISSING,
        f"this token may not be used for that: it lacks the scope {scope.name.lower()}",
        metadata=(("scope", scope.name),),
    )


def is_admin(state: State, user_id: int) -> bool:
    """Whether a user looks after the server."""
    account = state.accounts.get(user_id)
    return account is not None and account.admin and not account.deactivated


def rank(state: State, room: Room, user_id: int, scopes: tuple[int, ...] = ALL_SCOPES) -> int:
    """Return how high a user stands in a room: a Role, or 0 for who has none.

    Admins have the rights of an owner in public rooms, and in private ones that they are
    members of. `scopes` are those of the token by which it gives an order: one that is not
    for what admins do lends no more than the role.
    """
    if user_id == OPERATOR:
        return OPERATOR_RANK
    member = state.members.get((room.room_id, user_id))
    if room.kind is RoomKind.DIRECT:
        return 0 if member is None else Role.MEMBER
    if (
        (room.kind is RoomKind.PUBLIC or member is not None)
        and Scope.ADMIN in scopes
        and is_admin(state, user_id)
    ):
        return Role.OWNER
    return 0 if member is None else member.role


def banned_until(state: State, room_id: int, user_id: int, time_ms: int) -> int:
    """Return until when a user may not be in a room; 0: it may."""
    until_ms = 0
    for one in restrictions_on(state, room_id, user_id):
        until_ms = max(until_ms, one.banned_until_ms)
    return until_ms if until_ms > time_ms else 0


def muted_until(state: State, room_id: int, user_id: int, time_ms: int) -> int:
    """Return until when a user may not speak in a room; 0: it may."""
    # Asked of every message: of nearly all, nothing is held against the author.
    until_ms = 0
    for one in restrictions_on(state, room_id, user_id):
        until_ms = max(until_ms, one.muted_until_ms)
    return until_ms if until_ms > time_ms else 0


def restrictions_on(state: State, room_id: int, user_id: int) -> tuple[Restriction, ...]:
    """Return what is held against a user in a room; against a bot also what is against its owner.

    So it holds for bots that are made later, too.
    """
    own = state.restrictions.get((room_id, user_id))
    held = () if own is None else (own,)
    account = state.accounts.get(user_id)
    if account is None or not account.owner_id:
        return held
    owners = state.restrictions.get((room_id, account.owner_id))
    return held if owners is None else (*held, owners)


def visible(state: State, room_id: int, user_id: int, time_ms: int) -> Room | Rejection:
    """Return a room that a user may read, by its id.

    Makes the same look-ups for a room that is not there, so that nothing, not even the
    time, tells it from one that the user may not see.
    """
    room = state.rooms.get(room_id)
    is_member = (room_id, user_id) in state.members
    # Nobody is a member and banned: a ban removes.
    banned_ms = 0 if is_member else banned_until(state, room_id, user_id, time_ms)
    if room is None or (room.kind is not RoomKind.PUBLIC and not is_member):
        return NO_SUCH_ROOM
    if banned_ms:
        return Rejection(
            Reason.BANNED_FROM_ROOM,
            "you are banned from this room",
            field="room",
            metadata=(("room_id", f"r{room_id}"), ("until_ms", str(banned_ms))),
        )
    return room
