"""The calls of ModerationService about the server: its users, and who may come."""

import asyncio
import logging
from collections.abc import Callable

from chat_protos.chat.v1 import moderation_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import RefusedError, Rejection
from chat_service.core.model import Scope
from chat_service.edge.calls import Call
from chat_service.edge.ids import user_text
from chat_service.edge.journal import Journal, Outcome
from chat_service.edge.methods import Unary
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import user_target_of

logger = logging.getLogger(__name__)


class ServerOrder:
    """Serves the calls that need an admin."""

    def __init__(
        self, *, journal: Journal, sessions: Sessions, check_open: Callable[[], None]
    ) -> None:
        """`check_open` raises when the server stops."""
        self._journal = journal
        self._sessions = sessions
        self._check_open = check_open

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "RemoveUser": self.remove_user,
            "BanUser": self.ban_user,
            "UnbanUser": self.unban_user,
            "BanNetwork": self.ban_network,
            "UnbanNetwork": self.unban_network,
            "SetLockdown": self.set_lockdown,
            "SetAdmin": self.set_admin,
            "SetDeactivated": self.set_deactivated,
            "SetFast": self.set_fast,
        }

    async def remove_user(self, request: pb.RemoveUserRequest, call: Call) -> pb.RemoveUserResponse:
        """End all sessions of a user."""
        session_id, user = self._admin(call), user_target_of(request.user)
        answer = await self._journal.order(cmd.KickUser(session_id, user, request.reason))
        _tell(call, "server-kick", answer)
        return pb.RemoveUserResponse(sessions=answer.sessions)

    async def ban_user(self, request: pb.BanUserRequest, call: Call) -> pb.BanUserResponse:
        """Keep a user out of the server."""
        session_id, user = self._admin(call), user_target_of(request.user)
        answer = await self._journal.order(
            cmd.BanUser(session_id, user, request.duration_ms, request.reason)
        )
        _tell(call, "server-ban", answer)
        return pb.BanUserResponse(until_ms=answer.until_ms)

    async def unban_user(self, request: pb.UnbanUserRequest, call: Call) -> pb.UnbanUserResponse:
        """Let a user in again."""
        answer = await self._journal.order(cmd.UnbanUser(self._admin(call), request.name))
        _tell(call, "server-unban", answer)
        return pb.UnbanUserResponse()

    async def ban_network(self, request: pb.BanNetworkRequest, call: Call) -> pb.BanNetworkResponse:
        """Keep out who comes from a network."""
        command = cmd.BanNetwork(
            self._admin(call), request.network, request.duration_ms, request.reason, call.address
        )
        answer, streams = await self._cut(command)
        logger.info(
            "moderated",
            extra=call.told(action="network-ban", network=answer.name, streams=streams),
        )
        return pb.BanNetworkResponse(network=answer.name, until_ms=answer.until_ms, streams=streams)

    async def unban_network(
        self, request: pb.UnbanNetworkRequest, call: Call
    ) -> pb.UnbanNetworkResponse:
        """Let a network in again."""
        command = cmd.UnbanNetwork(self._admin(call), request.network)
        answer = await self._journal.order(command)
        logger.info("moderated", extra=call.told(action="network-unban", network=answer.name))
        return pb.UnbanNetworkResponse()

    async def set_lockdown(
        self, request: pb.SetLockdownRequest, call: Call
    ) -> pb.SetLockdownResponse:
        """Close the server to newcomers, or open it."""
        closed = {"registrations": request.registrations, "guests": request.guests}
        command = cmd.SetLockdown(self._admin(call), reason=request.reason, **closed)
        await self._journal.order(command)
        logger.info("moderated", extra=call.told(action="lockdown", **closed))
        return pb.SetLockdownResponse()

    async def set_admin(self, request: pb.SetAdminRequest, call: Call) -> pb.SetAdminResponse:
        """Make an account an admin, or no longer."""
        session_id, user = self._admin(call), user_target_of(request.user)
        answer = await self._journal.order(cmd.SetAdmin(session_id, user, request.admin))
        _tell(call, "admin", answer)
        return pb.SetAdminResponse()

    async def set_deactivated(
        self, request: pb.SetDeactivatedRequest, call: Call
    ) -> pb.SetDeactivatedResponse:
        """Close an account, or open it again."""
        session_id, user = self._admin(call), user_target_of(request.user)
        answer = await self._journal.order(
            cmd.SetDeactivated(session_id, user, request.deactivated, request.reason)
        )
        _tell(call, "deactivate" if request.deactivated else "reactivate", answer)
        return pb.SetDeactivatedResponse()

    async def set_fast(self, request: pb.SetFastRequest, call: Call) -> pb.SetFastResponse:
        """Let a bot send fast, or no longer."""
        session_id, user = self._admin(call), user_target_of(request.user)
        answer = await self._journal.order(cmd.SetFast(session_id, user, request.fast))
        _tell(call, "fast", answer)
        return pb.SetFastResponse()

    def _admin(self, call: Call) -> int:
        """Return the session of a call."""
        self._check_open()
        return self._sessions.used_by(call, Scope.ADMIN).session_id

    async def _cut(self, command: cmd.BanNetwork) -> tuple[Answer, int]:
        """Give an order to ban a network; return how many streams ended by it, too."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Outcome, int]] = loop.create_future()

        def answered(outcomes: tuple[Outcome, ...]) -> None:
            # In the step of the commit, while it is known.
            outcome = outcomes[0]
            name = "" if isinstance(outcome, Rejection) else outcome.name
            if not future.done():
                future.set_result((outcome, self._journal.effects.cut.get(name, 0)))

        self._journal.submit((command,), answered)
        outcome, streams = await future
        if isinstance(outcome, Rejection):
            raise RefusedError(outcome)
        return outcome, streams


def _tell(call: Call, action: str, answer: Answer) -> None:
    """Write a line of the log: ids alone, since the audit log has the words."""
    logger.info("moderated", extra=call.told(action=action, target=user_text(answer.user_id)))
