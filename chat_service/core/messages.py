"""What is said: the decision about posts."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import (
    Accepted,
    Answer,
    Decision,
    FirstAnswer,
    too_fast,
    valid_session,
)
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import Room, RoomKind, State, User
from chat_service.core.names import count_lines, has_visible, is_client_id
from chat_service.core.rooms import find_room, open_direct


def post_message(
    state: State, command: cmd.PostMessage, first_answer: FirstAnswer | None, time_ms: int
) -> Decision:
    """Store what was said, once for each client_msg_id of a user."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
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
    room = find_room(state, session.user_id, command.target)
    if isinstance(room, Rejection):
        return room
    if command.wait_ms:
        return too_fast(command.wait_ms)
    user = state.users[session.user_id]
    if isinstance(room, Room):
        if room.kind is RoomKind.DIRECT and not _is_heard(state, room, user):
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
