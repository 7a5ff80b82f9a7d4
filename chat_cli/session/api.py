"""The calls of the service on one channel, in the client's own words.

Every method raises CallError (UnreachableError, UnauthenticatedError) when its call fails.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import grpc

from chat_cli import model
from chat_cli.endpoint import Endpoint
from chat_cli.proxy import proxy_for
from chat_cli.session import wire
from chat_cli.session.accounts import AccountApi
from chat_cli.session.errors import call_error
from chat_cli.session.joined import Joined, client_label, joined_from
from chat_cli.session.moderation import ModerationApi
from chat_cli.session.rooms import RoomApi
from chat_cli.session.unary import Unary
from chat_cli.trust import Credentials
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1.chat_pb2_grpc import ChatServiceStub

if TYPE_CHECKING:
    # The generator describes it for the type checker and does not make it.
    from chat_protos.chat.v1.chat_pb2_grpc import ChatServiceAsyncStub

# Seconds that a unary call may take. Longer than a commit on a slow disk by far.
CALL_TIMEOUT = 10.0

# The ping figures are those of the service's guarantees. Unread input stays small, so that a
# client that does not read is seen as one; measured with grpcio 1.85. The subchannels are this
# channel's own: a new channel after a failure must not inherit the transport's own back-off.
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 65_536),
    ("grpc.use_local_subchannel_pool", 1),
)


def options_for(
    target: str, environment: Mapping[str, str] = os.environ
) -> tuple[tuple[str, int | str], ...]:
    """Give the options of a channel to `target`."""
    proxy = proxy_for(Endpoint.of(target), environment)
    if proxy is None:
        return (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))
    return (*CHANNEL_OPTIONS, ("grpc.http_proxy", proxy.url))


def channel_to(target: str, credentials: Credentials | None) -> grpc.aio.Channel:
    """Open a channel: encrypted to whom the credentials trust, or in plain text without any."""
    options = options_for(target)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(
        target,
        grpc.ssl_channel_credentials(root_certificates=credentials.roots),
        options=(*options, ("grpc.ssl_target_name_override", credentials.name)),
    )


ChatCall = grpc.aio.StreamStreamCall[pb.ChatRequest, pb.ChatResponse]


class ChatApi:
    """One channel to a server. `token` is sent with every call once it is set."""

    def __init__(self, target: str, credentials: Credentials | None = None) -> None:
        self._channel = channel_to(target, credentials)
        self._stub: ChatServiceAsyncStub = ChatServiceStub(self._channel)
        self.token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel; calls that are open end."""
        await self._channel.close()

    async def join(self, name: str, room: str = "", token: str = "", password: str = "") -> Joined:
        """Open a session: of the user of `token`, of an account, or of a new guest.

        With a token the name is not sent: the token says who it is, however it is written.
        """
        request = pb.JoinRequest(
            name="" if token else name, room=room, password=password, client=client_label()
        )
        try:
            answer = await self._stub.Join(
                request, metadata=_bearer(token), timeout=CALL_TIMEOUT, wait_for_ready=False
            )
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None
        return joined_from(answer, resumed=bool(token or password))

    async def sign_out(self, token: str, within: float) -> None:
        """End the session of a token; give up after `within` seconds."""
        try:
            await self._stub.SignOut(pb.SignOutRequest(), metadata=_bearer(token), timeout=within)
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None

    def accounts(self) -> AccountApi:
        """Give the calls about the own account, with the token that is set now."""
        return AccountApi(self._channel, self.token)

    def rooms(self) -> RoomApi:
        """Give the calls about rooms, with the token that is set now."""
        return RoomApi(self._channel, self.token)

    def moderation(self) -> ModerationApi:
        """Give the calls that keep order, with the token that is set now."""
        return ModerationApi(self._channel, self.token)

    async def list_users(self, room: model.Target | None) -> list[model.User]:
        """List who is present in a room, or everybody on the server."""
        where = None if room is None else wire.target(room)
        return await Unary(self.token).pages(
            self._stub.ListUsers,
            lambda token, size: pb.ListUsersRequest(room=where, page_token=token, page_size=size),
            lambda page: map(wire.user, page.users),
        )

    async def list_rooms(self) -> list[model.RoomInfo]:
        """List the public rooms."""
        return await Unary(self.token).pages(
            self._stub.ListRooms,
            lambda token, size: pb.ListRoomsRequest(page_token=token, page_size=size),
            lambda page: map(wire.room, page.rooms),
        )

    async def newest_events(self, room: model.Target, count: int) -> list[model.RoomEvent]:
        """List the newest events of a room, oldest first."""
        where = wire.target(room)
        events = await Unary(self.token).pages(
            self._stub.ListMessages,
            lambda token, size: pb.ListMessagesRequest(
                room=where, before_seq=0, page_token=token, page_size=size
            ),
            lambda page: map(wire.event, page.events),
            count,
        )
        return events[:count][::-1]

    async def post(self, room: model.Target, text: str, msg_id: str) -> tuple[int, bool]:
        """Post a message; give its seq, and whether an earlier call had stored it already."""
        said = pb.Post(room=wire.target(room), text=text, client_msg_id=msg_id)
        try:
            answer = await self._stub.PostMessage(
                pb.PostMessageRequest(post=said),
                metadata=_bearer(self.token),
                timeout=CALL_TIMEOUT,
            )
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None
        return answer.seq, answer.duplicate

    @asynccontextmanager
    async def chat(self) -> AsyncIterator[ChatCall]:
        """Open a Chat stream; it is cancelled at the end of the block, whatever happened."""
        call = self._stub.Chat(metadata=_bearer(self.token))
        try:
            yield call
        finally:
            # A call that is let go of without this is never collected.
            call.cancel()

    async def subscribe(
        self, point: model.ResumePoint
    ) -> AsyncGenerator[pb.SubscribeResponse, None]:
        """Read rooms until the server or the caller ends it."""
        rooms = [wire.position(where) for where in point.rooms]
        request = pb.SubscribeRequest(epoch=point.epoch, rooms=rooms, hear_bots=point.hear_bots)
        call = self._stub.Subscribe(request, metadata=_bearer(self.token))
        try:
            async for frame in call:
                yield frame
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None
        finally:
            call.cancel()


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()
