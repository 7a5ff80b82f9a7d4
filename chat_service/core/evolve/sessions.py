"""Who is signed in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.accounts import unblock
from chat_service.core.evolve.links import link, unlink
from chat_service.core.evolve.moderation import lift
from chat_service.core.evolve.rooms import drop_invitation, drop_member, drop_spoke
from chat_service.core.model import Session, User
from chat_service.core.names import name_key
from chat_service.core.state import State


def _user_created(state: State, event: ev.UserCreated) -> None:
    state.counters.put("user", event.user_id)
    user = User(event.user_id, event.name, event.time_ms, bot=event.bot)
    state.users.put(event.user_id, user)
    state.user_ids.put(name_key(event.name), event.user_id)


def _user_ended(state: State, event: ev.UserEnded) -> None:
    user = state.users[event.user_id]
    for room_id in state.rooms_of.get(user.user_id) or ():
        drop_member(state, room_id, user.user_id, of_user=False)
    state.rooms_of.drop(user.user_id)
    drop_spoke(state, user_id=user.user_id)
    for room_id in state.restricted_of.get(user.user_id) or ():
        lift(state, room_id, user.user_id)
    for room_id in state.invitations_of.get(user.user_id) or ():
        drop_invitation(state, room_id, user.user_id)
    for other_id in state.blocked_by.get(user.user_id) or ():
        unblock(state, user.user_id, other_id)
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
            created_ms=event.time_ms,
            expires_ms=event.expires_ms,
            client=event.client,
            address=event.address,
            scopes=event.scopes,
            api_token=event.api_token,
            parent_id=event.parent_id,
        ),
    )
    state.session_ids.put(event.token_hash, event.session_id)
    link(state.sessions_of, event.user_id, event.session_id)


def _session_attached(state: State, event: ev.SessionAttached) -> None:
    session = state.sessions[event.session_id]
    state.sessions.put(event.session_id, replace(session, attachment=event.attachment))


def _session_detached(state: State, event: ev.SessionDetached) -> None:
    session = state.sessions[event.session_id]
    fresh = replace(session, attachment=0, until_ms=event.until_ms)
    state.sessions.put(event.session_id, fresh)


def _session_renewed(state: State, event: ev.SessionRenewed) -> None:
    session = state.sessions[event.session_id]
    expires_ms = event.expires_ms or session.expires_ms
    fresh = replace(session, until_ms=event.until_ms, expires_ms=expires_ms)
    state.sessions.put(event.session_id, fresh)


def _session_ended(state: State, event: ev.SessionEnded) -> None:
    session = state.sessions[event.session_id]
    state.sessions.drop(event.session_id)
    state.session_ids.drop(session.token_hash)
    unlink(state.sessions_of, session.user_id, event.session_id)


def _user_kicked(_: State, __: ev.UserKicked) -> None:
    """Change nothing: what follows from it has events of its own."""


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.UserCreated: _user_created,
    ev.UserEnded: _user_ended,
    ev.SessionOpened: _session_opened,
    ev.SessionAttached: _session_attached,
    ev.SessionDetached: _session_detached,
    ev.SessionRenewed: _session_renewed,
    ev.SessionEnded: _session_ended,
    ev.UserKicked: _user_kicked,
}
