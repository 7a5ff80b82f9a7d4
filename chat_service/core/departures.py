"""Who goes: the ends of sessions and of users, and all that ends with them."""

from chat_service.core import events as ev
from chat_service.core.membership import after_ending
from chat_service.core.model import Session
from chat_service.core.state import State


def end_session(state: State, session: Session, time_ms: int) -> list[ev.Event]:
    """End a session, with it those that its API token opened, and a guest with its last."""
    user_id = session.user_id
    ended = [session.session_id]
    if session.api_token:
        ended += [n for n in sessions_of(state, user_id) if opened_by(state, n) == ended[0]]
    events: list[ev.Event] = [ev.SessionEnded(time_ms, session_id) for session_id in ended]
    if not state.users[user_id].account and len(ended) == len(sessions_of(state, user_id)):
        events.extend(end_user(state, user_id, time_ms))
    return events


def end_sessions(state: State, user_id: int, time_ms: int, *, but: int = 0) -> list[ev.Event]:
    """End all sessions of a user but one, and nothing else."""
    ids = sessions_of(state, user_id)
    return [ev.SessionEnded(time_ms, session_id) for session_id in ids if session_id != but]


def end_user(state: State, user_id: int, time_ms: int) -> list[ev.Event]:
    """End a guest, and what its rooms lose with it."""
    return [ev.UserEnded(time_ms, user_id), *after_ending(state, user_id, time_ms)]


def sessions_of(state: State, user_id: int) -> tuple[int, ...]:
    """Return the sessions and API tokens of a user, by id; an account may have none."""
    return state.sessions_of.get(user_id) or ()


def opened_by(state: State, session_id: int) -> int:
    """Return the API token that a session was opened by; 0: none."""
    return state.sessions[session_id].parent_id
