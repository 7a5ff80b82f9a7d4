"""What is told in streams, encoded: frames, which laid end to end are a frame."""

from heapq import nsmallest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.decision import Answer
from chat_service.core.events import (
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Tombstone,
    TopicChanged,
)
from chat_service.core.model import Style, User
from chat_service.core.names import name_key
from chat_service.edge.ids import room_text, user_text
from chat_service.edge.wire import HISTORIES, ROLES, user_message
from chat_service.hub.presence import Change

# Users in a picture of a room. Source: the contract.
MAX_SNAPSHOT = 256


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
        author.bot = event.bot
        body = message.message
        body.text = event.text
        body.client_msg_id = event.client_msg_id
        body.style = (
            pb.MESSAGE_STYLE_ACTION if event.style is Style.ACTION else pb.MESSAGE_STYLE_UNSPECIFIED
        )
        return
    author.bot = False
    if isinstance(event, TopicChanged):
        message.topic.topic = event.topic
    else:
        _put_rare(message, event)


def put_withheld(message: pb.RoomEvent, event: MessagePosted) -> None:
    """Fill in that a bot spoke, for a reader that is a bot, over what was there."""
    message.room_id = room_text(event.room_id)
    message.seq = event.seq
    message.time_ms = event.time_ms
    author = message.author
    author.user_id = user_text(event.author_id)
    author.name = event.author_name
    author.bot = True
    message.withheld.SetInParent()


def _put_rare(
    message: pb.RoomEvent,
    event: Tombstone | MessageDeleted | RoleChanged | MemberRemoved | RoomChanged,
) -> None:
    if not event.author_id:
        # Whoever runs the server, or nobody.
        message.ClearField("author")
    if isinstance(event, Tombstone):
        message.tombstone.SetInParent()
    elif isinstance(event, MessageDeleted):
        deletion = message.deletion
        deletion.seq = event.deleted_seq
        deletion.author.user_id = user_text(event.deleted_author_id)
        deletion.author.name = event.deleted_author_name
        deletion.reason = event.reason
    elif isinstance(event, RoleChanged):
        message.role.user.user_id = user_text(event.user_id)
        message.role.user.name = event.user_name
        message.role.role = ROLES[event.role]
    elif isinstance(event, MemberRemoved):
        removal = message.removal
        removal.user.user_id = user_text(event.user_id)
        removal.user.name = event.user_name
        removal.reason = event.reason
        removal.banned = event.until_ms > 0
        removal.until_ms = event.until_ms
    else:
        _put_change(message.change, event)


def _put_change(change: pb.RoomChange, event: RoomChanged) -> None:
    change.SetInParent()
    if event.name is not None:
        change.name = event.name
    if event.description is not None:
        change.description = event.description
    if event.archived is not None:
        change.archived = event.archived
    if event.slow_mode_ms is not None:
        change.slow_mode_ms = event.slow_mode_ms
    if event.history is not None:
        change.history = HISTORIES[event.history]
    if event.topic_locked is not None:
        change.topic_locked = event.topic_locked


def frame(*items: pb.StreamItem) -> bytes:
    """Encode items as a frame. Frames laid end to end are a frame."""
    return pb.ChatResponse(items=items).SerializeToString()


def event_frame(event: RoomEvent) -> bytes:
    """Encode an event as a frame. For any thread."""
    response = pb.ChatResponse()
    put_event(response.items.add().event, event)
    return response.SerializeToString()


def withheld_frame(event: RoomEvent) -> bytes | None:
    """Encode what deaf subscriptions get in the place of an event; None: the same.

    For any thread.
    """
    if not isinstance(event, MessagePosted) or not event.bot:
        return None
    response = pb.ChatResponse()
    put_withheld(response.items.add().event, event)
    return response.SerializeToString()


def tombstone_frame(frame: bytes) -> bytes:
    """Encode what stands in the place of a message that is deleted, of its frame.

    The same as is encoded of the tombstone that is stored.
    """
    response = pb.ChatResponse.FromString(frame)
    for item in response.items:
        item.event.tombstone.SetInParent()
        item.event.author.ClearField("bot")
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
