"""Guests of a real server in this process, so that a test reads like a transcript.

    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.says("hi")
        await bob.hears("hi")

Whatever is waited for is an item or a status, never a time; a wait that is in vain
fails after PATIENCE.
"""

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import accounts_pb2 as accounts_pb
from chat_protos.chat.v1 import accounts_pb2_grpc as accounts_stubs
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.config import InstanceConfig, ServerLimits, TlsFiles, Transcripts
from chat_service.edge.limits import PasswordLimits
from chat_service.retention import KEEP_ALL, Retention
from chat_service.server import serve
from chat_service.wiring import Timing

PATIENCE = 20.0
"""Seconds after which a test that waits in vain gives up."""

SERVICE = "chat.v1.ChatService"

CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
"""Without it, channels to the same address share one connection."""

CHEAP = ServerLimits(passwords=PasswordLimits(memory_bytes=64 << 10, passes=1))
"""Hashes of passwords cost a millisecond."""

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Message)


def story(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a test of a coroutine: run it in an event loop of its own."""

    @functools.wraps(test)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return told


_numbers = itertools.count(1)


def fresh_id() -> str:
    """Return a client_msg_id that no message has yet."""
    return f"fresh-{next(_numbers)}"


def room(name: str) -> pb.RoomTarget:
    """Name a public room."""
    return pb.RoomTarget(room_name=name)


def room_id(text: str) -> pb.RoomTarget:
    """Name a room by its id."""
    return pb.RoomTarget(room_id=text)


def direct(*names: str) -> pb.RoomTarget:
    """Name the direct message with these users."""
    return pb.RoomTarget(direct=pb.Recipients(names=names))


def place(
    target: pb.RoomTarget | str, after_seq: int | None = None, recent: int = 0
) -> pb.RoomPosition:
    """Say where in a room to begin; a text is the name of a public room."""
    target = room(target) if isinstance(target, str) else target
    return pb.RoomPosition(room=target, after_seq=after_seq, recent=recent)


@dataclass(frozen=True)
class Refusal:
    """The status of a call that failed, and its details."""

    code: grpc.StatusCode
    message: str
    reason: str
    # Facts of the ErrorInfo.
    metadata: dict[str, str]
    # The fields of the BadRequest; empty without one.
    fields: tuple[str, ...]
    # Milliseconds of the RetryInfo; None without one.
    retry_ms: int | None

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "Refusal":
        """Read a status; fails unless it has exactly one ErrorInfo, of this service."""
        packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        assert isinstance(packed, bytes), f"no details: {error!r}"
        status = status_pb2.Status.FromString(packed)
        assert (status.code, status.message) == (error.code().value[0], error.details())
        infos = _details(status, error_details_pb2.ErrorInfo)
        bad = _details(status, error_details_pb2.BadRequest)
        retries = _details(status, error_details_pb2.RetryInfo)
        assert len(infos) == 1, status
        assert len(bad) <= 1, status
        assert len(retries) <= 1, status
        assert infos[0].domain == "chat.v1"
        fields = tuple(violation.field for one in bad for violation in one.field_violations)
        return cls(
            error.code(),
            error.details() or "",
            infos[0].reason,
            dict(infos[0].metadata),
            fields,
            retries[0].retry_delay.ToMilliseconds() if retries else None,
        )


def _details(status: status_pb2.Status, kind: type[M]) -> list[M]:
    return [kind.FromString(one.value) for one in status.details if one.Is(kind.DESCRIPTOR)]


async def refused(call: Awaitable[object]) -> Refusal:
    """Await a call that must fail, and return how it did."""
    try:
        answer = await asyncio.wait_for(call, PATIENCE)
    except grpc.aio.AioRpcError as error:
        return Refusal.of(error)
    raise AssertionError(f"not refused: {answer}")


# Any: the stubs' types know messages only; here requests and responses are bytes.
def raw(channel: Any, method: str, *requests: bytes, token: str = "") -> Any:
    """Call a method with bytes as the request, or as the requests of a Chat stream."""
    metadata = bearer(token) if token else None
    path = f"/{SERVICE}/{method}"
    if method == "Chat":
        return channel.stream_stream(path)(iter(requests), metadata=metadata, timeout=PATIENCE)
    kind = channel.unary_stream if method == "Subscribe" else channel.unary_unary
    return kind(path)(*requests, metadata=metadata, timeout=PATIENCE)


async def outcome(call: Any) -> grpc.aio.AioRpcError | None:
    """Wait for the end of any call; return how it failed. Any: as `raw`."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error
    return None


class Frames(Protocol):
    """A call that gives frames: of Chat or of Subscribe."""

    def __aiter__(self) -> AsyncIterator[pb.ChatResponse | pb.SubscribeResponse]: ...

    def cancel(self) -> bool: ...

    async def code(self) -> grpc.StatusCode: ...


class Reading:
    """A stream of items, read by a task of its own as fast as they come."""

    def __init__(self, call: Frames) -> None:
        self.items: list[pb.StreamItem] = []
        # How the call failed; None while it goes on, or when it ended well.
        self.error: grpc.aio.AioRpcError | None = None
        self.over = False
        self._call = call
        self._news = asyncio.Condition()
        # Ends with the stream.
        self.pump = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for frame in self._call:
                async with self._news:
                    self.items.extend(frame.items)
                    self._news.notify_all()
        except grpc.aio.AioRpcError as error:
            self.error = error
        finally:
            self.over = True
            async with self._news:
                self._news.notify_all()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until something is found among what was read."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: self.over or found() is not None)
        except TimeoutError:
            pass
        result = found()
        end = repr(self.error) if self.over else "no end"
        assert result is not None, f"waited in vain; {end}; read {self.kinds()}"
        return result

    async def item(self, fits: Callable[[pb.StreamItem], object]) -> pb.StreamItem:
        """Wait for the first item that fits."""
        return await self.until(lambda: next(filter(fits, self.items), None))

    async def live(self, room_id: str) -> pb.Live:
        """Wait until all that was missed in a room has come."""
        return (await self.item(lambda item: item.live.room_id == room_id)).live

    async def joined(self, name: str, room_id: str) -> pb.Presence:
        """Wait until it is told that somebody came to a room."""
        item = await self.item(
            lambda item: (
                (item.presence.room_id, item.presence.snapshot) == (room_id, False)
                and name in (user.name for user in item.presence.joined)
            )
        )
        return item.presence

    async def left(self, name: str, room_id: str) -> pb.Presence:
        """Wait until it is told that somebody went from a room."""
        item = await self.item(
            lambda item: (
                item.presence.room_id == room_id
                and name in (user.name for user in item.presence.left)
            )
        )
        return item.presence

    async def begun(self) -> None:
        """Wait until a room is live, or the stream is over."""
        await self.until(lambda: True if self.over or "live" in self.kinds() else None)

    async def opened(self, name: str) -> pb.RoomOpened:
        """Wait until a public room is being read."""
        return (await self.item(lambda item: item.opened.room.name == name)).opened

    async def event(self, fits: Callable[[pb.RoomEvent], object]) -> pb.RoomEvent:
        """Wait for the first event that fits."""
        item = await self.item(lambda item: item.HasField("event") and fits(item.event))
        return item.event

    async def hears(self, text: str) -> pb.RoomEvent:
        """Wait for a message."""
        return await self.event(lambda event: event.message.text == text)

    async def head(self, room_id: str, seq: int) -> list[pb.RoomEvent]:
        """Wait for the event of this seq; return all of the room so far."""
        await self.event(lambda event: event.room_id == room_id and event.seq >= seq)
        return self.events(room_id)

    def events(self, room_id: str) -> list[pb.RoomEvent]:
        """Return all events of a room so far."""
        return [item.event for item in self.items if item.event.room_id == room_id]

    def texts(self, room_id: str) -> list[str]:
        """Return all that was said in a room so far."""
        return [event.message.text for event in self.events(room_id) if event.HasField("message")]

    def kinds(self) -> list[str]:
        """Return what kinds of items came, in order."""
        return [item.WhichOneof("item") or "" for item in self.items]

    async def end(self) -> Refusal | None:
        """Wait for the end; return how the call failed, None if it ended well."""
        await asyncio.wait_for(asyncio.shield(self.pump), PATIENCE)
        return None if self.error is None else Refusal.of(self.error)

    async def cancel(self) -> None:
        """End the call, as a client that goes away."""
        self._call.cancel()
        await asyncio.gather(self.pump, return_exceptions=True)


class Chat(Reading):
    """A Chat stream. Orders are numbered unless they are given an id."""

    def __init__(self, call: Any) -> None:
        # Any: the call is generic in messages, and is used here for all it can do.
        super().__init__(call)
        self._orders = call
        self._numbers = itertools.count(1)

    async def send(self, request: pb.ChatRequest) -> str:
        """Send an order as it is; return its id."""
        await self._orders.write(request)
        return request.order_id

    async def order(self, **order: Any) -> str:
        """Send an order with an id of its own; return the id."""
        number = f"o{next(self._numbers)}"
        return await self.send(pb.ChatRequest(order_id=number, **order))

    async def posts(
        self, text: str, target: pb.RoomTarget | str = "lobby", client_msg_id: str = ""
    ) -> str:
        """Send a message without waiting for the answer; return the id of the order."""
        target = room(target) if isinstance(target, str) else target
        number = f"o{next(self._numbers)}"
        post = pb.Post(room=target, text=text, client_msg_id=client_msg_id or fresh_id())
        return await self.send(pb.ChatRequest(order_id=number, post=post))

    async def says(
        self, text: str, target: pb.RoomTarget | str = "lobby", client_msg_id: str = ""
    ) -> pb.Ack:
        """Send a message, and wait for its ack."""
        return await self.ack(await self.posts(text, target, client_msg_id))

    async def joins(self, target: pb.RoomTarget | str, **position: int) -> pb.Ack:
        """Enter a room, and wait for the ack."""
        order = pb.JoinRoom(position=place(target, **position))
        return await self.ack(await self.order(join_room=order))

    async def leaves(self, name: str) -> pb.Ack:
        """Leave a room, and wait for the ack."""
        return await self.ack(await self.order(leave_room=pb.LeaveRoom(room=room(name))))

    async def ack(self, order_id: str) -> pb.Ack:
        """Wait until an order is answered, which must be by an ack."""
        item = await self.answer(order_id)
        assert item.HasField("ack"), item
        return item.ack

    async def refusal(self, order_id: str) -> pb.Error:
        """Wait until an order is answered, which must be by an error."""
        item = await self.answer(order_id)
        assert item.HasField("error"), item
        return item.error

    async def answer(self, order_id: str) -> pb.StreamItem:
        """Wait until an order is answered, by an ack or by an error."""
        return await self.item(
            lambda item: (
                (item.HasField("ack") and item.ack.order_id == order_id)
                or (item.HasField("error") and item.error.order_id == order_id)
            )
        )

    async def done(self) -> Refusal | None:
        """Say that no more orders come, and wait for the end."""
        await self._orders.done_writing()
        return await self.end()


class Guest:
    """Somebody who has signed in, on a connection of their own."""

    def __init__(self, address: str, channel: grpc.aio.Channel, joined: pb.JoinResponse) -> None:
        self.address = address
        self.channel = channel
        self.stub = stubs.ChatServiceStub(channel)
        self.joined = joined
        self.name = joined.user.name
        self.user_id = joined.user.user_id
        self._streams: list[Chat] = []

    @property
    def token(self) -> str:
        """The token of the session."""
        return self.joined.token

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What each call carries."""
        return bearer(self.token)

    @property
    def chat(self) -> Chat:
        """The newest Chat stream."""
        return self._streams[-1]

    async def asks(self, method: str, **fields: Any) -> Any:
        """Call a method of AccountService. Any: each method has its own messages."""
        request = getattr(accounts_pb, f"{method}Request")(**fields)
        stub = accounts_stubs.AccountServiceStub(self.channel)
        return await getattr(stub, method)(request, metadata=self.metadata, timeout=PATIENCE)

    async def calls(self, method: str, request: Any) -> Any:
        """Make a unary call. Any: each method has its own messages."""
        return await getattr(self.stub, method)(request, metadata=self.metadata, timeout=PATIENCE)

    async def dials(self) -> Chat:
        """Open a Chat stream and say nothing."""
        chat = Chat(self.stub.Chat(metadata=self.metadata))
        self._streams.append(chat)
        return chat

    async def opens(
        self, *places: pb.RoomPosition | str, epoch: str = "", hear_bots: bool = False
    ) -> Chat:
        """Open a Chat stream with a Hello that names rooms, and wait for the welcome."""
        chat = await self.dials()
        await chat.send(hello(*places, epoch=epoch, hear_bots=hear_bots))
        await chat.item(lambda item: item.HasField("welcome"))
        return chat

    async def subscribes(
        self, *places: pb.RoomPosition | str, epoch: str = "", hear_bots: bool = False
    ) -> Reading:
        """Open a Subscribe stream."""
        request = pb.SubscribeRequest(epoch=epoch, rooms=positions(places), hear_bots=hear_bots)
        return Reading(self.stub.Subscribe(request, metadata=self.metadata))

    async def says(self, text: str, target: pb.RoomTarget | str = "lobby") -> pb.Ack:
        """Say something in the newest Chat stream, and wait for the ack."""
        return await self.chat.says(text, target)

    async def hears(self, text: str) -> pb.RoomEvent:
        """Wait for a message in the newest Chat stream."""
        return await self.chat.hears(text)

    async def posts(
        self,
        text: str,
        target: pb.RoomTarget | str = "lobby",
        client_msg_id: str = "",
    ) -> pb.PostMessageResponse:
        """Say something by PostMessage."""
        target = room(target) if isinstance(target, str) else target
        post = pb.Post(room=target, text=text, client_msg_id=client_msg_id or fresh_id())
        answer: pb.PostMessageResponse = await self.calls(
            "PostMessage", pb.PostMessageRequest(post=post)
        )
        return answer

    async def signs_out(self) -> None:
        """End the session."""
        await self.calls("SignOut", pb.SignOutRequest())


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


def positions(places: Iterable[pb.RoomPosition | str]) -> list[pb.RoomPosition]:
    """Return where to begin; a text is the name of a public room."""
    return [place(one) if isinstance(one, str) else one for one in places]


def hello(
    *places: pb.RoomPosition | str, epoch: str = "", hear_bots: bool = False
) -> pb.ChatRequest:
    """Return the first request of a stream."""
    first = pb.Hello(epoch=epoch, rooms=positions(places), hear_bots=hear_bots)
    return pb.ChatRequest(order_id="hello", hello=first)


@dataclass
class Clock:
    """A clock that a test sets: `now` is in seconds."""

    now: float = 1_700_000_000.0

    def seconds(self) -> float:
        """Return the time in seconds."""
        return self.now

    def ms(self) -> int:
        """Return the time in milliseconds."""
        return round(self.now * 1000)


@dataclass
class Server:
    """A server on a port of its own. May be started again on the data of the former run."""

    data_dir: Path
    rate_limits: bool = False
    timing: Timing = field(default_factory=Timing)
    retention: Retention = KEEP_ALL
    transcripts: Transcripts | None = None
    limits: ServerLimits = CHEAP
    tls: TlsFiles | None = None
    # SHA-256 in hex of a code by which an admin registers.
    owner_code_hash: str = ""
    # 0: any.
    port: int = 0
    address: str = ""
    # Path of the socket of the operator; None: none is made.
    admin_socket: str | None = None

    def __post_init__(self) -> None:
        """Begin without clients."""
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.served: asyncio.Task[None] | None = None
        self._channels: list[grpc.aio.Channel] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for channel in self._channels:
            await channel.close()
        await self.ends()

    async def start(self) -> None:
        """Start the server and wait until it accepts."""
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.changes: asyncio.Queue[InstanceConfig] = asyncio.Queue()
        self.config = InstanceConfig(
            "127.0.0.1",
            self.port,
            self.data_dir,
            "info",
            self.rate_limits,
            retention=self.retention,
            transcripts=self.transcripts,
            limits=self.limits,
            tls=self.tls,
            owner_code_hash=self.owner_code_hash,
        )
        self.served = asyncio.create_task(
            serve(
                self.config,
                stop=self.stop,
                hurry=self.hurry,
                ready=lambda address, _: ready.set_result(address),
                changes=self.changes,
                admin_socket=self.admin_socket,
                timing=self.timing,
            )
        )
        waits = asyncio.wait((self.served, ready), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait_for(waits, PATIENCE)
        if self.served.done():
            await self.served
        self.address = await ready

    # Any: fields of the configuration by name.
    async def changes_to(self, **fields: Any) -> None:
        """Have the running server go by another configuration; wait until it does."""
        self.config = replace(self.config, **fields)
        self.changes.put_nowait(self.config)
        await asyncio.wait_for(self.changes.join(), PATIENCE)

    async def ends(self) -> None:
        """Stop the server, and wait until it has."""
        self.stop.set()
        if self.served is not None:
            await asyncio.wait_for(asyncio.shield(self.served), PATIENCE)

    async def restarts(self) -> None:
        """Stop the server, and start it on the same data."""
        await self.ends()
        await self.start()

    def channel(self, *options: tuple[str, Any]) -> grpc.aio.Channel:
        """Return a new connection."""
        channel = grpc.aio.insecure_channel(self.address, options=(*CONNECTION, *options))
        self._channels.append(channel)
        return channel

    async def joins(
        self, name: str, into: str = "", token: str = "", password: str = "", client: str = ""
    ) -> Guest:
        """Sign somebody in, on a connection of their own."""
        channel = self.channel()
        joined = await stubs.ChatServiceStub(channel).Join(
            pb.JoinRequest(name=name, room=into, password=password, client=client),
            metadata=bearer(token) if token else None,
            timeout=PATIENCE,
        )
        return Guest(self.address, channel, joined)

    async def registers(self, name: str, password: str, **fields: str) -> Guest:
        """Make an account for somebody new, who is signed in by that."""
        channel = self.channel()
        request = accounts_pb.RegisterRequest(name=name, password=password, **fields)
        stub = accounts_stubs.AccountServiceStub(channel)
        response = await stub.Register(request, timeout=PATIENCE)
        return Guest(self.address, channel, response.joined)

    async def guest(self, name: str, *places: pb.RoomPosition | str) -> Guest:
        """Sign somebody in who reads rooms, the lobby if none is named, from now on."""
        guest = await self.joins(name)
        chat = await guest.opens(*(places or ("lobby",)))
        wanted = len(places) or 1
        await chat.until(lambda: chat.kinds().count("live") >= wanted or None)
        return guest

    async def guests(self, *names: str) -> list[Guest]:
        """Sign several in who read the lobby."""
        return [await self.guest(name) for name in names]

    async def again(self, guest: Guest) -> Guest:
        """Return the same session on a new connection, as after a restart."""
        return Guest(self.address, self.channel(), guest.joined)
