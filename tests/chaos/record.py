"""What all clients together were told, and every contradiction in it.

A promise that is broken is noted and not raised, so that a scenario goes on and a negative
control can count what it found. Kinds of breaches:

    gap        a seq was left out
    double     a seq came again in one stream, or came again after it was handled
    different  two readers were told different events of one seq
    lost       an acknowledged post is not where its ack said, or an event that was told is
               beyond the head of its room
    twice      one client_msg_id has two places
    order      posts of one sender do not have the order in which they were sent
    silent     a post was never answered, or a reader never told what others were
    ended      a stream ended, or an order was refused, in a way that no promise allows
"""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from chat_protos.chat.v1 import chat_pb2 as pb

SHOWN = 10
"""How many breaches are quoted: the first ones tell most."""


class BrokenPromiseError(AssertionError):
    """What was told contradicts a promise. The text has the first contradictions."""


class Place(NamedTuple):
    """Where a post is, as its ack said."""

    room_id: str
    seq: int


class Told(NamedTuple):
    """What is compared of an event."""

    author_id: str
    # Empty for anything but a message, as is the text.
    client_msg_id: str
    text: str


class Record:
    """The one record of a scenario, written by all its clients."""

    def __init__(self) -> None:
        # Each room's events by seq, as whoever was first was told.
        self.rooms: dict[str, dict[int, Told]] = {}
        # The greatest seq of each room that anybody was told, in an event or an ack.
        self.heads: dict[str, int] = {}
        self.acked: dict[str, Place] = {}
        self.breaches: Counter[str] = Counter()
        self.deliveries = 0
        # Acks that said that the post had been stored before.
        self.duplicates = 0
        self._quoted: list[str] = []

    def breach(self, kind: str, what: str) -> None:
        """Note a broken promise."""
        self.breaches[kind] += 1
        if len(self._quoted) < SHOWN:
            self._quoted.append(f"{kind}: {what}")

    def hear(self, reader: str, position: int, event: pb.RoomEvent) -> int:
        """Take in an event that a reader at a position was told; return its new position."""
        self.deliveries += 1
        seq = event.seq
        if seq != position + 1:
            if seq <= position:
                self.breach("double", f"{reader} at {position} was told {seq} of {event.room_id}")
                return position
            self.breach("gap", f"{reader} at {position} was told {seq} of {event.room_id}")
        message = event.message
        told = Told(event.author.user_id, message.client_msg_id, message.text)
        room = self.rooms.get(event.room_id)
        if room is None:
            room = self.rooms[event.room_id] = {}
        before = room.setdefault(seq, told)
        if before != told:
            self.breach("different", f"{reader} was told {told} at {seq}, others {before}")
        self._reaches(event.room_id, seq)
        return seq

    def ack(self, client_msg_id: str, place: Place, *, duplicate: bool) -> None:
        """Take in the ack of a post; a further one of the same id must say the same."""
        self.duplicates += duplicate
        before = self.acked.setdefault(client_msg_id, place)
        if before != place:
            self.breach("different", f"{client_msg_id} was acked at {before} and at {place}")
        self._reaches(*place)

    def _reaches(self, room_id: str, seq: int) -> None:
        if seq > self.heads.get(room_id, 0):
            self.heads[room_id] = seq

    def compare(self) -> None:
        """Note what contradicts the promises in all that was told."""
        for room_id, room in self.rooms.items():
            if room and len(room) != max(room) - min(room) + 1:
                self.breach("gap", f"nobody was told some of {room_id}")
            self._count_ids(room_id, room)
            self._follow_senders(room_id, room)
        for client_msg_id, place in self.acked.items():
            told = self.rooms.get(place.room_id, {}).get(place.seq)
            if told is None or told.client_msg_id != client_msg_id:
                self.breach("lost", f"{client_msg_id} was acked at {place}, where is {told}")

    def verdict(self) -> None:
        """Compare. Raises BrokenPromiseError if any promise was broken."""
        self.compare()
        if self.breaches:
            counts = ", ".join(f"{kind}: {count}" for kind, count in self.breaches.items())
            raise BrokenPromiseError("\n".join([counts, *self._quoted]))

    def compare_stored(self, database: Path) -> None:
        """Note what of the record is not in the data file of a server that has stopped.

        The file must be whole by SQLite's own check. Rooms are `r1`, `r2` … on the wire.
        """
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute("SELECT room_id, seq, client_msg_id FROM room_events")
            stored = {(f"r{room_id}", seq): message_id for room_id, seq, message_id in rows}
        for room_id, room in self.rooms.items():
            for seq, told in room.items():
                if stored.get((room_id, seq)) != told.client_msg_id:
                    self.breach("lost", f"{told} of {room_id} at {seq} is not stored there")
        for client_msg_id, place in self.acked.items():
            if stored.get(place) != client_msg_id:
                self.breach("lost", f"{client_msg_id} was acked at {place}: not stored there")
        for message_id, count in Counter(filter(None, stored.values())).items():
            if count > 1:
                self.breach("twice", f"{message_id} is stored {count} times")

    def _count_ids(self, room_id: str, room: dict[int, Told]) -> None:
        ids = Counter(told.client_msg_id for told in room.values() if told.client_msg_id)
        for client_msg_id, count in ids.items():
            if count > 1:
                self.breach("twice", f"{client_msg_id} has {count} places in {room_id}")

    def _follow_senders(self, room_id: str, room: dict[int, Told]) -> None:
        last: dict[str, int] = {}
        for told in (room[seq] for seq in sorted(room)):
            if told.client_msg_id:
                number = number_of(told.client_msg_id)
                if number < last.get(told.author_id, -1):
                    self.breach("order", f"{told.client_msg_id} came late in {room_id}")
                last[told.author_id] = max(number, last.get(told.author_id, -1))


def message_id(sender: str, number: int) -> str:
    """Return the client_msg_id of a sender's post of a number."""
    return f"{sender}-{number}"


def number_of(client_msg_id: str) -> int:
    """Return the number in a client_msg_id."""
    return int(client_msg_id.rpartition("-")[2])
