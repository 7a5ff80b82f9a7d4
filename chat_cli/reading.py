"""Reading rooms: opened, caught up, live, closed, and every event exactly once."""

import re

from chat_cli import items as it
from chat_cli.effects import Effect, ReadAgain
from chat_cli.entries import Movement, Names, Note, Spoken, TopicLine, plain, warning
from chat_cli.model import ById, ByName, Direct, RoomEvent, RoomKind, Said, TopicChanged, User, key
from chat_cli.orders import enter
from chat_cli.outbox import JoinRoom
from chat_cli.own_posts import flush_echoes
from chat_cli.rooms import RECENT, Place, Room
from chat_cli.state import ChatState

_NOT_FOUND = 5  # google.rpc.Code
_OUT_OF_RANGE = 11  # google.rpc.Code


def opened(state: ChatState, item: it.RoomOpened) -> list[Effect]:
    """Take in that the stream reads a room; it becomes the current one if it was asked for."""
    info = item.room
    effects: list[Effect] = []
    room = state.rooms.get(info.room_id)
    if room is None:
        room = Room.opened(info, item.after_seq)
        state.rooms[info.room_id] = room
    else:
        room.name, room.topic, room.members = info.name, info.topic, info.members
        room.live = False
        if room.last_seq is None:
            room.last_seq = item.after_seq
            effects = flush_echoes(state, room.room_id, before=item.after_seq + 1)
    heading = state.heading
    # A direct message that has the same names may be one with people who are gone.
    by_name = heading and not isinstance(heading.target, Direct)
    if heading and (
        heading.room_id == room.room_id
        or (by_name and room.answers_to(heading.target, state.own_id))
    ):
        state.move_to(room.room_id)
    return effects


def live(state: ChatState, item: it.Live) -> list[Effect]:
    """Take in that all that was missed in a room has come."""
    room = state.rooms.get(item.room_id)
    if room is None:
        return []
    effects: list[Effect] = []
    if room.last_seq is None:
        room.last_seq = item.seq
    elif item.seq > room.last_seq:
        effects = _hole(state, room, item.seq + 1)
        if state.deaf:
            return effects
    room.live = True
    effects += _introduction(state, room)
    return effects + _done_reading(state, room.room_id)


def _done_reading(state: ChatState, room_id: str) -> list[Effect]:
    if state.catch_up:
        state.catch_up.room_ids.discard(room_id)
    return caught_up(state)


def caught_up(state: ChatState) -> list[Effect]:
    """Tell that the client is back as soon as every room has been read."""
    if state.catch_up is None or state.catch_up.room_ids:
        return []
    count = state.catch_up.messages
    state.catch_up = None
    state.told_offline = False
    what = {0: "nothing missed", 1: "1 message caught up"}.get(count, f"{count} messages caught up")
    return [plain(f"back, {what}")]


def _introduction(state: ChatState, room: Room) -> list[Effect]:
    """Say where one is, once, when what was said before stands above it."""
    if room.announced or not room.live or not (room.counted or room.kind is RoomKind.DIRECT):
        return []
    room.announced = True
    label = room.label(state.own_id)
    if room.kind is RoomKind.DIRECT:
        return [plain(f"now in {label}")] if room is state.room else []
    effects: list[Effect] = [plain(f"{label}: {room.topic}")] if room.topic else []
    names = sorted((user.name for user in room.present.values()), key=key)
    more = f", {room.total} in all" if room.total > len(names) else ""
    return [*effects, Names(f"in {label}{more}", names)]


def gap(state: ChatState, item: it.Gap) -> list[Effect]:
    """Step over events that are no longer kept, and say so."""
    room = state.rooms.get(item.room_id)
    if room is None or item.first_seq <= (room.last_seq or 0):
        return []
    after = max(item.after_seq, room.last_seq or 0)
    room.last_seq = room.begin = item.first_seq - 1
    count = item.first_seq - 1 - after
    what = "1 older message" if count == 1 else f"{count} older messages"
    verb = "is" if count == 1 else "are"
    text = f"{what} of {room.label(state.own_id)} {verb} no longer kept"
    return [*flush_echoes(state, room.room_id, before=item.first_seq), warning(text)]


def closed(state: ChatState, room_id: str) -> list[Effect]:
    """Take in that a room was left, here or in another window."""
    if room_id not in state.rooms:
        return []
    effects = flush_echoes(state, room_id)
    label, was_here = state.label(room_id), room_id == state.here
    state.drop(room_id)
    now_in = f", now in {state.current_label() or 'no room'}" if was_here else ""
    effects.append(plain(f"you left {label}{now_in}"))
    return effects + _done_reading(state, room_id)


