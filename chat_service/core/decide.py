"""Orders to facts, or a rejection.

    decide(state, command, first_answer, now_ms) -> Accepted(events, answer) | Rejection

Called in the order of the log, with the state as all earlier orders left it. The
first answer is the one read that an order may need beyond the state: `fact_key`
names it, the log makes it inside its open transaction, so that earlier orders of
the same batch are seen.
"""

from collections.abc import Callable
from typing import Any

from chat_service.core import commands as cmd
from chat_service.core import messages, pruning, rooms, sessions
from chat_service.core.decision import Decision, FactKey, FirstAnswer
from chat_service.core.model import State
from chat_service.core.names import is_client_id


def fact_key(state: State, command: cmd.Command) -> FactKey | None:
    """Name the read that the order needs; None if it needs none.

    None also for an id that no message can have: not every text can be asked for.
    """
    if isinstance(command, cmd.PostMessage):
        session = state.sessions.get(command.session_id)
        if session is not None and is_client_id(
            command.client_msg_id, state.limits.client_id_bytes
        ):
            return FactKey(session.user_id, command.client_msg_id)
    return None


def decide(
    state: State, command: cmd.Command, first_answer: FirstAnswer | None, now_ms: int
) -> Decision:
    """Decide one order. `first_answer` is what `fact_key` asked for, if it is stored."""
    time_ms = max(now_ms, state.counter("time_ms"))
    if isinstance(command, cmd.PostMessage):
        return messages.post_message(state, command, first_answer, time_ms)
    return _DECIDE[type(command)](state, command, time_ms)


# Any: each function takes the one command type that it is listed under.
_DECIDE: dict[type, Callable[[State, Any, int], Decision]] = {
    cmd.StartInstance: sessions.start_instance,
    cmd.Configure: sessions.configure,
    cmd.OpenGuest: sessions.open_guest,
    cmd.OpenSession: sessions.open_session,
    cmd.AttachSession: sessions.attach_session,
    cmd.DetachSession: sessions.detach_session,
    cmd.RenewSession: sessions.renew_session,
    cmd.EndSession: sessions.end_session,
    cmd.ExpireSession: sessions.expire_session,
    cmd.KickUser: sessions.kick_user,
    cmd.JoinRoom: rooms.join_room,
    cmd.LeaveRoom: rooms.leave_room,
    cmd.SetTopic: rooms.set_topic,
    cmd.Prune: pruning.prune,
    cmd.PruneAnswers: pruning.prune_answers,
}
