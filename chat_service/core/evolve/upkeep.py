"""What the server itself did."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.moderation import lift
from chat_service.core.evolve.rooms import drop_invitation, drop_spoke, end_invite
from chat_service.core.model import RoomKind
from chat_service.core.state import State


def _epoch_began(state: State, event: ev.EpochBegan) -> None:
    state.names.put("epoch", event.epoch)
    state.counters.put("rules", event.rules_version)


def _configured(state: State, event: ev.Configured) -> None:
    state.settings.put("limits", event.limits)


def _instance_started(state: State, event: ev.InstanceStarted) -> None:
    for session in list(state.sessions.values()):
        if session.instance == event.instance:
            has_account = state.users[session.user_id].account
            least_ms = event.account_until_ms if has_account else event.until_ms
            until_ms = max(session.until_ms, least_ms)
            fresh = replace(session, attachment=0, until_ms=until_ms)
            state.sessions.put(session.session_id, fresh)


def _room_forgotten(state: State, event: ev.RoomForgotten) -> None:
    room = state.rooms[event.room_id]
    if room.kind is RoomKind.DIRECT:
        state.direct_ids.drop(room.member_ids)
    for user_id in state.restricted_in.get(room.room_id) or ():
        lift(state, room.room_id, user_id)
    for invite_id in state.invites_of.get(room.room_id) or ():
        end_invite(state, state.invites[invite_id])
    if room.kind is RoomKind.PRIVATE:
        drop_spoke(state, room_id=room.room_id)
        for user_id in state.invited_to.get(room.room_id) or ():
            drop_invitation(state, room.room_id, user_id)
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


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.EpochBegan: _epoch_began,
    ev.Configured: _configured,
    ev.InstanceStarted: _instance_started,
    ev.RoomForgotten: _room_forgotten,
    ev.RoomPruned: _room_pruned,
    ev.AnswersPruned: _answers_pruned,
}
