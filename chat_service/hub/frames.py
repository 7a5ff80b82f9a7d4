"""What the hub itself says to readers, as frames; those of events are given to it."""

from typing import Protocol

from chat_service.core.model import User
from chat_service.hub.presence import Change


class Encode(Protocol):
    """How the hub's own items become frames."""

    def live(self, room_id: int, seq: int) -> bytes:
        """Encode that a reader is up to date."""
        ...

    def gap(self, room_id: int, after_seq: int, first_seq: int) -> bytes:
        """Encode that what follows `after_seq` is no longer kept, up to `first_seq`."""
        ...

    def change(self, room_id: int, change: Change) -> bytes:
        """Encode who came to a room and who went."""
        ...

    def snapshot(self, room_id: int, present: list[tuple[User, bool]]) -> bytes:
        """Encode who is in a room."""
        ...
