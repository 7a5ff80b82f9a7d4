"""The event loop's own copy of the state, folded from commits.

Reads are authorised here, with no await between the check and what it allows.
The newest seq of each room is not kept here but in the hub: posts are not folded.
"""

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence

from chat_service.core import events as ev
from chat_service.core.access import is_admin
from chat_service.core.bans import ban_of_address, refuse_address
from chat_service.core.commands import Target
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.evolve import evolve
from chat_service.core.model import Invitation, Member, Room, RoomKind, Session, User
from chat_service.core.names import name_key
from chat_service.core.rooms import find_room
from chat_service.core.state import State

# Of how many tokens it is known why they are void: some 300 bytes each.
MAX_FAREWELLS = 4096


def token_hash(token: str) -> bytes:
    """Return the form in which a token is stored."""
    return hashlib.sha256(token.encode()).digest()


class Directory:
    """Who and what exists, for the loop to read; changed by `fold` alone."""

    def __init__(self, state: State, clock_ms: Callable[[], int]) -> None:
        self.state = state
        # For what holds until some time, in milliseconds since 1970.
        self.clock_ms = clock_ms
        # Why tokens are not valid any more, by their hashes; the oldest first. Told once: who
        # was removed may come back.
        self._farewells: dict[bytes, Rejection] = {}
        self._user_keys = sorted(name_key(user.name) for user in state.users.values())
        public = [room for room in state.rooms.values() if room.kind is RoomKind.PUBLIC]
        # Keys of the names of public rooms; those of rooms that are not archived again.
        self._room_keys = sorted(name_key(room.name) for room in public)
        self._open_keys = sorted(name_key(room.name) for room in public if not room.archived)
        # Keys of the names of the members of each room but direct messages.
        self._member_keys: dict[int, list[str]] = {}
        for member in state.members.values():
            self._count_in(member.room_id, member.user_id)

    def fold(self, event: ev.Event) -> None:
        """Apply a committed event."""
        state = self.state
        if isinstance(event, ev.UserEnded):
            _take_out(self._user_keys, name_key(state.users[event.user_id].name))
            for room_id in state.rooms_of.get(event.user_id) or ():
                self._count_out(room_id, event.user_id)
        elif isinstance(event, (ev.MemberLeft, ev.MemberRemoved)):
            self._count_out(event.room_id, event.user_id)
        elif isinstance(event, (ev.RoomChanged, ev.RoomForgotten)):
            self._take_out_room(event.room_id)
        evolve(state, event)
        state.merge()
        if isinstance(event, ev.UserCreated):
            insort(self._user_keys, name_key(event.name))
        elif isinstance(event, (ev.RoomOpened, ev.RoomChanged)):
            self._put_in_room(state.rooms[event.room_id])
        elif isinstance(event, ev.MemberJoined):
            self._count_in(event.room_id, event.user_id)

    def _put_in_room(self, room: Room) -> None:
        if room.kind is RoomKind.PUBLIC:
            insort(self._room_keys, name_key(room.name))
            if not room.archived:
                insort(self._open_keys, name_key(room.name))

    def _take_out_room(self, room_id: int) -> None:
        room = self.state.rooms[room_id]
        if room.kind is RoomKind.PUBLIC:
            _take_out(self._room_keys, name_key(room.name))
            if not room.archived:
                _take_out(self._open_keys, name_key(room.name))

    def _count_in(self, room_id: int, user_id: int) -> None:
        if self.state.rooms[room_id].kind is not RoomKind.DIRECT:
            key = name_key(self.state.users[user_id].name)
            insort(self._member_keys.setdefault(room_id, []), key)

    def _count_out(self, room_id: int, user_id: int) -> None:
        keys = self._member_keys.get(room_id)
        if keys is not None:
            _take_out(keys, name_key(self.state.users[user_id].name))
            if not keys:
                del self._member_keys[room_id]

    def member_count(self, room_id: int) -> int:
        """Return how many members a room has that is no direct message."""
        return len(self._member_keys.get(room_id, ()))

    def public_memberships(self) -> int:
        """Return how many memberships of public rooms there are."""
        rooms = self.state.rooms
        return sum(
            len(keys)
            for room_id, keys in self._member_keys.items()
            if rooms[room_id].kind is RoomKind.PUBLIC
        )

    def members_after(self, room_id: int, key: str | None, count: int) -> Sequence[Member]:
        """Return up to `count` members of a room by name, those after the key of a name."""
        state = self.state
        keys = self._member_keys.get(room_id, [])
        if state.rooms[room_id].kind is RoomKind.DIRECT:
            here = (state.users.get(user_id) for user_id in state.rooms[room_id].member_ids)
            keys = sorted(name_key(user.name) for user in here if user is not None)
        found = _page(keys, key, count)
        return [state.members[room_id, state.user_ids[name]] for name in found]

    def public_rooms(self, user_id: int) -> list[int]:
        """Return the public rooms that a user is a member of, in the order of joining."""
        return self._rooms_of(user_id, RoomKind.PUBLIC)

    def joined_rooms(self, user_id: int) -> list[Member]:
        """Return the memberships of a user but direct messages, in the order of joining."""
        state = self.state
        found = [
            state.members[room_id, user_id]
            for room_id in state.rooms_of.get(user_id) or ()
            if state.rooms[room_id].kind is not RoomKind.DIRECT
        ]
        return sorted(found, key=lambda member: member.number)

    def floor(self, room_id: int, user_id: int) -> int:
        """Return the first seq of a room that a user may read: 1 unless it came later."""
        member = self.state.members.get((room_id, user_id))
        return 1 if member is None else member.from_seq

    def invitations_of(self, user_id: int) -> list[Invitation]:
        """Return the invitations of a user, the newest first."""
        state = self.state
        found = [
            state.invitations[room_id, user_id]
            for room_id in state.invitations_of.get(user_id) or ()
        ]
        return sorted(found, key=lambda one: (-one.time_ms, -one.room_id))

    def session_of(self, token: str, now_ms: int) -> Session:
        """Return the session of a token. Raises RefusedError.

        TOKEN_MISSING; TOKEN_INVALID, or KICKED or BANNED where it is void by that.
        """
        if not token:
            raise RefusedError(
                Rejection(
                    Reason.TOKEN_MISSING,
                    "join first, and send the token as metadata `authorization: Bearer …`",
                )
            )
        hashed = token_hash(token)
        session_id = self.state.session_ids.get(hashed)
        session = None if session_id is None else self.state.sessions.get(session_id)
        if session is None or not session.is_valid(now_ms):
            invalid = Rejection(Reason.TOKEN_INVALID, "this token is not valid here: join again")
            raise RefusedError(self._farewells.pop(hashed, invalid))
        return session

    def bid_farewell(self, hashed: bytes, reason: Rejection) -> None:
        """Have whoever still has a token told once why it is not valid any more, by its hash.

        Of the newest MAX_FAREWELLS, and until the server stops.
        """
        self._farewells[hashed] = reason
        if len(self._farewells) > MAX_FAREWELLS:
            del self._farewells[next(iter(self._farewells))]

    def check_address(self, address: str, token: str) -> None:
        """Refuse a call from a network that is banned, unless its token is that of an admin.

        Raises RefusedError: BANNED.
        """
        ban = ban_of_address(self.state, address, self.clock_ms())
        if ban is None:
            return
        session = self.state.sessions.get(self.state.session_ids.get(token_hash(token)) or 0)
        if session is None or not is_admin(self.state, session.user_id):
            raise RefusedError(refuse_address(ban))

    def user_of(self, session: Session) -> User:
        """Return the user of a session."""
        return self.state.users[session.user_id]

    def room_for(self, user_id: int, target: Target) -> Room:
        """Return a room that the user may read.

        Raises RefusedError: ROOM_NOT_FOUND, BANNED_FROM_ROOM, USER_NOT_FOUND, or
        FIELD_INVALID.
        """
        room = find_room(self.state, user_id, target, self.clock_ms())
        if isinstance(room, Rejection):
            raise RefusedError(room)
        if not isinstance(room, Room):
            raise RefusedError(
                Rejection(Reason.ROOM_NOT_FOUND, "nothing was said there yet", field="room")
            )
        return room

    def direct_rooms(self, user_id: int) -> list[int]:
        """Return the direct messages of a user, in the order in which they were opened."""
        return self._rooms_of(user_id, RoomKind.DIRECT)

    def users_after(self, key: str | None, count: int, *, closed: bool) -> Sequence[User]:
        """Return up to `count` users by name, those after the key of a name.

        `closed`: also those whose account is.
        """
        state, keys = self.state, self._user_keys
        found: list[User] = []
        for place in range(0 if key is None else bisect_right(keys, key), len(keys)):
            if len(found) == count:
                break
            user = state.users[state.user_ids[keys[place]]]
            account = state.accounts.get(user.user_id)
            if closed or account is None or not account.deactivated:
                found.append(user)
        return found

    def rooms_after(self, key: str | None, count: int, *, archived: bool) -> Sequence[Room]:
        """Return up to `count` public rooms by name, those after the key of a name.

        `archived`: also those that are.
        """
        state = self.state
        keys = self._room_keys if archived else self._open_keys
        return [state.rooms[state.room_ids[found]] for found in _page(keys, key, count)]

    def _rooms_of(self, user_id: int, kind: RoomKind) -> list[int]:
        rooms, members = self.state.rooms, self.state.members
        ids = [n for n in self.state.rooms_of.get(user_id) or () if rooms[n].kind is kind]
        return sorted(ids, key=lambda room_id: members[room_id, user_id].number)


def _take_out(keys: list[str], key: str) -> None:
    del keys[bisect_left(keys, key)]


def _page(keys: list[str], after: str | None, count: int) -> list[str]:
    start = 0 if after is None else bisect_right(keys, after)
    return keys[start : start + count]
