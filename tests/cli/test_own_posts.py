"""`chat_cli.own_posts`: an own message is shown once, in its place, with its mark."""

from typing import Any

from chat_cli import items as it
from chat_cli import own_posts
from chat_cli.model import ById, ByName, Direct
from chat_cli.orders import enter, say
from chat_cli.pending import FailedPost, Found, PendingOrder, PendingPost
from tests.cli.person import (
    ANNA,
    DEV,
    EIGHT,
    LOBBY,
    WITH_BOB,
    Person,
    acked,
    connected,
    live,
    opened,
    order_acked,
    said,
    signed_in,
)


def post_of(person: Person, text: str) -> PendingPost:
    """Say something and give it as it is written."""
    say(person.state, text)
    post = person.writes()[-1]
    assert isinstance(post, PendingPost)
    return post


def waiting(person: Person) -> list[tuple[str, bool]]:
    """Give the texts above the input line, and whether each has its mark."""
    return [(post.text, acked) for post, acked in person.state.waiting()]


def test_the_event_shows_it_and_the_ack_does_not() -> None:
    """Acked first, it waits above the input with its mark for the events before it."""
    anna = connected()
    post = post_of(anna, "mine")
    assert waiting(anna) == [("mine", False)]
    assert anna.told(acked(post, 2)) == []
    assert waiting(anna) == [("mine", True)]
    lines = anna.told(
        said(1, "bob", "first"), said(2, "anna", "mine", client_msg_id=post.client_msg_id)
    )
    assert lines == ["08:00 bob: first", "08:00 anna: mine ✓"]
    assert waiting(anna) == []


def test_the_event_may_come_before_the_ack() -> None:
    """Then the ack changes nothing."""
    anna = connected()
    post = post_of(anna, "mine")
    assert anna.told(said(1, "anna", "mine", client_msg_id=post.client_msg_id)) == [
        "08:00 anna: mine ✓"
    ]
    assert anna.told(acked(post, 1)) == []
    assert waiting(anna) == []


def test_a_repeated_post_is_shown_once() -> None:
    """The event of the first try arrives with the replay, the duplicate's ack after it."""
    anna = connected()
    post = post_of(anna, "mine")
    anna.told(it.Offline("x", 1.0), it.Welcome("e1", ANNA), opened())
    assert anna.writes() == [post]
    lines = anna.told(
        said(1, "anna", "mine", client_msg_id=post.client_msg_id),
        live(1),
        acked(post, 1, duplicate=True),
    )
    assert lines == ["08:00 anna: mine ✓", "08:00 · back, nothing missed"]


def test_an_event_that_is_no_longer_kept_is_shown_from_memory() -> None:
    """A gap over an acknowledged message shows it before the line of the gap."""
    anna = connected()
    post = post_of(anna, "mine")
    anna.told(acked(post, 1))
    assert anna.told(it.Gap("r1", 0, 5)) == [
        "08:00 anna: mine ✓",
        "08:00 · 4 older messages of #lobby are no longer kept",
    ]


def test_a_message_to_a_room_that_is_not_read_is_shown_at_its_ack() -> None:
    """And not again, should the room be opened later."""
    anna = connected()
    say(anna.state, "over there", target=ByName("dev"))
    post = anna.writes_post()
    assert anna.told(acked(post, 1, DEV)) == ["08:00 #dev anna: over there ✓"]
    anna.told(opened(DEV))
    assert anna.told(said(1, "anna", "over there", DEV, post.client_msg_id)) == []


def test_a_message_that_opens_a_conversation_waits_for_its_event() -> None:
    """Ack, opening and event in this order give one line."""
    anna = connected()
    say(anna.state, "psst", target=Direct(("bob",)))
    post = anna.writes_post()
    assert anna.told(acked(post, 1, WITH_BOB)) == []
    lines = anna.told(
        opened(WITH_BOB), said(1, "anna", "psst", WITH_BOB, post.client_msg_id), live(1, WITH_BOB)
    )
    assert lines == ["08:00 @bob anna: psst ✓"]


def test_a_message_to_a_room_that_is_being_joined_waits_too() -> None:
    """Typed before the room is open, it is shown behind what the room said before."""
    anna = connected()
    enter(anna.state, ByName("dev"))
    say(anna.state, "hi dev")
    join, post = anna.writes()
    assert isinstance(join, PendingOrder)
    assert isinstance(post, PendingPost)
    anna.told(order_acked(join.order_id, DEV))
    assert anna.told(acked(post, 2, DEV)) == []
    lines = anna.told(
        opened(DEV),
        said(1, "bob", "before", DEV),
        said(2, "anna", "hi dev", DEV, post.client_msg_id),
    )
    assert lines == ["08:00 bob: before", "08:00 anna: hi dev ✓"]


DAY = 24 * 3600 * 1000


def left_behind(client_msg_id: str, text: str, room_id: str = "r1", **more: Any) -> PendingPost:
    """Make a message of a process that died."""
    place = {"r1": "#lobby", "r2": "#dev", "r3": "@bob"}[room_id]
    post = PendingPost(client_msg_id, ById(room_id), text, False, "e1 u1", place, EIGHT)
    for name, value in more.items():
        setattr(post, name, value)
    return post


