"""AdminService, as the launcher's `admin.sock` offers it: every call of the contract.

Whoever can open the socket may do everything; nobody but the owner of the directory can.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.fleet import Fleet
from chat_service.admin.listing import page_size
from chat_service.admin.operations import AdminError
from chat_service.admin.status import refuse
from chat_service.link import Refusal

SERVICE = "chat.v1.AdminService"

# What an instance does for its operator, and answers itself.
PASSED_ON = (
    "CreateOwnerCode",
    "CreateAccount",
    "SetPassword",
    "GrantAdmin",
    "CloseAccount",
    "Unban",
    "ListAudit",
)

OPTIONS: tuple[tuple[str, int], ...] = (
    # By default one process could take the place of another silently.
    ("grpc.so_reuseport", 0),
)

# Any: contexts of grpc.aio are generic in messages; here all kinds meet.
Context = grpc.aio.ServicerContext[Any, Any]
# In quotes: only the stubs of gRPC say that it is generic.
Entries = dict[str, "grpc.RpcMethodHandler[Any, Any]"]


class AdminMethods:
    """The calls, in the order of the contract."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    # Any: each method takes its own request and gives its own response.
    def unary(self) -> dict[str, Callable[[Any], Awaitable[Message]]]:
        """Return the unary methods by name."""
        return {
            "ListInstances": self._list_instances,
            "StartInstance": self._start,
            "StopInstance": self._stop,
            "RestartInstance": self._restart,
            "ListInstanceUsers": self._users,
            "ListInstanceRooms": self._rooms,
            "Say": self._say,
            "KickUser": self._kick,
            **{method: self._passed_on(method) for method in PASSED_ON},
            "GetFigures": self._figures,
            "GetStatistics": self._statistics,
            "ReloadConfiguration": self._reload,
            "Shutdown": self._shutdown,
        }

    def export(self, request: pb.ExportRoomRequest) -> AsyncGenerator[pb.ExportRoomResponse, None]:
        """Yield the history of a room."""
        return self._fleet.export(request.port, request.room_name)

    async def _list_instances(self, _: pb.ListInstancesRequest) -> pb.ListInstancesResponse:
        return pb.ListInstancesResponse(
            instances=self._fleet.instances(), sample_interval_ms=self._interval_ms()
        )

    async def _start(self, request: pb.StartInstanceRequest) -> pb.StartInstanceResponse:
        return pb.StartInstanceResponse(instance=await self._fleet.start(request.port))

    async def _stop(self, request: pb.StopInstanceRequest) -> pb.StopInstanceResponse:
        if request.all == bool(request.port):
            raise AdminError(Refusal.PORT_INVALID, "either a port or all is to be named")
        return pb.StopInstanceResponse(instances=await self._fleet.stop(request.port))

    async def _restart(self, request: pb.RestartInstanceRequest) -> pb.RestartInstanceResponse:
        return pb.RestartInstanceResponse(instance=await self._fleet.restart(request.port))

    async def _users(self, request: pb.ListInstanceUsersRequest) -> pb.ListInstanceUsersResponse:
        size = page_size(request.page_size)
        page = await self._fleet.users_page(request.port, size, request.page_token)
        return pb.ListInstanceUsersResponse(users=page.items, next_page_token=page.next_token)

    async def _rooms(self, request: pb.ListInstanceRoomsRequest) -> pb.ListInstanceRoomsResponse:
        size = page_size(request.page_size)
        page = await self._fleet.rooms_page(request.port, size, request.page_token)
        return pb.ListInstanceRoomsResponse(rooms=page.items, next_page_token=page.next_token)

    async def _say(self, request: pb.SayRequest) -> pb.SayResponse:
        return pb.SayResponse(streams=await self._fleet.say(request.port, request.text))

    async def _kick(self, request: pb.KickUserRequest) -> pb.KickUserResponse:
        return await self._fleet.kick(request.port, request.name, request.reason)

    def _passed_on(self, method: str) -> Callable[[Any], Awaitable[Message]]:
        async def passed_on(request: Any) -> Message:
            return await self._fleet.pass_on(method, request.port, request)

        return passed_on

    async def _figures(self, request: pb.GetFiguresRequest) -> pb.GetFiguresResponse:
        return pb.GetFiguresResponse(figures=await self._fleet.figures(request.port))

    async def _statistics(self, request: pb.GetStatisticsRequest) -> pb.GetStatisticsResponse:
        return pb.GetStatisticsResponse(
            instances=self._fleet.statistics(request.port), sample_interval_ms=self._interval_ms()
        )

    async def _reload(self, _: pb.ReloadConfigurationRequest) -> pb.ReloadConfigurationResponse:
        reloaded = await self._fleet.reload()
        return pb.ReloadConfigurationResponse(
            applied=reloaded.applied, after_restart=reloaded.after_restart
        )

    async def _shutdown(self, _: pb.ShutdownRequest) -> pb.ShutdownResponse:
        await self._fleet.shutdown()
        return pb.ShutdownResponse()

    def _interval_ms(self) -> int:
        return round(self._fleet.sample_interval_s * 1000)


