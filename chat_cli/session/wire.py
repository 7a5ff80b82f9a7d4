"""Between the contract's messages and the client's own words. The only reader of fields."""

from collections.abc import Iterator

from chat_cli import items as it
from chat_cli import model
from chat_cli.pending import (
    HELLO_ID,
    JoinRoom,
    LeaveRoom,
    PendingOrder,
    PendingPost,
    SetTopic,
)
from chat_cli.refusals import explain
from chat_cli.session.errors import with_facts
from chat_protos.chat.v1 import chat_pb2 as pb

_KINDS: dict[int, model.RoomKind] = {
    pb.ROOM_KIND_DIRECT: model.RoomKind.DIRECT,
    pb.ROOM_KIND_PRIVATE: model.RoomKind.PRIVATE,
}
_CLOSINGS: dict[int, it.CloseReason] = {
    pb.CLOSE_REASON_REMOVED: it.CloseReason.REMOVED,
    pb.CLOSE_REASON_BANNED: it.CloseReason.BANNED,
}


def user(message: pb.User) -> model.User:
    """Read a user."""
    return model.User(
        message.user_id, message.name, message.connected, message.bot, message.account
    )


def room(message: pb.Room) -> model.RoomInfo:
    """Read a room."""
    return model.RoomInfo(
        message.room_id,
        _KINDS.get(message.kind, model.RoomKind.PUBLIC),
        message.name,
        message.topic,
        message.head_seq,
        message.present,
        tuple(map(user, message.members)),
        message.description,
        message.archived,
        message.slow_mode_ms,
        _history(message.history),
        message.topic_locked,
        message.has_password,
        role(message.role),
        message.muted_until_ms,
    )


def role(number: int) -> model.Role:
    """Read a role; one that this client does not know is a member's."""
    return model.Role(number) if number in set(model.Role) else model.Role.MEMBER


def _history(number: int) -> model.HistoryPolicy:
    from_join = number == pb.HISTORY_POLICY_FROM_JOIN
    return model.HistoryPolicy.FROM_JOIN if from_join else model.HistoryPolicy.ALL


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
        reason_bytes=message.reason_bytes or default.reason_bytes,
        description_bytes=message.description_bytes or default.description_bytes,
        password_min_chars=message.password_min_chars or default.password_min_chars,
        password_max_chars=message.password_max_chars or default.password_max_chars,
    )


def event(message: pb.RoomEvent) -> model.RoomEvent:
    """Read an event; one of an unknown kind has no body."""
    return model.RoomEvent(
        message.room_id, message.seq, message.time_ms, user(message.author), _body(message)
    )


def _body(message: pb.RoomEvent) -> model.Body | None:
    match message.WhichOneof("body"):
        case "message":
            said = message.message
            action = said.style == pb.MESSAGE_STYLE_ACTION
            return model.Said(said.text, action, said.client_msg_id)
        case "topic":
            return model.TopicChanged(message.topic.topic)
        case "tombstone":
            return model.Tombstone()
        case "deletion":
            gone = message.deletion
            return model.Deleted(gone.seq, user(gone.author), gone.reason)
        case "role":
            return model.RoleChanged(user(message.role.user), role(message.role.role))
        case "removal":
            out = message.removal
            return model.Removed(user(out.user), out.reason, out.banned, out.until_ms)
        case "change":
            return _change(message.change)
        case "withheld":
            return model.Withheld()
    return None


def _change(change: pb.RoomChange) -> model.RoomChanged:
    return model.RoomChanged(
        change.name if change.HasField("name") else None,
        change.description if change.HasField("description") else None,
        change.archived if change.HasField("archived") else None,
        change.slow_mode_ms if change.HasField("slow_mode_ms") else None,
        _history(change.history) if change.HasField("history") else None,
        change.topic_locked if change.HasField("topic_locked") else None,
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
            closed = message.closed
            return it.RoomClosed(
                closed.room_id,
                _CLOSINGS.get(closed.reason, it.CloseReason.LEFT),
                closed.text,
                user(closed.by) if closed.HasField("by") else None,
                closed.until_ms,
            )
        case "notice":
            return _notice(message.notice)
        case "invitation":
            return it.Invited(invitation(message.invitation))
    return None


def _notice(notice: pb.Notice) -> it.StreamItem:
    match notice.kind:
        case pb.NOTICE_KIND_MUTED:
            return it.Muted(notice.room_id, notice.until_ms, notice.text)
        case pb.NOTICE_KIND_UNMUTED:
            return it.Unmuted(notice.room_id, notice.text)
    return it.Notice(
        notice.text,
        notice.kind == pb.NOTICE_KIND_DRAINING,
        notice.retry_after_ms / 1000,
        notice.kind == pb.NOTICE_KIND_ANNOUNCEMENT,
    )


def invitation(message: pb.Invitation) -> model.Invitation:
    """Read an invitation."""
    return model.Invitation(message.room_id, message.name, user(message.inviter), message.time_ms)


def _refused(error: pb.Error) -> it.Refused:
    retry_after = error.retry_after_ms / 1000
    message = with_facts(error.message, error.metadata)
    return it.Refused(
        error.code,
        error.reason,
        explain(error.reason, message, retry_after),
        error.order_id,
        error.client_msg_id,
        error.room_id,
        retry_after,
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
    """Write a position; that behind an invite code names no room."""
    return pb.RoomPosition(
        room=None if isinstance(where.target, model.ByCode) else target(where.target),
        after_seq=where.after_seq,
        recent=where.recent,
    )


def hello(point: model.ResumePoint) -> pb.ChatRequest:
    """Write the first request of a stream."""
    rooms = [position(where) for where in point.rooms]
    first = pb.Hello(
        epoch=point.epoch,
        rooms=rooms,
        joined_recent=point.joined_recent,
        hear_bots=point.hear_bots,
        members_only=point.members_only,
    )
    return pb.ChatRequest(order_id=HELLO_ID, hello=first)


def request(pending: PendingPost | PendingOrder) -> pb.ChatRequest:
    """Write a post or an order."""
    if isinstance(pending, PendingPost):
        style = pb.MESSAGE_STYLE_ACTION if pending.action else pb.MESSAGE_STYLE_UNSPECIFIED
        post = pb.Post(
            room=target(pending.target),
            text=pending.text,
            style=style,
            client_msg_id=pending.client_msg_id,
        )
        return pb.ChatRequest(order_id=pending.client_msg_id, post=post)
    match pending.order:
        case JoinRoom(where, recent, password):
            join = pb.JoinRoom(
                position=position(model.Position(where, None, recent)),
                invite_code=where.code if isinstance(where, model.ByCode) else "",
                password=password,
            )
            return pb.ChatRequest(order_id=pending.order_id, join_room=join)
        case LeaveRoom(room_id):
            room_target = pb.RoomTarget(room_id=room_id)
            return pb.ChatRequest(
                order_id=pending.order_id, leave_room=pb.LeaveRoom(room=room_target)
            )
        case SetTopic(room_id, topic):
            room_target = pb.RoomTarget(room_id=room_id)
            order = pb.SetTopic(room=room_target, topic=topic)
            return pb.ChatRequest(order_id=pending.order_id, set_topic=order)
