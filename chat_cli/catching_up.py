"""What is still to be read after a reconnect, and the word that all of it has come."""

from chat_cli.effects import Effect
from chat_cli.entries import plain
from chat_cli.state import ChatState


def done_reading(state: ChatState, room_id: str) -> list[Effect]:
    """Take in that a room need not be waited for any more."""
    if state.catch_up:
        state.catch_up.room_ids.discard(room_id)
    return caught_up(state)


def caught_up(state: ChatState) -> list[Effect]:
    """Tell that the client is back as soon as every room has been read."""
    if state.catch_up is None or state.catch_up.room_ids:
        return []
    count = state.catch_up.messages
    state.catch_up = None
    state.told_offline = False
    what = {0: "nothing missed", 1: "1 message caught up"}.get(count, f"{count} messages caught up")
    return [plain(f"back, {what}")]
