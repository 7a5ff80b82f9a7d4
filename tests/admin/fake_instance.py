"""An instance's own AdminService, in memory, on a real Unix socket.

Obeys the contract for the calls about one instance, and can be told to hang.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NoReturn, Self

import grpc
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2 as chat

# Any: contexts of grpc.aio are generic in messages, and these methods serve all.
Context = Any

Code = grpc.StatusCode


def counter(name: str, value: float) -> pb.Figure:
    """Return a figure that only rises."""
    values = [pb.FigureValue(value=value)]
    return pb.Figure(name=name, kind=pb.FIGURE_KIND_COUNTER, help=f"{name}.", values=values)


def gauge(name: str, value: float, **labels: str) -> pb.Figure:
    """Return a figure that rises and falls."""
    values = [pb.FigureValue(value=value, labels=labels)]
    return pb.Figure(name=name, kind=pb.FIGURE_KIND_GAUGE, help=f"{name}.", values=values)


class FakeInstance:
    """The service of one instance; `data_dir` is where its socket is made."""

    def __init__(self, port: int, data_dir: Path) -> None:
        self.port = port
        self.data_dir = data_dir
        self.pid = os.getpid()
        self.users: list[str] = []
        self.rooms: dict[str, list[chat.RoomEvent]] = {}
        self.stored = 0.0
        self.delivered = 0.0
        self.disk_full = False
        self.said: list[str] = []
        self.kicked: list[tuple[str, str]] = []
        # Codes for an admin that were made.
        self.codes = 0
        # Calls wait for this.
        self.answers = asyncio.Event()
        self.answers.set()
        self.calls = 0
        self.exports_ended = 0
        self._server = grpc.aio.server()

    async def __aenter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        # Any: each method has its own request and response.
        methods: dict[str, Callable[..., Any]] = {
            "ListInstanceUsers": self.list_users,
            "ListInstanceRooms": self.list_rooms,
            "Say": self.say,
            "KickUser": self.kick,
            "GetFigures": self.figures,
            "CreateOwnerCode": self.owner_code,
            "GrantAdmin": self.grant_admin,
        }
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            name: grpc.unary_unary_rpc_method_handler(
                method,
                request_deserializer=getattr(pb, f"{name}Request").FromString,
                response_serializer=getattr(pb, f"{name}Response").SerializeToString,
            )
            for name, method in methods.items()
        }
        handlers["ExportRoom"] = grpc.unary_stream_rpc_method_handler(
            self.export,
            request_deserializer=pb.ExportRoomRequest.FromString,
            response_serializer=pb.ExportRoomResponse.SerializeToString,
        )
        service = grpc.method_handlers_generic_handler("chat.v1.AdminService", handlers)
        self._server.add_generic_rpc_handlers((service,))
        self._server.add_insecure_port(f"unix:{self.data_dir}/admin.sock")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0)

    async def list_users(
        self, request: pb.ListInstanceUsersRequest, context: Context
    ) -> pb.ListInstanceUsersResponse:
        await self._begin(request.port)
        names, token = await self._page(sorted(self.users), "users", request, context)
        users = [pb.InstanceUser(port=self.port, user=chat.User(name=name)) for name in names]
        return pb.ListInstanceUsersResponse(users=users, next_page_token=token)

    async def list_rooms(
        self, request: pb.ListInstanceRoomsRequest, context: Context
    ) -> pb.ListInstanceRoomsResponse:
        await self._begin(request.port)
        names, token = await self._page(sorted(self.rooms), "rooms", request, context)
        rooms = [pb.InstanceRoom(port=self.port, room=chat.Room(name=name)) for name in names]
        return pb.ListInstanceRoomsResponse(rooms=rooms, next_page_token=token)

    async def say(self, request: pb.SayRequest, context: Context) -> pb.SayResponse:
        await self._begin(request.port)
        if not request.text:
            await refuse(context, Code.INVALID_ARGUMENT, "TEXT_INVALID", "no text", "text")
        self.said.append(request.text)
        return pb.SayResponse(streams=len(self.users))

    async def kick(self, request: pb.KickUserRequest, context: Context) -> pb.KickUserResponse:
        await self._begin(request.port)
        if request.name not in self.users:
            await refuse(context, Code.NOT_FOUND, "USER_NOT_FOUND", f"no user {request.name}")
        self.users.remove(request.name)
        self.kicked.append((request.name, request.reason))
        return pb.KickUserResponse(user=chat.User(name=request.name), sessions=2)

    async def owner_code(
        self, request: pb.CreateOwnerCodeRequest, _: Context
    ) -> pb.CreateOwnerCodeResponse:
        await self._begin(request.port)
        self.codes += 1
        return pb.CreateOwnerCodeResponse(code=f"CODE-{self.codes}")

    async def grant_admin(
        self, request: pb.GrantAdminRequest, context: Context
    ) -> pb.GrantAdminResponse:
        await self._begin(request.port)
        if request.name not in self.users:
            await refuse(context, Code.NOT_FOUND, "USER_NOT_FOUND", f"no user {request.name}")
        return pb.GrantAdminResponse(user=chat.User(name=request.name))

    async def figures(self, request: pb.GetFiguresRequest, _: Context) -> pb.GetFiguresResponse:
        await self._begin(request.port)
        histogram = pb.Figure(
            name="chat_commit_seconds",
            kind=pb.FIGURE_KIND_HISTOGRAM,
            help="Time of a commit.",
            bounds=[0.001, 0.01],
            values=[pb.FigureValue(value=0.25, buckets=[3, 2, 1])],
        )
        return pb.GetFiguresResponse(
            figures=[
                counter("chat_messages", self.stored),
                counter("chat_deliveries", self.delivered),
                gauge("chat_users", len(self.users)),
                gauge("chat_rooms", len(self.rooms), kind="public"),
                gauge("chat_streams", len(self.users), kind="chat"),
                gauge("chat_disk_full", self.disk_full),
                histogram,
            ]
        )

    async def export(
        self, request: pb.ExportRoomRequest, context: Context
    ) -> AsyncIterator[pb.ExportRoomResponse]:
        await self._begin(request.port)
        if request.room_name not in self.rooms:
            await refuse(context, Code.NOT_FOUND, "ROOM_NOT_FOUND", "no such room")
        try:
            for event in self.rooms[request.room_name]:
                yield pb.ExportRoomResponse(events=[event])
        finally:
            self.exports_ended += 1

    async def _begin(self, port: int) -> None:
        self.calls += 1
        assert port == self.port, "asked for another instance"
        await self.answers.wait()

    async def _page(
        self,
        names: list[str],
        scope: str,
        request: pb.ListInstanceUsersRequest | pb.ListInstanceRoomsRequest,
        context: Context,
    ) -> tuple[list[str], str]:
        assert 1 <= request.page_size <= 1000
        after = ""
        if request.page_token:
            found, _, after = base64.b64decode(request.page_token).decode().partition("\n")
            if found != scope:
                await refuse(context, Code.INVALID_ARGUMENT, "PAGE_INVALID", "not of this list")
        rest = [name for name in names if name > after]
        part = rest[: request.page_size]
        more = len(rest) > len(part)
        token = base64.b64encode(f"{scope}\n{part[-1]}".encode()).decode() if more else ""
        return part, token


async def refuse(
    context: Context, code: grpc.StatusCode, reason: str, message: str, at_fault: str = ""
) -> NoReturn:
    """End a call as the real service does."""
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="chat.v1"))
    if at_fault:
        violation = error_details_pb2.BadRequest.FieldViolation(field=at_fault)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    await context.abort(code, message, (("grpc-status-details-bin", status.SerializeToString()),))
    raise AssertionError("abort raises")
