"""Events as objects of JSON, for scripts: names stay as they are. Pure."""

from chat_cli.model import (
    FOREVER_MS,
    Deleted,
    HistoryPolicy,
    Removed,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Said,
    Tombstone,
    TopicChanged,
    Withheld,
)
from chat_cli.render import moment


def event_fields(event: RoomEvent, room: str) -> dict[str, object]:
    """Describe an event of a room; the type of one that this client does not know is "other".

    `text` is what was said, the topic, or why something was done; it may be empty.
    """
    kind, text, more = _body(event)
    return {
        "type": kind,
        "room": room,
        "seq": event.seq,
        "author": event.author.name,
        "text": text,
        "time": _time(event.time_ms),
        **more,
    }


def _body(event: RoomEvent) -> tuple[str, str, dict[str, object]]:
    match event.body:
        case Said(text, action):
            style = {"style": "action"} if action else {}
            return "message", text, {**style, **({"bot": True} if event.author.bot else {})}
        case TopicChanged(topic):
            return "topic", topic, {}
        case Tombstone():
            return "deleted", "", {}
        case Deleted(seq, author, reason):
            return "deletion", reason, {"deleted_seq": seq, "deleted_author": author.name}
        case RoleChanged(user, role):
            return "role", "", {"user": user.name, "role": role.name.lower()}
        case Removed(user, reason, banned, until_ms):
            until = {"until": _until(until_ms)} if banned else {}
            return "removal", reason, {"user": user.name, "banned": banned, **until}
        case RoomChanged() as change:
            return "change", "", {"changes": _changes(change)}
        case Withheld():
            return "withheld", "", {}
        case None:
            return "other", "", {}


def _changes(change: RoomChanged) -> dict[str, object]:
    new: dict[str, object] = {}
    for name in change.__slots__:
        value = getattr(change, name)
        if value is not None:
            new[name] = value.value if isinstance(value, HistoryPolicy) else value
    return new


def _until(until_ms: int) -> str | None:
    return None if until_ms >= FOREVER_MS else _time(until_ms)


def _time(time_ms: int) -> str:
    return moment(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
