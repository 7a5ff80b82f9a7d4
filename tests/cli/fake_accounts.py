"""The accounts of the fake service: passwords in plain text, and the calls about them.

Obeys `accounts.proto` as far as the client can see: what it refuses it refuses for the same
reasons.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import Message

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from tests.cli.ends import Code, Context, EndError, abort, token_of

if TYPE_CHECKING:
    from tests.cli.fake_service import FakeService

DAY_MS = 86_400_000


@dataclass
class Held:
    """An account."""

    user: chat_pb2.User
    password: str
    admin: bool = False
    owner: str = ""
    blocked: list[str] = field(default_factory=list)


class FakeAccounts:
    """The accounts of one fake service. `invite_code` is asked for if it is set."""

    def __init__(self, service: "FakeService") -> None:
        self._service = service
        self.held: dict[str, Held] = {}
        self.invite_code = ""
        self.owner_code = "own-er"
        self.expires_ms = int(time.time() * 1000) + 14 * DAY_MS
        # Answers to the next sign-ins by password, first come first served.
        self.refuse_passwords: list[EndError] = []
        # The passwords that were tried, in their order.
        self.tried: list[str] = []
        self.sessions: dict[str, pb.Session] = {}
        self.invites: dict[str, pb.Invite] = {}

    def open(self, name: str, password: str, *, admin: bool = False, owner: str = "") -> Held:
        """Make an account."""
        user = chat_pb2.User(
            user_id=f"u{self._service.next_number()}",
            name=name,
            account=True,
            bot=bool(owner),
        )
        self.held[name.lower()] = Held(user, password, admin, owner)
        return self.held[name.lower()]

    def named(self, name: str) -> Held | None:
        """Give the account of a name."""
        return self.held.get(name.lower())

    async def sign_in(self, request: chat_pb2.JoinRequest, context: Context) -> chat_pb2.User:
        """Give the user of a name and a password."""
        self.tried.append(request.password)
        self._service.changed()
        if self.refuse_passwords:
            await abort(context, self.refuse_passwords.pop(0))
        held = self.named(request.name)
        if held is None or held.password != request.password:
            await abort(context, EndError(Code.UNAUTHENTICATED, "no", "PASSWORD_WRONG"))
        return held.user

    def note(self, token: str, user: chat_pb2.User, label: str) -> None:
        """Remember a session of an account."""
        self.sessions[token] = pb.Session(
            session_id=f"s{token.rpartition('-')[2]}",
            label=label,
            scopes=[pb.SCOPE_READ, pb.SCOPE_POST],
            address="127.0.0.1",
            create_ms=int(time.time() * 1000),
            expires_ms=self.expires_ms if user.account else 0,
        )

    def end_sessions(self, name: str, but: str = "") -> int:
        """End the sessions of a user, and their streams."""
        tokens = [
            token
            for token, user in self._service.sessions.items()
            if user.name == name and token != but
        ]
        self.end(tokens)
        return len(tokens)

    def end(self, tokens: list[str], reason: str = "SESSION_ENDED") -> None:
        """End sessions, and their streams."""
        for token in tokens:
            del self._service.sessions[token]
            self.sessions.pop(token, None)
        for stream in [stream for stream in self._service.streams if stream.token in tokens]:
            stream.queue.put_nowait(EndError(Code.UNAUTHENTICATED, "ended", reason))

    # ------------------------------------------------------------------ calls

    async def register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        """Make an account of a guest, or of nobody."""
        token = token_of(context)
        if self.invite_code and request.invite_code != self.invite_code and not request.owner_code:
            await abort(context, EndError(Code.PERMISSION_DENIED, "a code", "INVITE_INVALID"))
        if request.owner_code and request.owner_code != self.owner_code:
            await abort(context, EndError(Code.PERMISSION_DENIED, "no", "OWNER_CODE_INVALID"))
        guest = await self._service.known(context) if token else None
        name = guest.name if guest else request.name
        if self.named(name):
            await abort(context, EndError(Code.ALREADY_EXISTS, "an account", "ACCOUNT_EXISTS"))
        held = self.open(name, request.password, admin=bool(request.owner_code))
        if guest:
            held.user.user_id = guest.user_id
            for one, user in list(self._service.sessions.items()):
                if user.user_id == guest.user_id:
                    self._service.sessions[one] = held.user
        fresh = "" if guest else self._service.open_session(held.user, request.client)
        joined = chat_pb2.JoinResponse(
            token=fresh,
            user=held.user,
            epoch=self._service.epoch,
            expires_ms=self.expires_ms,
        )
        return pb.RegisterResponse(joined=joined, account=self._account(held))

    async def get_account(self, _: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        """Describe the caller."""
        user = await self._service.known(context)
        held = self.named(user.name)
        account = self._account(held) if held else pb.Account(user=user)
        return pb.GetAccountResponse(account=account)

    async def change_password(
        self, request: pb.ChangePasswordRequest, context: Context
    ) -> pb.ChangePasswordResponse:
        """Change a password, and end the other sessions."""
        held = await self._own(context)
        if held.password != request.old_password:
            await abort(context, EndError(Code.UNAUTHENTICATED, "no", "PASSWORD_WRONG"))
        held.password = request.new_password
        ended = self.end_sessions(held.user.name, but=token_of(context))
        return pb.ChangePasswordResponse(ended=ended)

    async def list_sessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        """List one session a page, the newest first."""
        held = await self._own(context)
        name = request.bot or held.user.name
        mine = [
            (token, self.sessions[token])
            for token, user in self._service.sessions.items()
            if user.name == name and token in self.sessions
        ][::-1]
        start = int(request.page_token or 0)
        page = []
        for token, session in mine[start : start + 1]:
            one = pb.Session()
            one.CopyFrom(session)
            one.current = token == token_of(context)
            one.connected = any(stream.token == token for stream in self._service.streams)
            page.append(one)
        following = str(start + 1) if start + 1 < len(mine) else ""
        return pb.ListSessionsResponse(sessions=page, next_page_token=following)

    async def revoke_session(
        self, request: pb.RevokeSessionRequest, context: Context
    ) -> pb.RevokeSessionResponse:
        """End a session, or the others."""
        held = await self._own(context)
        if request.others:
            ended = self.end_sessions(held.user.name, but=token_of(context))
            return pb.RevokeSessionResponse(ended=ended)
        wanted = [t for t, one in self.sessions.items() if one.session_id == request.session_id]
        if not wanted:
            await abort(context, EndError(Code.NOT_FOUND, "none", "SESSION_NOT_FOUND"))
        self.end(wanted)
        return pb.RevokeSessionResponse(ended=1)

    async def create_api_token(
        self, request: pb.CreateApiTokenRequest, context: Context
    ) -> pb.CreateApiTokenResponse:
        """Make a token for a program."""
        held = await self._own(context)
        bot = self.named(request.bot) if request.bot else held
        if bot is None:
            await abort(context, EndError(Code.NOT_FOUND, "no such bot", "USER_NOT_FOUND"))
        token = self._service.open_session(bot.user, request.label)
        session = self.sessions[token]
        session.api_token, session.expires_ms = True, 0
        del session.scopes[:]
        session.scopes.extend(request.scopes)
        return pb.CreateApiTokenResponse(token=token, session=session)

    async def create_bot(
        self, request: pb.CreateBotRequest, context: Context
    ) -> pb.CreateBotResponse:
        """Make a bot."""
        held = await self._own(context)
        return pb.CreateBotResponse(
            bot=self._account(self.open(request.name, "", owner=held.user.name))
        )

    async def list_bots(self, _: pb.ListBotsRequest, context: Context) -> pb.ListBotsResponse:
        """List the bots of the caller."""
        owner = (await self._own(context)).user.name
        bots = [self._account(held) for held in self.held.values() if held.owner == owner]
        return pb.ListBotsResponse(bots=bots)

    async def deactivate_account(
        self, request: pb.DeactivateAccountRequest, context: Context
    ) -> pb.DeactivateAccountResponse:
        """Close an account for good."""
        held = await self._own(context)
        if not request.bot and held.password != request.password:
            await abort(context, EndError(Code.UNAUTHENTICATED, "no", "PASSWORD_WRONG"))
        closed = self.named(request.bot) if request.bot else held
        assert closed is not None
        closed.password = "\0"
        self.end_sessions(closed.user.name)
        return pb.DeactivateAccountResponse()

    async def block_user(
        self, request: pb.BlockUserRequest, context: Context
    ) -> pb.BlockUserResponse:
        """Block somebody."""
        held = await self._own(context)
        held.blocked.append(request.user.name)
        return pb.BlockUserResponse(user=self._service.user(request.user.name))

    async def unblock_user(
        self, request: pb.UnblockUserRequest, context: Context
    ) -> pb.UnblockUserResponse:
        """Block somebody no longer."""
        held = await self._own(context)
        held.blocked.remove(request.user.name)
        return pb.UnblockUserResponse(user=self._service.user(request.user.name))

    async def list_blocked_users(
        self, _: pb.ListBlockedUsersRequest, context: Context
    ) -> pb.ListBlockedUsersResponse:
        """List who is blocked."""
        held = await self._own(context)
        return pb.ListBlockedUsersResponse(users=[self._service.user(n) for n in held.blocked])

    async def create_invite(
        self, request: pb.CreateInviteRequest, context: Context
    ) -> pb.CreateInviteResponse:
        """Make a code for registering."""
        held = await self._admin(context)
        invite = pb.Invite(
            invite_id=f"i{self._service.next_number()}",
            uses_left=request.uses or 1,
            expires_ms=int(time.time() * 1000) + (request.lifetime_ms or 7 * DAY_MS),
            creator=held.user,
        )
        self.invites[invite.invite_id] = invite
        return pb.CreateInviteResponse(code=f"code-{invite.invite_id}", invite=invite)

    async def list_invites(
        self, _: pb.ListInvitesRequest, context: Context
    ) -> pb.ListInvitesResponse:
        """List the codes."""
        await self._admin(context)
        return pb.ListInvitesResponse(invites=self.invites.values())

    async def revoke_invite(
        self, request: pb.RevokeInviteRequest, context: Context
    ) -> pb.RevokeInviteResponse:
        """End a code."""
        await self._admin(context)
        if self.invites.pop(request.invite_id, None) is None:
            await abort(context, EndError(Code.NOT_FOUND, "no such code", "INVITE_NOT_FOUND"))
        return pb.RevokeInviteResponse()

    # ----------------------------------------------------------------- inside

    def handlers(self) -> grpc.GenericRpcHandler:
        """Give the table of the service."""
        # Any: each method has a request of its own.
        table: dict[str, tuple[Callable[[Any, Context], Awaitable[Message]], type[Message]]] = {
            "Register": (self.register, pb.RegisterRequest),
            "GetAccount": (self.get_account, pb.GetAccountRequest),
            "ChangePassword": (self.change_password, pb.ChangePasswordRequest),
            "ListSessions": (self.list_sessions, pb.ListSessionsRequest),
            "RevokeSession": (self.revoke_session, pb.RevokeSessionRequest),
            "CreateApiToken": (self.create_api_token, pb.CreateApiTokenRequest),
            "CreateBot": (self.create_bot, pb.CreateBotRequest),
            "ListBots": (self.list_bots, pb.ListBotsRequest),
            "DeactivateAccount": (self.deactivate_account, pb.DeactivateAccountRequest),
            "BlockUser": (self.block_user, pb.BlockUserRequest),
            "UnblockUser": (self.unblock_user, pb.UnblockUserRequest),
            "ListBlockedUsers": (self.list_blocked_users, pb.ListBlockedUsersRequest),
            "CreateInvite": (self.create_invite, pb.CreateInviteRequest),
            "ListInvites": (self.list_invites, pb.ListInvitesRequest),
            "RevokeInvite": (self.revoke_invite, pb.RevokeInviteRequest),
        }
        # Any: as above.
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            name: grpc.unary_unary_rpc_method_handler(
                method,
                request_deserializer=kind.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, (method, kind) in table.items()
        }
        return grpc.method_handlers_generic_handler("chat.v1.AccountService", handlers)

    def _account(self, held: Held) -> pb.Account:
        account = pb.Account(user=held.user, admin=held.admin, create_ms=1_763_625_600_000)
        if held.owner:
            account.bot_owner.name = held.owner
        return account

    async def _own(self, context: Context) -> Held:
        user = await self._service.known(context)
        held = self.named(user.name)
        if held is None:
            await abort(context, EndError(Code.PERMISSION_DENIED, "a guest", "ACCOUNT_NEEDED"))
        return held

    async def _admin(self, context: Context) -> Held:
        held = await self._own(context)
        if not held.admin:
            await abort(context, EndError(Code.PERMISSION_DENIED, "no admin", "ADMIN_NEEDED"))
        return held
