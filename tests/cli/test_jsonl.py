"""`chat_cli.jsonl`: events as objects."""

from chat_cli.jsonl import event_fields
from chat_cli.model import (
    FOREVER_MS,
    Body,
    Deleted,
    HistoryPolicy,
    Removed,
    Role,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Said,
    Tombstone,
    TopicChanged,
    User,
    Withheld,
)


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


def test_what_keeps_order_is_told_by_its_kind() -> None:
    """Why it was done is the text; the rest has fields of its own."""
    alice, bob = User("u1", "alice"), User("u2", "bob", bot=True)

    def more(body: Body, author: User = alice) -> dict[str, object]:
        fields = event_fields(RoomEvent("r1", 1, 1_795_176_000_000, author, body), "lobby")
        common = {"room": "lobby", "seq": 1, "time": "2026-11-20T12:00:00.000Z"}
        assert common.items() <= fields.items()
        return {n: value for n, value in fields.items() if n not in (*common, "author")}

    assert more(Said("hi"), bob) == {"type": "message", "text": "hi", "bot": True}
    assert more(Tombstone()) == {"type": "deleted", "text": ""}
    assert more(Deleted(4, bob, "spam")) == {
        "type": "deletion", "text": "spam", "deleted_seq": 4, "deleted_author": "bob",
    }  # fmt: skip
    assert more(RoleChanged(bob, Role.OWNER)) == {
        "type": "role", "text": "", "user": "bob", "role": "owner",
    }  # fmt: skip
    assert more(Removed(bob, "spam")) == {
        "type": "removal", "text": "spam", "user": "bob", "banned": False,
    }  # fmt: skip
    ban = more(Removed(bob, "", True, 1_795_176_000_000))
    assert (ban["banned"], ban["until"]) == (True, "2026-11-20T12:00:00.000Z")
    assert more(Removed(bob, "", True, FOREVER_MS))["until"] is None
    change = RoomChanged("x", archived=False, history=HistoryPolicy.FROM_JOIN)
    assert more(change)["changes"] == {"name": "x", "archived": False, "history": "from-join"}
    assert more(Withheld()) == {"type": "withheld", "text": ""}
