"""Whom and what an order is about."""

from dataclasses import dataclass
from typing import NamedTuple


class RoomById(NamedTuple):
    """A room by its id."""

    room_id: int


class RoomByName(NamedTuple):
    """A public room by its name, in any case."""

    name: str


@dataclass(frozen=True, slots=True)
class Direct:
    """The direct message with these users, by name."""

    names: tuple[str, ...]


Target = RoomById | RoomByName | Direct


class UserById(NamedTuple):
    """A user by its id, also one that is gone where something of it is left."""

    user_id: int


class UserByName(NamedTuple):
    """A user by its name, in any case."""

    name: str


UserTarget = UserById | UserByName

# The session of orders that whoever runs the server gives: no session has this id, and no
# role is asked of it.
OPERATOR = 0
