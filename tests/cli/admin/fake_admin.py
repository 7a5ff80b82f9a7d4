"""An AdminService in memory, on a Unix socket, that obeys the contract.

Small enough to be read beside `admin.proto`: instances with users and rooms, pages, history.
Instances start and stop at once.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import admin_pb2_grpc as stubs
from chat_protos.chat.v1 import chat_pb2 as chat
from chat_protos.chat.v1 import moderation_pb2

# Any: contexts of grpc.aio are generic in messages, and these methods serve all.
Context = grpc.aio.ServicerContext[Any, Any]
Code = grpc.StatusCode
T = TypeVar("T")

MOST_INSTANCES = 5
EVENTS_OF_A_PART = 100
MADE = "made-for-you-0001"
"""The password where one is to be made."""
NOON_MS = 1_795_176_000_000
"""2026-11-20T12:00:00Z."""


@dataclass
class FakeInstance:
    """An instance, and who is on it."""

    told: pb.Instance
    users: list[pb.InstanceUser] = field(default_factory=list)
    rooms: list[pb.InstanceRoom] = field(default_factory=list)
    # Of the rooms, by name.
    events: dict[str, Sequence[chat.RoomEvent]] = field(default_factory=dict)
    samples: list[pb.Sample] = field(default_factory=list)

    def user(self, name: str, **fields: Any) -> None:
        """Add a user. Any: whatever the message has."""
        user = chat.User(user_id=f"u{len(self.users) + 1}", name=name, connected=True)
        fields = {"sessions": 1, "created_ms": NOON_MS} | fields
        self.users.append(pb.InstanceUser(port=self.told.port, user=user, **fields))

    def room(self, name: str, *events: chat.RoomEvent, topic: str = "", members: int = 0) -> None:
        """Add a room."""
        self.events[name] = events
        described = chat.Room(
            room_id=f"r{len(self.rooms) + 1}",
            kind=chat.ROOM_KIND_PUBLIC,
            name=name,
            topic=topic,
            head_seq=events[-1].seq if events else 0,
        )
        first = events[0].seq if events else 1
        self.rooms.append(
            pb.InstanceRoom(
                port=self.told.port, room=described, members=members, readers=1, first_seq=first
            )
        )

    def sample(self, **figures: Any) -> None:
        """Add a sample, which is the last one. Any: whatever the message has."""
        self.samples.append(pb.Sample(time_ms=NOON_MS + 5000 * len(self.samples), **figures))
        self.told.sample.CopyFrom(self.samples[-1])


@dataclass
class FakeAdmin(stubs.AdminServiceServicer):
    """The service, at `path`. What it was told is in `said`, `kicked` and `shutdowns`."""

    path: Path
    instances: dict[int, FakeInstance] = field(default_factory=dict)
    said: list[pb.SayRequest] = field(default_factory=list)
    kicked: list[pb.KickUserRequest] = field(default_factory=list)
    applied: Sequence[str] = ()
    after_restart: Sequence[str] = ()
    # What a reload finds wrong.
    flaw: str = ""
    # Ports of instances that serve and do not answer.
    silent: set[int] = field(default_factory=set)
    # Passwords by port and name, empty where one was made; and what else was ordered.
    passwords: dict[tuple[int, str], str] = field(default_factory=dict)
    ordered: list[Message] = field(default_factory=list)
    # Newest first.
    audit: list[moderation_pb2.AuditEntry] = field(default_factory=list)
    shutdowns: int = 0
    pages: int = 0
    # Break an export after so many parts; None: never.
    break_after: int | None = None

    @property
    def target(self) -> str:
        """What a channel is made for."""
        return f"unix:{self.path}"

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        stubs.add_AdminServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(self.target)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    # ------------------------------------------------------------ told by tests

    def instance(self, port: int, state: int = pb.INSTANCE_STATE_SERVING) -> FakeInstance:
        """Add an instance."""
        told = pb.Instance(
            number=len(self.instances) + 1,
            address=f"127.0.0.1:{port}",
            port=port,
            state=state,  # type: ignore[arg-type]  # enums of protobuf are plain numbers
            since_ms=NOON_MS,
            pid=4711,
            data_directory=f"/data/{port}",
        )
        self.instances[port] = FakeInstance(told)
        return self.instances[port]

    # ------------------------------------------------------------------ the calls

    async def ListInstances(  # noqa: N802  # the contract's name
        self, _: pb.ListInstancesRequest, __: Context
    ) -> pb.ListInstancesResponse:
        told = [one.told for one in self.instances.values()]
        return pb.ListInstancesResponse(instances=told, sample_interval_ms=5000)

    async def StartInstance(  # noqa: N802  # the contract's name
        self, request: pb.StartInstanceRequest, context: Context
    ) -> pb.StartInstanceResponse:
        port = request.port or max(self.instances, default=50050) + 1
        if port in self.instances:
            await _abort(context, Code.ALREADY_EXISTS, "INSTANCE_EXISTS", f"{port} serves already")
        if len(self.instances) >= MOST_INSTANCES:
            line = "no more instances than 5"
            await _abort(context, Code.RESOURCE_EXHAUSTED, "TOO_MANY_INSTANCES", line)
        return pb.StartInstanceResponse(instance=self.instance(port).told)

    async def StopInstance(  # noqa: N802  # the contract's name
        self, request: pb.StopInstanceRequest, context: Context
    ) -> pb.StopInstanceResponse:
        if bool(request.port) == request.all:
            await _abort(context, Code.INVALID_ARGUMENT, "PORT_INVALID", "a port or all")
        found = list(self.instances.values())
        if request.port:
            found = [await self._one(request.port, context)]
        for one in found:
            one.told.state = pb.INSTANCE_STATE_STOPPED
        return pb.StopInstanceResponse(instances=[one.told for one in found])

    async def RestartInstance(  # noqa: N802  # the contract's name
        self, request: pb.RestartInstanceRequest, context: Context
    ) -> pb.RestartInstanceResponse:
        one = await self._one(request.port, context)
        one.told.state = pb.INSTANCE_STATE_SERVING
        return pb.RestartInstanceResponse(instance=one.told)

    async def ListInstanceUsers(  # noqa: N802  # the contract's name
        self, request: pb.ListInstanceUsersRequest, context: Context
    ) -> pb.ListInstanceUsersResponse:
        found = [user for one in await self._chosen(request.port, context) for user in one.users]
        page, token = self._page(found, request.page_size, request.page_token)
        return pb.ListInstanceUsersResponse(users=page, next_page_token=token)

    async def ListInstanceRooms(  # noqa: N802  # the contract's name
        self, request: pb.ListInstanceRoomsRequest, context: Context
    ) -> pb.ListInstanceRoomsResponse:
        found = [room for one in await self._chosen(request.port, context) for room in one.rooms]
        page, token = self._page(found, request.page_size, request.page_token)
        return pb.ListInstanceRoomsResponse(rooms=page, next_page_token=token)

    async def Say(  # noqa: N802  # the contract's name
        self, request: pb.SayRequest, context: Context
    ) -> pb.SayResponse:
        chosen = await self._chosen(request.port, context)
        self.said.append(request)
        return pb.SayResponse(streams=sum(len(one.users) for one in chosen))

    async def KickUser(  # noqa: N802  # the contract's name
        self, request: pb.KickUserRequest, context: Context
    ) -> pb.KickUserResponse:
        one = await self._one(request.port, context)
        found = [user for user in one.users if user.user.name.lower() == request.name.lower()]
        if not found:
            line = f"nobody is called {request.name}"
            await _abort(context, Code.NOT_FOUND, "USER_NOT_FOUND", line)
        one.users.remove(found[0])
        self.kicked.append(request)
        return pb.KickUserResponse(user=found[0].user, sessions=found[0].sessions)

    async def CreateOwnerCode(  # noqa: N802  # the contract's name
        self, request: pb.CreateOwnerCodeRequest, context: Context
    ) -> pb.CreateOwnerCodeResponse:
        await self._one(request.port, context)
        self.ordered.append(request)
        return pb.CreateOwnerCodeResponse(code="K7QM-3XZD-P9RT-WB2H")

    async def CreateAccount(  # noqa: N802  # the contract's name
        self, request: pb.CreateAccountRequest, context: Context
    ) -> pb.CreateAccountResponse:
        one = await self._one(request.port, context)
        if any(user.user.name == request.name for user in one.users):
            await _abort(context, Code.ALREADY_EXISTS, "NAME_TAKEN", "this name is taken")
        one.user(request.name, admin=request.admin, sessions=0)
        self.passwords[request.port, request.name] = request.password
        return pb.CreateAccountResponse(
            user=one.users[-1].user, password="" if request.password else MADE
        )

    async def SetPassword(  # noqa: N802  # the contract's name
        self, request: pb.SetPasswordRequest, context: Context
    ) -> pb.SetPasswordResponse:
        user = await self._named(request.port, request.name, context)
        self.passwords[request.port, request.name] = request.password
        return pb.SetPasswordResponse(
            user=user.user, password="" if request.password else MADE, ended=user.sessions
        )

    async def GrantAdmin(  # noqa: N802  # the contract's name
        self, request: pb.GrantAdminRequest, context: Context
    ) -> pb.GrantAdminResponse:
        user = await self._named(request.port, request.name, context)
        user.admin = request.admin
        return pb.GrantAdminResponse(user=user.user)

    async def CloseAccount(  # noqa: N802  # the contract's name
        self, request: pb.CloseAccountRequest, context: Context
    ) -> pb.CloseAccountResponse:
        user = await self._named(request.port, request.name, context)
        ended, user.sessions = user.sessions, 0
        user.closed = request.closed
        self.ordered.append(request)
        return pb.CloseAccountResponse(user=user.user, ended=ended)

    async def Unban(  # noqa: N802  # the contract's name
        self, request: pb.UnbanRequest, context: Context
    ) -> pb.UnbanResponse:
        await self._one(request.port, context)
        self.ordered.append(request)
        return pb.UnbanResponse()

    async def ListAudit(  # noqa: N802  # the contract's name
        self, request: pb.ListAuditRequest, context: Context
    ) -> pb.ListAuditResponse:
        await self._one(request.port, context)
        page, token = self._page(self.audit, request.page_size, request.page_token)
        return pb.ListAuditResponse(entries=page, next_page_token=token)

    async def GetFigures(  # noqa: N802  # the contract's name
        self, request: pb.GetFiguresRequest, context: Context
    ) -> pb.GetFiguresResponse:
        one = await self._one(request.port, context)
        users = pb.Figure(
            name="chat_users",
            kind=pb.FIGURE_KIND_GAUGE,
            values=[pb.FigureValue(value=len(one.users))],
        )
        return pb.GetFiguresResponse(figures=[users])

    async def GetStatistics(  # noqa: N802  # the contract's name
        self, request: pb.GetStatisticsRequest, context: Context
    ) -> pb.GetStatisticsResponse:
        told = [
            pb.InstanceSamples(instance=one.told, samples=one.samples)
            for one in await self._chosen(request.port, context)
        ]
        return pb.GetStatisticsResponse(instances=told, sample_interval_ms=5000)

    async def ExportRoom(  # noqa: N802  # the contract's name
        self, request: pb.ExportRoomRequest, context: Context
    ) -> AsyncIterator[pb.ExportRoomResponse]:
        one = await self._one(request.port, context)
        events = one.events.get(request.room_name.lower())
        if events is None:
            await _abort(context, Code.NOT_FOUND, "ROOM_NOT_FOUND", "there is no such room")
        for part, start in enumerate(range(0, len(events), EVENTS_OF_A_PART)):
            if part == self.break_after:
                await _abort(context, Code.UNAVAILABLE, "", "gone")
            yield pb.ExportRoomResponse(events=events[start : start + EVENTS_OF_A_PART])

    async def ReloadConfiguration(  # noqa: N802  # the contract's name
        self, _: pb.ReloadConfigurationRequest, context: Context
    ) -> pb.ReloadConfigurationResponse:
        if self.flaw:
            await _abort(context, Code.FAILED_PRECONDITION, "CONFIGURATION_INVALID", self.flaw)
        return pb.ReloadConfigurationResponse(
            applied=self.applied, after_restart=self.after_restart
        )

    async def Shutdown(  # noqa: N802  # the contract's name
        self, _: pb.ShutdownRequest, __: Context
    ) -> pb.ShutdownResponse:
        self.shutdowns += 1
        return pb.ShutdownResponse()

    # --------------------------------------------------------------------- inside

    async def _one(self, port: int, context: Context) -> FakeInstance:
        if port not in self.instances:
            line = f"no instance has the port {port}"
            await _abort(context, Code.NOT_FOUND, "INSTANCE_NOT_FOUND", line)
        if port in self.silent:
            line = f"127.0.0.1:{port} does not answer at the moment"
            await _abort(context, Code.UNAVAILABLE, "INSTANCE_UNAVAILABLE", line)
        return self.instances[port]

    async def _named(self, port: int, name: str, context: Context) -> pb.InstanceUser:
        one = await self._one(port, context)
        found = [user for user in one.users if user.user.name.lower() == name.lower()]
        if not found:
            await _abort(context, Code.NOT_FOUND, "USER_NOT_FOUND", f"nobody is called {name}")
        return found[0]

    async def _chosen(self, port: int, context: Context) -> Iterable[FakeInstance]:
        return [await self._one(port, context)] if port else self.instances.values()

    def _page(self, found: Sequence[T], size: int, token: str) -> tuple[Sequence[T], str]:
        self.pages += 1
        start, size = int(token or 0), min(size or 100, 1000)
        end = start + size
        return found[start:end], str(end) if end < len(found) else ""


async def _abort(context: Context, code: Code, reason: str, line: str) -> NoReturn:
    status = status_pb2.Status(code=code.value[0], message=line)
    if reason:
        info = error_details_pb2.ErrorInfo(reason=reason, domain="chat.v1")
        status.details.add().Pack(info)
    details = (("grpc-status-details-bin", status.SerializeToString()),) if reason else ()
    await context.abort(code, line, details)


def message(seq: int, name: str, text: str, action: bool = False) -> chat.RoomEvent:
    """Return what somebody said, a second after the event before."""
    style = chat.MESSAGE_STYLE_ACTION if action else chat.MESSAGE_STYLE_UNSPECIFIED
    return chat.RoomEvent(
        room_id="r1",
        seq=seq,
        time_ms=NOON_MS + 1000 * seq,
        author=chat.User(user_id=f"u-{name}", name=name),
        message=chat.Message(text=text, style=style),
    )


def topic(seq: int, name: str, text: str) -> chat.RoomEvent:
    """Return a change of the topic, a second after the event before."""
    return chat.RoomEvent(
        room_id="r1",
        seq=seq,
        time_ms=NOON_MS + 1000 * seq,
        author=chat.User(user_id=f"u-{name}", name=name),
        topic=chat.TopicChange(topic=text),
    )
