"""What the person wants, turned into changes of the state and into pending orders.

Each function gives what there is to show. Nothing is sent here: the session takes it from
the outbox.
"""

from chat_cli.commands import typed_as
from chat_cli.effects import Effect, GiveBack, Hide, KeepIgnored
from chat_cli.entries import Names, plain, warning
from chat_cli.model import ById, ByName, Direct, Entrance, RoomKind, Target, key
from chat_cli.pending import JoinRoom, LeaveRoom, SetTopic
from chat_cli.rooms import RECENT, Room
from chat_cli.state import ChatState, Heading


def enter(state: ChatState, target: Entrance, password: str = "") -> list[Effect]:
    """Make a room the current one, joining it first if it is not open.

    For people and for a code the server is always asked: only it knows who has a name now, and
    where a code leads. `password` is that of a private room.
    """
    room = state.find(target) if isinstance(target, ById | ByName) else None
    if room is None:
        order_id = state.outbox.order(JoinRoom(target, RECENT, password))
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
    if where is None and state.heading:
        return [warning("The room is not open yet."), GiveBack(typed_as(text, action, names))]
    if where is None:
        no_room = warning("You are in no room. /join lobby enters one.")
        return [no_room, GiveBack(typed_as(text, action, names))]
    flaw = state.limits.flaw_of(text)
    if flaw:
        return [warning(flaw), GiveBack(typed_as(text, action, names))]
    state.outbox.post(where, text, action, state.owner, state.label_of(where))
    return []


def confirm_here(state: ChatState, line: str, doubted: str) -> list[Effect]:
    """Have a line confirmed that may be meant for a room that the person was put out of.

    `doubted` is the line before, if that was to be confirmed. Nothing comes out if there is no
    doubt, or not any more.
    """
    if not state.put_out_of or state.room is None or state.heading:
        return []
    former = state.put_out_of
    if line == doubted:
        state.put_out_of = ""
        return []
    question = f"Was this meant for {former}? Enter again, and it is for {state.current_label()}."
    return [warning(question), GiveBack(line)]


def leave(state: ChatState, target: Target | None) -> list[Effect]:
    """Leave a room. A direct message stays open: only the current room changes."""
    if target is None and state.heading:
        state.heading = None
        return [plain(f"still in {state.current_label() or 'no room'}")]
    room = state.find(target) if target else state.room
    if room is None:
        return [warning("You are not in that room." if target else "You are in no room.")]
    if room.kind is not RoomKind.DIRECT:
        state.outbox.order(LeaveRoom(room.room_id))
        return []
    if room is not state.room or not state.visited:
        return [plain("A direct message has no way out. /join goes to another room.")]
    state.move_to(state.visited.pop())
    return [plain(f"now in {state.current_label()}")]


def show_topic(state: ChatState) -> list[Effect]:
    """Tell what the current room is about."""
    room = current_room(state)
    if room is None:
        return [warning("Only a room has a topic. /join enters one.")]
    label = room.label(state.own_id)
    return [plain(f"{label}: {room.topic}" if room.topic else f"{label} has no topic")]


def set_topic(state: ChatState, topic: str) -> list[Effect]:
    """Change what the current room is about; an empty topic removes it."""
    room = current_room(state)
    if room is None:
        return [warning("Only a room has a topic. /join enters one.")]
    if len(topic.encode("utf-8", "replace")) > state.limits.topic_bytes:
        return [warning(f"A topic has at most {state.limits.topic_bytes} bytes.")]
    state.outbox.order(SetTopic(room.room_id, topic))
    return []


def take_back(state: ChatState) -> list[Effect]:
    """Take back the last message to the current room that has not left; nothing if none waits."""
    label = state.current_label()
    waiting = [p for p in state.outbox.posts.values() if state.label_for(p) == label]
    if not waiting:
        return []
    last = waiting[-1]
    if last.written:
        return [warning("Your last message is on its way: /delete again when it has arrived.")]
    state.outbox.settle_post(last.client_msg_id)
    return [plain("Taken back before it was sent."), GiveBack(typed_as(last.text, last.action))]


def ignore(state: ChatState, name: str) -> list[Effect]:
    """Show nothing of somebody from now on, nor of what was said."""
    if state.own and key(name) == key(state.own.name):
        return [warning("You cannot ignore yourself.")]
    state.ignored[key(name)] = name
    text = f"You see nothing of {name} any more. /unignore {name} ends that."
    return [Hide(name), KeepIgnored(), plain(text)]


def unignore(state: ChatState, name: str) -> list[Effect]:
    """Show again what somebody says."""
    if state.ignored.pop(key(name), None) is None:
        return [warning(f"You do not ignore {name}. /ignored lists whom you do.")]
    return [KeepIgnored(), plain(f"You see {name} again. /history shows what was said meanwhile.")]


def list_ignored(state: ChatState) -> list[Effect]:
    """Tell who is ignored on this server."""
    return [Names("ignored", sorted(state.ignored.values(), key=key))]


def current_room(state: ChatState) -> Room | None:
    """Give the current room, unless it is a direct message.

    A room that is not open yet must not be mistaken for the one before it.
    """
    room = None if state.heading else state.room
    return room if room and room.kind is not RoomKind.DIRECT else None
