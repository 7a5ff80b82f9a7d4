"""Everybody tries everything: what the server does is what the table says, cell by cell."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    chat_pb2,
    chat_pb2_grpc,
    moderation_pb2,
    moderation_pb2_grpc,
    rooms_pb2,
    rooms_pb2_grpc,
)
from chat_service.codes import code_hash
from chat_service.config import ServerLimits
from chat_service.core.limits import Limits
from tests.edge import authorization
from tests.edge.authorization import ROLES
from tests.edge.clients import CHEAP, PATIENCE, Chat, Refusal, Server, bearer, fresh_id, story

PASSWORD = "correct horse battery"
OWNER_CODE = "abcd-efgh-jkmn-pqrs"
OWNER_CODE_HASH = code_hash(OWNER_CODE).hex()
SERVICES = {
    "ChatService": (chat_pb2, chat_pb2_grpc.ChatServiceStub),
    "AccountService": (accounts_pb2, accounts_pb2_grpc.AccountServiceStub),
    "RoomService": (rooms_pb2, rooms_pb2_grpc.RoomServiceStub),
    "ModerationService": (moderation_pb2, moderation_pb2_grpc.ModerationServiceStub),
}
MESSAGES = (chat_pb2, accounts_pb2, rooms_pb2, moderation_pb2)

_numbers = itertools.count(1)


def known_calls() -> set[str]:
    """Return every call of the services, Chat by its orders."""
    calls = {
        f"{service}.{method}"
        for service, (module, _) in SERVICES.items()
        for method in module.DESCRIPTOR.services_by_name[service].methods_by_name
    }
    orders = chat_pb2.ChatRequest.DESCRIPTOR.oneofs_by_name["order"].fields
    return (calls - {"ChatService.Chat"}) | {f"Chat.{order.name}" for order in orders}


def test_table_has_every_call_for_everybody() -> None:
    """No call and no order is without its row, and no row is of something that is not there."""
    tables = (authorization.PRIVATE, authorization.PUBLIC, authorization.SERVER)
    rows = [call for table in tables for call, _ in authorization.read(table)]
    assert set(rows) == known_calls()


def test_every_reason_of_the_table_is_in_it() -> None:
    """A letter that stands for a reason is in a cell, and each cell has a letter that is known."""
    tables = (authorization.PRIVATE, authorization.PUBLIC, authorization.SERVER)
    reasons = {reason for table in tables for reason in authorization.read(table).values()}
    assert reasons == set(authorization.REASONS.values())


@story
async def test_what_is_not_in_the_table_is_refused(tmp_path: Path) -> None:
    """A call that the contract does not have is refused, whoever makes it."""
    async with Server(tmp_path, limits=generous(), owner_code_hash=OWNER_CODE_HASH) as server:
        world = await begin(server)
        for service in SERVICES:
            # Any: requests and responses are bytes.
            call: Any = server.channel().unary_unary(f"/chat.v1.{service}/Undo")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"", metadata=bearer(world.admin.token), timeout=PATIENCE)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@dataclass
class Cell:
    """What one try is about: a room that is new, and people in it whom nobody else needs."""

    token: str
    room: chat_pb2.RoomTarget
    # A member, and the seq of what it said.
    victim: str
    seq: int
    # Codes of the room, and of registrations.
    invite_id: str
    registration_id: str
    # Who is no member, and somebody's bot.
    stranger: str
    bot: str
    # Of the role's user itself.
    own: "Person"


@dataclass
class Person:
    """Somebody with a name and a token."""

    name: str
    token: str
    password: str = ""
    # The token that is tried, where it is another.
    limited: str = ""


@dataclass
class World:
    """A server, an admin of it, and calls by whoever."""

    server: Server
    channel: grpc.aio.Channel
    admin: Person = field(default_factory=lambda: Person("", ""))

    # Any: each method has its own messages.
    async def call(self, call: str, token: str, **fields: Any) -> Any:
        """Make a call of any service."""
        service, method = call.split(".")
        stub = SERVICES[service][1](self.channel)
        request = request_of(method)(**fields)
        made = getattr(stub, method)(
            request, metadata=bearer(token) if token else None, timeout=PATIENCE
        )
        if method == "Subscribe":
            async for _ in made:
                made.cancel()
                return None
        return await made

    async def registers(self, name: str, **codes: str) -> Person:
        """Make an account."""
        answer = await self.call(
            "AccountService.Register", "", name=name, password=PASSWORD, **codes
        )
        return Person(name, answer.joined.token, PASSWORD)

    async def person(self, role: str) -> Person:
        """Make somebody new for a role on the server."""
        name = f"{role}{next(_numbers)}"
        if role == "anon":
            return Person(name, "")
        if role == "guest":
            return Person(name, (await self.call("ChatService.Join", "", name=name)).token)
        if role == "admin":
            person = await self.registers(name)
            await self.call(
                "ModerationService.SetAdmin",
                self.admin.token,
                user=accounts_pb2.UserTarget(name=name),
                admin=True,
            )
            return person
        person = await self.registers(name)
        if role == "reader":
            return replace(person, limited=await self.token(person, "", "READ"))
        if role == "bot":
            bot = f"bot{next(_numbers)}"
            await self.call("AccountService.CreateBot", person.token, name=bot)
            token = await self.token(person, bot, "READ", "POST", "ROOMS")
            return Person(bot, token, limited=await self.token(person, bot, "READ", "POST"))
        return person

    async def token(self, person: Person, bot: str, *scopes: str) -> str:
        """Make an API token."""
        made = await self.call(
            "AccountService.CreateApiToken",
            person.token,
            label="x",
            scopes=[accounts_pb2.Scope.Value(f"SCOPE_{scope}") for scope in scopes],
            bot=bot,
        )
        return str(made.token)

    async def cell(self, role: str, kind: int) -> Cell:
        """Make a room of a kind, and somebody new in it with a role."""
        founder, victim = await self.registers(f"f{next(_numbers)}"), await self.person("member")
        person = await self.person(role)
        made = await self.call(
            "RoomService.CreateRoom", founder.token, name=f"room{next(_numbers)}", kind=kind
        )
        room = chat_pb2.RoomTarget(room_id=made.room.room_id)
        is_private = kind == chat_pb2.ROOM_KIND_PRIVATE
        for one in (victim, *([] if role in ("anon", "guest", "outsider", "admin") else [person])):
            await self.brings(founder, one, room, is_private=is_private)
        target = accounts_pb2.UserTarget(name=person.name)
        if role in ("muted", "banned"):
            method = "MuteMember" if role == "muted" else "BanMember"
            await self.call(f"ModerationService.{method}", founder.token, room=room, user=target)
        elif role in ("moderator", "owner", "reader"):
            rank = chat_pb2.ROLE_MODERATOR if role == "moderator" else chat_pb2.ROLE_OWNER
            await self.call("RoomService.SetRole", founder.token, room=room, user=target, role=rank)
        post = chat_pb2.Post(room=room, text="hi", client_msg_id=fresh_id())
        said = await self.call("ChatService.PostMessage", victim.token, post=post)
        invite_id = "i1"
        if is_private:
            code = await self.call("RoomService.CreateRoomInvite", founder.token, room=room)
            invite_id = code.invite.invite_id
        made = await self.call("AccountService.CreateInvite", self.admin.token)
        bot = f"bot{next(_numbers)}"
        await self.call("AccountService.CreateBot", founder.token, name=bot)
        return Cell(
            person.limited or person.token,
            room,
            victim.name,
            said.seq,
            invite_id,
            made.invite.invite_id,
            "chief",
            bot,
            person,
        )

    async def brings(
        self, founder: Person, person: Person, room: chat_pb2.RoomTarget, *, is_private: bool
    ) -> None:
        """Let somebody enter a room, whatever its token may do."""
        token = person.token
        if is_private:
            await self.call(
                "RoomService.InviteUser",
                founder.token,
                room=room,
                user=accounts_pb2.UserTarget(name=person.name),
            )
        position = chat_pb2.RoomPosition(room=room)
        answer = await self.order(token, join_room=chat_pb2.JoinRoom(position=position))
        assert answer.WhichOneof("item") == "ack", answer

    # Any: an order of any kind.
    async def order(self, token: str, **order: Any) -> chat_pb2.StreamItem:
        """Give one order in a stream of its own; return what answers it."""
        stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        chat = Chat(stub.Chat(metadata=bearer(token) if token else None))
        try:
            await chat.send(chat_pb2.ChatRequest(order_id="h", hello=chat_pb2.Hello()))
            number = await chat.order(**order)
            return await chat.item(
                lambda item: item.ack.order_id == number or item.error.order_id == number
            )
        finally:
            await chat.cancel()


def request_of(method: str) -> Any:
    """Return the request of a method."""
    return next(
        getattr(module, f"{method}Request")
        for module in MESSAGES
        if hasattr(module, f"{method}Request")
    )


# Any: fields of requests of any kind.
Fields = Callable[[Cell], Mapping[str, Any]]


def _user(cell: Cell) -> accounts_pb2.UserTarget:
    return accounts_pb2.UserTarget(name=cell.victim)


def _about(cell: Cell) -> Mapping[str, Any]:
    return {"room": cell.room, "user": _user(cell)}


def _room(cell: Cell) -> Mapping[str, Any]:
    return {"room": cell.room}


def _nothing(_: Cell) -> Mapping[str, Any]:
    return {}


def _post(cell: Cell) -> chat_pb2.Post:
    return chat_pb2.Post(room=cell.room, text="hello", client_msg_id=fresh_id())


IN_ROOM: dict[str, Fields] = {
    "ChatService.Subscribe": lambda cell: {"rooms": [chat_pb2.RoomPosition(room=cell.room)]},
    "ChatService.PostMessage": lambda cell: {"post": _post(cell)},
    "ChatService.ListMessages": _room,
    "ChatService.ListUsers": _room,
    "Chat.join_room": lambda cell: {
        "join_room": chat_pb2.JoinRoom(position=chat_pb2.RoomPosition(room=cell.room))
    },
    "Chat.leave_room": lambda cell: {"leave_room": chat_pb2.LeaveRoom(room=cell.room)},
    "Chat.post": lambda cell: {"post": _post(cell)},
    "Chat.set_topic": lambda cell: {"set_topic": chat_pb2.SetTopic(room=cell.room, topic="t")},
    "RoomService.GetRoom": _room,
    "RoomService.UpdateRoom": lambda cell: {"room": cell.room, "description": "d"},
    "RoomService.ListMembers": _room,
    "RoomService.SetRole": lambda cell: {**_about(cell), "role": chat_pb2.ROLE_MODERATOR},
    "RoomService.InviteUser": lambda cell: {
        "room": cell.room,
        "user": accounts_pb2.UserTarget(name=cell.stranger),
    },
    "RoomService.RevokeInvitation": _about,
    "RoomService.CreateRoomInvite": _room,
    "RoomService.ListRoomInvites": _room,
    "RoomService.RevokeRoomInvite": lambda cell: {"room": cell.room, "invite_id": cell.invite_id},
    "ModerationService.KickMember": _about,
    "ModerationService.BanMember": _about,
    "ModerationService.UnbanMember": _about,
    "ModerationService.MuteMember": _about,
    "ModerationService.UnmuteMember": _about,
    "ModerationService.ListRestrictions": _room,
    "ModerationService.DeleteMessage": lambda cell: {"room": cell.room, "seq": cell.seq},
    "ModerationService.ListAuditEntries": _room,
}


# Passwords of accounts that sign in by a token alone are not known to them.
def _own(cell: Cell) -> Mapping[str, Any]:
    return {"old_password": cell.own.password, "new_password": PASSWORD + "2"}


def _name(prefix: str) -> str:
    return f"{prefix}{next(_numbers)}"


def _whom(cell: Cell) -> Mapping[str, Any]:
    return {"user": _user(cell)}


ON_SERVER: dict[str, Fields] = {
    "ChatService.Join": lambda cell: {"name": "" if cell.token else _name("j")},
    "ChatService.SignOut": _nothing,
    "ChatService.ListRooms": _nothing,
    "AccountService.Register": lambda cell: {
        "name": "" if cell.token else _name("r"),
        "password": PASSWORD,
    },
    "AccountService.GetAccount": _nothing,
    "AccountService.ChangePassword": _own,
    "AccountService.ListSessions": _nothing,
    "AccountService.RevokeSession": lambda _: {"others": True},
    "AccountService.CreateApiToken": lambda _: {
        "label": "l",
        "scopes": [accounts_pb2.SCOPE_READ],
    },
    "AccountService.CreateBot": lambda _: {"name": _name("b")},
    "AccountService.ListBots": _nothing,
    "AccountService.DeactivateAccount": lambda cell: {"password": cell.own.password},
    "AccountService.BlockUser": _whom,
    "AccountService.UnblockUser": _whom,
    "AccountService.ListBlockedUsers": _nothing,
    "AccountService.CreateInvite": _nothing,
    "AccountService.ListInvites": _nothing,
    "AccountService.RevokeInvite": lambda cell: {"invite_id": cell.registration_id},
    "RoomService.CreateRoom": lambda _: {
        "name": _name("room"),
        "kind": chat_pb2.ROOM_KIND_PUBLIC,
    },
    "RoomService.ListInvitations": _nothing,
    "RoomService.DeclineInvitation": lambda cell: {"room_id": cell.room.room_id},
    "ModerationService.RemoveUser": _whom,
    "ModerationService.BanUser": _whom,
    "ModerationService.UnbanUser": lambda cell: {"name": cell.victim},
    "ModerationService.BanNetwork": lambda _: {"network": "192.0.2.7"},
    "ModerationService.UnbanNetwork": lambda _: {"network": "192.0.2.7"},
    "ModerationService.ListServerBans": _nothing,
    "ModerationService.SetLockdown": _nothing,
    "ModerationService.SetAdmin": lambda cell: {**_whom(cell), "admin": True},
    "ModerationService.SetDeactivated": lambda cell: {**_whom(cell), "deactivated": True},
    "ModerationService.SetFast": lambda cell: {
        "user": accounts_pb2.UserTarget(name=cell.bot),
        "fast": True,
    },
    "ModerationService.ListAuditEntries": _nothing,
}


# What somebody can do once, or nobody can do after it.
LASTING = {
    "Chat.join_room",
    "Chat.leave_room",
    "RoomService.SetRole",
    "RoomService.RevokeRoomInvite",
    "ModerationService.KickMember",
    "ModerationService.BanMember",
    "ModerationService.DeleteMessage",
    "ChatService.SignOut",
    "AccountService.Register",
    "AccountService.ChangePassword",
    "AccountService.RevokeSession",
    "AccountService.DeactivateAccount",
    "AccountService.RevokeInvite",
    "ModerationService.RemoveUser",
    "ModerationService.BanUser",
    "ModerationService.SetAdmin",
    "ModerationService.SetDeactivated",
}


async def outcome(call: Awaitable[Any]) -> str:
    """Await a call; return the reason of its refusal, empty where there is none."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return Refusal.of(error).reason
    if isinstance(answer, chat_pb2.StreamItem) and answer.HasField("error"):
        return answer.error.reason
    return ""


