"""Frames that a test can read again, also when they are laid end to end.

The hub treats frames as opaque; these are a head of fixed size and filling.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from chat_service.core.model import User
from chat_service.hub.presence import Change

_HEAD = struct.Struct(">BIII")


class Kind(IntEnum):
    """What a frame says."""

    EVENT = 1
    LIVE = 2
    CHANGE = 3
    SNAPSHOT = 4
    OTHER = 5
    # A gap is two items: the place that it is behind, and the first seq that is kept.
    GAP = 6
    KEPT = 7
    # That a bot spoke, for the deaf.
    WITHHELD = 8


class Item(NamedTuple):
    """One thing that a frame says; `number` is a seq, or how many users there are."""

    kind: Kind
    room_id: int
    number: int


def encoded(kind: Kind, room_id: int, number: int, size: int = 0) -> bytes:
    """Make a frame of at least `size` bytes."""
    filling = max(0, size - _HEAD.size)
    return _HEAD.pack(kind, room_id, number, filling) + b"." * filling


def event(room_id: int, seq: int, size: int = 0) -> bytes:
    """Make the frame of an event."""
    return encoded(Kind.EVENT, room_id, seq, size)


def withheld(room_id: int, seq: int) -> bytes:
    """Make the frame that the deaf get in the place of an event."""
    return encoded(Kind.WITHHELD, room_id, seq)


def items(frame: bytes) -> list[Item]:
    """Read what a frame says."""
    found = []
    at = 0
    while at < len(frame):
        kind, room_id, number, filling = _HEAD.unpack_from(frame, at)
        found.append(Item(Kind(kind), room_id, number))
        at += _HEAD.size + filling
    return found


class Frames:
    """Encodes what the hub says itself; see `chat_service.hub.frames.Encode`."""

    def live(self, room_id: int, seq: int) -> bytes:
        return encoded(Kind.LIVE, room_id, seq)

    def gap(self, room_id: int, after_seq: int, first_seq: int) -> bytes:
        return encoded(Kind.GAP, room_id, after_seq) + encoded(Kind.KEPT, room_id, first_seq)

    def change(self, room_id: int, change: Change) -> bytes:
        return encoded(Kind.CHANGE, room_id, change.total)

    def snapshot(self, room_id: int, present: list[tuple[User, bool]]) -> bytes:
        return encoded(Kind.SNAPSHOT, room_id, len(present))
