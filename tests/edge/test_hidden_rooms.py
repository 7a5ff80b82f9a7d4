"""Private rooms do not exist for outsiders: every call, over the real transport.

The calls are found in the contract by what their requests hold, so that a new one is tried
from its first day on.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chat_protos.chat.v1 import accounts_pb2, moderation_pb2, moderation_pb2_grpc, rooms_pb2
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.errors import RefusedError
from chat_service.core.model import RoomKind
from chat_service.edge.chat import ChatMethods
from chat_service.edge.invitations import InvitationMethods
from chat_service.edge.lists import Lists
from chat_service.edge.moderation import ModerationMethods
from chat_service.edge.records import Records
from chat_service.edge.rooms import RoomMethods
from chat_service.edge.sessions import Sessions
from tests.core.looks import Looks
from tests.edge.clients import PATIENCE, Guest, Refusal, Server, place, room_id, story
from tests.edge.rooms import asks, invites, named, private_room
from tests.edge.scene import Scene, call_from

UNKNOWN = "r99"
# Of the rooms: who was thrown out may still know it.
PASSWORD = "open sesame"

# What fields hold that are no room; others have the first value of their type.
TEXTS = {"client_msg_id": "m1", "text": "hi", "name": "den", "invite_id": "i1", "topic": "cats"}


def unary_calls() -> Iterator[MethodDescriptor]:
    """Yield the calls whose requests name a room."""
    for file in (pb, rooms_pb2, moderation_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                streams = method.client_streaming or method.server_streaming
                if not streams and UNKNOWN in str(filled(method, UNKNOWN)):
                    yield method


def filled(method: MethodDescriptor, target: str) -> Message:
    """Return a request about a room."""
    request = GetMessageClass(method.input_type)()
    fill(request, target)
    return request


def fill(message: Message, target: str) -> None:
    """Fill in all fields but those that say where a page begins."""
    for field in message.DESCRIPTOR.fields:
        value: Any = getattr(message, field.name)
        if field.name in ("page_token", "page_size") or field.is_repeated:
            continue
        if isinstance(value, pb.RoomTarget):
            value.room_id = target
        elif isinstance(value, accounts_pb2.UserTarget):
            value.name = "olga"
        elif field.message_type is not None:
            fill(value, target)
        elif field.name == "room_id":
            setattr(message, field.name, target)
        elif field.type == FieldDescriptor.TYPE_STRING:
            setattr(message, field.name, TEXTS.get(field.name, "some words"))
        elif field.type == FieldDescriptor.TYPE_BOOL:
            setattr(message, field.name, True)
        else:
            setattr(message, field.name, 1)


async def ends(guest: Guest, method: MethodDescriptor, target: str) -> object:
    """Make a call about a room; return what it came to, with the room's id made the same."""
    # Any: each method has its own messages.
    call: Any = guest.channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    try:
        answer = await call(filled(method, target), metadata=guest.metadata, timeout=PATIENCE)
    except grpc.aio.AioRpcError as error:
        refusal = Refusal.of(error)
        metadata = {k: v.replace(target, "ID") for k, v in refusal.metadata.items()}
        return replace(refusal, metadata=metadata, message=refusal.message.replace(target, "ID"))
    return str(answer).replace(target, "ID")


class Outside:
    """Two private rooms of olga, one with all that rooms can have; and who is not in them."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def build(self) -> None:
        """Make the rooms, and let the people be there."""
        self.olga, self.former, self.banned = await self.server.guests("olga", "former", "banned")
        stranger = await self.server.guest("stranger")
        self.outside = (stranger, self.former, self.banned)
        self.rooms = [await private_room(self.olga, password=PASSWORD) for _ in range(2)]
        for room in self.rooms:
            target = room_id(room.room_id)
            await self.olga.posts("hello", target)
            await asks(self.olga, "CreateRoomInvite", room=target)
            await invites(self.olga, room, self.former, self.banned)
            leave = pb.LeaveRoom(room=target)
            await self.former.chat.ack(await self.former.chat.order(leave_room=leave))
            ban = moderation_pb2.BanMemberRequest(room=target, user=named("banned"))
            stub = moderation_pb2_grpc.ModerationServiceStub(self.olga.channel)
            await stub.BanMember(ban, metadata=self.olga.metadata, timeout=PATIENCE)
        await asks(
            self.olga,
            "UpdateRoom",
            room=room_id(self.rooms[1].room_id),
            archived=True,
            slow_mode_ms=5000,
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of a room that there is not, and of those that there are."""
        return (UNKNOWN, *(room.room_id for room in self.rooms))


@story
async def test_every_call_on_a_private_room_is_one_on_no_room(tmp_path: Path) -> None:
    """Status, reason, words, facts and fields are the same for all who are outside."""
    methods = list(unary_calls())
    assert {"GetRoom", "ListMessages", "PostMessage", "InviteUser", "ListUsers"} <= {
        method.name for method in methods
    }
    async with Server(tmp_path) as server:
        town = Outside(server)
        await town.build()
        for guest in town.outside:
            for method in methods:
                unknown, *hidden = [await ends(guest, method, one) for one in town.ids]
                assert hidden == [unknown] * len(hidden), method.full_name
                if method.name != "DeclineInvitation":
                    assert isinstance(unknown, Refusal), method.full_name