async def tries(world: World, call: str, cell: Cell) -> str:
    """Let somebody make a call about a room."""
    fields = IN_ROOM[call](cell)
    if not call.startswith("Chat."):
        return await outcome(world.call(call, cell.token, **fields))
    if not cell.token:
        return await outcome(_refused_stream(world))
    return await outcome(world.order(cell.token, **fields))


async def _refused_stream(world: World) -> None:
    stub = chat_pb2_grpc.ChatServiceStub(world.channel)
    chat = Chat(stub.Chat())
    await chat.send(chat_pb2.ChatRequest(hello=chat_pb2.Hello()))
    await chat.end()
    assert chat.error is not None
    raise chat.error


def generous() -> ServerLimits:
    """Return limits that no number of tries reaches."""
    return replace(CHEAP, core=Limits(rooms_per_user=100_000, invites=100_000))


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (authorization.PRIVATE, chat_pb2.ROOM_KIND_PRIVATE),
        (authorization.PUBLIC, chat_pb2.ROOM_KIND_PUBLIC),
    ],
    ids=["private", "public"],
)
@story
async def test_rooms_are_as_the_table_says(tmp_path: Path, table: str, kind: int) -> None:
    """In a room each role may do what its cell says, and is refused by the reason that it says."""
    expected = authorization.read(table)
    async with Server(tmp_path, limits=generous(), owner_code_hash=OWNER_CODE_HASH) as server:
        world = await begin(server)
        cells = {role: await world.cell(role, kind) for role in ROLES}
        found = {}
        for (call, role), reason in expected.items():
            is_last = not reason and call in LASTING
            cell = await world.cell(role, kind) if is_last else cells[role]
            found[call, role] = await tries(world, call, cell)
    assert differences(found, expected) == []


