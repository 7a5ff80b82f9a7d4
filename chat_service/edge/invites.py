"""The calls of AccountService about codes by which people may register."""

from collections.abc import Callable

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.codes import code_hash, new_code
from chat_service.core import commands as cmd
from chat_service.core.access import ADMIN_NEEDED, is_admin
from chat_service.core.errors import RefusedError
from chat_service.core.invites import REGISTRATIONS
from chat_service.core.model import Session
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.ids import invite_number, invite_text
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import invite_message


class InviteMethods:
    """Serves the calls about codes for registrations; a new one costs as much as a message."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        sessions: Sessions,
        pace: Pace,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
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
            "CreateInvite": self.create_invite,
            "ListInvites": self.list_invites,
            "RevokeInvite": self.revoke_invite,
        }

    async def create_invite(
        self, request: pb.CreateInviteRequest, call: Call
    ) -> pb.CreateInviteResponse:
        """Make a code."""
        session = self._admin(call)
        code = new_code()
        order = cmd.CreateInvite(
            session.session_id,
            None,
            code_hash(code),
            request.uses,
            request.lifetime_ms,
            self._pace.send(session.user_id, self._clock()),
        )
        answer = await self._journal.order(order)
        invite = self._directory.state.invites.get(answer.invite_id)
        return pb.CreateInviteResponse(
            code=code, invite=None if invite is None else invite_message(invite)
        )

    async def list_invites(
        self, request: pb.ListInvitesRequest, call: Call
    ) -> pb.ListInvitesResponse:
        """List the codes that can still be used, the newest first."""
        self._admin(call)
        size = page_size(request.page_size, self._limits)
        key = key_of(request.page_token, "invites")
        before = None if key is None else invite_number(key)
        state, now_ms = self._directory.state, self._directory.clock_ms()
        found = [
            state.invites[number]
            for number in reversed(state.invites_of.get(REGISTRATIONS) or ())
            if (before is None or number < before) and now_ms < state.invites[number].until_ms
        ]
        shown = found[:size]
        more = len(found) > size
        return pb.ListInvitesResponse(
            invites=[invite_message(invite) for invite in shown],
            next_page_token=token_after("invites", invite_text(shown[-1].invite_id))
            if more
            else "",
        )

    async def revoke_invite(
        self, request: pb.RevokeInviteRequest, call: Call
    ) -> pb.RevokeInviteResponse:
        """End a code."""
        session = self._admin(call)
        order = cmd.RevokeInvite(session.session_id, None, invite_number(request.invite_id))
        await self._journal.order(order)
        return pb.RevokeInviteResponse()

    def _admin(self, call: Call) -> Session:
        session, account = self._sessions.owner(call)
        if not is_admin(self._directory.state, account.user_id):
            raise RefusedError(ADMIN_NEEDED)
        return session
