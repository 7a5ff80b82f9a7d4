"""Who is here: the decisions about servers, users and sessions."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted, Answer, Decision, valid_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import RULES_VERSION, RoomKind, Session, State
from chat_service.core.names import is_name, is_one_line, name_key
from chat_service.core.rooms import enter_public


def start_instance(state: State, command: cmd.StartInstance, time_ms: int) -> Decision:
    """Begin or go on with the data: epoch, limits, the default room."""
    events: list[ev.Event] = []
    if not state.epoch:
        events.append(ev.ServerCreated(time_ms, command.epoch, RULES_VERSION))
    if state.settings.get("limits") != command.limits:
        events.append(ev.Configured(time_ms, command.limits))
    if name_key(command.default_room) not in state.room_ids:
        room_id = state.counter("room") + 1
        events.append(ev.RoomOpened(time_ms, room_id, RoomKind.PUBLIC, command.default_room, 0, ()))
    until_ms = time_ms + command.limits.guest_grace_ms + command.limits.renewal_ms
    events.append(ev.InstanceStarted(time_ms, command.instance, until_ms))
    return Accepted(tuple(events))


def configure(state: State, command: cmd.Configure, time_ms: int) -> Decision:
    """Go by other limits from here on; what was accepted before stays."""
    if state.settings.get("limits") == command.limits:
        return Accepted()
    return Accepted((ev.Configured(time_ms, command.limits),))


def open_guest(state: State, command: cmd.OpenGuest, time_ms: int) -> Decision:
    """Sign in somebody new; the name must be free."""
    limits = state.limits
    key = name_key(command.name)
    if not is_name(command.name, limits.name_bytes):
        return Rejection(
            Reason.NAME_INVALID,
            f"a name is 1 to {limits.name_bytes} of A-Z a-z 0-9 _ . - and does not start "
            "with . or -",
            field="name",
        )
    if key in limits.reserved_names:
        return Rejection(Reason.NAME_RESERVED, "this name is reserved", field="name")
    events: list[ev.Event] = []
    holder_id = state.user_ids.get(key)
    if holder_id is not None:
        held = [state.sessions[n] for n in state.sessions_of.get(holder_id) or ()]
        if any(session.is_valid(time_ms) for session in held):
            return Rejection(Reason.NAME_TAKEN, "this name is taken", field="name")
        events.extend(ev.SessionEnded(time_ms, session.session_id) for session in held)
        events.extend(_end_user(state, holder_id, time_ms))
    user_id = state.counter("user") + 1
    events.append(ev.UserCreated(time_ms, user_id, command.name))
    return _open(state, command, user_id, events, time_ms)


def open_session(state: State, command: cmd.OpenSession, time_ms: int) -> Decision:
    """Sign in a further client of the same user."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    user = state.users[session.user_id]
    if command.name and name_key(command.name) != name_key(user.name):
        return Rejection(Reason.NAME_INVALID, f"the token belongs to {user.name}", field="name")
    limits = state.limits
    if len(state.sessions_of[user.user_id]) >= limits.sessions_per_user:
        return Rejection(
            Reason.TOO_MANY_SESSIONS, f"at most {limits.sessions_per_user} sessions of a user"
        )
    return _open(state, command, user.user_id, [], time_ms)


def _open(
    state: State,
    command: cmd.OpenGuest | cmd.OpenSession,
    user_id: int,
    events: list[ev.Event],
    time_ms: int,
) -> Decision:
    """Add the session, and the room if one was named, to the events of a sign-in."""
    session_id = state.counter("session") + 1
    until_ms = _deadline(state, time_ms)
    events.append(
        ev.SessionOpened(
            time_ms, session_id, user_id, command.token_hash, command.instance, until_ms
        )
    )
    room_id = 0
    if command.room:
        entry = enter_public(state, user_id, command.room, command.room_wait_ms, time_ms)
        if isinstance(entry, Rejection):
            return entry
        events.extend(entry.events)
        room_id = entry.answer.room_id
    return Accepted(tuple(events), Answer(room_id=room_id, user_id=user_id, session_id=session_id))