class AdminServer:
    """AdminService on a Unix socket.

    `path` is short, or relative to the directory that this process is in: the name of a
    socket has about a hundred bytes. Who may open it is decided by the umask.
    """

    def __init__(self, methods: AdminMethods, path: str) -> None:
        self._path = path
        self._server = grpc.aio.server(options=OPTIONS)
        entries = _entries(methods)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, entries),)
        )
        self._server.add_registered_method_handlers(SERVICE, entries)

    async def listen(self) -> None:
        """Accept calls; a socket that a dead process left is replaced. Raises OSError."""
        try:
            self._server.add_insecure_port(f"unix:{self._path}")
        except RuntimeError as error:
            raise OSError(f"{self._path} cannot be made: {error}") from error
        await self._server.start()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, end what is left after `grace_s` seconds, remove the socket."""
        await self._server.stop(grace_s)
        with suppress(FileNotFoundError):
            os.unlink(self._path)


def _entries(methods: AdminMethods) -> Entries:
    entries: Entries = {
        name: grpc.unary_unary_rpc_method_handler(
            _unary(method), request_deserializer=_parser(name), response_serializer=_serialize
        )
        for name, method in methods.unary().items()
    }
    entries["ExportRoom"] = grpc.unary_stream_rpc_method_handler(
        _export(methods),
        request_deserializer=_parser("ExportRoom"),
        response_serializer=_serialize,
    )
    declared = pb.DESCRIPTOR.services_by_name["AdminService"].methods_by_name
    missing = sorted(set(declared) ^ set(entries))
    if missing:
        raise TypeError(f"the contract and the table of methods differ: {missing}")
    return entries


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _parser(method: str) -> Callable[[bytes], Message | None]:
    descriptor = pb.DESCRIPTOR.services_by_name["AdminService"].methods_by_name[method]
    parse: Callable[[bytes], Message] = getattr(pb, descriptor.input_type.name).FromString

    def parsed(data: bytes) -> Message | None:
        try:
            return parse(data)
        except DecodeError:
            return None

    return parsed


def _malformed() -> AdminError:
    return AdminError("MALFORMED", "the request cannot be parsed")


def _unary(
    method: Callable[[Any], Awaitable[Message]],
) -> Callable[[Any, Context], Awaitable[Message]]:
    async def call_unary(request: Any, context: Context) -> Message:
        try:
            if request is None:
                raise _malformed()
            return await method(request)
        except Exception as error:
            await refuse(context, error)

    return call_unary


def _export(methods: AdminMethods) -> Callable[[Any, Context], Awaitable[None]]:
    async def call_export(request: Any, context: Context) -> None:
        try:
            if request is None:
                raise _malformed()
            async with aclosing(methods.export(request)) as responses:
                async for response in responses:
                    await context.write(response)
        except grpc.aio.InternalError:
            # A write that the transport could not do: the caller went away.
            return
        except Exception as error:
            await refuse(context, error)

    return call_export
