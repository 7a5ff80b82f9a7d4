"""Who is in which room, but for direct messages. In memory, told at most once, and gathered.

A user is present while a stream of theirs reads the room, and for a grace after
the last one dropped, so that a reconnect is no news. What comes and goes between
two tellings cancels out, unless a reader got a picture of the room in between.
"""

from dataclasses import dataclass, field
from itertools import islice

from chat_service.core.model import User
from chat_service.hub.limits import DEFAULT_LIMITS

# Changes of a room are told at most this often: a room of 1,000 readers costs
# 25 ms a telling.
PERIOD_S = 0.25
# Users of one telling, which is one frame: with the longest ids and names, 1,000 take
# 57 KB of the 64 KiB that a frame may have. The others are told a period later.
MAX_TOLD = 1000


@dataclass(slots=True)
class Change:
    """What changed in a room since it was last told."""

    joined: list[User]
    left: list[User]
    total: int


@dataclass(slots=True)
class _Present:
    user: User
    # Streams that read the room; 0 in the grace.
    streams: int = 0
    # When the grace is over, in seconds of the loop's clock; 0 outside of it.
    until: float = 0.0


@dataclass(slots=True)
class _Room:
    users: dict[int, _Present] = field(default_factory=dict)
    # What is to be told, in order; never the same user in both.
    joined: dict[int, User] = field(default_factory=dict)
    left: dict[int, User] = field(default_factory=dict)
    # Users of these two whom a picture shows as they are now: what they do next is told.
    pictured: set[int] = field(default_factory=set)


class Presence:
    """Counts streams by room and user; gathers what is to be told."""

    def __init__(self, grace_s: float = DEFAULT_LIMITS.presence_grace_s) -> None:
        self._grace_s = grace_s
        self._rooms: dict[int, _Room] = {}
        # Rooms and users in the grace, in the order of their deadlines.
        self._in_grace: dict[tuple[int, int], None] = {}

    def enter(self, room_id: int, user: User) -> bool:
        """Note one more stream; return whether that is news."""
        room = self._rooms.setdefault(room_id, _Room())
        present = room.users.get(user.user_id)
        if present is not None:
            present.streams += 1
            self._in_grace.pop((room_id, user.user_id), None)
            return False
        room.users[user.user_id] = _Present(user, streams=1)
        if room.left.pop(user.user_id, None) is None or user.user_id in room.pictured:
            room.joined[user.user_id] = user
        return True

    def drop(self, room_id: int, user: User, now: float) -> None:
        """Note one stream less; after the last, the grace begins."""
        room = self._rooms.get(room_id)
        present = None if room is None else room.users.get(user.user_id)
        if present is None or present.streams == 0:
            return
        present.streams -= 1
        if present.streams == 0:
            self._expect(room_id, present, now)

    def expect(self, room_id: int, user: User, now: float) -> None:
        """Count a user as present for the grace, as after a restart of the server."""
        room = self._rooms.setdefault(room_id, _Room())
        if user.user_id not in room.users:
            present = room.users[user.user_id] = _Present(user)
            self._expect(room_id, present, now)

    def know(self, room_id: int, user: User) -> None:
        """Show a user who is present as it is now; what is told already is not told again."""
        room = self._rooms.get(room_id)
        present = None if room is None else room.users.get(user.user_id)
        if present is not None:
            present.user = user

    def is_expected(self, room_id: int, user_id: int) -> bool:
        """Whether the user is in the grace: present without a stream."""
        return (room_id, user_id) in self._in_grace

    def remove(self, room_id: int, user_id: int) -> bool:
        """Note that the user has left, whatever streams there were.

        Returns whether that is news.
        """
        room = self._rooms.get(room_id)
        present = None if room is None else room.users.pop(user_id, None)
        if room is None or present is None:
            return False
        self._in_grace.pop((room_id, user_id), None)
        if room.joined.pop(user_id, None) is None or user_id in room.pictured:
            room.left[user_id] = present.user
        return True

    def expire(self, now: float) -> list[int]:
        """Remove users whose grace is over; return the rooms that have news."""
        news: dict[int, None] = {}
        for room_id, user_id in list(self._in_grace):
            if self._rooms[room_id].users[user_id].until > now:
                break
            if self.remove(room_id, user_id):
                news[room_id] = None
        return list(news)

    def take_change(self, room_id: int) -> Change | None:
        """Return what is to be told of the room, if anything, and count it as told.

        At most MAX_TOLD users; see `has_change` for whether more is to be told.
        """
        room = self._rooms.get(room_id)
        if room is None:
            return None
        left = _take(room.left, MAX_TOLD)
        joined = _take(room.joined, MAX_TOLD - len(left))
        room.pictured.difference_update(user.user_id for user in (*left, *joined))
        change = Change(joined, left, len(room.users))
        if not room.users and not room.left:
            del self._rooms[room_id]
        return change if change.joined or change.left else None

    def has_change(self, room_id: int) -> bool:
        """Whether something is to be told of the room."""
        room = self._rooms.get(room_id)
        return room is not None and bool(room.joined or room.left)

    def present(self, room_id: int) -> list[tuple[User, bool]]:
        """Return the users in the room; whether each has a stream there now."""
        room = self._rooms.get(room_id)
        if room is None:
            return []
        return [(present.user, present.streams > 0) for present in room.users.values()]

    def picture(self, room_id: int) -> list[tuple[User, bool]]:
        """Return the same as `present`, for a reader who is told of changes from now on."""
        room = self._rooms.get(room_id)
        if room is not None:
            room.pictured.update(room.joined, room.left)
        return self.present(room_id)

    def count(self, room_id: int) -> int:
        """Return how many users are in the room."""
        room = self._rooms.get(room_id)
        return 0 if room is None else len(room.users)

    def _expect(self, room_id: int, present: _Present, now: float) -> None:
        present.until = now + self._grace_s
        self._in_grace[room_id, present.user.user_id] = None


def _take(users: dict[int, User], count: int) -> list[User]:
    """Remove the first users and return them."""
    return [users.pop(user_id) for user_id in list(islice(users, count))]
