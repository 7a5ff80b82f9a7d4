"""Protobuf to core and back.

Ids are numbers inside and opaque texts outside: a letter tells what they name, so
that one kind is never taken for another.
"""

import hashlib
import re
from heapq import nsmallest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.commands import Direct, RoomById, RoomByName, Target
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import MessagePosted, RoomEvent
from chat_service.core.model import Room, RoomKind, Style, User
from chat_service.core.names import name_key
from chat_service.hub.presence import Change

# Users in a picture of a room. Source: the contract.
MAX_SNAPSHOT = 256

_ROOM_ID = re.compile(r"r([1-9][0-9]{0,17})\Z", re.ASCII)
_STYLES = {int(style): style for style in Style}


def room_text(room_id: int) -> str:
    """Return the id of a room as it travels."""
    return f"r{room_id}"


def user_text(user_id: int) -> str:
    """Return the id of a user as it travels."""
    return f"u{user_id}"


def session_text(session_id: int) -> str:
    """Return the id of a session as it travels."""
    return f"s{session_id}"


def room_number(text: str) -> int:
    """Return the number of a room's id; 0, which no room has, for anything else."""
    match = _ROOM_ID.match(text)
    return int(match[1]) if match else 0


def target_of(target: pb.RoomTarget) -> Target:
    """Return which room is meant. Raises RefusedError (TARGET_MISSING) for none."""
    kind = target.WhichOneof("target")
    if kind == "room_id":
        return RoomById(room_number(target.room_id))
    if kind == "room_name":
        return RoomByName(target.room_name)
    if kind == "direct":
        return Direct(tuple(target.direct.names))
    raise RefusedError(Rejection(Reason.TARGET_MISSING, "name a room", field="room"))


def style_of(style: int) -> Style:
    """Return how a text is meant. Raises RefusedError for a value that is not known."""
    known = _STYLES.get(style)
    if known is None:
        raise RefusedError(
            Rejection(Reason.FIELD_INVALID, "this style is not known", field="style")
        )
    return known


def request_hash(post: pb.Post) -> bytes:
    """Return 16 bytes that tell a retry from another message with the same id."""
    return hashlib.blake2b(post.SerializeToString(deterministic=True), digest_size=16).digest()


def user_message(user: User, *, connected: bool = False) -> pb.User:
    """Return a user as others see it."""
    return pb.User(user_id=user_text(user.user_id), name=user.name, connected=connected)


def room_message(room: Room, *, head: int, present: int) -> pb.Room:
    """Return a room as its members see it."""
    if room.kind is RoomKind.PUBLIC:
        return pb.Room(
            room_id=room_text(room.room_id),
            kind=pb.ROOM_KIND_PUBLIC,
            name=room.name,
            topic=room.topic,
            head_seq=head,
            present=present,
        )
    members = [
        pb.User(user_id=user_text(user_id), name=name)
        for user_id, name in zip(room.member_ids, room.member_names, strict=True)
    ]
    return pb.Room(
        room_id=room_text(room.room_id),
        kind=pb.ROOM_KIND_DIRECT,
        head_seq=head,
        members=members,
    )


def put_event(message: pb.RoomEvent, event: RoomEvent) -> None:
    """Fill in what happened in a room, over what an earlier event left there.

    Filled in place, field by field: a message that is made of others copies them, which
    takes twice as long.
    """
    message.room_id = room_text(event.room_id)
    message.seq = event.seq
    message.time_ms = event.time_ms
    author = message.author
    author.user_id = user_text(event.author_id)
    author.name = event.author_name
    if isinstance(event, MessagePosted):
        body = message.message
        body.text = event.text
        body.client_msg_id = event.client_msg_id
        body.style = (
            pb.MESSAGE_STYLE_ACTION if event.style is Style.ACTION else pb.MESSAGE_STYLE_UNSPECIFIED
        )
    else:
        message.topic.topic = event.topic


def frame(*items: pb.StreamItem) -> bytes:
    """Encode items as a frame. Frames laid end to end are a frame."""
    return pb.ChatResponse(items=items).SerializeToString()


def event_frame(event: RoomEvent) -> bytes:
    """Encode an event as a frame. For any thread."""
    response = pb.ChatResponse()
    put_event(response.items.add().event, event)
    return response.SerializeToString()


# A message of protobuf keeps every text that it ever held, until it goes itself.
MAX_ENCODED_BYTES = 64 * 1024


class LiveFrames:
    """Encodes what every message costs: its event, once for all readers, and its ack.

    Fills in the same two messages many times, which takes half as long as making new
    ones. So it is for one thread.
    """

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        # Encoded since the messages were made.
        self._encoded = 0
        self._events = pb.ChatResponse()
        self._event = self._events.items.add().event
        self._acks = pb.ChatResponse()
        self._ack = self._acks.items.add().ack

    def _counted(self, frame: bytes) -> bytes:
        self._encoded += len(frame)
        if self._encoded > MAX_ENCODED_BYTES:
            self._renew()
        return frame

    def event(self, event: RoomEvent) -> bytes:
        """Encode an event as a frame."""
        put_event(self._event, event)
        return self._counted(self._events.SerializeToString())

    def ack(self, order_id: str, client_msg_id: str, answer: Answer) -> bytes:
        """Encode that an order was carried out; `client_msg_id` is empty but for a post."""
        ack = self._ack
        ack.order_id = order_id
        ack.client_msg_id = client_msg_id
        ack.room_id = room_text(answer.room_id)
        ack.seq = answer.seq
        ack.duplicate = answer.duplicate
        ack.time_ms = answer.time_ms
        return self._counted(self._acks.SerializeToString())


class HubFrames:
    """How the hub's own items become frames."""

    def live(self, room_id: int, seq: int) -> bytes:
        """Encode that a reader is up to date."""
        return frame(pb.StreamItem(live=pb.Live(room_id=room_text(room_id), seq=seq)))

    def gap(self, room_id: int, after_seq: int, first_seq: int) -> bytes:
        """Encode that what follows `after_seq` is no longer kept, up to `first_seq`."""
        told = pb.Gap(room_id=room_text(room_id), after_seq=after_seq, first_seq=first_seq)
        return frame(pb.StreamItem(gap=told))

    def change(self, room_id: int, change: Change) -> bytes:
        """Encode who came to a room and who went."""
        presence = pb.Presence(room_id=room_text(room_id), total=change.total)
        presence.joined.extend(user_message(user, connected=True) for user in change.joined)
        presence.left.extend(user_message(user) for user in change.left)
        return frame(pb.StreamItem(presence=presence))

    def snapshot(self, room_id: int, present: list[tuple[User, bool]]) -> bytes:
        """Encode who is in a room, the first MAX_SNAPSHOT of them by name."""
        presence = pb.Presence(room_id=room_text(room_id), snapshot=True, total=len(present))
        shown = nsmallest(MAX_SNAPSHOT, present, key=lambda entry: name_key(entry[0].name))
        presence.joined.extend(user_message(user, connected=connected) for user, connected in shown)
        return frame(pb.StreamItem(presence=presence))
