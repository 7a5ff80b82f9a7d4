"""Facts into the state: the one funnel that every change passes.

    evolve(state, event)

Writes to the scratch layer only. The same events in the same order give the same
state, on the thread that decides, in the event loop's own copy, and in a test.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.model import Member, Room, RoomKind, Session, State, User
from chat_service.core.names import name_key


def evolve(state: State, event: ev.Event) -> None:
    """Apply one event to the scratch layer of the state."""
    counters = state.counters
    counters.put("position", state.counter("position") + 1)
    counters.put("time_ms", event.time_ms)
    _EVOLVE[type(event)](state, event)


def _message_posted(state: State, event: ev.MessagePosted) -> None:
    state.heads.put(event.room_id, event.seq)


def _topic_changed(state: State, event: ev.TopicChanged) -> None:
    state.heads.put(event.room_id, event.seq)
    state.rooms.put(event.room_id, replace(state.rooms[event.room_id], topic=event.topic))


def _server_created(state: State, event: ev.ServerCreated) -> None:
    state.names.put("epoch", event.epoch)
    state.counters.put("rules", event.rules_version)


def _configured(state: State, event: ev.Configured) -> None:
    state.settings.put("limits", event.limits)


def _instance_started(state: State, event: ev.InstanceStarted) -> None:
    for session in list(state.sessions.values()):
        if session.instance == event.instance:
            until_ms = max(session.until_ms, event.until_ms)
            fresh = replace(session, attachment=0, until_ms=until_ms)
            state.sessions.put(session.session_id, fresh)


def _user_created(state: State, event: ev.UserCreated) -> None:
    state.counters.put("user", event.user_id)
    state.users.put(event.user_id, User(event.user_id, event.name, event.time_ms))
    state.user_ids.put(name_key(event.name), event.user_id)


def _user_ended(state: State, event: ev.UserEnded) -> None:
    user = state.users[event.user_id]
    for room_id in state.rooms_of.get(user.user_id) or ():
        state.members.drop((room_id, user.user_id))
    state.rooms_of.drop(user.user_id)
    state.user_ids.drop(name_key(user.name))
    state.users.drop(user.user_id)


def _session_opened(state: State, event: ev.SessionOpened) -> None:
    state.counters.put("session", event.session_id)
    state.sessions.put(
        event.session_id,
        Session(
            session_id=event.session_id,
            user_id=event.user_id,
            token_hash=event.token_hash,
            instance=event.instance,
            attachment=0,
            until_ms=event.until_ms,
        ),
    )
    state.session_ids.put(event.token_hash, event.session_id)
    others = state.sessions_of.get(event.user_id) or ()
    state.sessions_of.put(event.user_id, (*others, event.session_id))


def _session_attached(state: State, event: ev.SessionAttached) -> None:
    session = state.sessions[event.session_id]
    state.sessions.put(event.session_id, replace(session, attachment=event.attachment))


def _session_detached(state: State, event: ev.SessionDetached) -> None:
    session = state.sessions[event.session_id]
    fresh = replace(session, attachment=0, until_ms=event.until_ms)
    state.sessions.put(event.session_id, fresh)


def _session_renewed(state: State, event: ev.SessionRenewed) -> None:
    session = state.sessions[event.session_id]
    state.sessions.put(event.session_id, replace(session, until_ms=event.until_ms))


def _session_ended(state: State, event: ev.SessionEnded) -> None:
    session = state.sessions[event.session_id]
    state.sessions.drop(event.session_id)
    state.session_ids.drop(session.token_hash)
    left = tuple(n for n in state.sessions_of[session.user_id] if n != event.session_id)
    if left:
        state.sessions_of.put(session.user_id, left)
    else:
        state.sessions_of.drop(session.user_id)


def _user_kicked(_: State, __: ev.UserKicked) -> None:
    """Change nothing: what follows from it has events of its own."""


def _room_opened(state: State, event: ev.RoomOpened) -> None:
    state.counters.put("room", event.room_id)
    state.rooms.put(
        event.room_id,
        Room(
            room_id=event.room_id,
            kind=event.kind,
            name=event.name,
            topic="",
            opener_id=event.opener_id,
            created_ms=event.time_ms,
            member_ids=event.member_ids,
            member_names=tuple(state.users[user_id].name for user_id in event.member_ids),
        ),
    )
    state.heads.put(event.room_id, 0)
    if event.kind is RoomKind.PUBLIC:
        state.room_ids.put(name_key(event.name), event.room_id)
    else:
        state.direct_ids.put(event.member_ids, event.room_id)
        for user_id in event.member_ids:
            _add_member(state, event.room_id, user_id, event.time_ms)


def _room_forgotten(state: State, event: ev.RoomForgotten) -> None:
    room = state.rooms[event.room_id]
    state.direct_ids.drop(room.member_ids)
    state.heads.drop(room.room_id)
    state.rooms.drop(room.room_id)
    if event.left_seq:
        state.leftovers.put(room.room_id, event.left_seq)
    else:
        state.firsts.drop(room.room_id)


def _room_pruned(state: State, event: ev.RoomPruned) -> None:
    left_seq = state.leftovers.get(event.room_id)
    if left_seq is not None and event.first_seq > left_seq:
        state.leftovers.drop(event.room_id)
        state.firsts.drop(event.room_id)
    else:
        state.firsts.put(event.room_id, event.first_seq)


def _answers_pruned(_: State, __: ev.AnswersPruned) -> None:
    """Change nothing: first answers grow with the messages, so the state has none."""


def _member_joined(state: State, event: ev.MemberJoined) -> None:
    _add_member(state, event.room_id, event.user_id, event.time_ms)


def _member_left(state: State, event: ev.MemberLeft) -> None:
    state.members.drop((event.room_id, event.user_id))
    left = tuple(n for n in state.rooms_of[event.user_id] if n != event.room_id)
    if left:
        state.rooms_of.put(event.user_id, left)
    else:
        state.rooms_of.drop(event.user_id)


def _add_member(state: State, room_id: int, user_id: int, time_ms: int) -> None:
    state.members.put((room_id, user_id), Member(room_id, user_id, time_ms))
    state.rooms_of.put(user_id, (*(state.rooms_of.get(user_id) or ()), room_id))


# Any: each function takes the one event type that it is listed under.
_EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.MessagePosted: _message_posted,
    ev.TopicChanged: _topic_changed,
    ev.ServerCreated: _server_created,
    ev.Configured: _configured,
    ev.InstanceStarted: _instance_started,
    ev.UserCreated: _user_created,
    ev.UserEnded: _user_ended,
    ev.SessionOpened: _session_opened,
    ev.SessionAttached: _session_attached,
    ev.SessionDetached: _session_detached,
    ev.SessionRenewed: _session_renewed,
    ev.SessionEnded: _session_ended,
    ev.UserKicked: _user_kicked,
    ev.RoomOpened: _room_opened,
    ev.RoomForgotten: _room_forgotten,
    ev.RoomPruned: _room_pruned,
    ev.AnswersPruned: _answers_pruned,
    ev.MemberJoined: _member_joined,
    ev.MemberLeft: _member_left,
}
