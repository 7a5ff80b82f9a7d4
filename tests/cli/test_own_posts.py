"""`chat_cli.own_posts`: an own message is shown once, in its place, with its mark."""

from chat_cli import items as it
from chat_cli.model import ByName, Direct
from chat_cli.orders import enter, say
from chat_cli.outbox import PendingOrder, PendingPost
from tests.cli.person import (
    ANNA,
    DEV,
    WITH_BOB,
    Person,
    acked,
    connected,
    live,
    opened,
    order_acked,
    said,
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
