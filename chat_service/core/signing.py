"""Who comes in: the decisions about guests, passwords that were right, and further clients."""

from dataclasses import replace

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import is_admin, session_for
from chat_service.core.bans import is_banned
from chat_service.core.decision import Accepted, Answer, Decision, valid_session
from chat_service.core.departures import end_user, sessions_of
from chat_service.core.entry import enter_public
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import ALL_SCOPES, FOREVER_MS, Scope, User
from chat_service.core.names import is_name, is_one_line, name_key
from chat_service.core.state import State

WRONG_PASSWORD = Rejection(
    Reason.PASSWORD_WRONG, "there is no account of this name and this password"
)
"""The one answer to a wrong password, a name that has no account, and one that is closed."""


def open_guest(state: State, command: cmd.OpenGuest, time_ms: int) -> Decision:
    """Sign in somebody new; the name must be free."""
    flaw = flaw_of_name(state.limits, command.name)
    flaw = flaw or is_banned(state, command.name, command.address, time_ms)
    if flaw is not None:
        return flaw
    if not state.limits.guests or state.counter("guests_locked"):
        return Rejection(
            Reason.GUESTS_REFUSED, "this server takes nobody without an account now", field="name"
        )
    claimed = claim_name(state, command.name, time_ms)
    if isinstance(claimed, Rejection):
        return claimed
    user = User(state.counter("user") + 1, command.name, time_ms)
    claimed.append(ev.UserCreated(time_ms, user.user_id, user.name))
    return _enter(state, command, opened(state, command, user, time_ms), claimed)


def sign_in(state: State, command: cmd.SignIn, time_ms: int) -> Decision:
    """Open a session of an account whose password was found right."""
    account = state.accounts.get(command.user_id)
    if account is None or account.deactivated or not account.password_hash:
        return WRONG_PASSWORD
    if account.password_hash != command.password_hash:
        return WRONG_PASSWORD
    user = state.users[command.user_id]
    banned = is_banned(state, user.name, command.address, time_ms)
    if banned is not None:
        return banned
    events: list[ev.Event] = []
    if command.fresh_hash:
        events.append(ev.PasswordChanged(time_ms, user.user_id, command.fresh_hash))
    return _further(state, command, opened(state, command, user, time_ms), events)


def open_session(state: State, command: cmd.OpenSession, time_ms: int) -> Decision:
    """Sign in a further client of the same user, with the same scopes.

    It ends no later than the session that it was opened by, so that a token that was
    stolen is not good for ever. One that an API token opened ends with that.
    """
    if command.room:
        session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    else:
        session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    user = state.users[session.user_id]
    # Who looks after the server is not kept out by its network.
    address = "" if is_admin(state, user.user_id) else command.address
    banned = is_banned(state, user.name, address, time_ms)
    if banned is not None:
        return banned
    if command.name and name_key(command.name) != name_key(user.name):
        return Rejection(Reason.NAME_INVALID, f"the token belongs to {user.name}", field="name")
    further = replace(
        opened(state, command, user, time_ms),
        scopes=session.scopes,
        parent_id=session.session_id if session.api_token else session.parent_id,
    )
    expires_ms = min(further.expires_ms, session.expires_ms)
    return _further(state, command, replace(further, expires_ms=expires_ms), [])


def flaw_of_name(limits: Limits, name: str) -> Rejection | None:
    """Return why nobody can be called so; None: somebody can."""
    if is_name(name, limits.name_bytes):
        return None
    return Rejection(
        Reason.NAME_INVALID,
        f"a name is 1 to {limits.name_bytes} of A-Z a-z 0-9 _ . - and does not start with . or -",
        field="name",
    )


def flaw_of_label(limits: Limits, label: str, field: str) -> Rejection | None:
    """Return why a session or an API token cannot be called so; None: it can."""
    if is_one_line(label) and len(label.encode()) <= limits.label_bytes:
        return None
    return Rejection(
        Reason.FIELD_INVALID, f"at most {limits.label_bytes} bytes on one line", field=field
    )


def claim_name(state: State, name: str, time_ms: int) -> list[ev.Event] | Rejection:
    """Return how a valid name becomes free for somebody new, or why it does not.

    It is, where its guest ran out before the timer came.
    """
    key = name_key(name)
    if key in state.limits.reserved_names:
        return Rejection(Reason.NAME_RESERVED, "this name is reserved", field="name")
    holder_id = state.user_ids.get(key)
    if holder_id is None:
        return []
    if state.users[holder_id].account:
        return Rejection(
            Reason.NAME_REGISTERED,
            "this name belongs to an account: sign in with its password",
            field="name",
        )
    held = [state.sessions[n] for n in sessions_of(state, holder_id)]
    if any(session.is_valid(time_ms) for session in held):
        return Rejection(Reason.NAME_TAKEN, "this name is taken", field="name")
    events: list[ev.Event] = [ev.SessionEnded(time_ms, session.session_id) for session in held]
    events.extend(end_user(state, holder_id, time_ms))
    return events


def idle_until(state: State, *, account: bool, time_ms: int) -> int:
    """Return until when a session lives that is used now."""
    limits = state.limits
    idle_ms = limits.account_idle_ms if account else limits.guest_grace_ms
    return time_ms + idle_ms + limits.renewal_ms


def expiry(state: State, *, account: bool, time_ms: int) -> int:
    """Return when a session ends at the latest that begins now."""
    return time_ms + state.limits.account_token_ms if account else FOREVER_MS


def opened(
    state: State,
    command: cmd.OpenGuest | cmd.SignIn | cmd.OpenSession | cmd.Register,
    user: User,
    time_ms: int,
    *,
    account: bool = False,
) -> ev.SessionOpened:
    """Return that a session of a user begins; `account`: it is about to have one."""
    account = account or user.account
    return ev.SessionOpened(
        time_ms,
        state.counter("session") + 1,
        user.user_id,
        command.token_hash,
        command.instance,
        idle_until(state, account=account, time_ms=time_ms),
        expiry(state, account=account, time_ms=time_ms),
        command.client,
        command.address,
        ALL_SCOPES,
    )


def too_many_sessions(state: State, user_id: int) -> Rejection | None:
    """Return why a user can have no further session or API token; None: it can."""
    limits = state.limits
    is_account = state.users[user_id].account
    most = limits.sessions_per_user if is_account else limits.sessions_per_guest
    if len(sessions_of(state, user_id)) < most:
        return None
    return Rejection(Reason.TOO_MANY_SESSIONS, f"at most {most} sessions of a user")


def _further(
    state: State,
    command: cmd.SignIn | cmd.OpenSession,
    session: ev.SessionOpened,
    events: list[ev.Event],
) -> Decision:
    """Add a session of a user who is there already to the events of a sign-in."""
    return too_many_sessions(state, session.user_id) or _enter(state, command, session, events)


def _enter(
    state: State,
    command: cmd.OpenGuest | cmd.SignIn | cmd.OpenSession,
    session: ev.SessionOpened,
    events: list[ev.Event],
) -> Decision:
    """Add the session, and the room if one was named, to the events of a sign-in."""
    flaw = flaw_of_label(state.limits, command.client, "client")
    if flaw is not None:
        return flaw
    events.append(session)
    room_id = 0
    if command.room:
        entry = enter_public(
            state, session.user_id, command.room, command.room_wait_ms, session.time_ms
        )
        if isinstance(entry, Rejection):
            return entry
        events.extend(entry.events)
        room_id = entry.answer.room_id
    return Accepted(
        tuple(events),
        Answer(room_id=room_id, user_id=session.user_id, session_id=session.session_id),
    )