@story
async def test_every_order_of_a_stream_on_a_private_room_is_one_on_no_room(tmp_path: Path) -> None:
    """Also with a position or a password, known to the banned; and for rooms that a Hello names."""
    async with Server(tmp_path) as server:
        town = Outside(server)
        await town.build()
        for guest in town.outside:
            told = []
            known = PASSWORD if guest is town.banned else "a guess"
            for one in town.ids:
                target = room_id(one)
                beyond = place(target, after_seq=77)
                chat = await guest.opens(place(target, after_seq=0), beyond)
                orders: tuple[dict[str, Any], ...] = (
                    {"join_room": pb.JoinRoom(position=place(target))},
                    {"join_room": pb.JoinRoom(position=beyond)},
                    {"join_room": pb.JoinRoom(position=place(target), password=known)},
                    {"join_room": pb.JoinRoom(position=beyond, password=known)},
                    {"leave_room": pb.LeaveRoom(room=target)},
                    {"set_topic": pb.SetTopic(room=target, topic="cats")},
                    {"post": pb.Post(room=target, text="hi", client_msg_id="m1")},
                )
                for order in orders:
                    await chat.refusal(await chat.order(**order))
                await chat.done()
                told.append([str(item).replace(one, "ID") for item in chat.items[1:]])
            assert len(told[0]) == 9
            assert told[1:] == told[:1] * 2


@story
async def test_subscribing_to_a_private_room_is_to_no_room(tmp_path: Path) -> None:
    """From the beginning, from a position beyond its head, and beside a room that there is."""
    async with Server(tmp_path) as server:
        town = Outside(server)
        await town.build()
        for guest, position in product(town.outside, (None, 0, 77)):
            ends = []
            for one in town.ids:
                reading = await guest.subscribes("lobby", place(room_id(one), after_seq=position))
                ends.append(await reading.end())
            assert ends[0] is not None
            assert ends[1:] == ends[:1] * 2


@story
async def test_lists_have_no_private_room_of_others(tmp_path: Path) -> None:
    """Not among rooms, joined ones, or invitations, nor by its name."""
    async with Server(tmp_path) as server:
        town = Outside(server)
        await town.build()
        for guest in town.outside:
            for request in (
                pb.ListRoomsRequest(),
                pb.ListRoomsRequest(archived=True),
                pb.ListRoomsRequest(joined=True),
            ):
                listing = await guest.calls("ListRooms", request)
                assert [room.name for room in listing.rooms] == ["lobby"]
            assert not (await asks(guest, "ListInvitations")).invitations


# ------------------------------------------------------------------------- by the same way


class Desk:
    """All calls without the transport, and the looks that they make here and in the log."""

    def __init__(self) -> None:
        self.scene = scene = Scene()
        olga = scene.joins("olga", "lobby")
        scene.joins("stranger")
        self.hidden = scene.does(
            cmd.CreateRoom(olga.session_id, "den", RoomKind.PRIVATE, password_hash="hash")
        ).room_id
        parts: dict[str, Any] = {
            "journal": scene.journal,
            "directory": scene.directory,
            "hub": scene.hub,
            "sessions": Sessions(scene.directory, scene.journal, scene.clock.ms),
        }
        lists = Lists(
            log=scene.log,
            readers=None,  # type: ignore[arg-type] # no outsider's call reads the log
            streams=scene.streams,
            **{name: part for name, part in parts.items() if name != "journal"},
        )
        shared: dict[str, Any] = parts | {
            "pace": scene.pace,
            "doors": scene.doors,
            "clock": scene.clock.seconds,
        }
        chat = ChatMethods(streams=scene.streams, entrance=scene.entrance(), **shared)
        rooms = RoomMethods(check_open=chat.check_open, **shared)
        ways_in = InvitationMethods(
            check_open=chat.check_open,
            **{name: part for name, part in shared.items() if name not in ("hub", "doors")},
        )
        records = Records(
            log=scene.log,
            directory=scene.directory,
            sessions=parts["sessions"],
            readers=None,  # type: ignore[arg-type] # as of lists
        )
        moderation = ModerationMethods(
            journal=scene.journal,
            sessions=parts["sessions"],
            pace=scene.pace,
            clock=scene.clock.seconds,
            check_open=chat.check_open,
        )
        self.methods = (chat, lists, rooms, ways_in, moderation, records)
        self.looks = Looks(scene.directory.state, scene.log.state)

    async def asked(self, method: MethodDescriptor, target: str) -> list[tuple[str, str]]:
        """Make a call about a room that is refused; return its looks."""
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.name)[1:]
        serve = next(getattr(one, name) for one in self.methods if hasattr(one, name))
        self.looks.taken()
        call = call_from("ipv4:127.0.0.1:1", "stranger")
        calling = asyncio.ensure_future(serve(filled(method, target), call))
        while not calling.done():
            await asyncio.sleep(0)
            if self.scene.log.waiting:
                self.scene.commits()
        if method.name != "DeclineInvitation":
            with pytest.raises(RefusedError):
                await calling
        return self.looks.taken()


@story
async def test_every_call_goes_the_same_way() -> None:
    """In the directory and in the log, look by look; a password costs one comparison."""
    desk = Desk()
    for method in unary_calls():
        ways = [await desk.asked(method, one) for one in (UNKNOWN, f"r{desk.hidden}")]
        assert ways[0] == ways[1], method.name
        assert ways[0]
