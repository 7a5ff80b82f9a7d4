"""The calls of AccountService, in the client's own words.

Every method raises CallError (UnreachableError, UnauthenticatedError) when its call fails.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import grpc

from chat_cli.account import Account, Invite, Made, Scope, SignIn
from chat_cli.model import User
from chat_cli.session import wire
from chat_cli.session.joined import Joined, client_label, joined_from
from chat_cli.session.unary import Unary
from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_protos.chat.v1.accounts_pb2_grpc import AccountServiceStub

if TYPE_CHECKING:
    # The generator describes it for the type checker and does not make it.
    from chat_protos.chat.v1.accounts_pb2_grpc import AccountServiceAsyncStub

_SCOPES = {
    Scope.READ: pb.SCOPE_READ,
    Scope.POST: pb.SCOPE_POST,
    Scope.ROOMS: pb.SCOPE_ROOMS,
    Scope.MODERATE: pb.SCOPE_MODERATE,
    Scope.ADMIN: pb.SCOPE_ADMIN,
    Scope.ACCOUNT: pb.SCOPE_ACCOUNT,
}
_SCOPE_OF = {number: scope for scope, number in _SCOPES.items()}


class AccountApi(Unary):
    """The calls about one's own account on a channel; `token` may be empty for `register`."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        super().__init__(token)
        self._stub: AccountServiceAsyncStub = AccountServiceStub(channel)

    async def register(
        self, name: str, password: str, invite_code: str = "", owner_code: str = ""
    ) -> tuple[Joined, Account]:
        """Make an account, of the guest of the token if there is one; that token goes on."""
        request = pb.RegisterRequest(
            name=name,
            password=password,
            invite_code=invite_code,
            owner_code=owner_code,
            client=client_label(),
        )
        answer = await self.change(self._stub.Register, request)
        return joined_from(answer.joined, resumed=True), _account(answer.account)

    async def get_account(self) -> Account:
        """Give the own account; of a guest only the user is known."""
        return _account((await self.read(self._stub.GetAccount, pb.GetAccountRequest())).account)

    async def change_password(self, old: str, new: str) -> int:
        """Change the password; give how many other sign-ins and tokens ended."""
        request = pb.ChangePasswordRequest(old_password=old, new_password=new)
        return (await self.change(self._stub.ChangePassword, request)).ended

    async def list_sessions(self, bot: str = "") -> list[SignIn]:
        """List the sign-ins and tokens of the own account or of a bot, the newest first."""
        return await self.pages(
            self._stub.ListSessions,
            lambda token, size: pb.ListSessionsRequest(bot=bot, page_token=token, page_size=size),
            lambda page: map(_sign_in, page.sessions),
        )

    async def revoke_session(self, session_id: str) -> int:
        """End a sign-in or token, all but the own if the id is empty; give how many ended."""
        request = (
            pb.RevokeSessionRequest(session_id=session_id)
            if session_id
            else pb.RevokeSessionRequest(others=True)
        )
        return (await self.change(self._stub.RevokeSession, request)).ended

    async def create_token(
        self, label: str, scopes: Iterable[Scope], bot: str, lifetime_ms: int
    ) -> Made:
        """Make a token for programs, of the own account or of a bot."""
        request = pb.CreateApiTokenRequest(
            label=label,
            scopes=[_SCOPES[scope] for scope in scopes],
            bot=bot,
            lifetime_ms=lifetime_ms,
        )
        answer = await self.change(self._stub.CreateApiToken, request)
        return Made(answer.token, _sign_in(answer.session))

    async def create_bot(self, name: str) -> Account:
        """Make a bot."""
        request = pb.CreateBotRequest(name=name)
        return _account((await self.change(self._stub.CreateBot, request)).bot)

    async def list_bots(self) -> list[Account]:
        """List the own bots by name."""
        answer = await self.read(self._stub.ListBots, pb.ListBotsRequest())
        return [_account(bot) for bot in answer.bots]

    async def deactivate(self, password: str, bot: str = "") -> None:
        """Close the own account, or a bot, for good."""
        request = pb.DeactivateAccountRequest(password=password, bot=bot)
        await self.change(self._stub.DeactivateAccount, request)

    async def block(self, name: str) -> User:
        """Take no direct messages from a user any more."""
        request = pb.BlockUserRequest(user=pb.UserTarget(name=name))
        return wire.user((await self.change(self._stub.BlockUser, request)).user)

    async def unblock(self, name: str) -> User:
        """Take direct messages from a user again."""
        request = pb.UnblockUserRequest(user=pb.UserTarget(name=name))
        return wire.user((await self.change(self._stub.UnblockUser, request)).user)

    async def list_blocked(self) -> list[User]:
        """List who is blocked, by name."""
        answer = await self.read(self._stub.ListBlockedUsers, pb.ListBlockedUsersRequest())
        return [wire.user(user) for user in answer.users]

    async def create_invite(self, uses: int, lifetime_ms: int) -> Made:
        """Make a code by which people may register."""
        request = pb.CreateInviteRequest(uses=uses, lifetime_ms=lifetime_ms)
        answer = await self.change(self._stub.CreateInvite, request)
        return Made(answer.code, invite(answer.invite))

    async def list_invites(self) -> list[Invite]:
        """List the codes that can still be used, the newest first."""
        return await self.pages(
            self._stub.ListInvites,
            lambda token, size: pb.ListInvitesRequest(page_token=token, page_size=size),
            lambda page: map(invite, page.invites),
        )

    async def revoke_invite(self, invite_id: str) -> None:
        """End a code."""
        await self.change(self._stub.RevokeInvite, pb.RevokeInviteRequest(invite_id=invite_id))


def _account(message: pb.Account) -> Account:
    owner = wire.user(message.bot_owner) if message.HasField("bot_owner") else None
    return Account(wire.user(message.user), message.admin, message.create_ms, owner, message.fast)


def _sign_in(message: pb.Session) -> SignIn:
    return SignIn(
        message.session_id,
        message.label,
        message.api_token,
        tuple(_SCOPE_OF[number] for number in message.scopes if number in _SCOPE_OF),
        message.address,
        message.create_ms,
        message.expires_ms,
        message.idle_until_ms,
        message.connected,
        message.current,
    )


def invite(message: pb.Invite) -> Invite:
    """Read what an invite code is good for."""
    return Invite(
        message.invite_id, message.uses_left, message.expires_ms, wire.user(message.creator)
    )
