"""Where people meet: the decisions about rooms, memberships and topics."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted, Answer, Decision, too_fast, valid_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Room, RoomKind, State
from chat_service.core.names import is_name, is_one_line, name_key


def join_room(state: State, command: cmd.JoinRoom, time_ms: int) -> Decision:
    """Make a user a member of a public room, or open a direct message."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    entry = _enter(state, session.user_id, command, time_ms)
    if command.wait_ms and isinstance(entry, Accepted) and entry.events:
        return too_fast(command.wait_ms)
    return entry


def _enter(state: State, user_id: int, command: cmd.JoinRoom, time_ms: int) -> Decision:
    """Decide an entry whatever its rate; it has no events where nothing changes."""
    target = command.target
    if isinstance(target, cmd.RoomByName):
        return enter_public(state, user_id, target.name, command.room_wait_ms, time_ms)
    room = find_room(state, user_id, target)
    if isinstance(room, Rejection):
        return room
    if isinstance(room, Room):
        if room.kind is RoomKind.DIRECT:
            return Accepted((), Answer(room_id=room.room_id))
        return enter_public(state, user_id, room.name, 0, time_ms)
    opened = open_direct(state, user_id, room, time_ms)
    if isinstance(opened, Rejection):
        return opened
    return Accepted((opened,), Answer(room_id=opened.room_id))


def leave_room(state: State, command: cmd.LeaveRoom, time_ms: int) -> Decision:
    """End a membership of a public room."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    room = _joined_public(state, session.user_id, command.target)
    if isinstance(room, Rejection):
        return room
    return Accepted(
        (ev.MemberLeft(time_ms, room.room_id, session.user_id),), Answer(room_id=room.room_id)
    )


def set_topic(state: State, command: cmd.SetTopic, time_ms: int) -> Decision:
    """Change what a public room is about."""
    session = valid_session(state, command.session_id, time_ms)
    if isinstance(session, Rejection):
        return session
    limits = state.limits
    if not is_one_line(command.topic) or len(command.topic.encode()) > limits.topic_bytes:
        return Rejection(
            Reason.TOPIC_INVALID,
            f"a topic is at most {limits.topic_bytes} bytes on one line",
            field="topic",
        )
    room = _joined_public(state, session.user_id, command.target)
    if isinstance(room, Rejection):
        return room
    if command.wait_ms:
        return too_fast(command.wait_ms)
    seq = state.heads[room.room_id] + 1
    user = state.users[session.user_id]
    event = ev.TopicChanged(time_ms, room.room_id, seq, user.user_id, user.name, command.topic)
    return Accepted((event,), Answer(room_id=room.room_id, seq=seq, time_ms=time_ms))


def _joined_public(state: State, user_id: int, target: cmd.Target) -> Room | Rejection:
    room = find_room(state, user_id, target)
    if isinstance(room, Rejection):
        return room
    if not isinstance(room, Room) or room.kind is RoomKind.DIRECT:
        return Rejection(
            Reason.ROOM_IS_DIRECT, "a direct message has no topic and cannot be left", field="room"
        )
    if (room.room_id, user_id) not in state.members:
        return Rejection(Reason.NOT_A_MEMBER, "join the room first", field="room")
    return room


def enter_public(
    state: State, user_id: int, name: str, room_wait_ms: int, time_ms: int
) -> Accepted | Rejection:
    """Make a user a member of the room of this name, which is opened if there is none."""
    limits = state.limits
    if not is_name(name, limits.room_name_bytes):
        return Rejection(
            Reason.ROOM_NAME_INVALID,
            f"a room's name is 1 to {limits.room_name_bytes} of A-Z a-z 0-9 _ . - and does "
            "not start with . or -",
            field="room",
        )
    room_id = state.room_ids.get(name_key(name))
    if room_id is not None and (room_id, user_id) in state.members:
        return Accepted((), Answer(room_id=room_id))
    joined = sum(state.rooms[n].kind is RoomKind.PUBLIC for n in state.rooms_of.get(user_id) or ())
    if joined >= limits.rooms_per_user:
        return Rejection(
            Reason.TOO_MANY_ROOMS, f"at most {limits.rooms_per_user} rooms of a user", field="room"
        )
    events: list[ev.Event] = []
    if room_id is None:
        if room_wait_ms:
            return Rejection(
                Reason.RATE_LIMITED,
                "too many new rooms from this address",
                retry_after_ms=room_wait_ms,
            )
        room_id = state.counter("room") + 1
        events.append(ev.RoomOpened(time_ms, room_id, RoomKind.PUBLIC, name, user_id, ()))
    events.append(ev.MemberJoined(time_ms, room_id, user_id))
    return Accepted(tuple(events), Answer(room_id=room_id))


def find_room(state: State, user_id: int, target: cmd.Target) -> Room | tuple[int, ...] | Rejection:
    """Return the room, or the members of a direct message that is not open yet."""
    if isinstance(target, cmd.Direct):
        member_ids = _direct_members(state, user_id, target)
        if isinstance(member_ids, Rejection):
            return member_ids
        direct_id = state.direct_ids.get(member_ids)
        return member_ids if direct_id is None else state.rooms[direct_id]
    room_id: int | None
    if isinstance(target, cmd.RoomByName):
        room_id = state.room_ids.get(name_key(target.name))
    else:
        room_id = target.room_id
    room = None if room_id is None else state.rooms.get(room_id)
    if room is None or not may_read(state, user_id, room):
        return Rejection(Reason.ROOM_NOT_FOUND, "there is no such room", field="room")
    return room


def may_read(state: State, user_id: int, room: Room) -> bool:
    """Whether the user may see what happens in the room."""
    return room.kind is RoomKind.PUBLIC or (room.room_id, user_id) in state.members


def _direct_members(state: State, user_id: int, target: cmd.Direct) -> tuple[int, ...] | Rejection:
    limits = state.limits
    if len(target.names) > limits.recipients:
        return Rejection(
            Reason.FIELD_INVALID,
            f"at most {limits.recipients} recipients of a direct message",
            field="room.direct.names",
        )
    ids = {user_id: None}
    missing = []
    for name in target.names:
        other_id = state.user_ids.get(name_key(name)) if is_name(name, limits.name_bytes) else None
        if other_id is None:
            missing.append(name[: limits.name_bytes])
        else:
            ids[other_id] = None
    if missing:
        return Rejection(
            Reason.USER_NOT_FOUND,
            "there is nobody here of that name",
            field="room.direct.names",
            metadata=(("names", ",".join(missing)),),
        )
    if len(ids) < 2:
        return Rejection(
            Reason.FIELD_INVALID,
            "a direct message needs somebody else",
            field="room.direct.names",
        )
    return tuple(sorted(ids))


def open_direct(
    state: State, user_id: int, member_ids: tuple[int, ...], time_ms: int
) -> ev.RoomOpened | Rejection:
    """Open the direct message of these members, sorted by id."""
    limits = state.limits
    opened = sum(
        state.rooms[n].kind is RoomKind.DIRECT and state.rooms[n].opener_id == user_id
        for n in state.rooms_of.get(user_id) or ()
    )
    if opened >= limits.directs_per_user:
        return Rejection(
            Reason.TOO_MANY_ROOMS, f"at most {limits.directs_per_user} direct messages of a user"
        )
    room_id = state.counter("room") + 1
    return ev.RoomOpened(time_ms, room_id, RoomKind.DIRECT, "", user_id, member_ids)
