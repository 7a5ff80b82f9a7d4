"""What rooms are like: the decisions about topics and everything else that can be set."""

from typing import Any

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import muted_until, rank, session_for
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import HistoryPolicy, Role, Room, RoomKind, Scope, User
from chat_service.core.names import name_key
from chat_service.core.rooms import (
    find_room,
    flaw_of_description,
    flaw_of_name,
    flaw_of_public,
    flaw_of_topic,
    name_taken,
    role_needed,
    room_for,
)
from chat_service.core.state import State

# Longest wait between two messages. Source: the contract.
MAX_SLOW_MODE_MS = 6 * 3_600_000

# What members are told of, in the order in which the audit log names it.
_FIELDS = ("name", "description", "archived", "slow_mode_ms", "history", "topic_locked")


def set_topic(state: State, command: cmd.SetTopic, time_ms: int) -> Decision:
    """Change what a room is about."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    flaw = flaw_of_topic(command.topic, state.limits)
    if flaw is not None:
        return flaw
    room = joined_room(state, session.user_id, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    silence = why_silent(state, room, session.user_id, time_ms)
    if silence is not None:
        return silence
    if room.topic_locked and rank(state, room, session.user_id, session.scopes) < Role.MODERATOR:
        return role_needed(Role.MODERATOR)
    if command.wait_ms:
        return too_fast(command.wait_ms)
    seq = state.heads[room.room_id] + 1
    user = state.users[session.user_id]
    event = ev.TopicChanged(time_ms, room.room_id, seq, user.user_id, user.name, command.topic)
    return Accepted((event,), Answer(room_id=room.room_id, seq=seq, time_ms=time_ms))


def joined_room(state: State, user_id: int, target: cmd.Target, time_ms: int) -> Room | Rejection:
    """Return a room, no direct message, that a user is a member of."""
    room = find_room(state, user_id, target, time_ms)
    if isinstance(room, Rejection):
        return room
    if not isinstance(room, Room) or room.kind is RoomKind.DIRECT:
        return Rejection(
            Reason.ROOM_IS_DIRECT, "a direct message has no topic and cannot be left", field="room"
        )
    if (room.room_id, user_id) not in state.members:
        return Rejection(Reason.NOT_A_MEMBER, "join the room first", field="room")
    return room


def why_silent(state: State, room: Room, user_id: int, time_ms: int) -> Rejection | None:
    """Return why a user may say nothing in a room, not even a topic; None if it may."""
    if room.archived:
        return Rejection(Reason.ROOM_ARCHIVED, "this room is archived", field="room")
    until_ms = muted_until(state, room.room_id, user_id, time_ms)
    if not until_ms:
        return None
    return Rejection(
        Reason.MUTED,
        "you are muted in this room",
        field="room",
        metadata=(("room_id", f"r{room.room_id}"), ("until_ms", str(until_ms))),
    )


def update_room(state: State, command: cmd.UpdateRoom, time_ms: int) -> Decision:
    """Change how a room is. Its owners may; its moderators only how slow it is."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    user_id = session.user_id
    flaw = _flaw(command, state.limits)
    if flaw is not None:
        return flaw
    room = room_for(state, session, command.target, _role_for(command), time_ms)
    if isinstance(room, Rejection):
        return room
    if room.kind is RoomKind.PUBLIC:
        flaw = flaw_of_public(
            has_password=command.password_hash is not None,
            from_join=command.history is HistoryPolicy.FROM_JOIN,
        )
        if flaw is not None:
            return flaw
        if command.name is not None:
            holder = state.room_ids.get(name_key(command.name))
            if holder not in (None, room.room_id):
                return name_taken()
    if command.wait_ms:
        return too_fast(command.wait_ms)
    return _changed(state, command, room, state.users[user_id], time_ms)


def _changed(
    state: State, command: cmd.UpdateRoom, room: Room, user: User, time_ms: int
) -> Accepted:
    """Return what follows from what differs; nothing does where all is as it was."""
    # Any: the fields of a room, by name.
    changes: dict[str, Any] = {
        field: getattr(command, field)
        for field in _FIELDS
        if getattr(command, field) not in (None, getattr(room, field))
    }
    events: list[ev.Event] = []
    details = [_told(field, value) for field, value in changes.items()]
    answer = Answer(room_id=room.room_id)
    if changes:
        seq = state.heads[room.room_id] + 1
        events.append(
            ev.RoomChanged(time_ms, room.room_id, seq, user.user_id, user.name, **changes)
        )
        answer = Answer(room_id=room.room_id, seq=seq, time_ms=time_ms)
    if command.password_hash not in (None, room.password_hash):
        hashed = command.password_hash or ""
        events.append(ev.RoomPasswordSet(time_ms, room.room_id, hashed))
        details.append("password" if hashed else "password=none")
    if events:
        events.append(audited(state, time_ms, user, "room", room=room, details=" ".join(details)))
    return Accepted(tuple(events), answer)


def _told(field: str, value: object) -> str:
    """Return what the audit log has of a change; of a description only that it changed."""
    if field == "description":
        return field
    if isinstance(value, HistoryPolicy):
        value = value.name.lower()
    return f"{field}={value}"


def _role_for(command: cmd.UpdateRoom) -> Role:
    others = (
        command.name,
        command.description,
        command.archived,
        command.history,
        command.topic_locked,
        command.password_hash,
    )
    return Role.MODERATOR if all(value is None for value in others) else Role.OWNER


def _flaw(command: cmd.UpdateRoom, limits: Limits) -> Rejection | None:
    """Return what is wrong with the order whichever room it is about; None if nothing is."""
    if command.slow_mode_ms is None and _role_for(command) is Role.MODERATOR:
        return Rejection(Reason.FIELD_INVALID, "there is nothing to change", field="room")
    flaw = None
    if command.name is not None:
        flaw = flaw_of_name(command.name, limits, "name")
    if flaw is None and command.description is not None:
        flaw = flaw_of_description(command.description, limits)
    slow_ms = command.slow_mode_ms
    if flaw is None and slow_ms is not None and not 0 <= slow_ms <= MAX_SLOW_MODE_MS:
        return Rejection(
            Reason.FIELD_INVALID,
            f"slow mode is 0 to {MAX_SLOW_MODE_MS} ms",
            field="slow_mode_ms",
        )
    return flaw
