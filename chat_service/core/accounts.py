"""Names that stay with their owners: the decisions about accounts and their passwords."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import session_for
from chat_service.core.audit import audited
from chat_service.core.decision import Accepted, Answer, Decision
from chat_service.core.departures import end_sessions
from chat_service.core.errors import Reason, Rejection
from chat_service.core.invites import OPERATOR, REGISTRATIONS, ended_with
from chat_service.core.membership import leaving_all
from chat_service.core.model import Account, Scope, Session, User
from chat_service.core.names import name_key
from chat_service.core.rooms import find_user
from chat_service.core.state import State


def change_password(state: State, command: cmd.ChangePassword, time_ms: int) -> Decision:
    """Give one's account another password; whoever else is signed in by it is not any more."""
    found = account_of(state, command.session_id, time_ms)
    if isinstance(found, Rejection):
        return found
    session, account = found
    if account.password_hash != command.old_hash:
        return not_the_password("old_password")
    return _with_password(state, account, command.new_hash, time_ms, but=session.session_id)


def reset_password(state: State, command: cmd.ResetPassword, time_ms: int) -> Decision:
    """Give an account another password, as whoever runs the server."""
    user = find_user(state, command.user)
    if isinstance(user, Rejection):
        return user
    account = state.accounts.get(user.user_id)
    if account is None or account.owner_id:
        return Rejection(Reason.NOT_AN_ACCOUNT, "a guest or a bot has no password", field="user")
    changed = _with_password(state, account, command.new_hash, time_ms)
    told = audited(
        state,
        time_ms,
        OPERATOR,
        "password-reset",
        target_id=user.user_id,
        target_name=user.name,
    )
    return Accepted((*changed.events, told), changed.answer)


def set_owner_code(state: State, command: cmd.SetOwnerCode, time_ms: int) -> Decision:
    """Have a code by which an admin may register, instead of the one before."""
    made = ev.OwnerCodeSet(time_ms, command.code_hash)
    return Accepted((made, audited(state, time_ms, OPERATOR, "owner-code")))


def deactivate_account(state: State, command: cmd.DeactivateAccount, time_ms: int) -> Decision:
    """Close one's own account, with its bots, or one of its bots."""
    found = account_of(state, command.session_id, time_ms)
    if isinstance(found, Rejection):
        return found
    _, account = found
    if command.bot:
        bot = bot_of(state, account, command.bot)
        if isinstance(bot, Rejection):
            return bot
        account = bot
    elif account.password_hash != command.password_hash:
        return not_the_password("password")
    if is_last_admin(state, account):
        return Rejection(
            Reason.LAST_ADMIN, "make somebody else an admin first: the server has no other"
        )
    answer = Answer(user_id=account.user_id, name=state.users[account.user_id].name)
    return Accepted(tuple(closing(state, account, time_ms)), answer)


def closing(state: State, account: Account, time_ms: int) -> list[ev.Event]:
    """Return how an account is closed: nobody is signed in by it or comes in by it any more.

    Neither are its bots, nor can anybody register by a code that it made.
    """
    bots = active_bots(state, account.user_id)
    user_ids = (account.user_id, *(bot.user_id for bot in bots))
    events: list[ev.Event] = []
    for user_id in user_ids:
        events.append(ev.AccountDeactivated(time_ms, user_id))
        events += end_sessions(state, user_id, time_ms)
    events += leaving_all(state, user_ids, time_ms)
    events += ended_with(state, account.user_id, REGISTRATIONS, time_ms)
    return events


def is_last_admin(state: State, account: Account) -> bool:
    """Whether nobody would look after the server without this account."""
    return account.admin and not any(
        other.admin and not other.deactivated and other.user_id != account.user_id
        for other in state.accounts.values()
    )


def active_bots(state: State, user_id: int) -> list[Account]:
    """Return the bots of a user that are not closed, in the order in which they were made."""
    bots = [state.accounts[n] for n in state.bots_of.get(user_id) or ()]
    return [bot for bot in bots if not bot.deactivated]


def with_bots(state: State, user: User) -> list[User]:
    """Return a user and its bots: what is done to keep order reaches them with their owner."""
    return [user, *(state.users[bot.user_id] for bot in active_bots(state, user.user_id))]


def account_of(state: State, session_id: int, time_ms: int) -> tuple[Session, Account] | Rejection:
    """Return the session that an order about its own account came by, and that account."""
    session = session_for(state, session_id, Scope.ACCOUNT, time_ms)
    if isinstance(session, Rejection):
        return session
    account = state.accounts.get(session.user_id)
    if account is None:
        return Rejection(Reason.ACCOUNT_NEEDED, "you are a guest: register first")
    return session, account


def bot_of(state: State, account: Account, name: str) -> Account | Rejection:
    """Return the bot of an account that has this name and is not closed."""
    bot_id = state.user_ids.get(name_key(name))
    bot = None if bot_id is None else state.accounts.get(bot_id)
    if bot is None or bot.owner_id != account.user_id or bot.deactivated:
        return Rejection(Reason.USER_NOT_FOUND, "you have no bot of that name", field="bot")
    return bot


def not_the_password(field: str) -> Rejection:
    """Refuse an order for a password that is not that of the caller's account."""
    return Rejection(Reason.PASSWORD_WRONG, "this is not your password", field=field)


def _with_password(
    state: State, account: Account, password_hash: str, time_ms: int, *, but: int = 0
) -> Accepted:
    changed = ev.PasswordChanged(time_ms, account.user_id, password_hash)
    ended = end_sessions(state, account.user_id, time_ms, but=but)
    answer = Answer(
        user_id=account.user_id, name=state.users[account.user_id].name, sessions=len(ended)
    )
    return Accepted((changed, *ended), answer)
