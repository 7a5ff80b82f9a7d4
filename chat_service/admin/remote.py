"""One instance, reached by its own `admin.sock`.

An instance says itself why it refuses something; that is passed on as it came. One that does
not answer is told from one that refuses: `UNAVAILABLE` and a line that names its address.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceStub
from chat_service.admin.operations import AdminError

if TYPE_CHECKING:
    from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceAsyncStub

logger = logging.getLogger(__name__)

SOCKET = "admin.sock"

CALL_S = 10.0
"""A living instance answers in milliseconds; a person should not wait longer for a dead one."""

OPTIONS: tuple[tuple[str, int], ...] = (
    # Instances come and go: each channel has connections of its own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    # By default the next attempt comes after up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

UNAVAILABLE = "INSTANCE_UNAVAILABLE"
"""The reason where an instance should answer and does not, or does not serve."""

_SILENT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)

Response = TypeVar("Response")


class PassedOnError(AdminError):
    """An instance refused it: with its status, and the details (google.rpc.Status) if any."""

    def __init__(
        self, reason: str, line: str, code: grpc.StatusCode, details: bytes | None
    ) -> None:
        super().__init__(reason, line)
        self.code = code
        self.details = details


def target_of(data_dir: Path, base: Path) -> str:
    """Return where gRPC finds the socket of an instance, for a process that is in `base`.

    The name of a Unix socket has 104 bytes on macOS, 108 on Linux, and gRPC reads it as a URI,
    in which a blank or `%` is none: relative where it can be, also where `data_dir` itself is a
    link to somewhere else.
    """
    path = data_dir.parent.resolve() / data_dir.name
    if path.is_relative_to(base.resolve()):
        path = path.relative_to(base.resolve())
    return f"unix:{path / SOCKET}"


class Remote:
    """A channel to one process of an instance. `address` names it in lines for people."""

    def __init__(self, address: str, target: str) -> None:
        self._address = address
        self._channel = grpc.aio.insecure_channel(target, options=OPTIONS)
        self._open: AdminServiceAsyncStub | None = AdminServiceStub(self._channel)

    async def close(self) -> None:
        """End the calls that are left; each raises AdminError."""
        self._open = None
        await self._channel.close()

    async def figures(self, port: int, timeout_s: float = CALL_S) -> list[pb.Figure]:
        """Return what the instance has measured of itself."""
        request = pb.GetFiguresRequest(port=port)
        response = await self._answer(self._stub.GetFigures(request, timeout=timeout_s))
        return list(response.figures)

    async def users(
        self, request: pb.ListInstanceUsersRequest, timeout_s: float = CALL_S
    ) -> pb.ListInstanceUsersResponse:
        """Return a page of its users."""
        return await self._answer(self._stub.ListInstanceUsers(request, timeout=timeout_s))

    async def rooms(
        self, request: pb.ListInstanceRoomsRequest, timeout_s: float = CALL_S
    ) -> pb.ListInstanceRoomsResponse:
        """Return a page of its public rooms."""
        return await self._answer(self._stub.ListInstanceRooms(request, timeout=timeout_s))

    async def say(self, port: int, text: str, timeout_s: float = CALL_S) -> int:
        """Say something to everybody on it; return to how many streams."""
        request = pb.SayRequest(port=port, text=text)
        return (await self._answer(self._stub.Say(request, timeout=timeout_s))).streams

    async def kick(self, port: int, name: str, reason: str) -> pb.KickUserResponse:
        """End all sessions of a user."""
        request = pb.KickUserRequest(port=port, name=name, reason=reason)
        return await self._answer(self._stub.KickUser(request, timeout=CALL_S))

    async def pass_on(self, method: str, request: Message) -> Message:
        """Make a unary call that it answers, and return the answer."""
        response: Message = await self._answer(getattr(self._stub, method)(request, timeout=CALL_S))
        return response

    async def export(
        self, port: int, room_name: str
    ) -> AsyncGenerator[pb.ExportRoomResponse, None]:
        """Yield the history of a public room, as slowly as it is taken."""
        call = self._stub.ExportRoom(pb.ExportRoomRequest(port=port, room_name=room_name))
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise self._told(error) from None
        except asyncio.CancelledError:
            self._raise_if_closed()
            raise
        finally:
            call.cancel()

    async def _answer(self, call: Awaitable[Response]) -> Response:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise self._told(error) from None
        except asyncio.CancelledError:
            self._raise_if_closed()
            raise

    @property
    def _stub(self) -> "AdminServiceAsyncStub":
        if self._open is None:
            raise self._gone()
        return self._open

    def _gone(self) -> AdminError:
        return AdminError(UNAVAILABLE, f"{self._address} does not serve any more")

    def _raise_if_closed(self) -> None:
        # gRPC tells whoever waits for a call of a channel that is closed the same as a task
        # that is cancelled.
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            raise self._gone() from None

    def _told(self, error: grpc.aio.AioRpcError) -> AdminError:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        reason = _reason_in(details) if isinstance(details, bytes) else ""
        if reason:
            assert isinstance(details, bytes)
            return PassedOnError(reason, error.details() or reason, error.code(), details)
        if error.code() in _SILENT:
            return AdminError(UNAVAILABLE, f"{self._address} does not answer at the moment")
        logger.error("%s answered %s: %s", self._address, error.code().name, error.details())
        line = f"{self._address} answered with {error.code().name}"
        return PassedOnError("INTERNAL", line, grpc.StatusCode.INTERNAL, None)


def _reason_in(details: bytes) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(details).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""
