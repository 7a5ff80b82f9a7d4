"""Order in rooms: the decisions about who may not be there, and who may not speak.

Nobody acts on somebody who stands as high in the room, or higher; somebody with bots
stands as high as the highest of them. What is held against a user is kept by its id: it
outlives the membership and a change of name, and not the user itself. It holds for the
bots of the user as well, and a removal takes them along.
"""

from dataclasses import dataclass

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import (
    NO_SUCH_ROOM,
    TOO_HIGH,
    Actor,
    actor_for,
    rank,
)
from chat_service.core.accounts import with_bots
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.membership import after_leaving
from chat_service.core.model import Role, Room, Scope, User
from chat_service.core.rooms import find_room, find_user, room_for
from chat_service.core.sanctions import end_of, flaw_of_reason
from chat_service.core.state import State


def kick_member(state: State, command: cmd.KickMember, time_ms: int) -> Decision:
    """Remove a member from a room."""
    case = _case(state, command, time_ms)
    if isinstance(case, Rejection):
        return case
    if not any((case.room.room_id, one.user_id) in state.members for one in case.people):
        return Rejection(
            Reason.NOT_A_MEMBER, f"{case.user.name} is no member of the room", field="user"
        )
    return case.accepted(state, "kick", *case.removal(state))


def ban_member(state: State, command: cmd.BanMember, time_ms: int) -> Decision:
    """Keep a user out of a room, and remove it."""
    case = _case(state, command, time_ms)
    if isinstance(case, Rejection):
        return case
    freed = _place_for(state, case)
    if isinstance(freed, Rejection):
        return freed
    return case.accepted(state, "ban", *freed, case.ban(), *case.removal(state))


def unban_member(state: State, command: cmd.UnbanMember, time_ms: int) -> Decision:
    """Let a user into a room again."""
    case = _case(state, command, time_ms)
    if isinstance(case, Rejection):
        return _unless_gone(command, case)
    held = state.restrictions.get(case.key)
    if held is None or held.banned_until_ms <= time_ms:
        return Accepted((), case.told())
    return case.accepted(state, "unban", case.ban())


def mute_member(state: State, command: cmd.MuteMember, time_ms: int) -> Decision:
    """Let a user not speak in a room."""
    case = _case(state, command, time_ms)
    if isinstance(case, Rejection):
        return case
    freed = _place_for(state, case)
    if isinstance(freed, Rejection):
        return freed
    return case.accepted(state, "mute", *freed, case.mute())


def unmute_member(state: State, command: cmd.UnmuteMember, time_ms: int) -> Decision:
    """Let a user speak in a room again."""
    case = _case(state, command, time_ms)
    if isinstance(case, Rejection):
        return _unless_gone(command, case)
    held = state.restrictions.get(case.key)
    if held is None or held.muted_until_ms <= time_ms:
        return Accepted((), case.told())
    return case.accepted(state, "unmute", case.mute())


def room_of(state: State, actor: Actor, target: cmd.Target, time_ms: int) -> Room | Rejection:
    """Return the room that an order is about; whoever runs the server names any by its id."""
    if actor.user_id == cmd.OPERATOR and isinstance(target, cmd.RoomById):
        return state.rooms.get(target.room_id) or NO_SUCH_ROOM
    room = find_room(state, actor.user_id, target, time_ms)
    # Nothing was said yet in a direct message that is not open.
    return NO_SUCH_ROOM if isinstance(room, tuple) else room


def moderated_room(
    state: State, session_id: int, target: cmd.Target, time_ms: int
) -> tuple[Actor, Room] | Rejection:
    """Return who gives an order about a room, and the room, if it is a moderator there."""
    actor = actor_for(state, session_id, Scope.MODERATE, time_ms)
    if isinstance(actor, Rejection):
        return actor
    if actor.user_id == cmd.OPERATOR:
        room = room_of(state, actor, target, time_ms)
    else:
        room = room_for(state, actor, target, Role.MODERATOR, time_ms)
    return room if isinstance(room, Rejection) else (actor, room)


_Order = cmd.KickMember | cmd.BanMember | cmd.UnbanMember | cmd.MuteMember | cmd.UnmuteMember


