"""The calls of ModerationService, and those of them about rooms.

Each parses, asks, and answers; rules are in the core.
"""

import logging
from collections.abc import Callable

from chat_protos.chat.v1 import moderation_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.model import Scope
from chat_service.edge.calls import Call
from chat_service.edge.ids import room_text, user_text
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import target_of, user_target_of

logger = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["ModerationService"]


class ModerationMethods:
    """Serves the calls that keep order in rooms."""

    def __init__(
        self,
        *,
        journal: Journal,
        sessions: Sessions,
        pace: Pace,
        clock: Callable[[], float],
        check_open: Callable[[], None],
    ) -> None:
        """`clock` is for rates, in seconds; `check_open` raises when the server stops."""
        self._journal = journal
        self._sessions = sessions
        self._pace = pace
        self._clock = clock
        self._check_open = check_open

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "KickMember": self.kick_member,
            "BanMember": self.ban_member,
            "UnbanMember": self.unban_member,
            "MuteMember": self.mute_member,
            "UnmuteMember": self.unmute_member,
            "DeleteMessage": self.delete_message,
        }

    async def kick_member(self, request: pb.KickMemberRequest, call: Call) -> pb.KickMemberResponse:
        """Remove a member from a room."""
        session_id, wait_ms = self._moderator(call)
        target, user = target_of(request.room), user_target_of(request.user)
        command = cmd.KickMember(session_id, target, user, request.reason, wait_ms)
        _tell(call, "kick", await self._journal.order(command))
        return pb.KickMemberResponse()

    async def ban_member(self, request: pb.BanMemberRequest, call: Call) -> pb.BanMemberResponse:
        """Keep a user out of a room."""
        session_id, wait_ms = self._moderator(call)
        target, user = target_of(request.room), user_target_of(request.user)
        answer = await self._journal.order(
            cmd.BanMember(session_id, target, user, request.duration_ms, request.reason, wait_ms)
        )
        _tell(call, "ban", answer)
        return pb.BanMemberResponse(until_ms=answer.until_ms)

    async def unban_member(
        self, request: pb.UnbanMemberRequest, call: Call
    ) -> pb.UnbanMemberResponse:
        """Let a user into a room again."""
        session_id, wait_ms = self._moderator(call)
        target, user = target_of(request.room), user_target_of(request.user)
        answer = await self._journal.order(cmd.UnbanMember(session_id, target, user, wait_ms))
        _tell(call, "unban", answer)
        return pb.UnbanMemberResponse()

    async def mute_member(self, request: pb.MuteMemberRequest, call: Call) -> pb.MuteMemberResponse:
        """Let a user not speak in a room."""
        session_id, wait_ms = self._moderator(call)
        target, user = target_of(request.room), user_target_of(request.user)
        answer = await self._journal.order(
            cmd.MuteMember(session_id, target, user, request.duration_ms, request.reason, wait_ms)
        )
        _tell(call, "mute", answer)
        return pb.MuteMemberResponse(until_ms=answer.until_ms)

    async def unmute_member(
        self, request: pb.UnmuteMemberRequest, call: Call
    ) -> pb.UnmuteMemberResponse:
        """Let a user speak in a room again."""
        session_id, wait_ms = self._moderator(call)
        target, user = target_of(request.room), user_target_of(request.user)
        answer = await self._journal.order(cmd.UnmuteMember(session_id, target, user, wait_ms))
        _tell(call, "unmute", answer)
        return pb.UnmuteMemberResponse()

    async def delete_message(
        self, request: pb.DeleteMessageRequest, call: Call
    ) -> pb.DeleteMessageResponse:
        """Delete a message, one's own or as a moderator; which of them the core knows."""
        self._check_open()
        session = self._sessions.of(call)
        self._sessions.renew(session)
        wait_ms = self._pace.send(session.user_id, self._clock())
        target = target_of(request.room)
        answer = await self._journal.order(
            cmd.DeleteMessage(session.session_id, target, request.seq, request.reason, wait_ms)
        )
        told = call.told(action="delete", room=room_text(answer.room_id), seq=request.seq)
        logger.info("moderated", extra=told)
        return pb.DeleteMessageResponse(seq=answer.seq)

    def _moderator(self, call: Call) -> tuple[int, int]:
        """Return the session of a call, and how long it has to wait, in milliseconds."""
        self._check_open()
        session = self._sessions.used_by(call, Scope.MODERATE)
        return session.session_id, self._pace.send(session.user_id, self._clock())


def _tell(call: Call, action: str, answer: Answer) -> None:
    """Write a line of the log: ids alone, since the audit log has the words."""
    told = call.told(
        action=action, room=room_text(answer.room_id), target=user_text(answer.user_id)
    )
    logger.info("moderated", extra=told)
