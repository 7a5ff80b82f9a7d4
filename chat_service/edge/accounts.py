"""AccountService: accounts, and their bots. The other calls of it are beside this.

Each parses, asks, and answers; rules are in the core.
"""

from collections.abc import Callable
from dataclasses import replace

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_service.codes import code_hash
from chat_service.core import commands as cmd
from chat_service.core.accounts import active_bots, bot_of, not_the_password
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Account, Scope
from chat_service.core.names import name_key
from chat_service.core.registration import register
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.entrance import Entrance, new_token
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.sessions import Sessions
from chat_service.edge.streams import Streams
from chat_service.edge.wire import user_message

SERVICE = pb.DESCRIPTOR.services_by_name["AccountService"]


class AccountMethods:
    """Serves the calls about accounts themselves. `check_open` raises when the server stops."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        streams: Streams,
        sessions: Sessions,
        entrance: Entrance,
        passwords: Passwords,
        pace: Pace,
        clock: Callable[[], float],
        check_open: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._directory = directory
        self._streams = streams
        self._sessions = sessions
        self._entrance = entrance
        self._passwords = passwords
        self._pace = pace
        # For rates, in seconds.
        self._clock = clock
        self._check_open = check_open

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "Register": self.register,
            "GetAccount": self.get_account,
            "ChangePassword": self.change_password,
            "DeactivateAccount": self.deactivate_account,
            "CreateBot": self.create_bot,
            "ListBots": self.list_bots,
        }

    async def register(self, request: pb.RegisterRequest, call: Call) -> pb.RegisterResponse:
        """Make an account: of the guest of the token, or of somebody new."""
        self._check_open()
        session_id = self._sessions.used_by(call, Scope.ACCOUNT).session_id if call.token else 0
        token = "" if session_id else new_token()
        command = cmd.Register(
            session_id,
            request.name,
            "",
            token_hash(token),
            self._entrance.instance,
            code_hash(request.invite_code) if request.invite_code else b"",
            code_hash(request.owner_code) if request.owner_code else b"",
            request.client,
            call.address,
        )
        self._passwords.check_new(request.password, "password")
        # An order that will be refused costs no hash, and nothing of the rate.
        early = register(self._directory.state, command, self._directory.clock_ms())
        if isinstance(early, Rejection):
            raise RefusedError(early)
        wait_ms = self._pace.account(call.network, self._clock())
        if wait_ms:
            raise RefusedError(
                Rejection(
                    Reason.RATE_LIMITED,
                    "too many new accounts from this address",
                    retry_after_ms=wait_ms,
                )
            )
        password_hash = await self._passwords.hashed(request.password, network=call.network)
        answer = await self._journal.order(replace(command, password_hash=password_hash))
        return pb.RegisterResponse(
            joined=self._entrance.welcome(answer, call, token),
            account=self._account(answer.user_id),
        )

    async def get_account(self, _: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """Return the caller's account."""
        session = self._sessions.of(call)
        self._sessions.renew(session)
        return pb.GetAccountResponse(account=self._account(session.user_id))

    async def change_password(
        self, request: pb.ChangePasswordRequest, call: Call
    ) -> pb.ChangePasswordResponse:
        """Change the caller's password."""
        self._check_open()
        session, account = self._sessions.owner(call)
        self._passwords.check_new(request.new_password, "new_password")
        await self._confirm(account, request.old_password, call, "old_password")
        fresh = await self._passwords.hashed(
            request.new_password, "new_password", network=call.network
        )
        order = cmd.ChangePassword(session.session_id, account.password_hash, fresh)
        answer = await self._journal.order(order)
        return pb.ChangePasswordResponse(ended=answer.sessions)

    async def deactivate_account(
        self, request: pb.DeactivateAccountRequest, call: Call
    ) -> pb.DeactivateAccountResponse:
        """Close the caller's account, or a bot of it."""
        self._check_open()
        session, account = self._sessions.owner(call)
        if not request.bot:
            await self._confirm(account, request.password, call, "password")
        await self._journal.order(
            cmd.DeactivateAccount(session.session_id, account.password_hash, request.bot)
        )
        return pb.DeactivateAccountResponse()

    async def create_bot(self, request: pb.CreateBotRequest, call: Call) -> pb.CreateBotResponse:
        """Make a bot of the caller."""
        self._check_open()
        session, _ = self._sessions.owner(call)
        wait_ms = self._pace.account(call.network, self._clock())
        order = cmd.CreateBot(session.session_id, request.name, wait_ms)
        answer = await self._journal.order(order)
        return pb.CreateBotResponse(bot=self._account(answer.user_id))

    async def list_bots(self, _: pb.ListBotsRequest, call: Call) -> pb.ListBotsResponse:
        """List the caller's bots."""
        session, _account = self._sessions.owner(call)
        users = self._directory.state.users
        bots = [users[bot.user_id] for bot in active_bots(self._directory.state, session.user_id)]
        bots.sort(key=lambda user: name_key(user.name))
        return pb.ListBotsResponse(bots=[self._account(user.user_id) for user in bots])

    async def _confirm(self, account: Account, password: str, call: Call, field: str) -> None:
        name = self._directory.state.users[account.user_id].name
        if not await self._entrance.check(account, name, password, call):
            raise RefusedError(not_the_password(field))

    def _account(self, user_id: int) -> pb.Account:
        state = self._directory.state
        user, account = state.users[user_id], state.accounts.get(user_id)
        connected = self._streams.is_connected(user_id)
        shown = pb.Account(user=user_message(user, connected=connected))
        if account is None:
            return shown
        shown.admin, shown.fast = account.admin, account.fast
        shown.create_ms = account.created_ms
        if account.owner_id:
            shown.bot_owner.CopyFrom(user_message(state.users[account.owner_id]))
        return shown


def bot_named(directory: Directory, account: Account, name: str) -> Account:
    """Return the account itself, or its bot where a name is given.

    Raises RefusedError: USER_NOT_FOUND.
    """
    found = bot_of(directory.state, account, name) if name else account
    if isinstance(found, Rejection):
        raise RefusedError(found)
    return found
