"""The tokens that callers present, and the deadlines of their sessions."""

from collections.abc import Callable

from chat_service.core import commands as cmd
from chat_service.core.access import session_for
from chat_service.core.accounts import account_of
from chat_service.core.errors import RefusedError, Rejection
from chat_service.core.model import Account, Scope, Session
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.ids import session_text
from chat_service.edge.journal import Journal
from chat_service.edge.streams import Streams


class Sessions:
    """Finds the session of a call, and keeps it from expiring while it is used."""

    def __init__(self, directory: Directory, journal: Journal, clock_ms: Callable[[], int]) -> None:
        self._directory = directory
        self._journal = journal
        self._clock_ms = clock_ms

    def of(self, call: Call) -> Session:
        """Return the session of a call, which knows it from then on.

        Raises RefusedError: BANNED, TOKEN_MISSING, TOKEN_INVALID, KICKED.
        """
        self._directory.check_address(call.address, call.token)
        session = self._directory.session_of(call.token, self._clock_ms())
        call.session_id = session_text(session.session_id)
        return session

    def used_by(self, call: Call, scope: Scope) -> Session:
        """Return the session of a call, as `of`, and move its deadline.

        Raises RefusedError as `of`, and SCOPE_MISSING where its token may not be used for that.
        """
        session = self.of(call)
        found = session_for(self._directory.state, session.session_id, scope, self._clock_ms())
        if isinstance(found, Rejection):
            raise RefusedError(found)
        self.renew(session)
        return session

    def owner(self, call: Call) -> tuple[Session, Account]:
        """Return the session and the account of a call that is about its own account.

        Raises RefusedError as `used_by`, and ACCOUNT_NEEDED for a guest.
        """
        session = self.used_by(call, Scope.ACCOUNT)
        found = account_of(self._directory.state, session.session_id, self._clock_ms())
        if isinstance(found, Rejection):
            raise RefusedError(found)
        return found

    def renew(self, session: Session) -> None:
        """Move the deadline of a session without a Chat stream.

        At most once in the renewal time, so that calls do not each cost a commit.
        """
        limits, user = self._directory.state.limits, self._directory.user_of(session)
        grace_ms = limits.account_idle_ms if user.account else limits.guest_grace_ms
        if session.attachment == 0 and session.until_ms - self._clock_ms() < grace_ms:
            self._journal.note(cmd.RenewSession(session.session_id))

    def expire(self, streams: Streams) -> None:
        """Bring the sessions in line with the streams that are open, and end the silent ones.

        Sessions that are read by a Subscribe stream are renewed. One whose Chat stream
        is gone is detached, should the log have been too busy to note it at the time.
        """
        sessions = self._directory.state.sessions
        for session_id in streams.subscribed_sessions():
            session = sessions.get(session_id)
            if session is not None:
                self.renew(session)
        open_ones = streams.attachments()
        now_ms = self._clock_ms()
        for session in list(sessions.values()):
            if session.attachment and session.attachment not in open_ones:
                self._journal.note(cmd.DetachSession(session.session_id, session.attachment))
            elif not session.is_valid(now_ms):
                self._journal.note(cmd.ExpireSession(session.session_id))
