"""Who belongs to a room: the decisions about roles, invitations, and going."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import banned_until, is_admin, rank, session_for
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.invites import ended_with
from chat_service.core.model import Member, Role, Room, RoomKind, Scope, User
from chat_service.core.properties import joined_room
from chat_service.core.rooms import find_member, find_user, private_room_for, room_for
from chat_service.core.state import State


def leave_room(state: State, command: cmd.LeaveRoom, time_ms: int) -> Decision:
    """End a membership."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    room = joined_room(state, session.user_id, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    room_id = room.room_id
    left = ev.MemberLeft(time_ms, room_id, session.user_id)
    events = (left, *after_leaving(state, room, session.user_id, time_ms))
    return Accepted(events, Answer(room_id=room_id))


# ------------------------------------------------------------------ who is left


def after_leaving(
    state: State,
    room: Room,
    user_id: int,
    time_ms: int,
    *,
    seq: int = 0,
    with_ids: tuple[int, ...] = (),
) -> tuple[ev.Event, ...]:
    """Return what follows where a member goes, by whatever way.

    A private room that has no owner any more gets one, and one that has nobody is forgotten.
    By what a member let others in with, nobody comes in after it.
    `seq` is the newest of the room, where its going has one that the state does not know;
    `with_ids` are users who go at the same time.
    """
    if room.kind is not RoomKind.PRIVATE:
        return ()
    room_id = room.room_id
    ids = state.private_members.get(room_id) or ()
    leaver = state.members.get((room_id, user_id))
    gone = (user_id, *with_ids)
    ended = [event for one in gone for event in ended_with(state, one, room_id, time_ms)]
    if leaver is not None and leaver.role is not Role.OWNER and len(ids) > 1 and not with_ids:
        # Without a look at all others: there is an owner among them.
        return tuple(ended)
    left = [state.members[room_id, other_id] for other_id in ids if other_id not in gone]
    if not left:
        return (forgotten(state, room_id, time_ms, seq=seq),)
    if any(member.role is Role.OWNER for member in left):
        return tuple(ended)
    heir = min(left, key=lambda member: (member.role is not Role.MODERATOR, member.number))
    seq = max(seq, state.heads[room_id]) + 1
    name = state.users[heir.user_id].name
    follows = ev.RoleChanged(time_ms, room_id, seq, 0, "", heir.user_id, name, Role.OWNER)
    return (*ended, follows)


def after_ending(state: State, user_id: int, time_ms: int) -> list[ev.Event]:
    """Return what follows in all rooms of a user who is gone for ever."""
    events: list[ev.Event] = []
    for room_id in state.rooms_of.get(user_id) or ():
        room = state.rooms[room_id]
        if room.kind is RoomKind.PRIVATE:
            events += after_leaving(state, room, user_id, time_ms)
        elif room.kind is RoomKind.DIRECT and not any(
            other_id in state.users for other_id in room.member_ids if other_id != user_id
        ):
            events.append(forgotten(state, room_id, time_ms))
    return events


def leaving_all(state: State, user_ids: tuple[int, ...], time_ms: int) -> list[ev.Event]:
    """Return how users who stay accounts leave all rooms, and what follows.

    Direct messages are not left: others go on reading what was said there. Invitations end.
    """
    events: list[ev.Event] = []
    rooms: dict[int, Room] = {}
    for user_id in user_ids:
        events += (
            ev.InvitationEnded(time_ms, room_id, user_id)
            for room_id in state.invitations_of.get(user_id) or ()
        )
        for room_id in state.rooms_of.get(user_id) or ():
            room = state.rooms[room_id]
            if room.kind is not RoomKind.DIRECT:
                events.append(ev.MemberLeft(time_ms, room_id, user_id))
                rooms[room_id] = room
    for room in rooms.values():
        events += after_leaving(state, room, user_ids[0], time_ms, with_ids=user_ids[1:])
    return events


def forgotten(state: State, room_id: int, time_ms: int, *, seq: int = 0) -> ev.RoomForgotten:
    """Return the end of a room, with the newest seq that is still stored of it, if any is."""
    head = max(seq, state.heads[room_id])
    return ev.RoomForgotten(time_ms, room_id, head if state.first(room_id) <= head else 0)


# ------------------------------------------------------------------------ roles


