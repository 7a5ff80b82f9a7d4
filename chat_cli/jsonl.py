"""Events as objects of JSON, for scripts: names stay as they are. Pure."""

from chat_cli.model import RoomEvent, Said, TopicChanged
from chat_cli.render import moment


def event_fields(event: RoomEvent, room: str) -> dict[str, object]:
    """Describe an event of a room; the type of one that this client does not know is "other"."""
    match event.body:
        case Said(text):
            kind = "message"
        case TopicChanged(text):
            kind = "topic"
        case None:
            kind, text = "other", ""
    when = moment(event.time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, object] = {
        "type": kind,
        "room": room,
        "seq": event.seq,
        "author": event.author.name,
        "text": text,
        "time": when,
    }
    if isinstance(event.body, Said) and event.body.action:
        fields["style"] = "action"
    return fields
