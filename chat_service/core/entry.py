"""Who comes in: the decisions about entering rooms, and about new direct messages.

A public room is open to everybody who is not banned from it. A private one is entered by an
invitation, by the code of an invite, or by its password; who has none of them is told what is
told of a room that does not exist, after the same look-ups.
"""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import banned_until, scope_missing, session_for, visible
from chat_service.core.decision import Accepted, Answer, Decision, too_fast, valid_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import HistoryPolicy, Role, Room, RoomKind, Scope
from chat_service.core.names import name_key
from chat_service.core.rooms import (
    find_room,
    flaw_of_more_rooms,
    flaw_of_name,
    too_many_new_rooms,
)
from chat_service.core.state import State


def join_room(state: State, command: cmd.JoinRoom, time_ms: int) -> Decision:
    """Make a user a member of a room, or open a direct message.

    A token that may only read begins to read so where its user is a member already.
    """
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    entry = _enter(state, session.user_id, command, time_ms)
    if Scope.ROOMS not in session.scopes:
        changes = isinstance(entry, Rejection) or entry.events
        if changes or Scope.READ not in session.scopes:
            return scope_missing(Scope.ROOMS)
    return _paced(entry, command.wait_ms)


def join_by_invite(state: State, command: cmd.JoinByInvite, time_ms: int) -> Decision:
    """Make a user a member of the private room that a code is for."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    user_id = session.user_id
    invite_id = state.invite_ids.get(command.code_hash)
    invite = None if invite_id is None else state.invites[invite_id]
    room = None if invite is None else state.rooms.get(invite.room_id)
    if (
        invite is None
        or room is None
        or invite.until_ms <= time_ms
        or banned_until(state, room.room_id, user_id, time_ms)
    ):
        return Rejection(
            Reason.INVITE_INVALID, "this invite code is not good any more", field="invite_code"
        )
    if (room.room_id, user_id) in state.members:
        return Accepted((), Answer(room_id=room.room_id))
    entry = _become_member(state, room, user_id, time_ms)
    if isinstance(entry, Accepted):
        entry = Accepted((ev.InviteUsed(time_ms, invite.invite_id), *entry.events), entry.answer)
    return _paced(entry, command.wait_ms)


def _paced(entry: Decision, wait_ms: int) -> Decision:
    """Refuse an entry over its rate, unless nothing changes by it."""
    if wait_ms and isinstance(entry, Accepted) and entry.events:
        return too_fast(wait_ms)
    return entry


def _enter(state: State, user_id: int, command: cmd.JoinRoom, time_ms: int) -> Decision:
    """Decide an entry whatever its rate; it has no events where nothing changes."""
    target = command.target
    if isinstance(target, cmd.RoomByName):
        return enter_public(state, user_id, target.name, command.room_wait_ms, time_ms)
    if isinstance(target, cmd.RoomById):
        return _enter_by_id(state, user_id, target.room_id, command.password_hash, time_ms)
    room = find_room(state, user_id, target, time_ms)
    if isinstance(room, Rejection):
        return room
    if isinstance(room, Room):
        return Accepted((), Answer(room_id=room.room_id))
    opened = open_direct(state, user_id, room, time_ms)
    if isinstance(opened, Rejection):
        return opened
    return Accepted((opened,), Answer(room_id=opened.room_id))


def _enter_by_id(
    state: State, user_id: int, room_id: int, password_hash: str, time_ms: int
) -> Decision:
    found = visible(state, room_id, user_id, time_ms)
    # Asked whatever was found: an outsider costs the same look-ups everywhere.
    room = state.rooms.get(room_id)
    is_invited = (room_id, user_id) in state.invitations
    is_banned = banned_until(state, room_id, user_id, time_ms) > 0
    knows = bool(password_hash) and room is not None and room.password_hash == password_hash
    if isinstance(found, Room):
        if found.kind is RoomKind.PUBLIC:
            return enter_public(state, user_id, found.name, 0, time_ms)
        return Accepted((), Answer(room_id=room_id))
    if room is None or room.kind is not RoomKind.PRIVATE or is_banned or not (is_invited or knows):
        return found
    return _become_member(state, room, user_id, time_ms)


def _become_member(state: State, room: Room, user_id: int, time_ms: int) -> Decision:
    """Make a user a member of a private room that is open to it."""
    full = flaw_of_more_rooms(state, user_id)
    if full is not None:
        return full
    room_id = room.room_id
    from_seq = state.heads[room_id] + 1 if room.history is HistoryPolicy.FROM_JOIN else 1
    events: list[ev.Event] = []
    if (room_id, user_id) in state.invitations:
        events.append(ev.InvitationEnded(time_ms, room_id, user_id))
    events.append(ev.MemberJoined(time_ms, room_id, user_id, Role.MEMBER, from_seq))
    return Accepted(tuple(events), Answer(room_id=room_id))


def enter_public(
    state: State, user_id: int, name: str, room_wait_ms: int, time_ms: int
) -> Accepted | Rejection:
    """Make a user a member of the room of this name, which is opened if there is none."""
    flaw = flaw_of_name(name, state.limits, "room")
    if flaw is not None:
        return flaw
    room_id = state.room_ids.get(name_key(name))
    if room_id is not None:
        if (room_id, user_id) in state.members:
            return Accepted((), Answer(room_id=room_id))
        found = visible(state, room_id, user_id, time_ms)
        if isinstance(found, Rejection):
            return found
    full = flaw_of_more_rooms(state, user_id)
    if full is not None:
        return full
    if room_id is not None:
        return Accepted((ev.MemberJoined(time_ms, room_id, user_id),), Answer(room_id=room_id))
    if room_wait_ms:
        return too_many_new_rooms(room_wait_ms)
    room_id = state.counter("room") + 1
    events = (
        ev.RoomOpened(time_ms, room_id, RoomKind.PUBLIC, name, user_id, ()),
        ev.MemberJoined(time_ms, room_id, user_id, Role.OWNER),
    )
    return Accepted(events, Answer(room_id=room_id))


def open_direct(
    state: State, user_id: int, member_ids: tuple[int, ...], time_ms: int
) -> ev.RoomOpened | Rejection:
    """Open the direct message of these members, sorted by id."""
    limits = state.limits
    if any((other_id, user_id) in state.blocks for other_id in member_ids):
        return blocked()
    opened = sum(
        state.rooms[n].kind is RoomKind.DIRECT and state.rooms[n].opener_id == user_id
        for n in state.rooms_of.get(user_id) or ()
    )
    if opened >= limits.directs_per_user:
        return Rejection(
            Reason.TOO_MANY_ROOMS, f"at most {limits.directs_per_user} direct messages of a user"
        )
    room_id = state.counter("room") + 1
    return ev.RoomOpened(time_ms, room_id, RoomKind.DIRECT, "", user_id, member_ids)


def blocked() -> Rejection:
    """Refuse a direct message to somebody who takes none from its author."""
    return Rejection(Reason.BLOCKED, "a recipient takes no direct messages from you", field="room")
