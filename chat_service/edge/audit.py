"""The audit log as it travels."""

from chat_protos.chat.v1 import chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from chat_service.core.events import Audited
from chat_service.edge.ids import room_text, user_text


def entry_message(entry: Audited) -> pb.AuditEntry:
    """Return an entry; what it is not about is left out."""
    message = pb.AuditEntry(
        entry_id=str(entry.audit_id),
        time_ms=entry.time_ms,
        action=entry.action,
        room_id=room_text(entry.room_id) if entry.room_id else "",
        room_name=entry.room_name,
        details=entry.details,
        until_ms=entry.until_ms,
        reason=entry.reason,
    )
    actor = chat_pb2.User(name=entry.actor_name)
    if entry.actor_id:
        actor.user_id = user_text(entry.actor_id)
    message.actor.CopyFrom(actor)
    if entry.target_id or entry.target_name:
        target = chat_pb2.User(name=entry.target_name)
        if entry.target_id:
            target.user_id = user_text(entry.target_id)
        message.target.CopyFrom(target)
    return message
