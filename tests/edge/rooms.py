"""Calls of RoomService by guests of a real server."""

from typing import Any

from chat_protos.chat.v1 import accounts_pb2, rooms_pb2
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import rooms_pb2_grpc as stubs
from tests.edge.clients import PATIENCE, Guest, room_id


def named(name: str) -> accounts_pb2.UserTarget:
    """Name a user."""
    return accounts_pb2.UserTarget(name=name)


# Any: each method has its own messages, whose fields are given by name.
async def asks(guest: Guest, method: str, **fields: Any) -> Any:
    """Make a call of RoomService."""
    request = getattr(rooms_pb2, f"{method}Request")(**fields)
    stub = stubs.RoomServiceStub(guest.channel)
    return await getattr(stub, method)(request, metadata=guest.metadata, timeout=PATIENCE)


# Any: fields of the request.
async def private_room(guest: Guest, name: str = "den", **fields: Any) -> pb.Room:
    """Make a private room."""
    fields = {"name": name, "kind": pb.ROOM_KIND_PRIVATE} | fields
    made: pb.Room = (await asks(guest, "CreateRoom", **fields)).room
    return made


async def invites(guest: Guest, room: pb.Room, *others: Guest) -> None:
    """Invite others, who enter at once and read from then on in their Chat streams."""
    for other in others:
        target = room_id(room.room_id)
        await asks(guest, "InviteUser", room=target, user=named(other.name))
        await other.chat.joins(target)
        await other.chat.live(room.room_id)