def differences(
    found: dict[tuple[str, str], str], expected: dict[tuple[str, str], str]
) -> list[str]:
    """Return a line for each cell that is otherwise than the table says."""
    return [
        f"{call} by {role}: {found[call, role] or 'done'}, not {reason or 'done'}"
        for (call, role), reason in expected.items()
        if found[call, role] != reason
    ]


async def begin(server: Server) -> World:
    """Return a server's world, with an admin who registered by the owner's code."""
    world = World(server, server.channel())
    world.admin = await world.registers("chief", owner_code=OWNER_CODE)
    return world


@story
async def test_server_is_as_the_table_says(tmp_path: Path) -> None:
    """On the server each role may do what its cell says, and is refused by the reason it says."""
    expected = authorization.read(authorization.SERVER)
    found = {}
    async with Server(tmp_path, limits=generous(), owner_code_hash=OWNER_CODE_HASH) as server:
        world = await begin(server)
        cells = {role: await world.cell(role, chat_pb2.ROOM_KIND_PUBLIC) for role in ROLES}
        for (call, role), reason in expected.items():
            is_last = not reason and call in LASTING
            cell = await world.cell(role, chat_pb2.ROOM_KIND_PUBLIC) if is_last else cells[role]
            if call == "Chat.hello":
                found[call, role] = await outcome(_greets(world, cell.token))
            else:
                found[call, role] = await outcome(
                    world.call(call, cell.token, **ON_SERVER[call](cell))
                )
    assert differences(found, expected) == []


async def _greets(world: World, token: str) -> None:
    stub = chat_pb2_grpc.ChatServiceStub(world.channel)
    chat = Chat(stub.Chat(metadata=bearer(token) if token else None))
    try:
        await chat.send(chat_pb2.ChatRequest(hello=chat_pb2.Hello()))
        await chat.until(lambda: True if chat.over or chat.items else None)
        if chat.error is not None:
            raise chat.error
    finally:
        await chat.cancel()
