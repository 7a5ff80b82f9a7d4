"""What becomes of sessions: their streams, their deadlines, their ends."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import session_for
from chat_service.core.decision import Accepted, Decision, valid_session
from chat_service.core.departures import end_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import FOREVER_MS, Scope, Session
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


def _deadline(state: State, session: Session, time_ms: int) -> int:
    if session.api_token:
        return FOREVER_MS
    return idle_until(state, account=state.users[session.user_id].account, time_ms=time_ms)
