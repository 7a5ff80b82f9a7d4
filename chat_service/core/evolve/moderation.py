"""Order in rooms and on the server."""

from collections.abc import Callable
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.links import link, unlink
from chat_service.core.model import NetworkBan, Restriction, UserBan
from chat_service.core.names import name_key
from chat_service.core.state import State


def _member_banned(state: State, event: ev.MemberBanned) -> None:
    before = state.restrictions.get((event.room_id, event.user_id))
    _restrict(state, event, event.until_ms, before.muted_until_ms if before else 0)


def _member_muted(state: State, event: ev.MemberMuted) -> None:
    before = state.restrictions.get((event.room_id, event.user_id))
    _restrict(state, event, before.banned_until_ms if before else 0, event.until_ms)


def _user_banned(state: State, event: ev.UserBanned) -> None:
    ban = UserBan(
        event.name, event.until_ms, event.by_id, event.by_name, event.reason, event.time_ms
    )
    state.user_bans.put(name_key(event.name), ban)


def _user_unbanned(state: State, event: ev.UserUnbanned) -> None:
    state.user_bans.drop(name_key(event.name))


def _network_banned(state: State, event: ev.NetworkBanned) -> None:
    ban = NetworkBan(
        event.network, event.until_ms, event.by_id, event.by_name, event.reason, event.time_ms
    )
    state.network_bans.put(event.network, ban)


def _network_unbanned(state: State, event: ev.NetworkUnbanned) -> None:
    state.network_bans.drop(event.network)


def _lockdown_set(state: State, event: ev.LockdownSet) -> None:
    state.counters.put("registrations_locked", int(event.registrations))
    state.counters.put("guests_locked", int(event.guests))


def _audited(state: State, event: ev.Audited) -> None:
    state.counters.put("audit", event.audit_id)


def _restrict(
    state: State, event: ev.MemberBanned | ev.MemberMuted, banned_ms: int, muted_ms: int
) -> None:
    room_id, user_id = event.room_id, event.user_id
    if not banned_ms and not muted_ms:
        lift(state, room_id, user_id)
        return
    if (room_id, user_id) not in state.restrictions:
        link(state.restricted_in, room_id, user_id)
        link(state.restricted_of, user_id, room_id)
    restriction = Restriction(
        room_id, user_id, banned_ms, muted_ms, event.by_id, event.by_name, event.reason
    )
    state.restrictions.put((room_id, user_id), restriction)


def lift(state: State, room_id: int, user_id: int) -> None:
    """Let a user do again in a room what others do, if it may not."""
    if (room_id, user_id) in state.restrictions:
        state.restrictions.drop((room_id, user_id))
        unlink(state.restricted_in, room_id, user_id)
        unlink(state.restricted_of, user_id, room_id)


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.MemberBanned: _member_banned,
    ev.MemberMuted: _member_muted,
    ev.UserBanned: _user_banned,
    ev.UserUnbanned: _user_unbanned,
    ev.NetworkBanned: _network_banned,
    ev.NetworkUnbanned: _network_unbanned,
    ev.LockdownSet: _lockdown_set,
    ev.Audited: _audited,
}
