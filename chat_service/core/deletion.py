"""What is taken back: the decision about deleted messages."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import (
    TOO_HIGH,
    Actor,
    actor_for,
    rank,
    scope_missing,
)
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision, StoredMessage, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Role, Room, Scope
from chat_service.core.moderation import room_of
from chat_service.core.properties import why_silent
from chat_service.core.rooms import role_needed
from chat_service.core.sanctions import flaw_of_reason
from chat_service.core.state import State

NO_SUCH_MESSAGE = Rejection(
    Reason.MESSAGE_NOT_FOUND, "there is no message with this number", field="seq"
)


def delete_message(
    state: State, command: cmd.DeleteMessage, stored: StoredMessage | None, time_ms: int
) -> Decision:
    """Leave a tombstone of a message: of one's own, or of somebody else's as a moderator.

    `stored` is what is at that place of the room, if anything is.
    """
    actor = actor_for(state, command.session_id, None, time_ms)
    if isinstance(actor, Rejection):
        return actor
    if Scope.POST not in actor.scopes and Scope.MODERATE not in actor.scopes:
        return scope_missing(Scope.POST)
    flaw = flaw_of_reason(command.reason, state.limits)
    if flaw is not None:
        return flaw
    room = room_of(state, actor, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    member = state.members.get((room.room_id, actor.user_id))
    hidden = member is not None and command.seq < member.from_seq
    if hidden or stored is None or not (stored.is_text or stored.is_deleted):
        return NO_SUCH_MESSAGE
    objection = _objection(state, actor, room, stored, time_ms)
    if objection is not None:
        return objection
    if stored.is_deleted:
        return Accepted((), Answer(room_id=room.room_id))
    if command.wait_ms:
        return too_fast(command.wait_ms)
    seq = state.heads[room.room_id] + 1
    deleted = ev.MessageDeleted(
        time_ms,
        room.room_id,
        seq,
        actor.user_id,
        actor.name,
        command.seq,
        stored.author_id,
        stored.author_name,
        command.reason,
    )
    events: tuple[ev.Event, ...] = (deleted,)
    if stored.author_id != actor.user_id:
        entry = audited(
            state,
            time_ms,
            actor,
            "delete",
            room=room,
            target_id=stored.author_id,
            target_name=stored.author_name,
            details=f"seq {command.seq}",
            reason=command.reason,
        )
        events = (deleted, entry)
    return Accepted(events, Answer(room_id=room.room_id, seq=seq, time_ms=time_ms))


def _objection(
    state: State, actor: Actor, room: Room, stored: StoredMessage, time_ms: int
) -> Rejection | None:
    """Return why this message may not be deleted by this user; None if it may."""
    standing = rank(state, room, actor.user_id, actor.scopes)
    moderates = standing >= Role.MODERATOR and Scope.MODERATE in actor.scopes
    if stored.author_id == actor.user_id:
        return None if moderates else _objection_to_author(state, actor, room, time_ms)
    if standing < Role.MODERATOR:
        return role_needed(Role.MODERATOR)
    if not moderates:
        return scope_missing(Scope.MODERATE)
    return TOO_HIGH if rank(state, room, stored.author_id) >= standing else None


def _objection_to_author(state: State, actor: Actor, room: Room, time_ms: int) -> Rejection | None:
    if Scope.POST not in actor.scopes:
        return scope_missing(Scope.POST)
    return why_silent(state, room, actor.user_id, time_ms)
