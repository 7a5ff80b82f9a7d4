"""What admins do to users and to the server, but for bans.

No admin acts on another one. Whoever runs the server acts on everybody.
"""

from typing import NamedTuple

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import TOO_HIGH, Actor, admin_for, is_admin
from chat_service.core.accounts import closing, is_last_admin, with_bots
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision
from chat_service.core.departures import end_sessions, end_user
from chat_service.core.errors import Reason, Rejection
from chat_service.core.invites import REGISTRATIONS, ended_with
from chat_service.core.model import Account, Role, User
from chat_service.core.ownership import voided
from chat_service.core.rooms import find_user
from chat_service.core.sanctions import flaw_of_reason
from chat_service.core.state import State


def kick_user(state: State, command: cmd.KickUser, time_ms: int) -> Decision:
    """End all sessions of a user and of its bots, and a guest: its name is free at once."""
    found = case_of(state, command.session_id, command.user, time_ms, reason=command.reason)
    if isinstance(found, Rejection):
        return found
    actor, user = found
    events: list[ev.Event] = []
    for one in with_bots(state, user):
        events += removal(state, actor, one, command.reason, time_ms)
    return _accepted(state, found, "server-kick", events, time_ms, reason=command.reason)


def set_lockdown(state: State, command: cmd.SetLockdown, time_ms: int) -> Decision:
    """Close the server to new accounts and new guests, or open it."""
    flaw = flaw_of_reason(command.reason, state.limits)
    if flaw is not None:
        return flaw
    actor = admin_for(state, command.session_id, time_ms)
    if isinstance(actor, Rejection):
        return actor
    before = [bool(state.counter(name)) for name in ("registrations_locked", "guests_locked")]
    if before == [command.registrations, command.guests]:
        return Accepted()
    words = {True: "closed", False: "open"}
    details = f"registrations {words[command.registrations]}, guests {words[command.guests]}"
    return Accepted(
        (
            ev.LockdownSet(time_ms, command.registrations, command.guests),
            audited(state, time_ms, actor, "lockdown", details=details, reason=command.reason),
        )
    )


def set_admin(state: State, command: cmd.SetAdmin, time_ms: int) -> Decision:
    """Make an account an admin of the server, or no longer; an admin may step down."""
    found = case_of(state, command.session_id, command.user, time_ms, or_self=not command.admin)
    if isinstance(found, Rejection):
        return found
    account = _account(state, found.user)
    if account is None or account.owner_id or account.deactivated:
        return Rejection(
            Reason.NOT_AN_ACCOUNT, "a guest, a bot or a closed account is no admin", field="user"
        )
    if account.admin == command.admin:
        return Accepted((), found.told())
    if is_last_admin(state, account) and found.actor.user_id != cmd.OPERATOR:
        return Rejection(
            Reason.LAST_ADMIN, "make somebody else an admin first: the server has no other"
        )
    events: list[ev.Event] = [ev.AdminChanged(time_ms, account.user_id, command.admin)]
    if command.admin:
        events += voided(state, time_ms)
    else:
        for room_id in (REGISTRATIONS, *_lent_rooms(state, account.user_id)):
            events += ended_with(state, account.user_id, room_id, time_ms)
    details = "granted" if command.admin else "taken"
    return _accepted(state, found, "admin", events, time_ms, details=details)


def _lent_rooms(state: State, user_id: int) -> list[int]:
    """Return the rooms of an admin in which it lets others in as an admin alone."""
    return [
        room_id
        for room_id in state.rooms_of.get(user_id) or ()
        if state.members[room_id, user_id].role is Role.MEMBER
    ]


def set_deactivated(state: State, command: cmd.SetDeactivated, time_ms: int) -> Decision:
    """Close somebody's account, or open it again."""
    found = case_of(state, command.session_id, command.user, time_ms, reason=command.reason)
    if isinstance(found, Rejection):
        return found
    account = _account(state, found.user)
    if account is None:
        return Rejection(Reason.NOT_AN_ACCOUNT, "a guest has no account", field="user")
    if account.deactivated == command.deactivated:
        return Accepted((), found.told())
    if command.deactivated:
        events, action = closing(state, account, time_ms), "deactivate"
    else:
        events, action = [ev.AccountReactivated(time_ms, account.user_id)], "reactivate"
    return _accepted(state, found, action, events, time_ms, reason=command.reason)


def set_fast(state: State, command: cmd.SetFast, time_ms: int) -> Decision:
    """Let a bot send fast, or no longer."""
    found = case_of(state, command.session_id, command.user, time_ms)
    if isinstance(found, Rejection):
        return found
    account = _account(state, found.user)
    if account is None or not account.owner_id:
        return Rejection(Reason.NOT_A_BOT, f"{found.user.name} is not a bot", field="user")
    if account.fast == command.fast:
        return Accepted((), found.told())
    changed = ev.FastChanged(time_ms, account.user_id, command.fast)
    details = "granted" if command.fast else "taken"
    return _accepted(state, found, "fast", [changed], time_ms, details=details)


# --------------------------------------------------------------- what they share


class Case(NamedTuple):
    """Who acts on whom; nothing forbids it."""

    actor: Actor
    user: User

    def told(self, sessions: int = 0, until_ms: int = 0) -> Answer:
        """Return what is answered to who gave the order."""
        user = self.user
        return Answer(user_id=user.user_id, name=user.name, sessions=sessions, until_ms=until_ms)


def case_of(
    state: State,
    session_id: int,
    target: cmd.UserTarget,
    time_ms: int,
    *,
    reason: str = "",
    or_self: bool = False,
) -> Case | Rejection:
    """Return who acts on whom, if an admin may do that to that user, or to itself."""
    flaw = flaw_of_reason(reason, state.limits)
    if flaw is not None:
        return flaw
    actor = admin_for(state, session_id, time_ms)
    if isinstance(actor, Rejection):
        return actor
    user = find_user(state, target)
    if isinstance(user, Rejection):
        return user
    is_free = actor.user_id == cmd.OPERATOR or (or_self and actor.user_id == user.user_id)
    if not is_free and is_admin(state, user.user_id):
        return TOO_HIGH
    return Case(actor, user)


def removal(
    state: State, actor: Actor, user: User, reason: str, time_ms: int, *, banned: bool = False
) -> list[ev.Event]:
    """Return the end of all sessions of a user, and of a guest itself."""
    user_id = user.user_id
    return [
        ev.UserKicked(time_ms, user_id, reason, actor.name, banned),
        *end_sessions(state, user_id, time_ms),
        *(() if user.account else end_user(state, user_id, time_ms)),
    ]


def _account(state: State, user: User) -> Account | None:
    return state.accounts.get(user.user_id)


def _accepted(
    state: State,
    case: Case,
    action: str,
    events: list[ev.Event],
    time_ms: int,
    *,
    details: str = "",
    reason: str = "",
) -> Accepted:
    """Carry an order about a user out: these events, and the entry of the audit log."""
    entry = audited(
        state,
        time_ms,
        case.actor,
        action,
        target_id=case.user.user_id,
        target_name=case.user.name,
        details=details,
        reason=reason,
    )
    ended = sum(isinstance(event, ev.SessionEnded) for event in events)
    return Accepted((*events, entry), case.told(ended))
