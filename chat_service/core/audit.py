"""The audit log: what was done to keep order, by whom, to whom and why.

Each order that was carried out adds one entry beside its own events. Members of a room
never see it: what all may see has an event of the room too.
"""

from typing import Protocol

from chat_service.core import events as ev
from chat_service.core.model import Room
from chat_service.core.state import State


class Actor(Protocol):
    """Who gave an order: a user, or whoever runs the server, with OPERATOR as its id."""

    @property
    def user_id(self) -> int:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its name at that time."""
        ...


def audited(
    state: State,
    time_ms: int,
    actor: Actor,
    action: str,
    *,
    room: Room | None = None,
    target_id: int = 0,
    target_name: str = "",
    details: str = "",
    until_ms: int = 0,
    reason: str = "",
) -> ev.Audited:
    """Return the entry of one order; `action` is one of the words in moderation.proto.

    `room` is None for what was done on the server. An order has one entry: a second one
    would get the same number.
    """
    return ev.Audited(
        time_ms,
        state.counter("audit") + 1,
        actor.user_id,
        actor.name,
        action,
        room_id=0 if room is None else room.room_id,
        room_name="" if room is None else room.name,
        target_id=target_id,
        target_name=target_name,
        details=details,
        until_ms=until_ms,
        reason=reason,
    )
