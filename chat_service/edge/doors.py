"""The passwords of private rooms: set by owners, and tried by whoever wants to come in.

A try costs one comparison whatever it is about: a room without a password, or none at all,
is compared with a password that nobody has. So neither answer nor time tells what there is.
Members alone, who know it, cost none.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from chat_service.core import commands as cmd
from chat_service.core.access import banned_until
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import RoomKind
from chat_service.edge.directory import Directory
from chat_service.edge.logins import Logins


class Passwords(Protocol):
    """What makes and compares the hashes of passwords, off the loop."""

    async def hashed(self, password: str, field: str = "password", *, network: str = "") -> str:
        """Return the hash of a new password. Raises RefusedError (PASSWORD_INVALID, OVERLOADED)."""
        ...

    def check_room(self, network: str = "") -> None:
        """Refuse where too many wait already, in all or of a network.

        Raises RefusedError (OVERLOADED).
        """
        ...

    async def matches(self, password: str, stored: str, *, network: str = "") -> bool:
        """Whether a password is that of a hash; takes as long where `stored` is empty.

        Raises RefusedError (OVERLOADED).
        """
        ...


class Doors:
    """Tries the passwords of rooms. Wrong ones count as failed sign-ins of their address."""

    def __init__(
        self,
        passwords: Passwords,
        logins: Logins,
        directory: Directory,
        clock: Callable[[], float],
    ) -> None:
        self._passwords = passwords
        self._logins = logins
        self._directory = directory
        self._clock = clock

    async def hashed(self, password: str, network: str) -> str:
        """Return what is stored of a new password. Raises RefusedError as `Passwords.hashed`."""
        return await self._passwords.hashed(password, network=network)

    async def tried(
        self, order: cmd.JoinRoom, user_id: int, network: str, password: str
    ) -> cmd.JoinRoom:
        """Return the order with what its password opens: nothing where it is wrong.

        Nor for who is banned from the room, to whom the right one is no better than a guess.

        Raises RefusedError: LOGIN_DELAYED, OVERLOADED.
        """
        target = order.target
        room_id = target.room_id if isinstance(target, cmd.RoomById) else 0
        if (room_id, user_id) in self._directory.state.members:
            # Who is in already needs none: a right one is work that no rate would bound.
            return order
        # What is not tried counts as no wrong password.
        self._passwords.check_room(network)
        # Of one who tries, so that nobody keeps others from a room by trying.
        account = f"room {room_id} of {user_id}"
        wait_ms = self._logins.wait_ms(account, network, self._clock())
        if wait_ms:
            raise RefusedError(
                Rejection(
                    Reason.LOGIN_DELAYED,
                    "too many wrong passwords: wait a moment",
                    retry_after_ms=wait_ms,
                )
            )
        room = self._directory.state.rooms.get(room_id)
        is_private = room is not None and room.kind is RoomKind.PRIVATE
        stored = room.password_hash if room is not None and is_private else ""
        is_right = await self._passwords.matches(password, stored, network=network)
        # As it is now: who is banned, be it since a moment, is told what others are by a guess.
        state, now_ms = self._directory.state, self._directory.clock_ms()
        if banned_until(state, room_id, user_id, now_ms) or not (is_right and stored):
            self._logins.failed(account, network, self._clock())
            return order
        self._logins.succeeded(account, network, self._clock())
        return replace(order, password_hash=stored)
