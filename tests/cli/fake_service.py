"""A chat service in memory that obeys the contract, and can be told to misbehave.

Small enough to be read beside `chat.proto`: rooms, sessions, posts with their
`client_msg_id`, resume, presence. No limits on rates, nothing stored.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.protobuf.message import Message

from chat_protos.chat.v1 import chat_pb2 as pb
from tests.cli.desk import DEADLINE
from tests.cli.ends import Code, Context, EndError, abort, token_of
from tests.cli.fake_accounts import FakeAccounts
from tests.held_ports import held_ports

__all__ = ["Code", "EndError", "FakeService"]
from tests.authority import Issued

# What an event may say.
Body = pb.Message | pb.TopicChange | pb.Deletion | pb.RoomChange | pb.Withheld


@dataclass
class Room:
    """A room and its log."""

    room_id: str
    kind: int
    name: str = ""
    topic: str = ""
    members: list[pb.User] = field(default_factory=list)
    events: list[pb.RoomEvent] = field(default_factory=list)

    def described(self) -> pb.Room:
        """Give the room as its members see it."""
        return pb.Room(
            room_id=self.room_id,
            kind=self.kind,  # type: ignore[arg-type]  # enums of protobuf are plain numbers
            name=self.name,
            topic=self.topic,
            head_seq=len(self.events),
            members=self.members,
        )


@dataclass
class Stream:
    """An open Chat or Subscribe call."""

    user: pb.User
    token: str
    rooms: set[str] = field(default_factory=set)
    queue: "asyncio.Queue[pb.StreamItem | Exception]" = field(default_factory=asyncio.Queue)


@dataclass
class FakeService:
    """The service. Attributes whose names are verbs of trouble change what it does next."""

    send_burst: int = 20
    epoch: str = "e1"
    port: int = 0
    # Answers to the next posts, first come first served; None takes the post.
    refuse_posts: list[pb.Error | None] = field(default_factory=list)
    # Errors of the next Joins.
    refuse_joins: list[EndError] = field(default_factory=list)
    # Answer Joins only when this is set.
    answer_joins: asyncio.Event = field(default_factory=asyncio.Event)
    # Welcome streams only when this is set.
    welcome: asyncio.Event = field(default_factory=asyncio.Event)
    # Store the next posts and break the stream instead of acknowledging them.
    swallow_acks: int = 0
    # Leave these numbers out of streams, once each.
    skip_seqs: set[int] = field(default_factory=set)
    # The certificate that it shows; None: it speaks plain text.
    issued: Issued | None = None
    # Events up to this one are no longer kept.
    kept_from: int = 1

    def __post_init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.sessions: dict[str, pb.User] = {}
        self.streams: list[Stream] = []
        self.posts: dict[tuple[str, str], pb.RoomEvent] = {}
        self.hellos: list[pb.Hello] = []
        self.joins: list[tuple[pb.JoinRequest, str]] = []
        self.subscribes: list[pb.SubscribeRequest] = []
        self.signed_out: list[str] = []
        self.answer_joins.set()
        self.welcome.set()
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._count = 0
        self._server: grpc.aio.Server | None = None
        self._held = ExitStack()
        self.accounts = FakeAccounts(self)
        self.room("lobby")

    # ------------------------------------------------------------------- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._held.close()

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, always on the same port, which nobody else is given while it is away."""
        self.port = self.port or self._held.enter_context(held_ports())
        self._server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers((self._handlers(), self.accounts.handlers()))
        place = f"127.0.0.1:{self.port}"
        if self.issued:
            pair = (self.issued.key, self.issued.pem)
            self._server.add_secure_port(place, grpc.ssl_server_credentials([pair]))
        else:
            self._server.add_insecure_port(place)
        await self._server.start()

    async def stop(self) -> None:
        """Vanish."""
        if self._server:
            await self._server.stop(None)
            self._server = None

    # ------------------------------------------------------------ told by tests

    def room(self, name: str) -> Room:
        """Give the public room of this name, opened if there is none."""
        for room in self.rooms.values():
            if room.name.lower() == name.lower():
                return room
        return self._new_room(pb.ROOM_KIND_PUBLIC, name)

    def user(self, name: str) -> pb.User:
        """Give the user of this name; one without a session is made if there is none."""
        for user in self.sessions.values():
            if user.name.lower() == name.lower():
                return user
        user = pb.User(user_id=f"u{self.next_number()}", name=name)
        self.sessions[f"token-{user.user_id}"] = user
        return user

    def say(self, author: str, text: str, room: Room | None = None, msg_id: str = "") -> int:
        """Let somebody speak; give the seq."""
        message = pb.Message(text=text, client_msg_id=msg_id)
        return self._append(room or self.room("lobby"), self.user(author), message).seq

    def open_session(self, user: pb.User, label: str) -> str:
        """Sign a user in; give the token."""
        token = f"token-{self.next_number()}"
        self.sessions[token] = user
        self.accounts.note(token, user, label)
        self.changed()
        return token

    def does(self, author: str, body: Body, room: Room | None = None) -> int:
        """Let somebody do anything else; give the seq."""
        return self._append(room or self.room("lobby"), self.user(author), body).seq

    def direct(self, *names: str) -> Room:
        """Give the direct message of these users, opened if there is none."""
        return self._direct([self.user(name) for name in names])

    def tell(self, item: pb.StreamItem) -> None:
        """Send an item to every stream."""
        for stream in self.streams:
            stream.queue.put_nowait(item)

    def end_streams(
        self, code: Code = Code.UNAVAILABLE, reason: str = "", retry_ms: int = 0
    ) -> None:
        """End every stream with an error."""
        for stream in self.streams:
            stream.queue.put_nowait(EndError(code, "ended by the test", reason, retry_ms))

    def kick_everybody(self) -> None:
        """Remove all users, as an operator does."""
        self.forget_everybody()
        self.end_streams(Code.PERMISSION_DENIED, "KICKED")

    def forget_everybody(self) -> None:
        """Let all identities expire."""
        self.sessions.clear()

    def replace_data(self, epoch: str) -> None:
        """Begin another life: no rooms but an empty lobby, numbers from the start."""
        self.epoch, self._count = epoch, 0
        self.rooms.clear()
        self.posts.clear()
        self.room("lobby")

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until a call has made `predicate` true."""
        if not predicate():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append((predicate, future))
            async with asyncio.timeout(DEADLINE):
                await future

    async def is_read(self) -> None:
        """Wait until a stream reads a room."""
        await self.until(lambda: any(stream.rooms for stream in self.streams))

    # ------------------------------------------------------------------ calls

    async def join(self, request: pb.JoinRequest, context: Context) -> pb.JoinResponse:
        """Sign in."""
        token = token_of(context)
        self.joins.append((request, token))
        if self.refuse_joins:
            await abort(context, self.refuse_joins.pop(0))
        if token:
            user = await self.known(context)
        elif request.password:
            user = await self.accounts.sign_in(request, context)
        elif self.accounts.named(request.name):
            await abort(context, EndError(Code.ALREADY_EXISTS, "taken", "NAME_REGISTERED"))
        elif not request.name.replace("-", "").isalnum():
            await abort(context, EndError(Code.INVALID_ARGUMENT, "a bad name", "NAME_INVALID"))
        elif any(user.name.lower() == request.name.lower() for user in self.sessions.values()):
            await abort(context, EndError(Code.ALREADY_EXISTS, "this name is taken", "NAME_TAKEN"))
        else:
            user = pb.User(user_id=f"u{self.next_number()}", name=request.name)
        fresh = self.open_session(user, request.client)
        await self.answer_joins.wait()
        limits = pb.Limits(text_bytes=4096, unacked_posts=256, send_burst=self.send_burst)
        room = self.room(request.room).described() if request.room else None
        return pb.JoinResponse(
            token=fresh,
            user=user,
            session_id=fresh[-4:],
            epoch=self.epoch,
            limits=limits,
            room=room,
            expires_ms=self.accounts.expires_ms if user.account else 0,
        )

    async def sign_out(self, _: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        """End the session of the token."""
        await self.known(context)
        token = token_of(context)
        self.signed_out.append(token)
        del self.sessions[token]
        self.changed()
        return pb.SignOutResponse()

    async def list_users(
        self, request: pb.ListUsersRequest, context: Context
    ) -> pb.ListUsersResponse:
        """List one user a page, so that paging is needed."""
        await self.known(context)
        present = {user.user_id: user for user in self.sessions.values()}
        users = sorted(present.values(), key=lambda user: user.name)
        start = int(request.page_token or 0)
        token = str(start + 1) if start + 1 < len(users) else ""
        return pb.ListUsersResponse(users=users[start : start + 1], next_page_token=token)

    async def list_rooms(
        self, request: pb.ListRoomsRequest, context: Context
    ) -> pb.ListRoomsResponse:
        """List one room a page."""
        await self.known(context)
        rooms = [r.described() for r in self.rooms.values() if r.kind == pb.ROOM_KIND_PUBLIC]
        start = int(request.page_token or 0)
        token = str(start + 1) if start + 1 < len(rooms) else ""
        return pb.ListRoomsResponse(rooms=rooms[start : start + 1], next_page_token=token)

    async def list_messages(
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        """Read history towards the past, two events a page."""
        await self.known(context)
        room = await self._find(request.room, context)
        before = int(request.page_token or 0) or len(room.events) + 1
        size = min(request.page_size, 2)
        events = [event for event in reversed(room.events) if event.seq < before][:size]
        token = str(events[-1].seq) if events and events[-1].seq > 1 else ""
        return pb.ListMessagesResponse(events=events, next_page_token=token)

    async def post_message(
        self, request: pb.PostMessageRequest, context: Context
    ) -> pb.PostMessageResponse:
        """Store one message, as an order in a stream would be."""
        stream = Stream(await self.known(context), token_of(context))
        self._post(stream, "", request.post)
        item = stream.queue.get_nowait()
        if isinstance(item, EndError):
            await abort(context, item)
        assert isinstance(item, pb.StreamItem)
        if item.HasField("error"):
            error = item.error
            code = next(code for code in Code if code.value[0] == error.code)
            await abort(context, EndError(code, error.message, error.reason, error.retry_after_ms))
        ack = item.ack
        return pb.PostMessageResponse(
            room_id=ack.room_id, seq=ack.seq, time_ms=ack.time_ms, duplicate=ack.duplicate
        )

    async def chat(self, _: object, context: Context) -> None:
        """Run the conversation."""
        user = await self.known(context)
        token = token_of(context)
        first = await context.read()
        if first is grpc.aio.EOF:
            return
        for other in [stream for stream in self.streams if stream.token == token]:
            other.queue.put_nowait(EndError(Code.ABORTED, "taken over", "SESSION_REPLACED"))
        stream = Stream(user, token)
        self.streams.append(stream)
        self.hellos.append(first.hello)
        welcome = pb.Welcome(epoch=self.epoch, user=user)
        stream.queue.put_nowait(pb.StreamItem(welcome=welcome))
        holds = first.hello.epoch in ("", self.epoch)
        if not holds:
            stream.queue.put_nowait(pb.StreamItem(reset=pb.Reset(epoch=self.epoch)))
        for position in first.hello.rooms:
            self._enter(stream, position, first.order_id, holds)
        for room in list(self.rooms.values()):
            if any(member.user_id == user.user_id for member in room.members):
                self._read(stream, room, 0)
        reader = asyncio.create_task(self._orders(stream, context))
        self.changed()
        await self.welcome.wait()
        try:
            await self._write(stream, context, lambda items: pb.ChatResponse(items=items))
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def subscribe(self, request: pb.SubscribeRequest, context: Context) -> None:
        """Send rooms without orders."""
        user = await self.known(context)
        self.subscribes.append(request)
        self.changed()
        stream = Stream(user, "")
        welcome = pb.Welcome(epoch=self.epoch, user=user)
        stream.queue.put_nowait(pb.StreamItem(welcome=welcome))
        holds = request.epoch in ("", self.epoch)
        if not holds:
            stream.queue.put_nowait(pb.StreamItem(reset=pb.Reset(epoch=self.epoch)))
        for position in request.rooms:
            room = await self._find(position.room, context)
            start = self._start(room, position, holds)
            if start is None:
                await abort(context, EndError(Code.OUT_OF_RANGE, "beyond the head", "SEQ"))
            self.streams.append(stream)
            self._read(stream, room, start)
        self.changed()
        await self._write(stream, context, lambda items: pb.SubscribeResponse(items=items))

    # ------------------------------------------------------------------ inside

    def _handlers(self) -> grpc.GenericRpcHandler:
        unary: dict[str, tuple[Callable[..., Any], type[Message]]] = {
            "Join": (self.join, pb.JoinRequest),
            "SignOut": (self.sign_out, pb.SignOutRequest),
            "PostMessage": (self.post_message, pb.PostMessageRequest),
            "ListUsers": (self.list_users, pb.ListUsersRequest),
            "ListRooms": (self.list_rooms, pb.ListRoomsRequest),
            "ListMessages": (self.list_messages, pb.ListMessagesRequest),
        }
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            name: grpc.unary_unary_rpc_method_handler(
                method, request_deserializer=kind.FromString, response_serializer=_serialize
            )
            for name, (method, kind) in unary.items()
        }
        handlers["Chat"] = grpc.stream_stream_rpc_method_handler(
            self.chat,
            request_deserializer=pb.ChatRequest.FromString,
            response_serializer=_serialize,
        )
        handlers["Subscribe"] = grpc.unary_stream_rpc_method_handler(
            self.subscribe,
            request_deserializer=pb.SubscribeRequest.FromString,
            response_serializer=_serialize,
        )
        return grpc.method_handlers_generic_handler("chat.v1.ChatService", handlers)

    def changed(self) -> None:
        """Wake whoever waits for what a call does."""
        for predicate, future in list(self._watchers):
            if predicate() and not future.done():
                future.set_result(None)
                self._watchers.remove((predicate, future))

    def next_number(self) -> int:
        """Give a number that nothing else has."""
        self._count += 1
        return self._count

    def _new_room(self, kind: int, name: str = "", members: list[pb.User] | None = None) -> Room:
        room = Room(f"r{self.next_number()}", kind, name, members=members or [])
        self.rooms[room.room_id] = room
        for stream in self.streams:
            if any(member.user_id == stream.user.user_id for member in room.members):
                self._read(stream, room, 0)
        return room

    def _direct(self, members: list[pb.User]) -> Room:
        ids = {member.user_id for member in members}
        for room in self.rooms.values():
            if room.members and {member.user_id for member in room.members} == ids:
                return room
        return self._new_room(pb.ROOM_KIND_DIRECT, members=members)

    def _append(self, room: Room, author: pb.User, body: Body) -> pb.RoomEvent:
        event = pb.RoomEvent(
            room_id=room.room_id,
            seq=len(room.events) + 1,
            time_ms=int(time.time() * 1000),
            author=author,
        )
        match body:
            case pb.Message():
                event.message.CopyFrom(body)
            case pb.TopicChange():
                event.topic.CopyFrom(body)
                room.topic = body.topic
            case pb.Deletion():
                event.deletion.CopyFrom(body)
            case pb.RoomChange():
                event.change.CopyFrom(body)
                room.name = body.name or room.name
            case pb.Withheld():
                event.withheld.CopyFrom(body)
        room.events.append(event)
        for stream in self.streams:
            if room.room_id in stream.rooms:
                self._send(stream, event)
        self.changed()
        return event

    def _send(self, stream: Stream, event: pb.RoomEvent) -> None:
        if event.seq in self.skip_seqs:
            self.skip_seqs.discard(event.seq)
            return
        stream.queue.put_nowait(pb.StreamItem(event=event))

    def _target(self, target: pb.RoomTarget, user: pb.User | None, make: bool) -> Room | None:
        match target.WhichOneof("target"):
            case "room_id":
                return self.rooms.get(target.room_id)
            case "room_name":
                names = {room.name.lower() for room in self.rooms.values()}
                known = target.room_name.lower() in names
                return self.room(target.room_name) if known or make else None
            case "direct" if user:
                found = {u.name.lower(): u for u in self.sessions.values()}
                others = [found.get(name.lower()) for name in target.direct.names]
                if None not in others:
                    members = {u.user_id: u for u in [user, *others] if u}
                    return self._direct(list(members.values()))
        return None

    def _start(self, room: Room, position: pb.RoomPosition, epoch_holds: bool) -> int | None:
        head = len(room.events)
        if position.HasField("after_seq") and epoch_holds:
            return None if position.after_seq > head else position.after_seq
        return max(0, head - position.recent)

    def _enter(
        self, stream: Stream, position: pb.RoomPosition, order_id: str, epoch_holds: bool
    ) -> None:
        room = self._target(position.room, stream.user, make=True)
        if room is None or " " in room.name:
            self._refuse(stream, Code.NOT_FOUND, order_id, position.room.room_id)
            return
        start = self._start(room, position, epoch_holds)
        if start is None:
            self._refuse(stream, Code.OUT_OF_RANGE, order_id, room.room_id)
            return
        if order_id != "hello":
            ack = pb.Ack(order_id=order_id, room_id=room.room_id)
            stream.queue.put_nowait(pb.StreamItem(ack=ack))
        self._read(stream, room, start)

    def _refuse(self, stream: Stream, code: Code, order_id: str, room_id: str = "") -> None:
        error = pb.Error(
            order_id=order_id, code=code.value[0], reason=code.name, room_id=room_id,
            message=f"refused: {code.name}",
        )  # fmt: skip
        stream.queue.put_nowait(pb.StreamItem(error=error))

    def _read(self, stream: Stream, room: Room, after: int) -> None:
        if room.room_id in stream.rooms:
            return
        stream.rooms.add(room.room_id)
        self.changed()
        put = stream.queue.put_nowait
        put(pb.StreamItem(opened=pb.RoomOpened(room=room.described(), after_seq=after)))
        if after < self.kept_from - 1:
            gap = pb.Gap(room_id=room.room_id, after_seq=after, first_seq=self.kept_from)
            put(pb.StreamItem(gap=gap))
        for event in room.events[max(after, self.kept_from - 1) :]:
            self._send(stream, event)
        put(pb.StreamItem(live=pb.Live(room_id=room.room_id, seq=len(room.events))))
        if room.kind == pb.ROOM_KIND_PUBLIC:
            here = {s.user.user_id: s.user for s in self.streams if room.room_id in s.rooms}
            users = sorted(here.values(), key=lambda user: user.name)
            presence = pb.Presence(
                room_id=room.room_id, snapshot=True, joined=users, total=len(users)
            )
            put(pb.StreamItem(presence=presence))

    async def _orders(self, stream: Stream, context: Context) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            match request.WhichOneof("order"):
                case "post":
                    self._post(stream, request.order_id, request.post)
                case "join_room":
                    self._enter(stream, request.join_room.position, request.order_id, True)
                case "leave_room":
                    room_id = request.leave_room.room.room_id
                    stream.rooms.discard(room_id)
                    ack = pb.Ack(order_id=request.order_id, room_id=room_id)
                    stream.queue.put_nowait(pb.StreamItem(ack=ack))
                    closed = pb.RoomClosed(room_id=room_id)
                    stream.queue.put_nowait(pb.StreamItem(closed=closed))
                case "set_topic":
                    room = self.rooms[request.set_topic.room.room_id]
                    body = pb.TopicChange(topic=request.set_topic.topic)
                    seq = self._append(room, stream.user, body).seq
                    ack = pb.Ack(order_id=request.order_id, room_id=room.room_id, seq=seq)
                    stream.queue.put_nowait(pb.StreamItem(ack=ack))

    def _post(self, stream: Stream, order_id: str, post: pb.Post) -> None:
        refusal = self.refuse_posts.pop(0) if self.refuse_posts else None
        self.changed()
        if refusal:
            error = pb.Error()
            error.CopyFrom(refusal)
            error.order_id, error.client_msg_id = order_id, post.client_msg_id
            stream.queue.put_nowait(pb.StreamItem(error=error))
            return
        known = self.posts.get((stream.user.user_id, post.client_msg_id))
        event = known
        if event is None:
            room = self._target(post.room, stream.user, make=False)
            if room is None:
                error = pb.Error(
                    order_id=order_id, client_msg_id=post.client_msg_id, code=5,
                    reason="NOT_FOUND", message="there is nobody here of that name",
                    metadata={"names": ",".join(post.room.direct.names)},
                )  # fmt: skip
                stream.queue.put_nowait(pb.StreamItem(error=error))
                return
            message = pb.Message(text=post.text, style=post.style, client_msg_id=post.client_msg_id)
            event = self._append(room, stream.user, message)
            self.posts[stream.user.user_id, post.client_msg_id] = event
        if self.swallow_acks:
            self.swallow_acks -= 1
            stream.queue.put_nowait(EndError(Code.UNAVAILABLE, "broken"))
            return
        ack = pb.Ack(
            order_id=order_id, room_id=event.room_id, seq=event.seq, time_ms=event.time_ms,
            client_msg_id=post.client_msg_id, duplicate=known is not None,
        )  # fmt: skip
        stream.queue.put_nowait(pb.StreamItem(ack=ack))

    async def _write(
        self,
        stream: Stream,
        context: Context,
        frame: Callable[[list[pb.StreamItem]], pb.ChatResponse | pb.SubscribeResponse],
    ) -> None:
        try:
            while True:
                item = await stream.queue.get()
                if isinstance(item, EndError):
                    await abort(context, item)
                assert isinstance(item, pb.StreamItem)
                await context.write(frame([item]))
        finally:
            self.streams.remove(stream)
            self.changed()

    async def _find(self, target: pb.RoomTarget, context: Context) -> Room:
        room = self._target(target, None, make=False)
        if room is None:
            await abort(context, EndError(Code.NOT_FOUND, "there is no such room", "ROOM"))
        return room

    async def known(self, context: Context) -> pb.User:
        """Give the user of a token."""
        user = self.sessions.get(token_of(context))
        if user is None:
            await abort(context, EndError(Code.UNAUTHENTICATED, "who are you?", "TOKEN_INVALID"))
        return user


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
