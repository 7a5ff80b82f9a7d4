"""Answers as objects of JSON. Names and units are for scripts: they stay as they are.

`docs/chat-admin.md` tells them; a test compares the two. Times are UTC, as
`2026-11-20T13:50:48.123Z`, and null where there is none.
"""

import json
from collections.abc import Mapping

from chat_cli.render import moment
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import moderation_pb2

# object: whatever JSON holds.
Object = Mapping[str, object]

# Source: the contract.
_FOREVER_MS = 2**53 - 1

_STATES = {
    pb.INSTANCE_STATE_STARTING: "starting",
    pb.INSTANCE_STATE_SERVING: "serving",
    pb.INSTANCE_STATE_WAITING: "waiting",
    pb.INSTANCE_STATE_STOPPING: "stopping",
    pb.INSTANCE_STATE_STOPPED: "stopped",
}


def line(fields: Object) -> str:
    """Write an object on one line. ASCII alone, so that it is safe on a terminal and exact."""
    return json.dumps(fields)


def time(time_ms: int) -> str | None:
    """Write a time, in milliseconds since 1970; 0 is none."""
    if not time_ms:
        return None
    return moment(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def until(time_ms: int) -> str | None:
    """Write when something ends, in milliseconds since 1970; 0 is none."""
    return "for ever" if time_ms >= _FOREVER_MS else time(time_ms)


def state(one: pb.Instance) -> str:
    """Name the state of an instance; one that this program does not know is "unknown"."""
    return _STATES.get(one.state, "unknown")


def instance(one: pb.Instance) -> Object:
    """Describe an instance; its sample is null unless it serves and answers."""
    return {
        "number": one.number,
        "address": one.address,
        "port": one.port,
        "state": state(one),
        "since": time(one.since_ms),
        "restarts": one.restarts,
        "pid": one.pid or None,
        "data_directory": one.data_directory,
        "problem": one.problem,
        "sample": sample(one.sample) if one.HasField("sample") else None,
    }


def sample(one: pb.Sample) -> Object:
    """Describe how an instance was at one moment; rates are a second, cpu 1.0 is a core."""
    return {
        "time": time(one.time_ms),
        "users": one.users,
        "streams": one.streams,
        "rooms": one.rooms,
        "messages_in": one.messages_in,
        "messages_out": one.messages_out,
        "cpu": one.cpu,
        "memory_bytes": one.memory_bytes,
        "connections": one.connections,
    }


def user(one: pb.InstanceUser) -> Object:
    """Describe a user."""
    return {
        "port": one.port,
        "name": one.user.name,
        "user_id": one.user.user_id,
        "connected": one.user.connected,
        "sessions": one.sessions,
        "rooms": list(one.room_names),
        "addresses": list(one.addresses),
        "created": time(one.created_ms),
        "account": one.user.account,
        "bot": one.user.bot,
        "admin": one.admin,
        "closed": one.closed,
    }


def audit_entry(one: moderation_pb2.AuditEntry) -> Object:
    """Describe an entry of the audit log; what it is not about is null."""
    return {
        "id": one.entry_id,
        "time": time(one.time_ms),
        "action": one.action,
        "actor": one.actor.name or None,
        "actor_id": one.actor.user_id or None,
        "room": one.room_name or None,
        "room_id": one.room_id or None,
        "target": one.target.name or None,
        "target_id": one.target.user_id or None,
        "details": one.details,
        "until": until(one.until_ms),
        "reason": one.reason,
    }


def room(one: pb.InstanceRoom) -> Object:
    """Describe a public room; its first event that is kept has first_seq, its newest head_seq."""
    return {
        "port": one.port,
        "name": one.room.name,
        "room_id": one.room.room_id,
        "topic": one.room.topic,
        "first_seq": one.first_seq,
        "head_seq": one.room.head_seq,
        "members": one.members,
        "present": one.room.present,
        "readers": one.readers,
    }
