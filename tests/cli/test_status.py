"""`chat_cli.status`: what stands around the input line."""

from dataclasses import replace

from chat_cli import items as it
from chat_cli.model import FOREVER_MS, ById, ByName, Direct, Role
from chat_cli.orders import enter, say
from chat_cli.pending import PendingPost
from chat_cli.state import Link
from chat_cli.status import prompt, toolbar, waiting_lines
from tests.cli.person import (
    EIGHT,
    LOBBY,
    WITH_BOB,
    Person,
    acked,
    connected,
    live,
    opened,
    said,
)


def bar(person: Person, width: int = 80) -> str:
    """Give the text of the toolbar."""
    return "".join(text for _, text in toolbar(person.state, person.now, width))


def above(person: Person) -> list[str]:
    """Give the lines above the input."""
    return [line.text for line in waiting_lines(person.state, person.now)]


def label(person: Person, width: int = 80) -> str:
    """Give what stands before the input."""
    return "".join(text for _, text in prompt(person.state, width))


def test_the_prompt_names_the_room() -> None:
    """Also one that is not open yet; without a name it asks for one."""
    anna = connected()
    assert label(anna) == "#lobby> "
    enter(anna.state, ByName("dev"))
    assert label(anna) == "#dev> "
    enter(anna.state, ByName("a-room-with-a-long-name"))
    assert label(anna, 40) == "#a-room-with-a-lo…> "
    anna.state.link = Link.NAMELESS
    assert label(anna) == "Your name: "


def test_messages_on_their_way_are_drawn() -> None:
    """With their room if it is another one, cut to a line, marked when acknowledged."""
    anna = connected()
    say(anna.state, "hi")
    post = anna.writes_post()
    say(anna.state, "waves", action=True)
    say(anna.state, "two\nlines", target=Direct(("bob",)))
    assert above(anna) == ["…     anna: hi", "…     * anna waves", "…     @bob anna: two […]"]
    anna.told(acked(post, 1))
    assert above(anna)[0] == "…     anna: hi ✓"


def test_a_message_that_must_wait_says_so() -> None:
    """It stands there with the server's reason and the seconds that are left."""
    anna = connected()
    say(anna.state, "fast")
    post = anna.writes_post()
    anna.told(it.Refused(8, "R", "slow", client_msg_id=post.client_msg_id, retry_after=4))
    assert above(anna) == ["…     anna: fast (slow; again in 4 s)"]
    anna.now = 3.0
    assert above(anna) == ["…     anna: fast (slow; again in 1 s)"]


def test_a_server_that_says_nothing_is_told_in_the_toolbar() -> None:
    """After some seconds without an answer to an own message, until one comes."""
    anna = connected()
    say(anna.state, "hello?")
    post = anna.writes_post()
    anna.now = 3.9
    assert bar(anna).startswith(" online")
    anna.now = 7.0
    assert bar(anna) == " no answer for 7 s  #lobby  anna on here:1"
    anna.told(acked(post, 1))
    assert bar(anna).startswith(" online")


def test_a_message_of_a_former_session_names_its_room() -> None:
    """The room is called what it was called then, also one that is not open here."""
    anna = connected()
    anna.state.outbox.adopt([PendingPost("o-1", ById("r77"), "hi", False, "e1 u1", "#dev")])
    assert above(anna) == ["…     #dev anna: hi"]


def test_many_waiting_messages_are_counted() -> None:
    """The input line does not leave the screen."""
    anna = connected()
    for number in range(8):
        say(anna.state, str(number))
    assert above(anna)[4:] == ["…     anna: 4", "…     3 more waiting"]


def test_control_characters_do_not_reach_the_prompt() -> None:
    """Own texts and names of rooms go through the same gate as all others."""
    anna = connected()
    say(anna.state, "\x1b[2J")
    enter(anna.state, ByName("\x1b]0;x\x07"))
    assert "\x1b" not in "".join(above(anna)) + label(anna) + bar(anna)


def test_the_toolbar_tells_where_one_is() -> None:
    """Connection, room, unread elsewhere, own name and server."""
    anna = connected()
    assert bar(anna) == " online  #lobby  anna on here:1"
    anna.told(opened(WITH_BOB), live(0, WITH_BOB), said(1, "bob", "x", WITH_BOB))
    assert bar(anna) == " online  #lobby  unread: @bob 1  anna on here:1"


def test_the_toolbar_counts_down() -> None:
    """The next attempt is announced in seconds, never in zero."""
    anna = connected()
    anna.told(it.Offline("x", 7.0))
    assert bar(anna).startswith(" offline, next try in 7 s")
    anna.now = 6.9
    assert bar(anna).startswith(" offline, next try in 1 s")


def test_a_narrow_toolbar_keeps_what_matters() -> None:
    """What does not fit is left out whole; unread rooms are cut."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB), said(1, "bob", "x", WITH_BOB))
    for width in range(8, 60):
        assert len(bar(anna, width)) <= width
    assert bar(anna, 40) == " online  #lobby  unread: @bob 1"
    assert bar(anna, 28) == " online  #lobby  unread: @b…"
    assert bar(anna, 18) == " online  #lobby"


def test_what_one_is_and_may_in_a_room_is_told() -> None:
    """Role, archive, mute and slow mode; who keeps order has no slow mode."""
    anna = connected()
    anna.state.clock_offset_ms = EIGHT

    def told(**facts: object) -> str:
        room = anna.state.rooms["r1"]
        room.info = replace(LOBBY, **facts)  # type: ignore[arg-type]  # fields, chosen below
        return "".join(text for _, text in toolbar(anna.state, 1.0, 100))

    assert "#lobby  anna on" in told()
    assert "#lobby  anna on" in told(role=Role.MEMBER)
    assert "#lobby  owner  anna on" in told(role=Role.OWNER)
    assert "#lobby  slow: 30 s  anna on" in told(slow_mode_ms=30_000)
    assert "#lobby  moderator  anna on" in told(role=Role.MODERATOR, slow_mode_ms=30_000)
    assert "#lobby  archived  anna on" in told(archived=True)
    assert "#lobby  muted for 9 s  anna on" in told(muted_until_ms=EIGHT + 10_000)
    assert "#lobby  anna on" in told(muted_until_ms=EIGHT + 1000)
    assert "#lobby  muted  anna on" in told(muted_until_ms=FOREVER_MS)
