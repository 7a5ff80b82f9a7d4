"""The calls of AccountService about users whose direct messages are not taken."""

from collections.abc import Callable

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.model import Scope, User
from chat_service.core.names import name_key
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import user_message, user_target_of


class BlockMethods:
    """Serves the calls about blocked users; a change costs as much as a message."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        sessions: Sessions,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._directory = directory
        self._sessions = sessions
        self._pace = pace
        # For rates, in seconds.
        self._clock = clock

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "BlockUser": self.block_user,
            "UnblockUser": self.unblock_user,
            "ListBlockedUsers": self.list_blocked_users,
        }

    async def block_user(self, request: pb.BlockUserRequest, call: Call) -> pb.BlockUserResponse:
        """Take no direct messages of a user."""
        return pb.BlockUserResponse(user=user_message(await self._set(request.user, True, call)))

    async def unblock_user(
        self, request: pb.UnblockUserRequest, call: Call
    ) -> pb.UnblockUserResponse:
        """Take direct messages of a user again."""
        return pb.UnblockUserResponse(user=user_message(await self._set(request.user, False, call)))

    async def list_blocked_users(
        self, _: pb.ListBlockedUsersRequest, call: Call
    ) -> pb.ListBlockedUsersResponse:
        """List who is blocked, of those who are still there."""
        session = self._sessions.used_by(call, Scope.POST)
        state = self._directory.state
        found = (state.users.get(n) for n in state.blocked_by.get(session.user_id) or ())
        users = sorted(filter(None, found), key=lambda user: name_key(user.name))
        return pb.ListBlockedUsersResponse(users=[user_message(user) for user in users])

    async def _set(self, target: pb.UserTarget, blocked: bool, call: Call) -> User:
        session = self._sessions.used_by(call, Scope.POST)
        wait_ms = self._pace.send(session.user_id, self._clock())
        order = cmd.BlockUser(session.session_id, user_target_of(target), blocked, wait_ms)
        answer = await self._journal.order(order)
        return User(answer.user_id, answer.name, 0)