def test_what_a_dead_session_left_is_told_and_sent() -> None:
    """As the same user, with the same ids, before what is written now; each is shown once."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    found = Found((left_behind("o-1", "one"), left_behind("o-2", "two")))
    assert anna.sees(own_posts.adopt(anna.state, found, EIGHT)) == [
        "08:00 · 2 messages of the last session are still to be sent."
    ]
    say(anna.state, "new")
    anna.told(signed_in(), it.Welcome("e1", ANNA))
    join, first = anna.writes()
    assert isinstance(join, PendingOrder)
    assert isinstance(first, PendingPost)
    assert first.client_msg_id == "o-1"
    anna.told(order_acked(join.order_id, LOBBY), opened())
    # The first had been stored: the replay has it, and the answer comes after that.
    assert anna.told(said(1, "anna", "one", client_msg_id="o-1"), live(1)) == ["08:00 anna: one ✓"]
    assert anna.told(acked(first, 1, duplicate=True)) == []
    assert anna.texts_written() == ["two"]


def test_a_message_of_a_dead_session_to_another_room() -> None:
    """It is shown at its answer, with the name of the room, also while the lobby is opening."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    own_posts.adopt(anna.state, Found((left_behind("o-1", "over there", "r2"),)), EIGHT)
    anna.told(signed_in(), it.Welcome("e1", ANNA))
    _, post = anna.writes()
    assert isinstance(post, PendingPost)
    assert anna.told(acked(post, 9, DEV)) == ["08:00 #dev anna: over there ✓"]
    assert list(anna.state.waiting()) == []


def test_a_direct_message_of_a_dead_session_waits_for_its_event() -> None:
    """The server opens the conversation by itself."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    own_posts.adopt(anna.state, Found((left_behind("o-1", "psst", "r3"),)), EIGHT)
    anna.told(signed_in(), it.Welcome("e1", ANNA))
    _, post = anna.writes()
    assert isinstance(post, PendingPost)
    assert anna.told(acked(post, 1, WITH_BOB)) == []
    assert anna.told(opened(WITH_BOB), said(1, "anna", "psst", WITH_BOB, "o-1")) == [
        "08:00 @bob anna: psst ✓"
    ]


def test_what_cannot_be_sent_any_more_comes_back() -> None:
    """Too old, failed before and not seen, written by somebody who is gone: each is shown."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    old = left_behind("o-1", "ancient", typed_ms=EIGHT - 15 * DAY)
    refused = FailedPost(left_behind("o-2", "bad"), "not like this")
    stranger = left_behind("o-3", "psst", "r3", owner="e1 u7")
    damaged = "/there/window-1.damaged"
    found = Found((old, stranger), (refused,), (damaged,))
    assert anna.sees(own_posts.adopt(anna.state, found, EIGHT)) == [
        f"08:00 · A part of what was kept made no sense; it is in {damaged}",
        "08:00 ✗ not sent: bad",
        "        not like this",
        "08:00 ✗ not sent: ancient",
        "        it is older than 14 days: the server may not know it any more",
        "08:00 · 1 message of the last session is still to be sent.",
    ]
    assert anna.told(signed_in())[1:] == [
        "08:00 @bob ✗ not sent: psst",
        "        it was written under a former sign-in, which is over",
    ]
    # What was for one comes back with the name, so that Enter does not tell everybody.
    assert anna.given_back == ["bad", "ancient", "/msg bob psst"]
    assert list(anna.state.outbox.failed) == ["o-2", "o-1", "o-3"]
    assert anna.texts_written() == []


def test_a_name_that_is_gone_ends_what_was_written_under_it() -> None:
    """Somebody else has it: what waits is shown, and the next name does not send it."""
    anna = Person()
    own_posts.adopt(anna.state, Found((left_behind("o-1", "mine"),)), EIGHT)
    assert "08:00 ✗ not sent: mine" in [
        line.replace("#lobby ", "") for line in anna.told(it.NameWanted("this name is taken"))
    ]
    assert anna.state.outbox.posts == {}


def test_a_gap_shows_only_what_is_gone() -> None:
    """An acknowledged message behind the gap still comes as an event, and once."""
    anna = connected(send_burst=0)
    first, second = (post_of(anna, text) for text in ("one", "two"))
    anna.told(acked(first, 2), acked(second, 6))
    lines = anna.told(it.Gap("r1", 0, 5))
    assert lines[0] == "08:00 anna: one ✓"
    assert waiting(anna) == [("two", True)]
    anna.told(said(5, "bob", "five"))
    assert anna.told(said(6, "anna", "two", client_msg_id=second.client_msg_id)) == [
        "08:00 anna: two ✓"
    ]


def test_leaving_a_room_shows_what_was_stored() -> None:
    """An acknowledged message does not vanish with its room."""
    anna = connected()
    post = post_of(anna, "last word")
    anna.told(acked(post, 1))
    lines = anna.told(it.RoomClosed("r1"))
    assert lines[0] == "08:00 anna: last word ✓"


def test_an_ack_of_something_unknown_is_ignored() -> None:
    """The answer to a post of a former life changes nothing."""
    anna = connected()
    assert anna.told(it.Acked("x", "r1", 9, 0, "x")) == []
