"""Where a room stands, as the directory and the hub know it together."""

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.access import muted_until
from chat_service.core.commands import OPERATOR
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Room
from chat_service.edge.directory import Directory
from chat_service.edge.ids import room_text
from chat_service.edge.wire import room_message
from chat_service.hub.hub import Hub


def room_now(room: Room, hub: Hub, directory: Directory, user_id: int = OPERATOR) -> pb.Room:
    """Return a room as a user sees it, with what the hub knows of it."""
    room_id = room.room_id
    member = directory.state.members.get((room_id, user_id))
    return room_message(
        room,
        head=hub.rooms.head(room_id),
        present=hub.presence.count(room_id),
        role=None if member is None else member.role,
        muted_until_ms=muted_until(directory.state, room_id, user_id, directory.clock_ms()),
    )


def check_reached(hub: Hub, room_id: int, after_seq: int, field: str = "") -> None:
    """Refuse a position that a room has not reached; one that holds will hold for ever.

    `room_id` is 0 for a room that is yet to be opened; `field` names the position
    in the request of a call. Raises RefusedError: SEQ_OUT_OF_RANGE.
    """
    if after_seq > hub.rooms.head(room_id):
        raise RefusedError(
            Rejection(
                Reason.SEQ_OUT_OF_RANGE,
                "after_seq is beyond the head of the room",
                field=field,
                metadata=(("room_id", room_text(room_id)),) if room_id else (),
            )
        )
