"""What the person wants, turned into changes of the state and into pending orders.

Each function gives what there is to show. Nothing is sent here: the session takes it from
the outbox.
"""

from chat_cli.commands import typed_as
from chat_cli.effects import Effect, GiveBack
from chat_cli.entries import plain, warning
from chat_cli.model import Direct, RoomKind, Target
from chat_cli.outbox import JoinRoom, LeaveRoom, SetTopic
from chat_cli.rooms import RECENT, Room
from chat_cli.state import ChatState, Heading


def enter(state: ChatState, target: Target) -> list[Effect]:
    """Make a room the current one, joining it first if it is not open.

    For people the server is always asked: only it knows who has a name now.
    """
    room = None if isinstance(target, Direct) else state.find(target)
    if room is None:
        order_id = state.outbox.order(JoinRoom(target, RECENT))
        state.heading = Heading(order_id, target)
        return []
    state.move_to(room.room_id)
    topic = f": {room.topic}" if room.topic else ""
    return [plain(f"now in {room.label(state.own_id)}{topic}")]


def say(
    state: ChatState, text: str, action: bool = False, target: Target | None = None
) -> list[Effect]:
    """Post a text to `target`, or to the current room. A text that cannot be sent comes back."""
    where = target or state.current_target()
    names = target.names if isinstance(target, Direct) else ()
    if where is None:
        no_room = warning("You are in no room. /join lobby enters one.")
        return [no_room, GiveBack(typed_as(text, action, names))]
    flaw = state.limits.flaw_of(text)
    if flaw:
        return [warning(flaw), GiveBack(typed_as(text, action, names))]
    state.outbox.post(where, text, action, state.owner, state.label_of(where))
    return []


def leave(state: ChatState, target: Target | None) -> list[Effect]:
    """Leave a public room. A direct message stays open: only the current room changes."""
    if target is None and state.heading:
        state.heading = None
        return [plain(f"still in {state.current_label() or 'no room'}")]
    room = state.find(target) if target else state.room
    if room is None:
        return [warning("You are not in that room." if target else "You are in no room.")]
    if room.kind is RoomKind.PUBLIC:
        state.outbox.order(LeaveRoom(room.room_id))
        return []
    if room is not state.room or not state.visited:
        return [plain("A direct message has no way out. /join goes to another room.")]
    state.move_to(state.visited.pop())
    return [plain(f"now in {state.current_label()}")]


def show_topic(state: ChatState) -> list[Effect]:
    """Tell what the current room is about."""
    room = _public_room(state)
    if room is None:
        return [warning("Only a room has a topic. /join enters one.")]
    label = room.label(state.own_id)
    return [plain(f"{label}: {room.topic}" if room.topic else f"{label} has no topic")]


def set_topic(state: ChatState, topic: str) -> list[Effect]:
    """Change what the current room is about; an empty topic removes it."""
    room = _public_room(state)
    if room is None:
        return [warning("Only a room has a topic. /join enters one.")]
    if len(topic.encode("utf-8", "replace")) > state.limits.topic_bytes:
        return [warning(f"A topic has at most {state.limits.topic_bytes} bytes.")]
    state.outbox.order(SetTopic(room.room_id, topic))
    return []


def _public_room(state: ChatState) -> Room | None:
    # A room that is not open yet must not be mistaken for the one before it.
    room = None if state.heading else state.room
    return room if room and room.kind is RoomKind.PUBLIC else None
