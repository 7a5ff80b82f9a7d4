"""Who is kept out of the server, and let in again: the decisions about bans."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import admin_for
from chat_service.core.accounts import with_bots
from chat_service.core.administration import case_of, removal
from chat_service.core.audit import audited
from chat_service.core.bans import network_named, networks_of
from chat_service.core.decision import Accepted, Answer, Decision
from chat_service.core.errors import Reason, Rejection
from chat_service.core.names import name_key
from chat_service.core.sanctions import end_of, flaw_of_reason
from chat_service.core.state import State


def ban_user(state: State, command: cmd.BanUser, time_ms: int) -> Decision:
    """Keep a user out of the server, and remove it with its bots."""
    until_ms = end_of(command.duration_ms, time_ms)
    if isinstance(until_ms, Rejection):
        return until_ms
    found = case_of(state, command.session_id, command.user, time_ms, reason=command.reason)
    if isinstance(found, Rejection):
        return found
    actor, user = found
    is_new = name_key(user.name) not in state.user_bans
    freed = _place_for(state, time_ms) if is_new else []
    if isinstance(freed, Rejection):
        return freed
    by = (actor.user_id, actor.name)
    events = [*freed, ev.UserBanned(time_ms, user.name, until_ms, command.reason, *by)]
    for one in with_bots(state, user):
        events += removal(state, actor, one, command.reason, time_ms, banned=True)
    entry = audited(
        state,
        time_ms,
        actor,
        "server-ban",
        target_id=user.user_id,
        target_name=user.name,
        until_ms=until_ms,
        reason=command.reason,
    )
    ended = sum(isinstance(event, ev.SessionEnded) for event in events)
    return Accepted((*events, entry), found.told(ended, until_ms))


def unban_user(state: State, command: cmd.UnbanUser, time_ms: int) -> Decision:
    """Let whoever has this name in again."""
    actor = admin_for(state, command.session_id, time_ms)
    if isinstance(actor, Rejection):
        return actor
    ban = state.user_bans.get(name_key(command.name))
    if ban is None or ban.until_ms <= time_ms:
        return Accepted()
    user_id = state.user_ids.get(name_key(ban.name)) or 0
    entry = audited(state, time_ms, actor, "server-unban", target_id=user_id, target_name=ban.name)
    return Accepted((ev.UserUnbanned(time_ms, ban.name), entry), Answer(name=ban.name))


def ban_network(state: State, command: cmd.BanNetwork, time_ms: int) -> Decision:
    """Keep out who comes from a network, which the one who gives the order does not."""
    flaw = flaw_of_reason(command.reason, state.limits)
    if flaw is not None:
        return flaw
    until_ms = end_of(command.duration_ms, time_ms)
    if isinstance(until_ms, Rejection):
        return until_ms
    actor = admin_for(state, command.session_id, time_ms)
    if isinstance(actor, Rejection):
        return actor
    network = network_named(command.network)
    if isinstance(network, Rejection):
        return network
    if network in networks_of(command.address):
        return Rejection(
            Reason.NETWORK_IS_YOURS, "you come from this network yourself", field="network"
        )
    freed = [] if network in state.network_bans else _place_for(state, time_ms)
    if isinstance(freed, Rejection):
        return freed
    by = (actor.user_id, actor.name)
    banned = ev.NetworkBanned(time_ms, network, until_ms, command.reason, *by)
    entry = audited(
        state,
        time_ms,
        actor,
        "network-ban",
        details=network,
        until_ms=until_ms,
        reason=command.reason,
    )
    return Accepted((*freed, banned, entry), Answer(name=network, until_ms=until_ms))


def unban_network(state: State, command: cmd.UnbanNetwork, time_ms: int) -> Decision:
    """Let a network in again."""
    actor = admin_for(state, command.session_id, time_ms)
    if isinstance(actor, Rejection):
        return actor
    network = network_named(command.network)
    if isinstance(network, Rejection):
        return network
    ban = state.network_bans.get(network)
    if ban is None or ban.until_ms <= time_ms:
        return Accepted()
    entry = audited(state, time_ms, actor, "network-unban", details=network)
    return Accepted((ev.NetworkUnbanned(time_ms, network), entry), Answer(name=network))


def _place_for(state: State, time_ms: int) -> list[ev.Event] | Rejection:
    """Let go of what is over, where the server can remember no further ban otherwise."""
    most = state.limits.bans_of_server
    left = len(state.user_bans) + len(state.network_bans)
    if left < most:
        return []
    over: list[ev.Event] = [
        ev.UserUnbanned(time_ms, ban.name)
        for ban in state.user_bans.values()
        if ban.until_ms <= time_ms
    ]
    over += (
        ev.NetworkUnbanned(time_ms, ban.network)
        for ban in state.network_bans.values()
        if ban.until_ms <= time_ms
    )
    if left - len(over) >= most:
        return Rejection(Reason.TOO_MANY_BANS, f"at most {most} bans of the server")
    return over