@dataclass(frozen=True, slots=True)
class _Case:
    """Who acts on whom, where and why; nothing forbids it."""

    actor: Actor
    room: Room
    user: User
    # The user, and its bots.
    people: list[User]
    reason: str
    # Until when it holds; 0: for the moment, or no longer.
    until_ms: int
    time_ms: int

    @property
    def key(self) -> tuple[int, int]:
        """The room and the user."""
        return self.room.room_id, self.user.user_id

    def told(self) -> Answer:
        """Return what is answered to who gave the order."""
        return Answer(
            room_id=self.room.room_id,
            time_ms=self.time_ms,
            user_id=self.user.user_id,
            name=self.user.name,
            until_ms=self.until_ms,
        )

    def accepted(self, state: State, action: str, *events: ev.Event) -> Accepted:
        """Carry the order out: these events, and the entry of the audit log."""
        entry = audited(
            state,
            self.time_ms,
            self.actor,
            action,
            room=self.room,
            target_id=self.user.user_id,
            target_name=self.user.name,
            until_ms=self.until_ms,
            reason=self.reason,
        )
        return Accepted((*events, entry), self.told())

    def ban(self) -> ev.MemberBanned:
        """Return that the user may not be in the room, or may again."""
        by = (self.actor.user_id, self.actor.name)
        return ev.MemberBanned(self.time_ms, *self.key, self.until_ms, self.reason, *by)

    def mute(self) -> ev.MemberMuted:
        """Return that the user may not speak in the room, or may again."""
        by = (self.actor.user_id, self.actor.name)
        return ev.MemberMuted(self.time_ms, *self.key, self.until_ms, self.reason, *by)

    def removal(self, state: State) -> list[ev.Event]:
        """Return the end of the memberships, and of invitations, where there are some."""
        room_id, time_ms = self.room.room_id, self.time_ms
        seq = state.heads[room_id]
        events: list[ev.Event] = []
        gone: list[int] = []
        for one in self.people:
            user_id = one.user_id
            if (room_id, user_id) in state.invitations:
                events.append(ev.InvitationEnded(time_ms, room_id, user_id))
            if (room_id, user_id) in state.members:
                seq += 1
                by, whom = (self.actor.user_id, self.actor.name), (user_id, one.name)
                why = (self.reason, self.until_ms)
                events.append(ev.MemberRemoved(time_ms, room_id, seq, *by, *whom, *why))
                gone.append(user_id)
        if gone:
            events += after_leaving(
                state, self.room, gone[0], time_ms, seq=seq, with_ids=tuple(gone[1:])
            )
        return events


def _case(state: State, command: _Order, time_ms: int) -> _Case | Rejection:
    """Return the case of an order, if whoever gave it may do that to that user."""
    reason, until_ms = "", 0
    if isinstance(command, cmd.KickMember | cmd.BanMember | cmd.MuteMember):
        reason = command.reason
        flaw = flaw_of_reason(reason, state.limits)
        if flaw is not None:
            return flaw
    if isinstance(command, cmd.BanMember | cmd.MuteMember):
        end_ms = end_of(command.duration_ms, time_ms)
        if isinstance(end_ms, Rejection):
            return end_ms
        until_ms = end_ms
    moderated = moderated_room(state, command.session_id, command.target, time_ms)
    if isinstance(moderated, Rejection):
        return moderated
    actor, room = moderated
    user = find_user(state, command.user)
    if isinstance(user, Rejection):
        return user
    people = with_bots(state, user)
    standing = max(rank(state, room, one.user_id) for one in people)
    if standing >= rank(state, room, actor.user_id, actor.scopes):
        return TOO_HIGH
    if command.wait_ms:
        return too_fast(command.wait_ms)
    return _Case(actor, room, user, people, reason, until_ms, time_ms)


def _unless_gone(command: cmd.UnbanMember | cmd.UnmuteMember, rejection: Rejection) -> Decision:
    """Accept to lift what ended with its user, of whom only the id is known."""
    if rejection.reason is Reason.USER_NOT_FOUND and isinstance(command.user, cmd.UserById):
        return Accepted()
    return rejection


def _place_for(state: State, case: _Case) -> list[ev.Event] | Rejection:
    """Lift what is over, where the room can remember no further user otherwise."""
    room_id, user_id = case.key
    most = state.limits.bans_per_room
    held = state.restricted_in.get(room_id) or ()
    if user_id in held or len(held) < most:
        return []
    events: list[ev.Event] = []
    left = len(held)
    for other_id in held:
        one = state.restrictions[room_id, other_id]
        if max(one.banned_until_ms, one.muted_until_ms) > case.time_ms:
            continue
        left -= 1
        lifted = (case.time_ms, room_id, other_id, 0, one.reason, one.by_id, one.by_name)
        if one.banned_until_ms:
            events.append(ev.MemberBanned(*lifted))
        if one.muted_until_ms:
            events.append(ev.MemberMuted(*lifted))
    if left >= most:
        return Rejection(Reason.TOO_MANY_BANS, f"at most {most} bans and mutes of a room")
    return events
