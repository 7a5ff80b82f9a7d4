"""Who gets an account: the decisions about registering, and about bots."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import session_for
from chat_service.core.accounts import account_of, active_bots
from chat_service.core.audit import audited
from chat_service.core.bans import is_banned
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.departures import sessions_of
from chat_service.core.errors import Reason, Rejection
from chat_service.core.invites import OPERATOR, registration_by
from chat_service.core.limits import CLOSED, INVITE
from chat_service.core.model import Scope, User
from chat_service.core.names import name_key
from chat_service.core.ownership import voided
from chat_service.core.signing import (
    claim_name,
    expiry,
    flaw_of_label,
    flaw_of_name,
    idle_until,
    opened,
)
from chat_service.core.state import State


def register(state: State, command: cmd.Register, time_ms: int) -> Decision:
    """Make an account: of a guest, of somebody new, or by the hand of whoever runs the server."""
    found = _registrant(state, command, time_ms)
    if isinstance(found, Rejection):
        return found
    user, events = found
    flaw = (
        is_banned(state, user.name, command.address, time_ms)
        or (too_fast(command.wait_ms) if command.wait_ms else None)
        or flaw_of_label(state.limits, command.client, "client")
    )
    if flaw is not None:
        return flaw
    admin = command.admin
    if not command.by_operator:
        entitled = _entitled(state, command, time_ms)
        if isinstance(entitled, Rejection):
            return entitled
        admin = isinstance(entitled, ev.OwnerCodeSet)
        if entitled is not None:
            events.append(entitled)
    elif admin:
        events += voided(state, time_ms)
    events.append(ev.AccountCreated(time_ms, user.user_id, command.password_hash, admin))
    session_id = command.session_id
    if command.session_id:
        events += _kept_sessions(state, user.user_id, time_ms)
    elif not command.by_operator:
        session = opened(state, command, user, time_ms, account=True)
        session_id = session.session_id
        events.append(session)
    if admin or command.by_operator:
        told = audited(
            state,
            time_ms,
            OPERATOR,
            "admin" if admin else "account",
            target_id=user.user_id,
            target_name=user.name,
            details="a new account",
        )
        events.append(told)
    answer = Answer(user_id=user.user_id, session_id=session_id, name=user.name)
    return Accepted(tuple(events), answer)


def create_bot(state: State, command: cmd.CreateBot, time_ms: int) -> Decision:
    """Make a bot that belongs to the caller; it has no password, only API tokens."""
    found = account_of(state, command.session_id, time_ms)
    if isinstance(found, Rejection):
        return found
    _, account = found
    flaw = flaw_of_name(state.limits, command.name)
    flaw = flaw or is_banned(state, command.name, "", time_ms)
    if flaw is not None:
        return flaw
    most = state.limits.bots_per_user
    if len(active_bots(state, account.user_id)) >= most:
        return Rejection(Reason.TOO_MANY_BOTS, f"at most {most} bots of an account")
    events = claim_name(state, command.name, time_ms)
    if isinstance(events, Rejection):
        return events
    if command.wait_ms:
        return too_fast(command.wait_ms)
    bot_id = state.counter("user") + 1
    events.append(ev.UserCreated(time_ms, bot_id, command.name, bot=True))
    events.append(ev.AccountCreated(time_ms, bot_id, "", owner_id=account.user_id))
    return Accepted(tuple(events), Answer(user_id=bot_id, name=command.name))


def _registrant(
    state: State, command: cmd.Register, time_ms: int
) -> tuple[User, list[ev.Event]] | Rejection:
    """Return who is to have the account, with the events by which they are there."""
    if not command.session_id:
        flaw = flaw_of_name(state.limits, command.name)
        if flaw is not None:
            return flaw
        events = claim_name(state, command.name, time_ms)
        if isinstance(events, Rejection):
            return events
        user = User(state.counter("user") + 1, command.name, time_ms)
        return user, [*events, ev.UserCreated(time_ms, user.user_id, user.name)]
    session = session_for(state, command.session_id, Scope.ACCOUNT, time_ms)
    if isinstance(session, Rejection):
        return session
    user = state.users[session.user_id]
    if user.account:
        return Rejection(Reason.ACCOUNT_EXISTS, "you have an account already")
    if command.name and name_key(command.name) != name_key(user.name):
        return Rejection(Reason.NAME_INVALID, f"the token belongs to {user.name}", field="name")
    if name_key(user.name) in state.limits.reserved_names:
        return Rejection(Reason.NAME_RESERVED, "this name is reserved", field="name")
    return user, []


def _entitled(
    state: State, command: cmd.Register, time_ms: int
) -> ev.OwnerCodeSet | ev.InviteUsed | Rejection | None:
    """Return what is used up for the right to register: a code, or nothing, or why not.

    The owner's code comes before whether the server takes new accounts, and is good once.
    """
    if command.owner_code_hash:
        if command.owner_code_hash.hex() != state.names.get("owner_code"):
            return Rejection(
                Reason.OWNER_CODE_INVALID, "this owner code is not good", field="owner_code"
            )
        return ev.OwnerCodeSet(time_ms, b"")
    mode = state.limits.registration
    if mode == CLOSED or state.counter("registrations_locked"):
        return Rejection(Reason.REGISTRATION_CLOSED, "this server takes no new accounts now")
    if mode == INVITE:
        invite = registration_by(state, command.invite_hash, time_ms)
        if invite is None:
            words = "this invite code is not good" if command.invite_hash else _INVITE_NEEDED
            return Rejection(Reason.INVITE_INVALID, words, field="invite_code")
        return ev.InviteUsed(time_ms, invite.invite_id)
    return None


_INVITE_NEEDED = "this server takes new accounts by an invite code only"


def _kept_sessions(state: State, user_id: int, time_ms: int) -> list[ev.SessionRenewed]:
    """Let the sessions of a guest go on as those of an account."""
    until_ms = idle_until(state, account=True, time_ms=time_ms)
    expires_ms = expiry(state, account=True, time_ms=time_ms)
    return [
        ev.SessionRenewed(time_ms, session_id, until_ms, expires_ms)
        for session_id in sessions_of(state, user_id)
    ]