def set_role(state: State, command: cmd.SetRole, time_ms: int) -> Decision:
    """Give a member another role. Owners only; nobody does it to another owner."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    room = room_for(state, session, command.target, Role.OWNER, time_ms)
    if isinstance(room, Rejection):
        return room
    found = find_member(state, room, command.user)
    if isinstance(found, Rejection):
        return found
    user, member = found
    is_other = user.user_id != session.user_id
    standing = rank(state, room, session.user_id, session.scopes)
    if is_other and rank(state, room, user.user_id) >= standing:
        return Rejection(
            Reason.ROLE_TOO_HIGH, f"{user.name} has the same role as you", field="user"
        )
    if _is_last_owner(state, room, member) and command.role is not Role.OWNER:
        return Rejection(
            Reason.LAST_OWNER, "a private room has an owner: make another one first", field="user"
        )
    if command.wait_ms:
        return too_fast(command.wait_ms)
    if member.role is command.role:
        return Accepted((), Answer(room_id=room.room_id))
    return _given(state, room, session.user_id, user, command.role, time_ms)


def _is_last_owner(state: State, room: Room, member: Member) -> bool:
    return (
        room.kind is RoomKind.PRIVATE
        and member.role is Role.OWNER
        and not any(
            state.members[room.room_id, other_id].role is Role.OWNER
            for other_id in state.private_members.get(room.room_id) or ()
            if other_id != member.user_id
        )
    )


def _given(
    state: State, room: Room, giver_id: int, user: User, role: Role, time_ms: int
) -> Accepted:
    seq = state.heads[room.room_id] + 1
    giver = state.users[giver_id]
    changed = ev.RoleChanged(
        time_ms, room.room_id, seq, giver_id, giver.name, user.user_id, user.name, role
    )
    told = audited(
        state,
        time_ms,
        giver,
        "role",
        room=room,
        target_id=user.user_id,
        target_name=user.name,
        details=role.name.lower(),
    )
    ended: list[ev.Event] = []
    if role is Role.MEMBER and not is_admin(state, user.user_id):
        ended = ended_with(state, user.user_id, room.room_id, time_ms)
    answer = Answer(room_id=room.room_id, seq=seq, time_ms=time_ms)
    return Accepted((changed, *ended, told), answer)


# ------------------------------------------------------------------ invitations


def invite_user(state: State, command: cmd.InviteUser, time_ms: int) -> Decision:
    """Let a user enter a private room. Moderators only.

    Somebody who blocks the inviter does not hear of it, and the inviter not of that: not
    from the audit log either, which has each order, whether or not it changed anything.
    """
    found = _guest_of(state, command, time_ms)
    if isinstance(found, Rejection):
        return found
    room, inviter, user = found
    key = (room.room_id, user.user_id)
    if key in state.members:
        return Rejection(
            Reason.ALREADY_MEMBER, f"{user.name} is a member of this room", field="user"
        )
    if banned_until(state, *key, time_ms):
        return Rejection(
            Reason.BANNED_FROM_ROOM,
            f"{user.name} is banned from this room: lift the ban first",
            field="user",
        )
    answer = Answer(room_id=room.room_id)
    is_unheard = (user.user_id, inviter.user_id) in state.blocks
    before = state.invitations.get(key)
    if before is None:
        most = state.limits.invitations_per_user
        if len(state.invitations_of.get(user.user_id) or ()) >= most:
            return Rejection(
                Reason.TOO_MANY_INVITES, f"at most {most} invitations of a user", field="user"
            )
    if command.wait_ms:
        return too_fast(command.wait_ms)
    told = _told(state, found, time_ms)
    if is_unheard or (before is not None and before.inviter_id == inviter.user_id):
        return Accepted((told,), answer)
    # Or it would end with the rights of who invited before.
    ended = () if before is None else (ev.InvitationEnded(time_ms, *key),)
    invited = ev.UserInvited(time_ms, *key, inviter.user_id, inviter.name)
    return Accepted((*ended, invited, told), answer)


def revoke_invitation(state: State, command: cmd.RevokeInvitation, time_ms: int) -> Decision:
    """Take an invitation back. Moderators only; no effect if there is none."""
    found = _guest_of(state, command, time_ms)
    if isinstance(found, Rejection):
        return found
    room, _, user = found
    answer = Answer(room_id=room.room_id)
    told = _told(state, found, time_ms, "revoked")
    if (room.room_id, user.user_id) not in state.invitations:
        return Accepted((told,), answer)
    ended = ev.InvitationEnded(time_ms, room.room_id, user.user_id)
    return Accepted((ended, told), answer)


def _told(
    state: State, invited: tuple[Room, User, User], time_ms: int, details: str = ""
) -> ev.Audited:
    room, by, user = invited
    return audited(
        state,
        time_ms,
        by,
        "invite",
        room=room,
        target_id=user.user_id,
        target_name=user.name,
        details=details,
    )


def decline_invitation(state: State, command: cmd.DeclineInvitation, time_ms: int) -> Decision:
    """Let go of one's own invitation; no effect if there is none."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    if (command.room_id, session.user_id) not in state.invitations:
        return Accepted()
    return Accepted((ev.InvitationEnded(time_ms, command.room_id, session.user_id),))


def _guest_of(
    state: State, command: cmd.InviteUser | cmd.RevokeInvitation, time_ms: int
) -> tuple[Room, User, User] | Rejection:
    """Return the room of an invitation, who gives the order, and whom it is about."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    room = private_room_for(state, session, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    user = find_user(state, command.user)
    if isinstance(user, Rejection):
        return user
    account = state.accounts.get(user.user_id)
    if account is not None and account.deactivated:
        return Rejection(Reason.USER_NOT_FOUND, "there is nobody here of that name", field="user")
    return room, state.users[session.user_id], user
