"""What an account hands out and takes back: API tokens, and sessions that are revoked."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.accounts import account_of, bot_of
from chat_service.core.decision import Accepted, Answer, Decision
from chat_service.core.departures import end_session, end_sessions
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import FOREVER_MS, Scope, Session
from chat_service.core.signing import flaw_of_label, too_many_sessions
from chat_service.core.state import State

GRANTABLE = tuple(scope for scope in Scope if scope is not Scope.ACCOUNT)


def create_api_token(state: State, command: cmd.CreateApiToken, time_ms: int) -> Decision:
    """Make a token for programs, of the caller or of a bot of the caller."""
    found = account_of(state, command.session_id, time_ms)
    if isinstance(found, Rejection):
        return found
    session, account = found
    if command.bot:
        bot = bot_of(state, account, command.bot)
        if isinstance(bot, Rejection):
            return bot
        account = bot
    flaw = (
        flaw_of_label(state.limits, command.label, "label")
        or _flaw_of_scopes(command.scopes, session)
        or too_many_sessions(state, account.user_id)
    )
    if flaw is not None:
        return flaw
    if command.lifetime_ms < 0:
        return Rejection(
            Reason.FIELD_INVALID, "a token is good for some time, or for ever", field="lifetime_ms"
        )
    lifetime_ms = command.lifetime_ms or FOREVER_MS
    token = ev.SessionOpened(
        time_ms,
        state.counter("session") + 1,
        account.user_id,
        command.token_hash,
        command.instance,
        until_ms=FOREVER_MS,
        expires_ms=min(time_ms + lifetime_ms, FOREVER_MS),
        client=command.label,
        scopes=tuple(int(scope) for scope in GRANTABLE if scope in command.scopes),
        api_token=True,
    )
    return Accepted((token,), Answer(user_id=account.user_id, session_id=token.session_id))


def revoke_session(state: State, command: cmd.RevokeSession, time_ms: int) -> Decision:
    """End a session or an API token of the caller's account or of a bot of it, or all others."""
    found = account_of(state, command.session_id, time_ms)
    if isinstance(found, Rejection):
        return found
    session, account = found
    if not command.revoked_id:
        events = end_sessions(state, account.user_id, time_ms, but=session.session_id)
        return Accepted(tuple(events), Answer(sessions=len(events)))
    revoked = state.sessions.get(command.revoked_id)
    holder = None if revoked is None else state.accounts.get(revoked.user_id)
    if (
        revoked is None
        or holder is None
        or account.user_id not in (holder.user_id, holder.owner_id)
    ):
        return Rejection(Reason.SESSION_NOT_FOUND, "you have no such session", field="session_id")
    events = end_session(state, revoked, time_ms)
    return Accepted(tuple(events), Answer(sessions=len(events)))


def _flaw_of_scopes(scopes: tuple[int, ...], session: Session) -> Rejection | None:
    words = ""
    if not scopes:
        words = "name at least one scope"
    elif any(scope not in GRANTABLE for scope in scopes):
        words = "a scope is not known, or no API token has it"
    elif any(scope not in session.scopes for scope in scopes):
        words = "your own token lacks a scope"
    return Rejection(Reason.FIELD_INVALID, words, field="scopes") if words else None
