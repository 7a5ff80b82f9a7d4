"""Bad input, call by call and field by field: the status, the reason, and a server that goes on.

Each case is a row. After every few rows, and after the last, two people who were
connected before still chat; no row may leave an error or a traceback in the log.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.limits import GUEST_GRACE_MS, RENEWAL_MS
from chat_service.edge.paging import token_after
from chat_service.wiring import Timing
from tests.edge.clients import (
    Chat,
    Clock,
    Guest,
    Refusal,
    Server,
    direct,
    fresh_id,
    hello,
    outcome,
    place,
    raw,
    room,
    room_id,
    story,
)

ALIVE_S = 5.0
"""Those who were there before are answered within so many seconds."""

ROWS_UNHEARD = 8
"""The two who chat are listened to after so many rows."""

REQUESTS: dict[str, type[Message]] = {
    "Join": pb.JoinRequest,
    "SignOut": pb.SignOutRequest,
    "Chat": pb.ChatRequest,
    "Subscribe": pb.SubscribeRequest,
    "PostMessage": pb.PostMessageRequest,
    "ListMessages": pb.ListMessagesRequest,
    "ListRooms": pb.ListRoomsRequest,
    "ListUsers": pb.ListUsersRequest,
}

# Names that nobody may have, of a user or of a room, beside those that are too long.
NO_NAMES = (
    *(" ", "a b", " alice", "alice ", "a  b", ".alice", "-alice", "a/b", "a,b", "a@b", "#a"),
    # Control characters, and what a terminal would obey.
    *("a\x00b", "a\nb", "alice\n", "a\tb", "\x1b[2J", "\x1b]0;x\x07", "a\x7fb", "a\x9bb"),
    # What cannot be seen: zero width, soft hyphen, joiner, direction, other spaces.
    *("a\u200bb", "a\u200db", "a\u00adb", "a\u202eb", "a\u00a0b", "a\u3000b", "\u2028"),
    # Look-alikes of other scripts, and letters beyond ASCII.
    *("\u0430dmin", "\uff41\uff44\uff4d\uff49\uff4e", "\u0131", "zo\u00eb", "\U0001f600"),
    # What other programs would obey.
    *("<b>bob</b>", "';DROP TABLE users;--", "../../etc", "%s%n", "{0}", "$HOME", "`id`"),
)
NO_IDS = ("two words", "a\x00", "a\n", "\x1b[2J", "zo\u00eb", "a\u200b", "x" * 65, "x" * 60_000)
NO_ROOMS = (*NO_NAMES, "", "nowhere", "x" * 65, "x" * 60_000)
NO_ROOM_IDS = ("", "r", "r0", "r999", "R1", "1", "u1", "s1", "r1 ", "r1\x00", "r" * 60_000)
NO_TEXTS = ("", " ", "\n\n", "\u200b\u00a0", "\x1b\x07", "nul\x00", "x" * 4097, "x\n" * 100 + "x")
NO_TOKENS = ("x", "====", "\x00", "\u20ac", "cm9vbXM=", "x" * 60_000)


@dataclass(frozen=True)
class Row:
    """A request, and how it must fail. Without a code it must be answered."""

    name: str
    request: Message
    code: grpc.StatusCode | None = None
    reason: str = ""
    # The field of the BadRequest; "" means that there is none.
    field: str = ""


def refused_rows(
    what: str,
    requests: dict[str, Message],
    code: grpc.StatusCode,
    reason: str,
    field: str = "",
) -> Iterator[Row]:
    """Yield rows that all fail in the same way."""
    for value, request in requests.items():
        yield Row(f"{what} {value[:40]!r}", request, code, reason, field)


INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND


def rooms_rows(what: str, request: Any) -> Iterator[Row]:
    """Yield the rows of a request with a room. Any: a function from a target to a request."""
    yield from refused_rows(
        f"{what} room_name",
        {name: request(room(name)) for name in NO_ROOMS},
        NOT_FOUND,
        "ROOM_NOT_FOUND",
        "room",
    )
    yield from refused_rows(
        f"{what} room_id",
        {text: request(room_id(text)) for text in NO_ROOM_IDS},
        NOT_FOUND,
        "ROOM_NOT_FOUND",
        "room",
    )
    yield from refused_rows(
        f"{what} direct",
        {name: request(direct(name)) for name in (*NO_NAMES, "", "nobody", "x" * 60_000)},
        NOT_FOUND,
        "USER_NOT_FOUND",
        "room.direct.names",
    )
    for names in ([], ["alice"], ["bob"] * 16):
        yield Row(
            f"{what} direct {names}",
            request(direct(*names)),
            INVALID,
            "FIELD_INVALID",
            "room.direct.names",
        )
    yield Row(f"{what} no room", request(pb.RoomTarget()), INVALID, "TARGET_MISSING", "room")
    yield Row(f"{what} in another case", request(room("LOBBY")))


def page_rows(what: str, request: Any, *foreign: str) -> Iterator[Row]:
    """Yield the rows of a list. Any: a function from fields of paging to a request."""
    yield from refused_rows(
        f"{what} page_size",
        {str(size): request(page_size=size) for size in (-1, -(2**31))},
        INVALID,
        "PAGE_INVALID",
        "page_size",
    )
    yield from refused_rows(
        f"{what} page_token",
        {token: request(page_token=token) for token in (*NO_TOKENS, *foreign)},
        INVALID,
        "PAGE_INVALID",
        "page_token",
    )
    yield Row(f"{what} largest page", request(page_size=2**31 - 1))


def post_request(**fields: Any) -> pb.PostMessageRequest:
    """Return a post that differs from a good one in some fields."""
    good: dict[str, Any] = {"room": room("lobby"), "text": "hi", "client_msg_id": fresh_id()}
    return pb.PostMessageRequest(post=pb.Post(**good | fields))


def messages_request(**fields: Any) -> pb.ListMessagesRequest:
    """Return a request for the newest events of the lobby that differs in some fields."""
    return pb.ListMessagesRequest(**{"room": room("lobby")} | fields)


def subscribe_request(target: pb.RoomTarget) -> pb.SubscribeRequest:
    """Return a request to read one room."""
    return pb.SubscribeRequest(rooms=[place(target)])


def rows_of(method: str) -> Iterator[Row]:
    """Yield the rows of a call."""
    if method == "Join":
        yield from refused_rows(
            "name",
            {name: pb.JoinRequest(name=name) for name in (*NO_NAMES, "", "x" * 33, "x" * 60_000)},
            INVALID,
            "NAME_INVALID",
            "name",
        )
        yield from refused_rows(
            "room",
            {
                name: pb.JoinRequest(name="carol", room=name)
                for name in (*NO_NAMES, "x" * 65, "x" * 60_000)
            },
            INVALID,
            "ROOM_NAME_INVALID",
            "room",
        )
        exists = grpc.StatusCode.ALREADY_EXISTS
        for name in ("alice", "ALICE", "Bob"):
            yield Row(name, pb.JoinRequest(name=name), exists, "NAME_TAKEN", "name")
        for name in ("admin", "Server", "EVERYONE", "root", "here", "system"):
            yield Row(name, pb.JoinRequest(name=name), exists, "NAME_RESERVED", "name")
        yield Row("longest names", pb.JoinRequest(name="x" * 32, room="x" * 64))
    elif method == "PostMessage":
        yield from rooms_rows("post", lambda target: post_request(room=target))
        yield from refused_rows(
            "text",
            {text: post_request(text=text) for text in NO_TEXTS},
            INVALID,
            "TEXT_INVALID",
            "text",
        )
        yield from refused_rows(
            "client_msg_id",
            {text: post_request(client_msg_id=text) for text in ("", *NO_IDS)},
            INVALID,
            "CLIENT_ID_INVALID",
            "client_msg_id",
        )
        yield from refused_rows(
            "style",
            {str(style): post_request(style=style) for style in (2, 99, -1, 2**31 - 1)},
            INVALID,
            "FIELD_INVALID",
            "style",
        )
        yield Row("no post", pb.PostMessageRequest(), INVALID, "TARGET_MISSING", "room")
        used = post_request(text="another", client_msg_id="m1")
        exists = grpc.StatusCode.ALREADY_EXISTS
        yield Row("client_msg_id that was used", used, exists, "ID_REUSED", "client_msg_id")
    elif method == "Subscribe":
        yield from rooms_rows("subscribe", subscribe_request)
        yield Row("no rooms", pb.SubscribeRequest(), INVALID, "FIELD_INVALID", "rooms")
        many = pb.SubscribeRequest(rooms=[place("lobby")] * 101)
        yield Row("many rooms", many, INVALID, "FIELD_INVALID", "rooms")
        twice = pb.SubscribeRequest(rooms=[place("lobby"), place("Lobby")])
        yield Row("room twice", twice, INVALID, "FIELD_INVALID", "rooms")
        beyond = pb.SubscribeRequest(rooms=[place("lobby", after_seq=2**64 - 1)])
        out = grpc.StatusCode.OUT_OF_RANGE
        yield Row("beyond the head", beyond, out, "SEQ_OUT_OF_RANGE", "rooms.after_seq")
        epoch = pb.SubscribeRequest(epoch="\x1b[2J\u20ac" * 99, rooms=[place("lobby", 2**64 - 1)])
        yield Row("epoch that never was", epoch)
    elif method == "ListMessages":
        yield from rooms_rows("messages", lambda target: messages_request(room=target))
        yield from page_rows(
            "messages",
            messages_request,
            token_after("rooms", "lobby"),
            token_after("messages 1 after", "1"),
            token_after("messages 2 before", "1"),
            *(token_after("messages 1 before", key) for key in ("x", "-1", " 1", "9" * 5000)),
        )
        out = grpc.StatusCode.OUT_OF_RANGE
        after_all = messages_request(after_seq=2**64 - 1)
        yield Row("beyond the head", after_all, out, "SEQ_OUT_OF_RANGE", "after_seq")
        yield Row("before the end of time", messages_request(before_seq=2**64 - 1))
    elif method == "ListRooms":
        yield from page_rows("rooms", pb.ListRoomsRequest, token_after("users", "bob"))
        yield Row("page behind the last", pb.ListRoomsRequest(page_token=token_after("rooms", "z")))
    elif method == "ListUsers":
        yield from rooms_rows("users", lambda target: pb.ListUsersRequest(room=target))
        yield from page_rows("users", pb.ListUsersRequest, token_after("users 1", "bob"))


# ------------------------------------------------------------------ what no field may be


# Any: the fast descriptors and the slow ones have no type in common.
def string_fields(kind: Any, depth: int = 0) -> Iterator[list[FieldDescriptor]]:
    """Yield the path of each field of text in a message, and in the messages in it."""
    for field in kind.fields:
        if field.type == FieldDescriptor.TYPE_STRING:
            yield [field]
        elif field.message_type is not None and depth < 5:
            for path in string_fields(field.message_type, depth + 1):
                yield [field, *path]


def with_text(kind: type[Message], path: list[FieldDescriptor], text: str) -> Message:
    """Return a message that has a text in one field, however deep."""
    message = kind()
    inner: Any = message
    *above, last = path
    for field in above:
        inner = getattr(inner, field.name)
        inner = inner.add() if field.is_repeated else inner
        inner.SetInParent()
    if last.is_repeated:
        getattr(inner, last.name).append(text)
    else:
        setattr(inner, last.name, text)
    return message


def malformed(method: str) -> dict[str, bytes]:
    """Return requests that cannot be parsed: each text not UTF-8, and every way to be cut."""
    kind = REQUESTS[method]
    found = {"a tag without a value": b"\x0a", "a wrong tag": b"\x07", "no end": b"\xff" * 11}
    for path in string_fields(kind.DESCRIPTOR):
        name = ".".join(field.name for field in path)
        data = with_text(kind, path, "UTF?").SerializeToString()
        assert data.count(b"UTF?") == 1
        found[f"{name} is not UTF-8"] = data.replace(b"UTF?", b"a\xff\xfe\xc0")
        found[f"{name} has half a character"] = data.replace(b"UTF?", b"abc\xe2")
        found[f"{name} has a surrogate"] = data.replace(b"UTF?", b"\xed\xa0\x80a")
        found[f"{name} is cut"] = data[:-1]
    return found


def test_every_text_of_every_call_is_tried() -> None:
    """The walk over the contract finds the fields that a person would name."""
    found = {
        method: {".".join(f.name for f in path) for path in string_fields(kind.DESCRIPTOR)}
        for method, kind in REQUESTS.items()
    }
    assert found["Join"] == {"name", "room", "password", "client"}
    assert found["ListUsers"] == {
        "room.room_id",
        "room.room_name",
        "room.direct.names",
        "page_token",
    }
    assert {"order_id", "hello.epoch", "hello.rooms.room.direct.names"} <= found["Chat"]
    assert {"post.client_msg_id", "set_topic.topic", "leave_room.room.room_id"} <= found["Chat"]
    assert set(REQUESTS) == set(pb.DESCRIPTOR.services_by_name["ChatService"].methods_by_name)


# -------------------------------------------------------------------------- the ground


class Ground:
    """A server with two people who chat, and one who makes all the mistakes."""

    def __init__(self, server: Server, alice: Guest, bob: Guest) -> None:
        self.server = server
        self.alice = alice
        self.bob = bob
        # What went otherwise than it should.
        self.wrong: list[str] = []
        # Rows since the two were last heard.
        self._unheard = 0

    @classmethod
    async def of(cls, server: Server) -> "Ground":
        """Let two people begin to chat."""
        alice, bob = await server.guests("alice", "bob")
        await alice.posts("hi", client_msg_id="m1")
        await alice.posts("psst", direct("bob"))
        return cls(server, alice, bob)

    async def still_alive(self, after: str) -> None:
        """Have the one who was there before heard by the other."""
        self._unheard = 0
        try:
            async with asyncio.timeout(ALIVE_S):
                await self.bob.says(f"after {after[:60]!r}")
                await self.alice.hears(f"after {after[:60]!r}")
        except (TimeoutError, AssertionError) as error:
            self.wrong.append(f"{after}: nobody chats any more: {error!r}")

    async def fails(
        self, name: str, call: Any, code: grpc.StatusCode, reason: str, field: str = ""
    ) -> None:
        """Check how a call fails, and that the others go on. Any: each kind of call."""
        error = await outcome(call)
        if error is None:
            self.wrong.append(f"{name}: was answered")
        else:
            refusal = Refusal.of(error)
            told = (refusal.code, refusal.reason, refusal.fields, refusal.retry_ms)
            if told != (code, reason, (field,) if field else (), None) or not refusal.message:
                self.wrong.append(f"{name}: {refusal}")
        self._unheard += 1
        if self._unheard == ROWS_UNHEARD:
            await self.still_alive(name)


async def answered(call: Any) -> None:
    """Wait until a call is answered, or a stream begins. Any: each kind of call."""
    if hasattr(call, "__aiter__"):
        async for _ in call:
            break
        call.cancel()
    else:
        await call


@pytest.mark.parametrize("method", [name for name in REQUESTS if name not in ("Chat", "SignOut")])
@story
async def test_fields(tmp_path: Path, method: str) -> None:
    """Each field, empty, too long, of wrong characters, or unknown, fails as the contract says."""
    async with Server(tmp_path) as server:
        ground = await Ground.of(server)
        token = "" if method == "Join" else ground.alice.token
        channel = server.channel()
        rows = list(rows_of(method))
        assert len(rows) > 5
        for row in rows:
            call = raw(channel, method, row.request.SerializeToString(), token=token)
            if row.code is not None:
                await ground.fails(row.name, call, row.code, row.reason, row.field)
            else:
                try:
                    await answered(call)
                except grpc.aio.AioRpcError as error:
                    ground.wrong.append(f"{row.name}: {error!r}")
        await ground.still_alive("the last row")
        assert ground.wrong == []


@pytest.mark.parametrize("method", REQUESTS)
@story
async def test_requests_that_cannot_be_parsed(tmp_path: Path, method: str) -> None:
    """Text that is not UTF-8, in whatever field, and every cut message, is MALFORMED."""
    async with Server(tmp_path) as server:
        ground = await Ground.of(server)
        carol = await server.joins("carol")
        # A Chat stream may be in its beginning, or in the midst.
        befores = [[], [hello("lobby").SerializeToString()]] if method == "Chat" else [[]]
        for before in befores:
            for name, data in malformed(method).items():
                call = raw(carol.channel, method, *before, data, token=carol.token)
                await ground.fails(name, call, INVALID, "MALFORMED")
        await ground.still_alive("the last request")
        assert ground.wrong == []


@pytest.mark.parametrize("method", REQUESTS)
@story
async def test_tokens(tmp_path: Path, method: str) -> None:
    """No token, garbage, a token of another server, one that has ended or expired."""
    clock = Clock()
    timing = replace(Timing(), wall_ms=clock.ms, rate_s=clock.seconds)
    request = hello() if method == "Chat" else REQUESTS[method]()
    async with (
        Server(tmp_path / "here", timing=timing) as server,
        Server(tmp_path / "there") as other,
    ):
        gone, left = await server.joins("gone"), await server.joins("left")
        await left.signs_out()
        clock.now += (GUEST_GRACE_MS + RENEWAL_MS) / 1000
        ground = await Ground.of(server)
        stranger = await other.joins("stranger")
        tokens = {
            "garbage": "garbage",
            "of another server": stranger.token,
            "ended": left.token,
            "expired": gone.token,
            "cut": ground.bob.token[:-1],
            "in another case": ground.bob.token.swapcase(),
            "too long": "x" * 4000,
            "of odd characters": "%00'\"<>&;\\",
        }
        unauthenticated = grpc.StatusCode.UNAUTHENTICATED
        channel = server.channel()
        for name, token in tokens.items():
            call = raw(channel, method, request.SerializeToString(), token=token)
            await ground.fails(name, call, unauthenticated, "TOKEN_INVALID")
        if method != "Join":
            call = raw(channel, method, request.SerializeToString())
            await ground.fails("no token", call, unauthenticated, "TOKEN_MISSING")
        await ground.still_alive("the last token")
        assert ground.wrong == []


@pytest.mark.parametrize("method", REQUESTS)
@story
async def test_request_of_one_byte_too_many(tmp_path: Path, method: str) -> None:
    """A request over 64 KiB is refused by the transport, which knows no ErrorInfo; others go on."""
    kind = REQUESTS[method]
    async with Server(tmp_path) as server:
        ground = await Ground.of(server)
        carol = await server.joins("carol")
        # A field that no version knows, so that nothing but the size is at fault.
        filling = 64 * 1024 + 1 - 5
        data = b"\xfa\x3f" + bytes([filling & 127 | 128, filling >> 7 & 127 | 128])
        data += bytes([filling >> 14]) + bytes(filling)
        assert len(data) == 64 * 1024 + 1
        assert kind.FromString(data).ByteSize() == len(data)
        error = await outcome(raw(carol.channel, method, data, token=carol.token))
        assert error is not None
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await ground.still_alive("a large request")
        if method == "Chat":
            chat = await carol.opens("lobby")
            order = pb.ChatRequest(order_id="x" * (64 * 1024))
            await chat.send(order)
            await asyncio.wait_for(asyncio.shield(chat.pump), ALIVE_S)
            assert chat.error is not None
            assert chat.error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await ground.still_alive("a large order")
        assert ground.wrong == []


# ------------------------------------------------------------------------ orders of Chat


@dataclass(frozen=True)
class OrderRow:
    """An order, and how it is refused."""

    name: str
    order: dict[str, Any]
    code: int
    reason: str


def order_rows() -> Iterator[OrderRow]:
    """Yield the rows of every kind of order."""

    def post(**fields: Any) -> dict[str, Any]:
        return {"post": post_request(**fields).post}

    def join(target: pb.RoomTarget) -> dict[str, Any]:
        return {"join_room": pb.JoinRoom(position=place(target))}

    def leave(target: pb.RoomTarget) -> dict[str, Any]:
        return {"leave_room": pb.LeaveRoom(room=target)}

    def topic(target: pb.RoomTarget, text: str = "tea") -> dict[str, Any]:
        return {"set_topic": pb.SetTopic(room=target, topic=text)}

    invalid, not_found = INVALID.value[0], NOT_FOUND.value[0]
    for text in NO_TEXTS:
        yield OrderRow(f"text {text[:9]!r}", post(text=text), invalid, "TEXT_INVALID")
    for text in ("", *NO_IDS):
        order = post(client_msg_id=text)
        yield OrderRow(f"client_msg_id {text[:9]!r}", order, invalid, "CLIENT_ID_INVALID")
    for style in (2, -1):
        yield OrderRow(f"style {style}", post(style=style), invalid, "FIELD_INVALID")
    used = post(text="another", client_msg_id="m1")
    yield OrderRow("client_msg_id that was used", used, 6, "ID_REUSED")
    for name in (*NO_NAMES, "", "x" * 65, "x" * 60_000):
        yield OrderRow(f"join {name[:9]!r}", join(room(name)), invalid, "ROOM_NAME_INVALID")
    for text in ("\n", "a\x00b", "\x1b[2J", "a\x9bb", "a\u2028b", "x" * 391, "\u00e9" * 196):
        order = topic(room("lobby"), text)
        yield OrderRow(f"topic {text[:9]!r}", order, invalid, "TOPIC_INVALID")
    for name in (*NO_NAMES[:3], "", "nowhere", "x" * 60_000):
        for what, order in (
            ("leave", leave(room(name))),
            ("topic", topic(room(name))),
            ("post", post(room=room(name))),
        ):
            yield OrderRow(f"{what} {name[:9]!r}", order, not_found, "ROOM_NOT_FOUND")
    for text in NO_ROOM_IDS:
        for what, order in (
            ("join", join(room_id(text))),
            ("leave", leave(room_id(text))),
            ("topic", topic(room_id(text))),
            ("post", post(room=room_id(text))),
        ):
            yield OrderRow(f"{what} by id {text[:9]!r}", order, not_found, "ROOM_NOT_FOUND")
    for what, make in (
        ("join", join),
        ("leave", leave),
        ("topic", topic),
        ("post", lambda target: post(room=target)),
    ):
        order = make(direct("nobody"))
        yield OrderRow(f"{what} with nobody", order, not_found, "USER_NOT_FOUND")
        order = make(direct("mallory"))
        yield OrderRow(f"{what} with oneself", order, invalid, "FIELD_INVALID")
        order = make(direct())
        yield OrderRow(f"{what} with no names", order, invalid, "FIELD_INVALID")
        order = make(direct(*["bob"] * 16))
        yield OrderRow(f"{what} with many", order, invalid, "FIELD_INVALID")
        order = make(pb.RoomTarget())
        yield OrderRow(f"{what} without a room", order, invalid, "TARGET_MISSING")
    beyond = {"join_room": pb.JoinRoom(position=place("lobby", after_seq=2**64 - 1))}
    yield OrderRow("join beyond the head", beyond, 11, "SEQ_OUT_OF_RANGE")
    yield OrderRow("no order", {}, invalid, "ORDER_MISSING")


async def check_order(ground: Ground, chat: Chat, row: OrderRow) -> None:
    """Give an order, and check how it is refused."""
    order_id = await chat.order(**row.order)
    error = (await chat.item(lambda item: item.error.order_id == order_id)).error
    post = row.order.get("post")
    told = (error.code, error.reason, error.retry_after_ms, bool(error.message))
    if told != (row.code, row.reason, 0, True):
        ground.wrong.append(f"{row.name}: {error}")
    if post is not None and error.client_msg_id != post.client_msg_id[:64]:
        ground.wrong.append(f"{row.name}: not repeated: {error}")
    if error.ByteSize() > 2000:
        ground.wrong.append(f"{row.name}: an answer of {error.ByteSize()} bytes")


@story
async def test_orders_that_make_no_sense(tmp_path: Path) -> None:
    """Every order that is refused is answered in the stream, which goes on, and so do others."""
    async with Server(tmp_path) as server:
        ground = await Ground.of(server)
        mallory = await server.guest("mallory")
        await mallory.chat.says("first", client_msg_id="m1")
        rows = list(order_rows())
        assert len(rows) > 100
        for row in rows:
            await check_order(ground, mallory.chat, row)
        await ground.still_alive("all of them")
        await mallory.says("I go on")
        await ground.alice.hears("I go on")
        assert ground.wrong == []


@pytest.mark.parametrize("order_id", NO_IDS)
@story
async def test_ids_of_orders(tmp_path: Path, order_id: str) -> None:
    """An order_id that cannot be repeated is refused without it; at a Hello that is the end."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.chat.send(
            pb.ChatRequest(order_id=order_id, leave_room=pb.LeaveRoom(room=room("lobby")))
        )
        error = (await alice.chat.item(lambda item: item.HasField("error"))).error
        assert (error.code, error.reason, error.order_id) == (3, "CLIENT_ID_INVALID", "")
        await alice.says("I am still in the lobby")
        await alice.hears("I am still in the lobby")
        greeting = hello("lobby")
        greeting.order_id = order_id
        chat = await alice.dials()
        await chat.send(greeting)
        refusal = await chat.end()
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (INVALID, "CLIENT_ID_INVALID")
        assert refusal.fields == ("order_id",)
