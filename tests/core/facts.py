"""What a log reads for a decision, found in a list of events."""

from collections.abc import Sequence

from chat_service.core import events as ev
from chat_service.core.decision import MessageKey, StoredMessage


def stored_message(events: Sequence[ev.Event], key: MessageKey) -> StoredMessage | None:
    """Return what is stored at a place of a room."""
    found: StoredMessage | None = None
    for event in events:
        if isinstance(event, ev.RoomEvent) and (event.room_id, event.seq) == key:
            said = isinstance(event, ev.MessagePosted)
            found = StoredMessage(event.author_id, event.author_name, said, is_deleted=False)
        elif (
            found is not None
            and isinstance(event, ev.MessageDeleted)
            and (event.room_id, event.deleted_seq) == key
        ):
            found = StoredMessage(found.author_id, found.author_name, False, is_deleted=True)
        elif (
            isinstance(event, ev.RoomPruned)
            and event.room_id == key.room_id
            and key.seq < event.first_seq
        ):
            found = None
    return found
