"""Between the contract's messages and the client's own words. The only reader of fields."""

from collections.abc import Iterator

from chat_cli import items as it
from chat_cli import model, outbox
from chat_cli.session.errors import with_names
from chat_protos.chat.v1 import chat_pb2 as pb

HELLO_ID = "hello"  # the order_id of every Hello


def user(message: pb.User) -> model.User:
    """Read a user."""
    return model.User(message.user_id, message.name, message.connected)


def room(message: pb.Room) -> model.RoomInfo:
    """Read a room."""
    direct = message.kind == pb.ROOM_KIND_DIRECT
    return model.RoomInfo(
        message.room_id,
        model.RoomKind.DIRECT if direct else model.RoomKind.PUBLIC,
        message.name,
        message.topic,
        message.head_seq,
        message.present,
        tuple(map(user, message.members)),
    )


def limits(message: pb.Limits) -> model.Limits:
    """Read limits; a figure that a server leaves out is the contract's default.

    `send_burst` has no default: 0 says that there are no rate limits.
    """
    default = model.Limits()
    return model.Limits(
        text_bytes=message.text_bytes or default.text_bytes,
        text_lines=message.text_lines or default.text_lines,
        topic_bytes=message.topic_bytes or default.topic_bytes,
        unacked_posts=message.unacked_posts or default.unacked_posts,
        page_size=message.page_size or default.page_size,
        send_burst=message.send_burst,
    )


def event(message: pb.RoomEvent) -> model.RoomEvent:
    """Read an event; one of an unknown kind has no body."""
    body: model.Body | None = None
    match message.WhichOneof("body"):
        case "message":
            said = message.message
            action = said.style == pb.MESSAGE_STYLE_ACTION
            body = model.Said(said.text, action, said.client_msg_id)
        case "topic":
            body = model.TopicChanged(message.topic.topic)
    return model.RoomEvent(
        message.room_id, message.seq, message.time_ms, user(message.author), body
    )


def items(frame: pb.ChatResponse | pb.SubscribeResponse) -> Iterator[it.StreamItem]:
    """Read the items of a frame in their order; unknown ones are left out."""
    for message in frame.items:
        item = _item(message)
        if item is not None:
            yield item


def _item(message: pb.StreamItem) -> it.StreamItem | None:
    match message.WhichOneof("item"):
        case "event":
            return it.EventArrived(event(message.event))
        case "ack":
            ack = message.ack
            return it.Acked(
                ack.order_id, ack.room_id, ack.seq, ack.time_ms, ack.client_msg_id, ack.duplicate
            )
        case "presence":
            who = message.presence
            return it.Presence(
                who.room_id,
                who.snapshot,
                tuple(map(user, who.joined)),
                tuple(map(user, who.left)),
                who.total,
            )
        case "error":
            return _refused(message.error)
        case "welcome":
            return it.Welcome(message.welcome.epoch, user(message.welcome.user))
        case "opened":
            return it.RoomOpened(room(message.opened.room), message.opened.after_seq)
        case "live":
            return it.Live(message.live.room_id, message.live.seq)
        case "gap":
            return it.Gap(message.gap.room_id, message.gap.after_seq, message.gap.first_seq)
        case "reset":
            return it.Reset(message.reset.epoch)
        case "closed":
            return it.RoomClosed(message.closed.room_id)
        case "notice":
            notice = message.notice
            return it.Notice(
                notice.text,
                notice.kind == pb.NOTICE_KIND_DRAINING,
                notice.retry_after_ms / 1000,
                notice.kind == pb.NOTICE_KIND_ANNOUNCEMENT,
            )
    return None


def _refused(error: pb.Error) -> it.Refused:
    return it.Refused(
        error.code,
        error.reason,
        with_names(error.message, error.metadata.get("names", "")),
        error.order_id,
        error.client_msg_id,
        error.room_id,
        error.retry_after_ms / 1000,
    )


def target(where: model.Target) -> pb.RoomTarget:
    """Write a target."""
    match where:
        case model.ById(room_id):
            return pb.RoomTarget(room_id=room_id)
        case model.ByName(name):
            return pb.RoomTarget(room_name=name)
        case model.Direct(names):
            return pb.RoomTarget(direct=pb.Recipients(names=names))


def position(where: model.Position) -> pb.RoomPosition:
    """Write a position."""
    return pb.RoomPosition(
        room=target(where.target), after_seq=where.after_seq, recent=where.recent
    )


def hello(point: model.ResumePoint) -> pb.ChatRequest:
    """Write the first request of a stream."""
    rooms = [position(where) for where in point.rooms]
    return pb.ChatRequest(order_id=HELLO_ID, hello=pb.Hello(epoch=point.epoch, rooms=rooms))


def request(pending: outbox.PendingPost | outbox.PendingOrder) -> pb.ChatRequest:
    """Write a post or an order."""
    if isinstance(pending, outbox.PendingPost):
        style = pb.MESSAGE_STYLE_ACTION if pending.action else pb.MESSAGE_STYLE_UNSPECIFIED
        post = pb.Post(
            room=target(pending.target),
            text=pending.text,
            style=style,
            client_msg_id=pending.client_msg_id,
        )
        return pb.ChatRequest(order_id=pending.client_msg_id, post=post)
    match pending.order:
        case outbox.JoinRoom(where, recent):
            where_from = position(model.Position(where, None, recent))
            return pb.ChatRequest(
                order_id=pending.order_id, join_room=pb.JoinRoom(position=where_from)
            )
        case outbox.LeaveRoom(room_id):
            room_target = pb.RoomTarget(room_id=room_id)
            return pb.ChatRequest(
                order_id=pending.order_id, leave_room=pb.LeaveRoom(room=room_target)
            )
        case outbox.SetTopic(room_id, topic):
            room_target = pb.RoomTarget(room_id=room_id)
            order = pb.SetTopic(room=room_target, topic=topic)
            return pb.ChatRequest(order_id=pending.order_id, set_topic=order)
