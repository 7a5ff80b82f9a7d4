"""`chat_cli.orders`: what the person wants, and what is said when it cannot be."""

from chat_cli.effects import GiveBack, Hide, KeepIgnored
from chat_cli.model import ByCode, ById, ByName, Direct
from chat_cli.orders import (
    enter,
    ignore,
    leave,
    list_ignored,
    say,
    set_topic,
    show_topic,
    take_back,
    unignore,
)
from chat_cli.own_posts import give_up
from chat_cli.pending import JoinRoom, LeaveRoom, PendingOrder, PendingPost, SetTopic
from tests.cli.person import (
    DEV,
    PLAN,
    WITH_BOB,
    Person,
    connected,
    goes_to,
    live,
    opened,
    order_acked,
    topic_set,
)


def order_of(person: Person) -> object:
    """Give the one order that is to be written."""
    pending = person.writes_order()
    return pending.order


def test_texts_go_to_the_current_room() -> None:
    """A post names the room by its id and the user as whom it was written."""
    anna = connected()
    assert anna.sees(say(anna.state, "hi")) == []
    post = anna.writes_post()
    assert (post.target, post.text, post.owner) == (ById("r1"), "hi", "e1 u1")


def test_texts_after_a_join_go_to_the_new_room() -> None:
    """Nobody has to wait until the room is open."""
    anna = connected()
    enter(anna.state, ByName("dev"))
    say(anna.state, "hi")
    join, post = anna.writes()
    assert isinstance(join, PendingOrder)
    assert isinstance(post, PendingPost)
    assert join.order == JoinRoom(ByName("dev"), 50)
    assert post.target == ByName("dev")


def test_an_open_room_is_entered_at_once() -> None:
    """Nothing is sent, and the topic is shown."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), topic_set(1, "bob", "code", DEV))
    assert anna.sees(enter(anna.state, ByName("Dev"))) == ["08:00 · now in #dev: code"]
    assert anna.writes() == []


def test_a_text_without_a_room_comes_back() -> None:
    """The hint names the way into one."""
    nobody = Person()
    assert nobody.sees(say(nobody.state, "hi")) == [
        "08:00 · You are in no room. /join lobby enters one."
    ]
    assert nobody.given_back == ["hi"]


def test_a_text_that_would_be_refused_is_not_sent() -> None:
    """Too long, too many lines, NUL, half a character: each has its sentence."""
    anna = connected()
    for text in ("é" * 2049, "\n" * 100 + "x", "a\0b", "\ud800"):
        (line,) = anna.sees(say(anna.state, text))
        assert "Too" in line or "cannot be sent" in line
    assert anna.given_back[1] == "\n" * 100 + "x"
    assert anna.writes() == []
    assert say(anna.state, "é" * 2048) == []


def test_leaving_a_public_room_is_an_order() -> None:
    """Of this room, or of another one by name."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV))
    leave(anna.state, None)
    assert order_of(anna) == LeaveRoom("r1")
    leave(anna.state, ByName("dev"))
    assert order_of(anna) == LeaveRoom("r2")
    assert anna.sees(leave(anna.state, ByName("nowhere"))) == ["08:00 · You are not in that room."]


def test_leaving_a_conversation_goes_back() -> None:
    """A direct message stays open; only the current room changes."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    goes_to(anna, WITH_BOB, "bob")
    assert anna.sees(leave(anna.state, None)) == ["08:00 · now in #lobby"]
    assert anna.writes() == []
    assert "r3" in anna.state.rooms


def test_leaving_before_the_room_is_open_stays() -> None:
    """The room before is not left by mistake."""
    anna = connected()
    enter(anna.state, ByName("dev"))
    anna.writes()
    assert anna.sees(leave(anna.state, None)) == ["08:00 · still in #lobby"]
    assert anna.writes() == []


def test_topics_are_shown_and_set() -> None:
    """Without a text it is shown, with one it is set, an empty one removes it."""
    anna = connected()
    assert anna.sees(show_topic(anna.state)) == ["08:00 · #lobby has no topic"]
    anna.told(topic_set(1, "bob", "tea"))
    assert anna.sees(show_topic(anna.state)) == ["08:00 · #lobby: tea"]
    set_topic(anna.state, "coffee")
    assert order_of(anna) == SetTopic("r1", "coffee")


def test_only_an_open_public_room_has_a_topic() -> None:
    """Neither a conversation nor a room on its way, and none that is too long."""
    anna = connected()
    assert anna.sees(set_topic(anna.state, "x" * 391)) == ["08:00 · A topic has at most 390 bytes."]
    enter(anna.state, ByName("dev"))
    anna.writes()
    assert anna.sees(set_topic(anna.state, "x")) != []
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    goes_to(anna, WITH_BOB, "bob")
    assert anna.sees(show_topic(anna.state)) != []
    assert anna.writes() == []


def test_what_cannot_be_sent_comes_back_as_it_was_typed() -> None:
    """With its addressees or its command, so that another Enter does the same."""
    anna = connected()
    long = "x" * 5000
    for typed, effects in (
        (f"/msg bob {long}", say(anna.state, long, target=Direct(("bob",)))),
        (f"/me {long}", say(anna.state, long, action=True)),
        (f"//{long}", say(anna.state, f"/{long}")),
    ):
        assert GiveBack(typed) in effects


def test_what_is_refused_after_moving_on_comes_back_with_its_addressees() -> None:
    """A text from a conversation never turns into one for the room that is current now."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    goes_to(anna, WITH_BOB, "bob")
    say(anna.state, "secret")
    (post,) = anna.state.outbox.posts.values()
    enter(anna.state, ByName("lobby"))
    assert GiveBack("/msg bob secret") in give_up(anna.state, [post], "refused")


