"""Codes by which people come in: to make an account, or into a private room."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import ADMIN_NEEDED, is_admin, session_for
from chat_service.core.audit import Actor, audited
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Invite, Room, Scope, User
from chat_service.core.rooms import private_room_for
from chat_service.core.state import State

# The room of codes that are for registrations.
REGISTRATIONS = 0

# Source of the figures: the contract.
MAX_USES = 1000
DAY_MS = 24 * 3_600_000
USUAL_LIFETIME_MS = 7 * DAY_MS
MAX_LIFETIME_MS = 90 * DAY_MS

OPERATOR = User(cmd.OPERATOR, "", 0)
"""Whoever runs the server, as one who gives an order."""


def create_invite(state: State, command: cmd.CreateInvite, time_ms: int) -> Decision:
    """Make a code. A number of 0 stands for the usual one."""
    found = _place_of(state, command, time_ms)
    if isinstance(found, Rejection):
        return found
    creator, room = found
    uses = command.uses or 1
    if not 0 < uses <= MAX_USES:
        return Rejection(Reason.FIELD_INVALID, f"1 to {MAX_USES} uses of a code", field="uses")
    lifetime_ms = command.lifetime_ms or USUAL_LIFETIME_MS
    if not 0 < lifetime_ms <= MAX_LIFETIME_MS:
        return Rejection(
            Reason.FIELD_INVALID, "a code is good for at most 90 days", field="lifetime_ms"
        )
    room_id = REGISTRATIONS if room is None else room.room_id
    held = [state.invites[n] for n in state.invites_of.get(room_id) or ()]
    over = [invite for invite in held if invite.until_ms <= time_ms]
    if len(held) - len(over) >= state.limits.invites:
        return Rejection(
            Reason.TOO_MANY_INVITES, f"at most {state.limits.invites} codes that can be used"
        )
    if command.wait_ms:
        return too_fast(command.wait_ms)
    created = ev.InviteCreated(
        time_ms,
        state.counter("invite") + 1,
        command.code_hash,
        room_id,
        uses,
        time_ms + lifetime_ms,
        creator.user_id,
        creator.name,
    )
    told = audited(
        state,
        time_ms,
        creator,
        "invite",
        room=room,
        details=f"code {created.invite_id} for {uses}",
        until_ms=created.until_ms,
    )
    ended = (ev.InviteEnded(time_ms, invite.invite_id) for invite in over)
    answer = Answer(room_id=room_id, invite_id=created.invite_id, until_ms=created.until_ms)
    return Accepted((*ended, created, told), answer)


def revoke_invite(state: State, command: cmd.RevokeInvite, time_ms: int) -> Decision:
    """End a code; one that nobody can use any more counts as none."""
    found = _place_of(state, command, time_ms)
    if isinstance(found, Rejection):
        return found
    actor, room = found
    room_id = REGISTRATIONS if room is None else room.room_id
    invite = state.invites.get(command.invite_id)
    if invite is None or invite.room_id != room_id or invite.until_ms <= time_ms:
        return Rejection(Reason.INVITE_NOT_FOUND, "there is no such code", field="invite_id")
    told = audited(
        state, time_ms, actor, "invite", room=room, details=f"code {invite.invite_id} revoked"
    )
    return Accepted((ev.InviteEnded(time_ms, invite.invite_id), told), Answer(room_id=room_id))


def ended_with(state: State, user_id: int, room_id: int, time_ms: int) -> list[ev.Event]:
    """Return the ends of the codes and invitations of a user for a room, or REGISTRATIONS.

    Where it loses the right to make them: it would come back, or bring others, by those.
    """
    events: list[ev.Event] = [
        ev.InviteEnded(time_ms, invite_id)
        for invite_id in state.invites_of.get(room_id) or ()
        if state.invites[invite_id].creator_id == user_id
    ]
    events += (
        ev.InvitationEnded(time_ms, room_id, invited_id)
        for invited_id in state.invited_to.get(room_id) or ()
        if state.invitations[room_id, invited_id].inviter_id == user_id
    )
    return events


def registration_by(state: State, code_hash: bytes, time_ms: int) -> Invite | None:
    """Return the invite by whose code an account may be made; None: the code is not good."""
    invite_id = state.invite_ids.get(code_hash)
    invite = None if invite_id is None else state.invites[invite_id]
    if invite is None or invite.room_id != REGISTRATIONS or invite.until_ms <= time_ms:
        return None
    return invite


def _place_of(
    state: State, command: cmd.CreateInvite | cmd.RevokeInvite, time_ms: int
) -> tuple[Actor, Room | None] | Rejection:
    """Return who gives an order about a code, and the room that it is for, if it is for one."""
    if command.target is None:
        return _place_of_registrations(state, command.session_id, time_ms)
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    room = private_room_for(state, session, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    return state.users[session.user_id], room


def _place_of_registrations(
    state: State, session_id: int, time_ms: int
) -> tuple[Actor, None] | Rejection:
    if session_id == cmd.OPERATOR:
        return OPERATOR, None
    session = session_for(state, session_id, Scope.ACCOUNT, time_ms)
    if isinstance(session, Rejection):
        return session
    if not is_admin(state, session.user_id):
        return ADMIN_NEEDED
    return state.users[session.user_id], None
