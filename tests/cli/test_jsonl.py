"""`chat_cli.jsonl`: events as objects."""

from chat_cli.jsonl import event_fields
from chat_cli.model import RoomEvent, Said, TopicChanged, User


def test_events_are_told_by_their_kind() -> None:
    """A message, an action, a topic, and what this client does not know."""
    alice = User("u1", "alice")
    told = [
        event_fields(RoomEvent("r1", seq, 1_795_176_000_000, alice, body), "lobby")
        for seq, body in enumerate((Said("hi"), Said("waves", True), TopicChanged(""), None), 1)
    ]
    assert told[0] == {
        "type": "message",
        "room": "lobby",
        "seq": 1,
        "author": "alice",
        "text": "hi",
        "time": "2026-11-20T12:00:00.000Z",
    }
    assert told[1] == told[0] | {"seq": 2, "text": "waves", "style": "action"}
    assert told[2] == told[0] | {"type": "topic", "seq": 3, "text": ""}
    assert told[3] == told[0] | {"type": "other", "seq": 4, "text": ""}
