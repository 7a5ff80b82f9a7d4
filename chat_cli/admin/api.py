"""The calls of AdminService on one channel.

Every method raises CallError (UnreachableError if nobody answers) when its call fails.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self, TypeVar

import grpc
from google.protobuf.message import Message

from chat_cli.session.errors import UnreachableError, call_error
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceStub

if TYPE_CHECKING:
    # The generator describes it for the type checker and does not make it.
    from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceAsyncStub

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

# Seconds that a call may take, and a part of a history may keep one waiting.
CALL_S = 30.0
# The same where processes start and stop: a stop drains for ten seconds, and a start looks at
# all of its data where it was left damaged.
PROCESS_S = 300.0
_PAGE = 1000

_OPTIONS = (
    # A proxy has no way to a socket of this machine.
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    # The samples of many instances are many; the server is the caller's own.
    ("grpc.max_receive_message_length", -1),
)


class AdminApi:
    """One channel to the admin service at `target`, which is `unix:` and a path."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self.stub: AdminServiceAsyncStub = AdminServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def ask(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        within: float = CALL_S,
    ) -> Response:
        """Make one call, of a method of `stub`, in so many seconds."""
        try:
            return await method(request, timeout=within)
        except grpc.aio.AioRpcError as error:
            raise call_error(error, explained=False) from None

    async def users(self, port: int) -> AsyncGenerator[list[pb.InstanceUser], None]:
        """Give the users of an instance (0: of all), page by page."""
        request = pb.ListInstanceUsersRequest(port=port, page_size=_PAGE)
        while True:
            page = await self.ask(self.stub.ListInstanceUsers, request)
            yield list(page.users)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def rooms(self, port: int) -> AsyncGenerator[list[pb.InstanceRoom], None]:
        """Give the public rooms of an instance (0: of all), page by page."""
        request = pb.ListInstanceRoomsRequest(port=port, page_size=_PAGE)
        while True:
            page = await self.ask(self.stub.ListInstanceRooms, request)
            yield list(page.rooms)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def export(self, port: int, room: str) -> AsyncGenerator[pb.ExportRoomResponse, None]:
        """Give the history of a public room, part by part."""
        call = self.stub.ExportRoom(pb.ExportRoomRequest(port=port, room_name=room))
        try:
            while True:
                async with asyncio.timeout(CALL_S):
                    part = await call.read()
                if part is grpc.aio.EOF:
                    return
                assert isinstance(part, pb.ExportRoomResponse)
                yield part
        except TimeoutError:
            raise UnreachableError(grpc.StatusCode.DEADLINE_EXCEEDED, "no answer") from None
        except grpc.aio.AioRpcError as error:
            raise call_error(error, explained=False) from None
        finally:
            # A call that is let go of without this is never collected.
            call.cancel()
