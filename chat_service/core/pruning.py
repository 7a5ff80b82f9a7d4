"""What is let go: the decisions of retention.

How much a room keeps is no matter of these rules: a timer compares, and orders. Here
is decided what holds whatever it orders: nothing goes that is not there, what is gone
never comes back, and a first answer outlives its message until its time is over.
"""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted, Answer, Decision
from chat_service.core.errors import Reason, Rejection
from chat_service.core.state import State


def prune(state: State, command: cmd.Prune, time_ms: int) -> Decision:
    """Let go of the first events of a room, or of one that is forgotten."""
    room_id, up_to_seq = command.room_id, command.up_to_seq
    head = state.heads.get(room_id)
    if head is None:
        head = state.leftovers.get(room_id)
    if head is None:
        return Rejection(Reason.ROOM_NOT_FOUND, "there is no such room", field="room")
    if up_to_seq > head:
        return Rejection(Reason.SEQ_OUT_OF_RANGE, "up_to_seq is beyond the head of the room")
    answer = Answer(room_id=room_id)
    if up_to_seq < state.first(room_id):
        return Accepted((), answer)
    return Accepted((ev.RoomPruned(time_ms, room_id, up_to_seq + 1),), answer)


def prune_answers(state: State, command: cmd.PruneAnswers, time_ms: int) -> Decision:
    """Let go of the oldest first answers that outlived their messages for long enough."""
    before_ms = time_ms - state.limits.first_answer_ms
    return Accepted((ev.AnswersPruned(time_ms, before_ms, command.at_most),))
