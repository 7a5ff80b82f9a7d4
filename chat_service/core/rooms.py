"""Where people meet: which room an order means, who may do something in it, and new rooms."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import Actor, rank, session_for, visible
from chat_service.core.decision import Accepted, Answer, Decision, too_fast
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import (
    HistoryPolicy,
    Member,
    Role,
    Room,
    RoomKind,
    Scope,
    Session,
    User,
)
from chat_service.core.names import is_name, is_one_line, name_key
from chat_service.core.state import State

# No room has this id.
NO_ROOM = 0


def create_room(state: State, command: cmd.CreateRoom, time_ms: int) -> Decision:
    """Open a room, public or private, whose owner and first member is its opener."""
    session = session_for(state, command.session_id, Scope.ROOMS, time_ms)
    if isinstance(session, Rejection):
        return session
    flaw = flaw_of_new(command, state.limits)
    if flaw is not None:
        return flaw
    if command.kind is RoomKind.PUBLIC and name_key(command.name) in state.room_ids:
        return name_taken()
    full = flaw_of_more_rooms(state, session.user_id)
    if full is not None:
        return full
    if command.wait_ms:
        return too_fast(command.wait_ms)
    if command.room_wait_ms:
        return too_many_new_rooms(command.room_wait_ms)
    is_private = command.kind is RoomKind.PRIVATE
    usual = HistoryPolicy.FROM_JOIN if is_private else HistoryPolicy.ALL
    room_id = state.counter("room") + 1
    opened = ev.RoomOpened(
        time_ms,
        room_id,
        command.kind,
        command.name,
        session.user_id,
        (),
        topic=command.topic,
        description=command.description,
        history=usual if command.history is None else command.history,
        password_hash=command.password_hash,
    )
    joined = ev.MemberJoined(time_ms, room_id, session.user_id, Role.OWNER)
    return Accepted((opened, joined), Answer(room_id=room_id))


# ---------------------------------------------------------------- what is valid


def flaw_of_new(command: cmd.CreateRoom, limits: Limits) -> Rejection | None:
    """Return why there cannot be such a room; None if there can."""
    if command.kind is RoomKind.DIRECT:
        return Rejection(Reason.FIELD_INVALID, "a room is public or private", field="kind")
    flaw = (
        flaw_of_name(command.name, limits, "name")
        or flaw_of_topic(command.topic, limits)
        or flaw_of_description(command.description, limits)
    )
    if flaw is None and command.kind is RoomKind.PUBLIC:
        flaw = flaw_of_public(
            has_password=bool(command.password_hash),
            from_join=command.history is HistoryPolicy.FROM_JOIN,
        )
    return flaw


def flaw_of_name(name: str, limits: Limits, field: str) -> Rejection | None:
    """Return why no room can be called so; None if one can."""
    if is_name(name, limits.room_name_bytes):
        return None
    return Rejection(
        Reason.ROOM_NAME_INVALID,
        f"a room's name is 1 to {limits.room_name_bytes} of A-Z a-z 0-9 _ . - and does "
        "not start with . or -",
        field=field,
    )


def flaw_of_topic(topic: str, limits: Limits) -> Rejection | None:
    """Return why it is no topic; None if it is one."""
    if is_one_line(topic) and len(topic.encode()) <= limits.topic_bytes:
        return None
    return Rejection(
        Reason.TOPIC_INVALID,
        f"a topic is at most {limits.topic_bytes} bytes on one line",
        field="topic",
    )


def flaw_of_description(text: str, limits: Limits) -> Rejection | None:
    """Return why it is no description; None if it is one. It may have several lines."""
    if all(map(is_one_line, text.split("\n"))) and len(text.encode()) <= limits.description_bytes:
        return None
    return Rejection(
        Reason.FIELD_INVALID,
        f"a description is at most {limits.description_bytes} bytes, without control characters",
        field="description",
    )


def flaw_of_public(*, has_password: bool, from_join: bool) -> Rejection | None:
    """Return what a public room cannot have; None if it is nothing of this."""
    if has_password:
        return Rejection(Reason.FIELD_INVALID, "a public room has no password", field="password")
    if from_join:
        return Rejection(Reason.FIELD_INVALID, "all of a public room may be read", field="history")
    return None


def name_taken() -> Rejection:
    """Refuse a name that a public room has."""
    return Rejection(Reason.ROOM_EXISTS, "there is a public room of this name", field="name")


def too_many_new_rooms(wait_ms: int) -> Rejection:
    """Refuse to open one more room for an address."""
    return Rejection(
        Reason.RATE_LIMITED, "too many new rooms from this address", retry_after_ms=wait_ms
    )


def flaw_of_more_rooms(state: State, user_id: int) -> Rejection | None:
    """Return why a user cannot be in one more room; None if it can. Direct messages are none."""
    most = state.limits.rooms_per_user
    rooms = state.rooms
    joined = sum(rooms[n].kind is not RoomKind.DIRECT for n in state.rooms_of.get(user_id) or ())
    if joined < most:
        return None
    return Rejection(Reason.TOO_MANY_ROOMS, f"at most {most} rooms of a user", field="room")


# -------------------------------------------------------------- what is meant


def find_room(
    state: State, user_id: int, target: cmd.Target, time_ms: int
) -> Room | tuple[int, ...] | Rejection:
    """Return the room, or the members of a direct message that is not open yet."""
    if isinstance(target, cmd.Direct):
        member_ids = _direct_members(state, user_id, target)
        if isinstance(member_ids, Rejection):
            return member_ids
        direct_id = state.direct_ids.get(member_ids)
        return member_ids if direct_id is None else state.rooms[direct_id]
    if isinstance(target, cmd.RoomByName):
        room_id = state.room_ids.get(name_key(target.name)) or NO_ROOM
    else:
        room_id = target.room_id
    return visible(state, room_id, user_id, time_ms)


def named(state: State, user_id: int, target: cmd.Target) -> int | None:
    """Return the room that a target names, if the user belongs to it or it is public.

    Whoever runs the server names any. What an outsider names is looked for as what is not
    there, so that it costs no read either.
    """
    if isinstance(target, cmd.Direct):
        member_ids = _direct_members(state, user_id, target)
        return None if isinstance(member_ids, Rejection) else state.direct_ids.get(member_ids)
    if isinstance(target, cmd.RoomByName):
        return state.room_ids.get(name_key(target.name))
    room = state.rooms.get(target.room_id)
    is_member = (target.room_id, user_id) in state.members
    if room is None:
        return None
    is_open = room.kind is RoomKind.PUBLIC or is_member or user_id == cmd.OPERATOR
    return room.room_id if is_open else None


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


def room_for(
    state: State, by: Session | Actor, target: cmd.Target, role: Role, time_ms: int
) -> Room | Rejection:
    """Return a room, no direct message, in which who gives an order has at least this role."""
    room = find_room(state, by.user_id, target, time_ms)
    if isinstance(room, Rejection):
        return room
    if not isinstance(room, Room) or room.kind is RoomKind.DIRECT:
        return Rejection(
            Reason.ROOM_IS_DIRECT, "a direct message has no roles and no settings", field="room"
        )
    standing = rank(state, room, by.user_id, by.scopes)
    return room if standing >= role else role_needed(role)


def private_room_for(
    state: State, by: Session | Actor, target: cmd.Target, time_ms: int
) -> Room | Rejection:
    """Return a private room in which who gives an order is a moderator, who lets others in."""
    room = room_for(state, by, target, Role.MODERATOR, time_ms)
    if isinstance(room, Room) and room.kind is RoomKind.PUBLIC:
        return Rejection(Reason.ROOM_IS_PUBLIC, "everybody may enter a public room", field="room")
    return room


def role_needed(role: Role) -> Rejection:
    """Refuse what only those of a role may do."""
    return Rejection(
        Reason.ROLE_NEEDED,
        f"only {role.name.lower()}s of the room may do that",
        field="room",
        metadata=(("role", role.name),),
    )


def find_user(state: State, target: cmd.UserTarget) -> User | Rejection:
    """Return the user that is there, by its id or its name."""
    if isinstance(target, cmd.UserById):
        user_id: int | None = target.user_id
    else:
        user_id = state.user_ids.get(name_key(target.name))
    user = None if user_id is None else state.users.get(user_id)
    if user is None:
        return Rejection(Reason.USER_NOT_FOUND, "there is nobody here of that name", field="user")
    return user


def find_member(
    state: State, room: Room, target: cmd.UserTarget
) -> tuple[User, Member] | Rejection:
    """Return a user who is a member of a room, and its membership."""
    user = find_user(state, target)
    if isinstance(user, Rejection):
        return user
    member = state.members.get((room.room_id, user.user_id))
    if member is None:
        return Rejection(
            Reason.NOT_A_MEMBER, f"{user.name} is not a member of this room", field="user"
        )
    return user, member
