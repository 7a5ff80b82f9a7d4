"""Rooms, their members, and who may enter."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.links import link, unlink
from chat_service.core.model import Invitation, Invite, Member, Role, Room, RoomKind
from chat_service.core.names import name_key
from chat_service.core.state import State


def _room_opened(state: State, event: ev.RoomOpened) -> None:
    state.counters.put("room", event.room_id)
    state.rooms.put(
        event.room_id,
        Room(
            room_id=event.room_id,
            kind=event.kind,
            name=event.name,
            topic=event.topic,
            opener_id=event.opener_id,
            created_ms=event.time_ms,
            member_ids=event.member_ids,
            member_names=tuple(state.users[user_id].name for user_id in event.member_ids),
            description=event.description,
            history=event.history,
            password_hash=event.password_hash,
        ),
    )
    state.heads.put(event.room_id, 0)
    if event.kind is RoomKind.PUBLIC:
        state.room_ids.put(name_key(event.name), event.room_id)
    elif event.kind is RoomKind.DIRECT:
        state.direct_ids.put(event.member_ids, event.room_id)
        for user_id in event.member_ids:
            _add_member(state, event.room_id, user_id, event.time_ms)


def _member_joined(state: State, event: ev.MemberJoined) -> None:
    _add_member(
        state, event.room_id, event.user_id, event.time_ms, role=event.role, from_seq=event.from_seq
    )


def _member_left(state: State, event: ev.MemberLeft) -> None:
    drop_member(state, event.room_id, event.user_id)


def _room_password_set(state: State, event: ev.RoomPasswordSet) -> None:
    room = replace(state.rooms[event.room_id], password_hash=event.password_hash)
    state.rooms.put(event.room_id, room)


def _user_invited(state: State, event: ev.UserInvited) -> None:
    invitation = Invitation(
        event.room_id, event.user_id, event.inviter_id, event.inviter_name, event.time_ms
    )
    state.invitations.put((event.room_id, event.user_id), invitation)
    link(state.invitations_of, event.user_id, event.room_id)
    link(state.invited_to, event.room_id, event.user_id)


def _invitation_ended(state: State, event: ev.InvitationEnded) -> None:
    drop_invitation(state, event.room_id, event.user_id)


def _invite_created(state: State, event: ev.InviteCreated) -> None:
    state.counters.put("invite", event.invite_id)
    invite = Invite(
        invite_id=event.invite_id,
        code_hash=event.code_hash,
        room_id=event.room_id,
        uses_left=event.uses,
        until_ms=event.until_ms,
        creator_id=event.creator_id,
        creator_name=event.creator_name,
    )
    state.invites.put(invite.invite_id, invite)
    state.invite_ids.put(invite.code_hash, invite.invite_id)
    link(state.invites_of, invite.room_id, invite.invite_id)


def _invite_used(state: State, event: ev.InviteUsed) -> None:
    invite = state.invites[event.invite_id]
    if invite.uses_left > 1:
        state.invites.put(invite.invite_id, replace(invite, uses_left=invite.uses_left - 1))
    else:
        end_invite(state, invite)


def _invite_ended(state: State, event: ev.InviteEnded) -> None:
    end_invite(state, state.invites[event.invite_id])


def _add_member(
    state: State,
    room_id: int,
    user_id: int,
    time_ms: int,
    *,
    role: Role = Role.MEMBER,
    from_seq: int = 1,
) -> None:
    number = state.counter("member") + 1
    state.counters.put("member", number)
    member = Member(room_id, user_id, time_ms, role, from_seq, number)
    state.members.put((room_id, user_id), member)
    link(state.rooms_of, user_id, room_id)
    if state.rooms[room_id].kind is RoomKind.PRIVATE:
        link(state.private_members, room_id, user_id)


def drop_member(state: State, room_id: int, user_id: int, *, of_user: bool = True) -> None:
    """Let a user belong to a room no longer; `of_user`: the user itself stays."""
    state.members.drop((room_id, user_id))
    if of_user:
        unlink(state.rooms_of, user_id, room_id)
    if state.rooms[room_id].kind is RoomKind.PRIVATE:
        unlink(state.private_members, room_id, user_id)


def drop_spoke(state: State, *, room_id: int = 0, user_id: int = 0) -> None:
    """Forget when somebody spoke last, in a room or of a user that is gone.

    Not where a member leaves: who comes back at once would not have waited.
    """
    gone = [key for key, _ in state.spoke.items() if room_id == key[0] or user_id == key[1]]
    for key in gone:
        state.spoke.drop(key)


def drop_invitation(state: State, room_id: int, user_id: int) -> None:
    """Let an invitation be no longer."""
    state.invitations.drop((room_id, user_id))
    unlink(state.invitations_of, user_id, room_id)
    unlink(state.invited_to, room_id, user_id)


def end_invite(state: State, invite: Invite) -> None:
    """Let a code be good no longer."""
    state.invites.drop(invite.invite_id)
    state.invite_ids.drop(invite.code_hash)
    unlink(state.invites_of, invite.room_id, invite.invite_id)


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.RoomOpened: _room_opened,
    ev.MemberJoined: _member_joined,
    ev.MemberLeft: _member_left,
    ev.RoomPasswordSet: _room_password_set,
    ev.UserInvited: _user_invited,
    ev.InvitationEnded: _invitation_ended,
    ev.InviteCreated: _invite_created,
    ev.InviteUsed: _invite_used,
    ev.InviteEnded: _invite_ended,
}
