"""Who is in which public room. In memory, at most once, told in gathered changes.

A user is present while a stream of theirs reads the room, and for a grace after
the last one dropped, so that a reconnect is no news. What comes and goes between
two tellings cancels out.
"""

from dataclasses import dataclass, field

# How long a user whose streams dropped still counts as present. As long as our
# client's longest wait between two attempts to reconnect.
GRACE_S = 30.0
# Changes of a room are told at most this often: a room of 1,000 readers costs
# 25 ms a telling.
PERIOD_S = 0.25


@dataclass(slots=True)
class Change:
    """What changed in a room since it was last told."""

    joined: list[int]
    left: list[int]
    total: int


@dataclass(slots=True)
class _Room:
    # Streams that read the room, by user; 0 for a user in the grace.
    streams: dict[int, int] = field(default_factory=dict)
    # When the grace of a user is over.
    until: dict[int, float] = field(default_factory=dict)
    # What is to be told, in order; never the same user in both.
    joined: dict[int, None] = field(default_factory=dict)
    left: dict[int, None] = field(default_factory=dict)


class Presence:
    """Counts streams by room and user; gathers what is to be told."""

    def __init__(self) -> None:
        self._rooms: dict[int, _Room] = {}
        self._in_grace: dict[tuple[int, int], None] = {}

    def enter(self, room_id: int, user_id: int) -> bool:
        """Note one more stream; return whether that is news."""
        room = self._rooms.setdefault(room_id, _Room())
        known = user_id in room.streams
        room.streams[user_id] = room.streams.get(user_id, 0) + 1
        if room.until.pop(user_id, None) is not None:
            self._in_grace.pop((room_id, user_id), None)
        if known:
            return False
        if user_id in room.left:
            del room.left[user_id]
        else:
            room.joined[user_id] = None
        return True

    def drop(self, room_id: int, user_id: int, now: float) -> None:
        """Note one stream less; after the last, the grace begins."""
        room = self._rooms.get(room_id)
        if room is None or not room.streams.get(user_id):
            return
        room.streams[user_id] -= 1
        if room.streams[user_id] == 0:
            self._expect(room_id, room, user_id, now)

    def expect(self, room_id: int, user_id: int, now: float) -> None:
        """Count a user as present for the grace, as after a restart of the server."""
        room = self._rooms.setdefault(room_id, _Room())
        if user_id not in room.streams:
            room.streams[user_id] = 0
            self._expect(room_id, room, user_id, now)

    def remove(self, room_id: int, user_id: int) -> bool:
        """Note that the user has left, whatever streams there were; return whether it is news."""
        room = self._rooms.get(room_id)
        if room is None or user_id not in room.streams:
            return False
        del room.streams[user_id]
        room.until.pop(user_id, None)
        self._in_grace.pop((room_id, user_id), None)
        if user_id in room.joined:
            del room.joined[user_id]
            return False
        room.left[user_id] = None
        return True

    def expire(self, now: float) -> list[int]:
        """Remove users whose grace is over; return the rooms that have news."""
        news: dict[int, None] = {}
        for room_id, user_id in list(self._in_grace):
            if self._rooms[room_id].until[user_id] > now:
                # In order of their deadlines: the rest is later.
                break
            if self.remove(room_id, user_id):
                news[room_id] = None
        return list(news)

    def take_change(self, room_id: int) -> Change | None:
        """Return what is to be told of the room, and count it as told."""
        room = self._rooms.get(room_id)
        if room is None:
            return None
        change = Change(list(room.joined), list(room.left), len(room.streams))
        room.joined.clear()
        room.left.clear()
        if not room.streams:
            del self._rooms[room_id]
        return change if change.joined or change.left else None

    def present(self, room_id: int) -> dict[int, bool]:
        """Return the users in the room; whether each has a stream there now."""
        room = self._rooms.get(room_id)
        if room is None:
            return {}
        return {user_id: count > 0 for user_id, count in room.streams.items()}

    def count(self, room_id: int) -> int:
        """Return how many users are in the room."""
        room = self._rooms.get(room_id)
        return 0 if room is None else len(room.streams)

    def _expect(self, room_id: int, room: _Room, user_id: int, now: float) -> None:
        room.until[user_id] = now + GRACE_S
        self._in_grace[room_id, user_id] = None
