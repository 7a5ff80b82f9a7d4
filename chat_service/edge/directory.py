"""The event loop's own copy of the state, folded from commits.

Reads are authorised here, with no await between the check and what it allows.
The newest seq of each room is not kept here but in the hub: posts are not folded.
"""

import hashlib
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence

from chat_service.core import events as ev
from chat_service.core.commands import Target
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.evolve import evolve
from chat_service.core.model import Room, RoomKind, Session, State, User
from chat_service.core.names import name_key
from chat_service.core.rooms import find_room


def token_hash(token: str) -> bytes:
    """Return the form in which a token is stored."""
    return hashlib.sha256(token.encode()).digest()


class Directory:
    """Who and what exists, for the loop to read; changed by `fold` alone."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._user_keys = sorted(name_key(user.name) for user in state.users.values())
        self._room_keys = sorted(
            name_key(room.name) for room in state.rooms.values() if room.kind is RoomKind.PUBLIC
        )
        # Members of each public room that ever had one.
        self.members: Counter[int] = Counter(
            member.room_id
            for member in state.members.values()
            if state.rooms[member.room_id].kind is RoomKind.PUBLIC
        )

    def fold(self, event: ev.ControlEvent | ev.TopicChanged) -> None:
        """Apply a committed event."""
        if isinstance(event, ev.UserEnded):
            key = name_key(self.state.users[event.user_id].name)
            del self._user_keys[bisect_right(self._user_keys, key) - 1]
            self.members.subtract(self.public_rooms(event.user_id))
        evolve(self.state, event)
        self.state.merge()
        if isinstance(event, ev.UserCreated):
            insort(self._user_keys, name_key(event.name))
        elif isinstance(event, ev.RoomOpened) and event.kind is RoomKind.PUBLIC:
            insort(self._room_keys, name_key(event.name))
        elif isinstance(event, ev.MemberJoined):
            self.members[event.room_id] += 1
        elif isinstance(event, ev.MemberLeft):
            self.members[event.room_id] -= 1

    def public_rooms(self, user_id: int) -> list[int]:
        """Return the public rooms that a user is a member of, in the order of joining."""
        return self._rooms_of(user_id, RoomKind.PUBLIC)

    def session_of(self, token: str, now_ms: int) -> Session:
        """Return the session of a token. Raises RefusedError (TOKEN_MISSING, TOKEN_INVALID)."""
        if not token:
            raise RefusedError(
                Rejection(
                    Reason.TOKEN_MISSING,
                    "join first, and send the token as metadata `authorization: Bearer …`",
                )
            )
        session_id = self.state.session_ids.get(token_hash(token))
        session = None if session_id is None else self.state.sessions.get(session_id)
        if session is None or not session.is_valid(now_ms):
            raise RefusedError(
                Rejection(Reason.TOKEN_INVALID, "this token is not valid here: join again")
            )
        return session

    def user_of(self, session: Session) -> User:
        """Return the user of a session."""
        return self.state.users[session.user_id]

    def room_for(self, user_id: int, target: Target) -> Room:
        """Return a room that the user may read.

        Raises RefusedError: ROOM_NOT_FOUND, USER_NOT_FOUND, or FIELD_INVALID.
        """
        room = find_room(self.state, user_id, target)
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

    def users_after(self, key: str | None, count: int) -> Sequence[User]:
        """Return up to `count` users by name, those after the key of a name."""
        state = self.state
        return [state.users[state.user_ids[found]] for found in _page(self._user_keys, key, count)]

    def rooms_after(self, key: str | None, count: int) -> Sequence[Room]:
        """Return up to `count` public rooms by name, those after the key of a name."""
        state = self.state
        return [state.rooms[state.room_ids[found]] for found in _page(self._room_keys, key, count)]

    def _rooms_of(self, user_id: int, kind: RoomKind) -> list[int]:
        rooms = self.state.rooms
        return [n for n in self.state.rooms_of.get(user_id) or () if rooms[n].kind is kind]


def _page(keys: list[str], after: str | None, count: int) -> list[str]:
    start = 0 if after is None else bisect_right(keys, after)
    return keys[start : start + count]