def presence(state: ChatState, item: it.Presence) -> list[Effect]:
    """Take in who is in a room."""
    room = state.rooms.get(item.room_id)
    if room is None:
        return []
    if item.snapshot:
        room.count_anew(item.joined, item.total)
        return _introduction(state, room)
    # A change may already be in the picture that was sent when reading began.
    known = {state.own_id, *room.present}
    came = tuple(user.name for user in item.joined if user.user_id not in known)
    went = tuple(user.name for user in item.left if user.user_id != state.own_id)
    room.move(item.joined, item.left, item.total)
    if not came and not went:
        return []
    return [Movement(state.place(room.room_id), came, went)]


def event(state: ChatState, event: RoomEvent) -> list[Effect]:
    """Take in an event: the next one of its room is shown, a known one is dropped."""
    room = state.rooms.get(event.room_id)
    if room is None:
        return []
    effects: list[Effect] = []
    match room.place_of(event.seq):
        case Place.SEEN:
            return []
        case Place.AHEAD:
            effects = _hole(state, room, event.seq)
            if state.deaf:
                return effects
    room.last_seq = event.seq
    body = event.body
    if isinstance(body, TopicChanged):
        room.topic = body.topic
    if event.seq <= room.skip_to:
        return effects
    if room.begin < room.skip_to == event.seq - 1:
        older = room.skip_to - room.begin
        text = f"{older} older messages of {room.label(state.own_id)}: /history shows them"
        effects.append(Note(text))
    place = state.place(room.room_id)
    if isinstance(body, TopicChanged):
        effects.append(TopicLine(place, event.time_ms, event.author.name, body.topic))
    elif isinstance(body, Said):
        effects += _message(state, room, event, body)
    return effects


def _message(state: ChatState, room: Room, event: RoomEvent, body: Said) -> list[Effect]:
    own = event.author.user_id == state.own_id
    if own:
        state.outbox.settle_post(body.client_msg_id)
        state.echoes.pop(body.client_msg_id, None)
        if body.client_msg_id in state.shown_early:
            state.shown_early.discard(body.client_msg_id)
            return []
    else:
        state.remember_name(event.author.name)
        if state.catch_up and not room.live:
            state.catch_up.messages += 1
        if room.room_id != state.here:
            room.unread += 1
    effects: list[Effect] = [spoken(state, event, body)]
    if room.kind is RoomKind.DIRECT and not own and room is not state.room:
        if not state.told_direct:
            names = room.label(state.own_id).removeprefix("@")
            effects.append(Note(f"/dm {names} goes to this conversation"))
        state.told_direct = True
    return effects


def spoken(state: ChatState, event: RoomEvent, body: Said) -> Spoken:
    """Make the entry of a message."""
    own = event.author.user_id == state.own_id
    return Spoken(
        state.place(event.room_id),
        event.time_ms,
        event.author.name,
        body.text,
        action=body.action,
        own=own,
        mention=not own and _mentions(body.text, state.own),
    )


def _mentions(text: str, own: User | None) -> bool:
    if own is None:
        return False
    pattern = rf"(?<![\w.-]){re.escape(own.name)}(?![\w-])"
    return re.search(pattern, text, re.IGNORECASE) is not None


def _hole(state: ChatState, room: Room, seq: int) -> list[Effect]:
    """Deal with events that the server did not send: read again, and if that is vain, say so."""
    label = room.label(state.own_id)
    if room.jumped_at != room.last_seq:
        room.jumped_at = room.last_seq
        state.deaf = True
        text = f"The server skipped a message of {label}: reading it again."
        return [warning(text), ReadAgain()]
    count = seq - 1 - (room.last_seq or 0)
    room.last_seq = seq - 1
    what = "1 message" if count == 1 else f"{count} messages"
    return [warning(f"{what} of {label} is missing: the server does not send it.")]


def unreadable(state: ChatState, room: Room, item: it.Refused) -> list[Effect]:
    """Deal with a room of Hello that the server cannot read on."""
    if item.code == _OUT_OF_RANGE:
        room.begin_anew()
        state.outbox.order(JoinRoom(ById(room.room_id), RECENT))
        label = room.label(state.own_id)
        text = f"{label} is shorter than what was read of it: starting with its newest messages"
        effects = flush_echoes(state, room.room_id)
        return [*effects, warning(text), *_done_reading(state, room.room_id)]
    label = room.label(state.own_id)
    was_here = room is state.room and state.heading is None
    effects = flush_echoes(state, room.room_id)
    state.drop(room.room_id)
    effects += [warning(f"{label}: {item.message}"), *_done_reading(state, room.room_id)]
    if item.code != _NOT_FOUND or room.kind is not RoomKind.PUBLIC:
        return effects
    if was_here:
        return effects + enter(state, ByName(room.name))
    state.outbox.order(JoinRoom(ByName(room.name), RECENT))
    return effects
