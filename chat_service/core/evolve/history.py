"""What has a place in a room."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.rooms import drop_member, drop_spoke
from chat_service.core.model import RoomKind
from chat_service.core.names import name_key
from chat_service.core.state import State


def _message_posted(state: State, event: ev.MessagePosted) -> None:
    state.heads.put(event.room_id, event.seq)
    if state.rooms[event.room_id].slow_mode_ms:
        state.spoke.put((event.room_id, event.author_id), event.time_ms)


def _topic_changed(state: State, event: ev.TopicChanged) -> None:
    state.heads.put(event.room_id, event.seq)
    state.rooms.put(event.room_id, replace(state.rooms[event.room_id], topic=event.topic))


def _message_deleted(state: State, event: ev.MessageDeleted) -> None:
    state.heads.put(event.room_id, event.seq)


def _role_changed(state: State, event: ev.RoleChanged) -> None:
    state.heads.put(event.room_id, event.seq)
    member = state.members[event.room_id, event.user_id]
    state.members.put((event.room_id, event.user_id), replace(member, role=event.role))


def _member_removed(state: State, event: ev.MemberRemoved) -> None:
    state.heads.put(event.room_id, event.seq)
    drop_member(state, event.room_id, event.user_id)


def _room_changed(state: State, event: ev.RoomChanged) -> None:
    state.heads.put(event.room_id, event.seq)
    room = state.rooms[event.room_id]
    if event.name is not None and room.kind is RoomKind.PUBLIC:
        state.room_ids.drop(name_key(room.name))
        state.room_ids.put(name_key(event.name), room.room_id)
    if event.slow_mode_ms == 0 and room.slow_mode_ms:
        drop_spoke(state, room_id=room.room_id)
    changed: dict[str, Any] = {
        field: getattr(event, field)
        for field in ("name", "description", "archived", "slow_mode_ms", "history", "topic_locked")
        if getattr(event, field) is not None
    }
    state.rooms.put(room.room_id, replace(room, **changed))


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.MessagePosted: _message_posted,
    ev.TopicChanged: _topic_changed,
    ev.MessageDeleted: _message_deleted,
    ev.RoleChanged: _role_changed,
    ev.MemberRemoved: _member_removed,
    ev.RoomChanged: _room_changed,
}