def test_an_action_or_a_text_for_another_room_does_not_come_back() -> None:
    """There is no way to type it from here; it is shown as not sent."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    goes_to(anna, WITH_BOB, "bob")
    say(anna.state, "waves", action=True)
    enter(anna.state, ByName("lobby"))
    say(anna.state, "for the lobby")
    anna.writes()
    goes_to(anna, WITH_BOB, "bob")
    effects = give_up(anna.state, list(anna.state.outbox.posts.values()), "refused")
    assert GiveBack("for the lobby") not in effects
    assert len([effect for effect in effects if isinstance(effect, GiveBack)]) == 1


def test_what_has_not_left_is_taken_back() -> None:
    """The last one to this room comes back to be typed; what is on its way does not."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV))
    assert take_back(anna.state) == []
    say(anna.state, "on its way")
    anna.writes()
    say(anna.state, "held", action=True)
    say(anna.state, "elsewhere", target=ById("r2"))
    assert anna.sees(take_back(anna.state)) == ["08:00 · Taken back before it was sent."]
    assert anna.given_back == ["/me held"]
    (line,) = anna.sees(take_back(anna.state))
    assert "on its way" in line
    texts = [post.text for post in anna.state.outbox.posts.values()]
    assert texts == ["on its way", "elsewhere"]


def test_people_are_ignored_and_not_oneself() -> None:
    """By their names in any case; it is kept, and what they said is hidden."""
    anna = connected()
    assert anna.sees(ignore(anna.state, "ANNA")) == ["08:00 · You cannot ignore yourself."]
    ignore_bob = ignore(anna.state, "Bob")
    assert anna.sees(ignore_bob) == [
        "08:00 · You see nothing of Bob any more. /unignore Bob ends that."
    ]
    assert anna.other_effects == [Hide("Bob"), KeepIgnored()]
    assert anna.state.ignores("BOB")
    assert anna.sees(list_ignored(anna.state)) == ["08:00 · ignored: Bob"]
    assert "do not ignore" in anna.sees(unignore(anna.state, "carol"))[0]
    assert "see bob again" in anna.sees(unignore(anna.state, "bob"))[0]
    assert not anna.state.ignores("bob")


def test_a_room_behind_a_code_is_entered_when_the_server_tells_which_it_is() -> None:
    """What is typed before that goes to no room, and least of all to the one before."""
    anna = connected()
    enter(anna.state, ByCode("sesame"))
    assert anna.state.current_label() == "a private room"
    order = anna.writes_order()
    assert order.order == JoinRoom(ByCode("sesame"), 50)
    assert anna.sees(say(anna.state, "hello?")) == ["08:00 · The room is not open yet."]
    assert anna.given_back == ["hello?"]
    assert anna.told(order_acked(order.order_id, PLAN), opened(PLAN)) == []
    assert anna.state.current_label() == "plan (private)"


def test_a_private_room_is_left_and_has_a_topic() -> None:
    """As a public one."""
    anna = connected()
    anna.told(opened(PLAN), live(0, PLAN))
    enter(anna.state, ById("r5"))
    assert anna.sees(show_topic(anna.state)) == ["08:00 · plan (private) has no topic"]
    leave(anna.state, None)
    assert order_of(anna) == LeaveRoom("r5")
