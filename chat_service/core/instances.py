"""What the server itself orders when it begins, and when its configuration changed."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted, Decision
from chat_service.core.model import RoomKind
from chat_service.core.names import name_key
from chat_service.core.ownership import at_start
from chat_service.core.state import RULES_VERSION, State


def start_instance(state: State, command: cmd.StartInstance, time_ms: int) -> Decision:
    """Begin or go on with the data: epoch, limits, the default room, a code for an owner."""
    limits = command.limits
    events: list[ev.Event] = []
    if not state.epoch:
        events.append(ev.EpochBegan(time_ms, command.epoch, RULES_VERSION))
    elif command.restored:
        events.append(ev.EpochBegan(time_ms, command.epoch, state.counter("rules")))
    if state.settings.get("limits") != limits:
        events.append(ev.Configured(time_ms, limits))
    if name_key(command.default_room) not in state.room_ids:
        room_id = state.counter("room") + 1
        events.append(ev.RoomOpened(time_ms, room_id, RoomKind.PUBLIC, command.default_room, 0, ()))
    events += at_start(state, command.owner_code_hash, time_ms)
    guest_ms = time_ms + limits.guest_grace_ms + limits.renewal_ms
    account_ms = time_ms + limits.account_idle_ms + limits.renewal_ms
    events.append(ev.InstanceStarted(time_ms, command.instance, guest_ms, account_ms))
    return Accepted(tuple(events))


def configure(state: State, command: cmd.Configure, time_ms: int) -> Decision:
    """Go by other limits from here on; what was accepted before stays."""
    if state.settings.get("limits") == command.limits:
        return Accepted()
    return Accepted((ev.Configured(time_ms, command.limits),))
