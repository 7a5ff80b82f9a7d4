"""Whose direct messages a user does not take."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import session_for
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Scope
from chat_service.core.rooms import find_user
from chat_service.core.state import State


def block_user(state: State, command: cmd.BlockUser, time_ms: int) -> Decision:
    """Take no direct messages of a user, or take them again; what is so already stays so."""
    session = session_for(state, command.session_id, Scope.POST, time_ms)
    if isinstance(session, Rejection):
        return session
    user = find_user(state, command.user)
    if isinstance(user, Rejection):
        return user
    key = (session.user_id, user.user_id)
    answer = Answer(user_id=user.user_id, name=user.name)
    if (key in state.blocks) == command.blocked:
        return Accepted((), answer)
    if command.wait_ms:
        return too_fast(command.wait_ms)
    if not command.blocked:
        return Accepted((ev.UserUnblocked(time_ms, *key),), answer)
    if key[0] == key[1]:
        return Rejection(Reason.FIELD_INVALID, "you cannot block yourself", field="user")
    others = state.blocked_by.get(session.user_id) or ()
    gone = [other_id for other_id in others if other_id not in state.users]
    most = state.limits.blocks_per_user
    if len(others) - len(gone) >= most:
        return Rejection(Reason.TOO_MANY_BLOCKS, f"at most {most} blocked users")
    # Guests that were blocked and are gone for ever need not be remembered.
    forgotten = (ev.UserUnblocked(time_ms, session.user_id, other_id) for other_id in gone)
    return Accepted((*forgotten, ev.UserBlocked(time_ms, *key)), answer)
