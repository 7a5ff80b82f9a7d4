"""What is said: the decision about posts."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import rank, scope_missing
from chat_service.core.decision import (
    Accepted,
    Answer,
    Decision,
    FirstAnswer,
    too_fast,
    valid_session,
)
from chat_service.core.entry import blocked, open_direct
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import Role, Room, RoomKind, Scope, User
from chat_service.core.names import count_lines, has_visible, is_client_id
from chat_service.core.properties import why_silent
from chat_service.core.rooms import find_room
from chat_service.core.state import State


def post_message(
    state: State, command: cmd.PostMessage, first_answer: FirstAnswer | None, time_ms: int
) -> Decision:
    """Store what was said, once for each client_msg_id of a user."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    if Scope.POST not in session.scopes:
        return scope_missing(Scope.POST)
    limits = state.limits
    if not is_client_id(command.client_msg_id, limits.client_id_bytes):
        return Rejection(
            Reason.CLIENT_ID_INVALID,
            f"client_msg_id is 1 to {limits.client_id_bytes} characters of printable ASCII",
            field="client_msg_id",
        )
    if first_answer is not None:
        if first_answer.request_hash != command.request_hash:
            return Rejection(
                Reason.ID_REUSED,
                "this client_msg_id was used for another message",
                field="client_msg_id",
            )
        room_id, seq, first_ms, _ = first_answer
        return Accepted((), Answer(room_id=room_id, seq=seq, time_ms=first_ms, duplicate=True))
    flaw = flaw_of_text(command.text, limits)
    if flaw:
        return Rejection(Reason.TEXT_INVALID, flaw, field="text")
    room = find_room(state, session.user_id, command.target, time_ms)
    if isinstance(room, Rejection):
        return room
    if isinstance(room, Room):
        is_direct = room.kind is RoomKind.DIRECT
        why_not = _why_not_heard if is_direct else why_silent
        silence = why_not(state, room, session.user_id, time_ms)
        if silence is not None:
            return silence
    if command.wait_ms:
        return too_fast(command.wait_ms)
    user = state.users[session.user_id]
    if isinstance(room, Room):
        slow = _too_soon(state, room, user.user_id, time_ms) if room.slow_mode_ms else None
        if slow is not None:
            return slow
        if is_direct and not _is_heard(state, room, user):
            return Rejection(
                Reason.RECIPIENTS_GONE, "nobody is left in this direct message", field="room"
            )
        message = _message(command, user, room.room_id, state.heads[room.room_id] + 1, time_ms)
        events: tuple[ev.Event, ...] = (message,)
    else:
        opened = open_direct(state, user.user_id, room, time_ms)
        if isinstance(opened, Rejection):
            return opened
        message = _message(command, user, opened.room_id, 1, time_ms)
        events = (opened, message)
    return Accepted(events, Answer(room_id=message.room_id, seq=message.seq, time_ms=time_ms))


def _message(
    command: cmd.PostMessage, user: User, room_id: int, seq: int, time_ms: int
) -> ev.MessagePosted:
    return ev.MessagePosted(
        time_ms,
        room_id,
        seq,
        user.user_id,
        user.name,
        command.style,
        command.text,
        command.client_msg_id,
        command.request_hash,
        user.bot,
    )


def _why_not_heard(state: State, room: Room, user_id: int, _: int) -> Rejection | None:
    """Return why a user may say nothing in a direct message; None if it may."""
    # A group that was opened before goes on: its members can leave nobody out.
    if len(room.member_ids) == 2 and any((n, user_id) in state.blocks for n in room.member_ids):
        return blocked()
    return None


def _too_soon(state: State, room: Room, user_id: int, time_ms: int) -> Rejection | None:
    """Refuse what comes too soon after its author's last message in a room in slow mode."""
    if rank(state, room, user_id) >= Role.MODERATOR:
        return None
    spoke_ms = state.spoke.get((room.room_id, user_id))
    wait_ms = 0 if spoke_ms is None else spoke_ms + room.slow_mode_ms - time_ms
    if wait_ms <= 0:
        return None
    return Rejection(
        Reason.SLOW_MODE,
        "this room is in slow mode: wait a moment",
        field="room",
        retry_after_ms=wait_ms,
        metadata=(("room_id", f"r{room.room_id}"),),
    )


def _is_heard(state: State, room: Room, author: User) -> bool:
    return any(n != author.user_id and n in state.users for n in room.member_ids)


def flaw_of_text(text: str, limits: Limits) -> str:
    """Return why a text cannot be said, in words for its author; empty if it can."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "a text has no half of a surrogate pair"
    if size > limits.text_bytes:
        return f"a text is at most {limits.text_bytes} bytes"
    if "\x00" in text:
        return "a text holds no NUL"
    if count_lines(text) > limits.text_lines:
        return f"a text is at most {limits.text_lines} lines"
    if not has_visible(text):
        return "a text needs a visible character"
    return ""
