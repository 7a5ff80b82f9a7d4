"""What the client needs from the two shells at its sides: a screen and a connection."""

from collections.abc import Sequence
from typing import Protocol

from chat_cli.model import RoomEvent, RoomInfo, Target, User
from chat_cli.outbox import Found
from chat_cli.render import Line


class Screen(Protocol):
    """Where lines appear and where one is typed."""

    def show(self, lines: Sequence[Line]) -> None:
        """Add lines to the scroll-back."""
        ...

    def give_back(self, text: str) -> None:
        """Put a text into the input, or where it can be fetched from if something is there."""
        ...

    def refresh(self) -> None:
        """Draw again what stands around the input: the state has changed."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Keeper(Protocol):
    """What keeps the outbox on disk."""

    def open(self, name: str) -> Found:
        """Begin to keep it under a name; give what dead processes of that name left."""
        ...

    def changed(self) -> None:
        """Write what is new."""
        ...


class Connection(Protocol):
    """What the client asks of the session. The lists raise ChatError."""

    def wake(self) -> None:
        """Send what is new in the outbox."""
        ...

    def read_again(self) -> None:
        """Open the stream again."""
        ...

    def use_name(self, name: str) -> None:
        """Sign in with this name."""
        ...

    def go_on(self) -> None:
        """Connect now."""
        ...

    async def list_users(self, room: Target | None) -> list[User]:
        """List users."""
        ...

    async def list_rooms(self) -> list[RoomInfo]:
        """List rooms."""
        ...

    async def newest_events(self, room: Target, count: int) -> list[RoomEvent]:
        """List the newest events, oldest first."""
        ...
