"""Reading rooms: opened, caught up, live, closed, and every event exactly once."""

from dataclasses import replace

from chat_cli import items as it
from chat_cli.catching_up import done_reading
from chat_cli.effects import Effect, ReadAgain, Strike
from chat_cli.entries import Movement, Names, Note, Struck, plain, warning
from chat_cli.happenings import happening
from chat_cli.model import (
    Body,
    ById,
    ByName,
    Deleted,
    Removed,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    RoomKind,
    Said,
    Tombstone,
    TopicChanged,
    key,
)
from chat_cli.orders import enter
from chat_cli.own_posts import flush_echoes
from chat_cli.pending import JoinRoom
from chat_cli.rooms import RECENT, Place, Room
from chat_cli.standing import moved_away, out_meanwhile
from chat_cli.state import ChatState

_NOT_FOUND = 5  # google.rpc.Code
_OUT_OF_RANGE = 11  # google.rpc.Code
_NOT_A_MEMBER = "NOT_A_MEMBER"


def opened(state: ChatState, item: it.RoomOpened) -> list[Effect]:
    """Take in that the stream reads a room; it becomes the current one if it was asked for."""
    info = item.room
    effects: list[Effect] = []
    room = state.rooms.get(info.room_id)
    if room is None:
        room = Room.opened(info, item.after_seq)
        state.rooms[info.room_id] = room
    else:
        room.info = info
        room.live = False
        if room.last_seq is None:
            room.last_seq = item.after_seq
            effects = flush_echoes(state, room.room_id, before=item.after_seq + 1)
    heading = state.heading
    # A direct message that has the same names may be one with people who are gone.
    target = heading.target if heading else None
    named = isinstance(target, ById | ByName) and room.answers_to(target, state.own_id)
    if heading and (named or heading.room_id == room.room_id):
        room.asked = True
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
    return effects + done_reading(state, room.room_id)


def _introduction(state: ChatState, room: Room) -> list[Effect]:
    """Say where one is, once, when what was said before stands above it."""
    if room.announced or not room.live or not (room.counted or room.kind is RoomKind.DIRECT):
        return []
    room.announced = True
    label = room.label(state.own_id)
    if not room.asked and room.kind is not RoomKind.DIRECT:
        return [Note(f"you are in {label} too")]
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
    came = tuple(
        u.name for u in item.joined if u.user_id not in known and not state.ignores(u.name)
    )
    # Of who was removed it is told already that they are gone.
    told = {state.own_id, *room.removed}
    went = tuple(u.name for u in item.left if u.user_id not in told and not state.ignores(u.name))
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
    effects += _learn(state, room, body)
    if event.seq <= room.skip_to:
        return effects
    if room.begin < room.skip_to == event.seq - 1:
        older = room.skip_to - room.begin
        text = f"{older} older messages of {room.label(state.own_id)}: /history shows them"
        effects.append(Note(text))
    if isinstance(body, Said):
        return effects + _message(state, room, event, body)
    if isinstance(body, Tombstone):
        _forget_echo(state, room, event.seq)
    entry = happening(event, state.own, state.place(room.room_id))
    hidden = entry is None or (isinstance(entry, Struck) and state.ignores(entry.author))
    return effects if hidden or entry is None else [*effects, entry]


def _learn(state: ChatState, room: Room, body: Body | None) -> list[Effect]:
    """Take in what an event changes of the room, whether or not it is shown."""
    match body:
        case TopicChanged(topic):
            room.info = replace(room.info, topic=topic)
        case RoomChanged():
            room.change(body)
        case RoleChanged(user, role) if user.user_id == state.own_id:
            room.info = replace(room.info, role=role)
        case Removed(user):
            room.put_out(user.user_id)
        case Deleted(seq):
            room.unspoke(seq)
            return [Strike(room.room_id, seq)]
    return []


def _forget_echo(state: ChatState, room: Room, seq: int) -> None:
    """Do not wait for the text of an own message that was deleted meanwhile."""
    for msg_id, echo in list(state.echoes.items()):
        if (echo.room_id, echo.seq) == (room.room_id, seq):
            del state.echoes[msg_id]


def _message(state: ChatState, room: Room, event: RoomEvent, body: Said) -> list[Effect]:
    own = event.author.user_id == state.own_id
    if own:
        room.spoke(event.seq)
        state.outbox.settle_post(body.client_msg_id)
        state.echoes.pop(body.client_msg_id, None)
        if body.client_msg_id in state.shown_early:
            state.shown_early.discard(body.client_msg_id)
            return []
    elif state.ignores(event.author.name):
        return []
    else:
        state.remember_name(event.author.name)
        if state.catch_up and not room.live:
            state.catch_up.messages += 1
        if room.room_id != state.here:
            room.unread += 1
    entry = happening(event, state.own, state.place(event.room_id))
    effects: list[Effect] = [entry] if entry else []
    if room.kind is RoomKind.DIRECT and not own and room is not state.room:
        if not state.told_direct:
            names = room.label(state.own_id).removeprefix("@")
            effects.append(Note(f"/dm {names} goes to this conversation"))
        state.told_direct = True
    return effects


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
        return [*effects, warning(text), *done_reading(state, room.room_id)]
    private = room.kind is RoomKind.PRIVATE
    if item.reason == _NOT_A_MEMBER or (private and item.code == _NOT_FOUND):
        return out_meanwhile(state, room) + done_reading(state, room.room_id)
    label = room.label(state.own_id)
    was_here = room is state.room and state.heading is None
    effects = flush_echoes(state, room.room_id)
    state.drop(room.room_id)
    effects += [warning(f"{label}: {item.message}"), *done_reading(state, room.room_id)]
    if item.code != _NOT_FOUND or room.kind is not RoomKind.PUBLIC:
        return effects + moved_away(state, label) if was_here else effects
    if was_here:
        return effects + enter(state, ByName(room.name))
    state.outbox.order(JoinRoom(ByName(room.name), RECENT))
    return effects
