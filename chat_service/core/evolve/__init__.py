"""Facts into the state: the one funnel that every change passes.

    evolve(state, event)

Writes to the scratch layer only. The same events in the same order give the same
state, on the thread that decides, in the event loop's own copy, and in a test.

A module for each of the events: accounts, history, moderation, rooms, sessions, upkeep; `links`
keeps the indexes of the state.
"""

from collections.abc import Callable
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve import accounts, history, moderation, rooms, sessions, upkeep
from chat_service.core.state import State


def evolve(state: State, event: ev.Event) -> None:
    """Apply one event to the scratch layer of the state."""
    counters = state.counters
    counters.put("position", state.counter("position") + 1)
    counters.put("time_ms", event.time_ms)
    _EVOLVE[type(event)](state, event)


# Any: each function takes the one event type that it is listed under.
_EVOLVE: dict[type, Callable[[State, Any], None]] = {
    **accounts.EVOLVE,
    **history.EVOLVE,
    **moderation.EVOLVE,
    **rooms.EVOLVE,
    **sessions.EVOLVE,
    **upkeep.EVOLVE,
}