def attach_session(state: State, command: cmd.AttachSession, time_ms: int) -> Decision:
    """Note that a Chat stream of the session began."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    if command.attachment <= session.attachment:
        return Rejection(Reason.SESSION_REPLACED, "a newer stream of this session is open")
    return Accepted((ev.SessionAttached(time_ms, session.session_id, command.attachment),))


def detach_session(state: State, command: cmd.DetachSession, time_ms: int) -> Decision:
    """Note that a stream is over, unless a newer one took its place."""
    session = state.sessions.get(command.session_id)
    if session is None or not session.attachment or session.attachment != command.attachment:
        return Accepted()
    until_ms = _deadline(state, time_ms)
    return Accepted((ev.SessionDetached(time_ms, session.session_id, until_ms),))


def renew_session(state: State, command: cmd.RenewSession, time_ms: int) -> Decision:
    """Move the deadline of a session that was used."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    until_ms = _deadline(state, time_ms)
    if session.attachment or until_ms <= session.until_ms:
        return Accepted()
    return Accepted((ev.SessionRenewed(time_ms, session.session_id, until_ms),))


def end_session(state: State, command: cmd.EndSession, time_ms: int) -> Decision:
    """Sign out."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    return Accepted(_close_session(state, session, time_ms))


def expire_session(state: State, command: cmd.ExpireSession, time_ms: int) -> Decision:
    """End a session whose time is over."""
    session = state.sessions.get(command.session_id)
    if session is None or session.is_valid(time_ms):
        return Accepted()
    return Accepted(_close_session(state, session, time_ms))


def kick_user(state: State, command: cmd.KickUser, time_ms: int) -> Decision:
    """End all sessions of a user, and a guest with them: its name is free at once."""
    limits = state.limits
    if not is_one_line(command.reason) or len(command.reason.encode()) > limits.topic_bytes:
        return Rejection(
            Reason.FIELD_INVALID,
            f"a reason is at most {limits.topic_bytes} bytes on one line",
            field="reason",
        )
    user_id = state.user_ids.get(name_key(command.name))
    if user_id is None:
        return Rejection(Reason.USER_NOT_FOUND, "there is nobody here of that name", field="name")
    session_ids = state.sessions_of[user_id]
    events: list[ev.Event] = [ev.UserKicked(time_ms, user_id, command.reason)]
    events.extend(ev.SessionEnded(time_ms, session_id) for session_id in session_ids)
    events.extend(_end_user(state, user_id, time_ms))
    name = state.users[user_id].name
    answer = Answer(user_id=user_id, name=name, sessions=len(session_ids))
    return Accepted(tuple(events), answer)


def _close_session(state: State, session: Session, time_ms: int) -> tuple[ev.Event, ...]:
    ended = ev.SessionEnded(time_ms, session.session_id)
    if len(state.sessions_of[session.user_id]) > 1:
        return (ended,)
    return (ended, *_end_user(state, session.user_id, time_ms))


def _end_user(state: State, user_id: int, time_ms: int) -> list[ev.Event]:
    events: list[ev.Event] = [ev.UserEnded(time_ms, user_id)]
    for room_id in state.rooms_of.get(user_id) or ():
        room = state.rooms[room_id]
        if room.kind is RoomKind.DIRECT and not any(
            other_id in state.users for other_id in room.member_ids if other_id != user_id
        ):
            head = state.heads[room_id]
            left_seq = head if state.first(room_id) <= head else 0
            events.append(ev.RoomForgotten(time_ms, room_id, left_seq))
    return events


def _deadline(state: State, time_ms: int) -> int:
    limits = state.limits
    return time_ms + limits.guest_grace_ms + limits.renewal_ms
