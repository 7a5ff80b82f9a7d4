"""What becomes of sessions: their streams, their deadlines, their ends."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import session_for
from chat_service.core.decision import Accepted, Decision, valid_session
from chat_service.core.departures import end_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import FOREVER_MS, RoomKind, Scope, Session
from chat_service.core.signing import idle_until
from chat_service.core.state import State


def attach_session(state: State, command: cmd.AttachSession, time_ms: int) -> Decision:
    """Note that a Chat stream of the session began."""
    session = session_for(state, command.session_id, Scope.READ, time_ms)
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
    until_ms = _deadline(state, session, time_ms)
    return Accepted((ev.SessionDetached(time_ms, session.session_id, until_ms),))


def renew_session(state: State, command: cmd.RenewSession, time_ms: int) -> Decision:
    """Move the deadline of a session that was used."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    until_ms = _deadline(state, session, time_ms)
    if session.attachment or until_ms <= session.until_ms:
        return Accepted()
    return Accepted((ev.SessionRenewed(time_ms, session.session_id, until_ms),))


def close_session(state: State, command: cmd.EndSession, time_ms: int) -> Decision:
    """Sign out."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    return Accepted(tuple(end_session(state, session, time_ms)))


def expire_session(state: State, command: cmd.ExpireSession, time_ms: int) -> Decision:
    """End a session whose time is over."""
    session = state.sessions.get(command.session_id)
    if session is None or session.is_valid(time_ms):
        return Accepted()
    return Accepted(tuple(end_session(state, session, time_ms)))


def connected_at_stop(state: State) -> list[tuple[int, int]]:
    """Return the rooms, but for direct messages, and the users that were connected in them.

    To be asked before anything has happened since the start: a restart is no news of them.
    """
    limits, last_ms = state.limits, state.counter("time_ms")

    def was_here(session: Session) -> bool:
        has_account = state.users[session.user_id].account
        idle_ms = limits.account_idle_ms if has_account else limits.guest_grace_ms
        # An API token is never idle: that says nothing of when it was used.
        return session.attachment != 0 or (
            not session.api_token and session.until_ms > last_ms + idle_ms
        )

    users = {session.user_id: None for session in state.sessions.values() if was_here(session)}
    return [
        (room_id, user_id)
        for user_id in users
        for room_id in state.rooms_of.get(user_id) or ()
        if state.rooms[room_id].kind is not RoomKind.DIRECT
    ]


def _deadline(state: State, session: Session, time_ms: int) -> int:
    if session.api_token:
        return FOREVER_MS
    return idle_until(state, account=state.users[session.user_id].account, time_ms=time_ms)
