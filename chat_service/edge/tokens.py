"""The calls of AccountService about sessions and API tokens.

A new token costs as much as a message. Revoking is free: it must not be held up by whoever
speaks by what is to be revoked.
"""

from collections.abc import Callable

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import too_fast
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import FOREVER_MS, Scope, Session
from chat_service.edge.accounts import bot_named
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.entrance import new_token
from chat_service.edge.ids import session_number, session_text
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.sessions import Sessions

SCOPES = {
    Scope.READ: pb.SCOPE_READ,
    Scope.POST: pb.SCOPE_POST,
    Scope.ROOMS: pb.SCOPE_ROOMS,
    Scope.MODERATE: pb.SCOPE_MODERATE,
    Scope.ADMIN: pb.SCOPE_ADMIN,
    Scope.ACCOUNT: pb.SCOPE_ACCOUNT,
}
_SENT: dict[int, Scope] = {sent: scope for scope, sent in SCOPES.items()}


class TokenMethods:
    """Serves the calls about what is signed in by an account."""

    def __init__(
        self,
        *,
        instance: str,
        journal: Journal,
        directory: Directory,
        sessions: Sessions,
        pace: Pace,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self._instance = instance
        self._journal = journal
        self._directory = directory
        self._sessions = sessions
        self._pace = pace
        # For rates, in seconds.
        self._clock = clock
        self._limits = limits

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "ListSessions": self.list_sessions,
            "RevokeSession": self.revoke_session,
            "CreateApiToken": self.create_api_token,
        }

    async def list_sessions(
        self, request: pb.ListSessionsRequest, call: Call
    ) -> pb.ListSessionsResponse:
        """List the sessions and API tokens of the caller or of a bot, the newest first."""
        session, account = self._sessions.owner(call)
        user_id = bot_named(self._directory, account, request.bot).user_id
        size = page_size(request.page_size, self._limits)
        scope = f"sessions {user_id}"
        key = key_of(request.page_token, scope)
        state, now_ms = self._directory.state, self._directory.clock_ms()
        ids = state.sessions_of.get(user_id) or ()
        before = None if key is None else session_number(key)
        found = [
            state.sessions[number]
            for number in reversed(ids)
            if (before is None or number < before) and state.sessions[number].is_valid(now_ms)
        ]
        shown = found[:size]
        more = len(found) > size
        return pb.ListSessionsResponse(
            sessions=[self._session(one, session.session_id) for one in shown],
            next_page_token=token_after(scope, session_text(shown[-1].session_id)) if more else "",
        )

    async def revoke_session(
        self, request: pb.RevokeSessionRequest, call: Call
    ) -> pb.RevokeSessionResponse:
        """End a session or an API token, or all but the caller's."""
        session, _ = self._sessions.owner(call)
        if request.others == bool(request.session_id):
            raise RefusedError(
                Rejection(Reason.FIELD_INVALID, "name a session, or all others", field="session_id")
            )
        revoked_id = 0 if request.others else session_number(request.session_id)
        if not (request.others or revoked_id):
            raise RefusedError(
                Rejection(Reason.SESSION_NOT_FOUND, "you have no such session", field="session_id")
            )
        answer = await self._journal.order(cmd.RevokeSession(session.session_id, revoked_id))
        return pb.RevokeSessionResponse(ended=answer.sessions)

    async def create_api_token(
        self, request: pb.CreateApiTokenRequest, call: Call
    ) -> pb.CreateApiTokenResponse:
        """Make a token for programs."""
        session, _ = self._sessions.owner(call)
        token = new_token()
        order = cmd.CreateApiToken(
            session.session_id,
            request.bot,
            request.label,
            # 0 is no scope: the core refuses it, as it does one that is not known.
            tuple(int(_SENT.get(scope, 0)) for scope in request.scopes),
            token_hash(token),
            self._instance,
            request.lifetime_ms,
        )
        wait_ms = self._pace.send(session.user_id, self._clock())
        if wait_ms:
            # Thousands of tokens would all end in one commit.
            raise RefusedError(too_fast(wait_ms))
        answer = await self._journal.order(order)
        made = self._directory.state.sessions.get(answer.session_id)
        if made is None:
            # By an order of the same commit.
            raise RefusedError(Rejection(Reason.SESSION_ENDED, "this session has ended"))
        return pb.CreateApiTokenResponse(
            token=token, session=self._session(made, session.session_id)
        )

    def _session(self, session: Session, current_id: int) -> pb.Session:
        connected = session.attachment != 0
        until_ms = session.until_ms
        if connected and until_ms < FOREVER_MS:
            # It begins to be idle when its stream ends.
            until_ms = self._directory.clock_ms() + self._directory.state.limits.account_idle_ms
        return pb.Session(
            session_id=session_text(session.session_id),
            label=session.client,
            api_token=session.api_token,
            scopes=[SCOPES[Scope(scope)] for scope in session.scopes],
            address=session.address,
            create_ms=session.created_ms,
            expires_ms=session.expires_ms if session.expires_ms < FOREVER_MS else 0,
            idle_until_ms=until_ms if until_ms < FOREVER_MS else 0,
            connected=connected,
            current=session.session_id == current_id,
        )
