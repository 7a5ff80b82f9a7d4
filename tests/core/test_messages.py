"""What is said: texts, the one effect of each client_msg_id, and who hears it."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind, Style
from tests.core.scene import START_MS, Scene, Where, post, to


def test_message_is_one_event() -> None:
    """A message holds who, what and how, with the id of its client and the hash of its request."""
    scene = Scene()
    alice = scene.guest("Alice")
    order = post(alice, "lobby", "waves", message_id="m7", style=Style.ACTION)
    events = scene.happened(order)
    assert events == (
        ev.MessagePosted(
            START_MS, 1, 1, 1, "Alice", Style.ACTION, "waves", "m7", order.request_hash
        ),
    )


def test_seq_is_dense_in_each_room() -> None:
    """Each room counts for itself, from 1, topics included, whoever speaks."""
    scene = Scene()
    alice, bob = scene.guest("alice", room="lobby"), scene.guest("bob", room="den")
    seqs = [
        scene.say(alice, "lobby").seq,
        scene.say(bob, "lobby").seq,
        scene.say(bob, "den").seq,
        scene.ok(cmd.SetTopic(alice, to("lobby"), "x")).seq,
        scene.say(alice, "den").seq,
        scene.say(bob, "lobby").seq,
    ]
    assert seqs == [1, 2, 1, 3, 2, 4]


def test_posting_to_a_public_room_needs_no_membership() -> None:
    """Who posts does not become a member by it."""
    scene = Scene()
    answer = scene.say(scene.guest("alice"), "LOBBY")
    assert scene.members_of(answer.room_id) == []


def test_posting_opens_no_public_room() -> None:
    """A name that no room has is not opened by a message."""
    scene = Scene()
    alice = scene.guest("alice")
    refusal = scene.refused(post(alice, "nowhere"))
    assert (refusal.reason, refusal.field) == (Reason.ROOM_NOT_FOUND, "room")


# ----------------------------------------------------------------------- text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4096,
        "é" * 2048,
        "字" * 1365 + "a",
        "👋" * 1024,
        "a" * 4092 + "👋",
        "x\n" * 99 + "x",
        "\n" * 99 + "x",
        ".",
        " x ",
        "\x1b[2J\x07 shown",
        "\u202eabc",
        "\U0001fae9",
    ],
)
def test_text_at_the_bound(text: str) -> None:
    """Exactly 4,096 bytes, exactly 100 lines, one visible character: stored as it was sent."""
    scene = Scene()
    (event,) = scene.happened(post(scene.guest("alice"), "lobby", text))
    assert isinstance(event, ev.MessagePosted)
    assert event.text == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "visible"),
        (" ", "visible"),
        (" \t\n\u00a0\u3000", "visible"),
        ("\u200b\u200d\u2060\ufeff", "visible"),
        ("\u3164", "visible"),
        ("\u2800\u2800", "visible"),
        ("\x1b\x07", "visible"),
        ("\ufe0f", "visible"),
        ("a" * 4097, "4096 bytes"),
        ("a" * 65_000, "4096 bytes"),
        ("é" * 2048 + "a", "4096 bytes"),
        ("a" * 4093 + "👋", "4096 bytes"),
        ("👋" * 1025, "4096 bytes"),
        (" " * 4097, "4096 bytes"),
        ("a\x00b", "NUL"),
        ("\x00", "NUL"),
        ("x\n" * 100, "100 lines"),
        ("\n" * 100 + "x", "100 lines"),
        ("half \ud83d", "pair"),
        ("\udc4b half", "pair"),
    ],
)
def test_text_that_is_not_valid(text: str, told: str) -> None:
    """Too long by one byte or line, nothing to see, NUL, or half a character: refused and told."""
    scene = Scene()
    refusal = scene.refused(post(scene.guest("alice"), "lobby", text))
    assert (refusal.reason, refusal.field) == (Reason.TEXT_INVALID, "text")
    assert told in refusal.message


def test_text_has_the_limits_of_the_state() -> None:
    """The bounds are settings; bytes are of UTF-8."""
    scene = Scene(Limits(text_bytes=4, text_lines=2))
    alice = scene.guest("alice")
    scene.say(alice, "lobby", "éé")
    scene.say(alice, "lobby", "a\nb")
    for text in ("ééa", "abcde", "\n\na"):
        assert scene.why_not(post(alice, "lobby", text)) is Reason.TEXT_INVALID


@pytest.mark.parametrize(
    "message_id", ["", " ", "a b", "m" * 65, "é", "m\x00", "m\n", "\u200b", "\ud800"]
)
def test_client_id_that_is_not_valid(message_id: str) -> None:
    """A bad id is told before anything else about the message."""
    scene = Scene()
    order = post(scene.guest("alice"), "nowhere", "", message_id=message_id, wait_ms=9)
    refusal = scene.refused(order)
    assert (refusal.reason, refusal.field) == (Reason.CLIENT_ID_INVALID, "client_msg_id")


def test_longest_client_id_is_valid() -> None:
    """64 characters pass."""
    scene = Scene()
    scene.ok(post(scene.guest("alice"), "lobby", message_id="~" * 64))


# ------------------------------------------------------------- one effect each


@pytest.mark.parametrize("where", ["lobby", 1, ("bob",)])
def test_retry_gets_the_first_answer(where: Where) -> None:
    """The same order again has no event, and says where the first one went and when."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    first = scene.ok(post(alice, where))
    scene.say(alice, where, "between")
    scene.pass_time(5000)
    assert scene.happened(post(alice, where)) == ()
    again = scene.ok(post(alice, where))
    assert again.duplicate
    assert not first.duplicate
    assert (again.room_id, again.seq, again.time_ms) == (first.room_id, first.seq, START_MS)


def test_retry_may_come_by_another_session() -> None:
    """The id belongs to the user: a client that started again finds its message stored."""
    scene = Scene()
    alice = scene.guest("alice")
    first = scene.ok(post(alice, "lobby"))
    again = scene.again(alice)
    scene.ok(cmd.EndSession(alice))
    assert scene.ok(post(again, "lobby")).seq == first.seq


def test_two_users_may_use_one_id() -> None:
    """What an id names is one user's own affair."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    assert [scene.ok(post(who, "lobby")).seq for who in (alice, bob)] == [1, 2]


@pytest.mark.parametrize(
    ("where", "text", "style"),
    [
        ("lobby", "other", Style.TEXT),
        ("lobby", "hello", Style.ACTION),
        ("den", "hello", Style.TEXT),
        (("carol", "bob"), "hello", Style.TEXT),
    ],
)
def test_id_of_another_message_is_refused(where: Where, text: str, style: Style) -> None:
    """Text, style and room count: an id that was used for something else is told."""
    scene = Scene()
    alice = scene.guest("alice", room="den")
    scene.guest("bob")
    scene.guest("carol")
    scene.ok(post(alice, "lobby"))
    refusal = scene.refused(post(alice, where, text, style=style))
    assert (refusal.reason, refusal.field) == (Reason.ID_REUSED, "client_msg_id")


def test_names_of_a_direct_message_count() -> None:
    """The hash is of the names as they were sent: other names are another request."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    scene.guest("carol")
    first = scene.ok(post(alice, ("bob", "carol")))
    assert scene.ok(post(alice, ("bob", "carol"))).seq == first.seq
    assert scene.why_not(post(alice, ("bob",))) is Reason.ID_REUSED


def test_retry_is_answered_before_rate_and_text() -> None:
    """What is stored is answered, whatever the rate, the limits and the room are by now."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    order = post(alice, ("bob",), "hello there")
    first = scene.ok(order)
    scene.ok(cmd.EndSession(bob))
    scene.ok(cmd.StartInstance("here", "e", Limits(text_bytes=3), "lobby"))
    hasty = post(alice, ("bob",), "hello there", wait_ms=800)
    assert hasty.request_hash == order.request_hash
    answer = scene.ok(hasty)
    assert (answer.room_id, answer.seq, answer.duplicate) == (first.room_id, first.seq, True)


def test_reused_id_is_told_before_haste() -> None:
    """Waiting would not help with an id that belongs to another message."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(post(alice, "lobby"))
    assert scene.why_not(post(alice, "lobby", "other", wait_ms=5)) is Reason.ID_REUSED


def test_haste() -> None:
    """A new message over its rate is refused with the delay, and its id stays unused."""
    scene = Scene()
    alice = scene.guest("alice")
    refusal = scene.refused(post(alice, "lobby", wait_ms=250))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 250)
    assert not scene.ok(post(alice, "lobby")).duplicate


@pytest.mark.parametrize(
    ("where", "text", "reason"),
    [
        ("lobby", "", Reason.TEXT_INVALID),
        ("nowhere", "hi", Reason.ROOM_NOT_FOUND),
        (99, "hi", Reason.ROOM_NOT_FOUND),
        (("nobody-here",), "hi", Reason.USER_NOT_FOUND),
        ((), "hi", Reason.FIELD_INVALID),
    ],
)
def test_bad_message_is_told_before_haste(where: Where, text: str, reason: Reason) -> None:
    """A mistake that waiting does not mend is named instead of the rate."""
    scene = Scene()
    assert scene.why_not(post(scene.guest("alice"), where, text, wait_ms=250)) is reason


def test_rejected_message_takes_no_seq() -> None:
    """Refused messages leave no hole."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.say(alice, "lobby")
    scene.refused(post(alice, "lobby", ""))
    scene.refused(post(alice, "lobby", wait_ms=5))
    assert scene.say(alice, "lobby").seq == 2


# ------------------------------------------------------------ direct messages


def test_first_direct_message_opens_its_room() -> None:
    """One order, two events: the room and seq 1 in it."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    order = post(alice, ("Bob",), "psst")
    events = scene.happened(order)
    assert events == (
        ev.RoomOpened(START_MS, 2, RoomKind.DIRECT, "", 1, (1, 2)),
        ev.MessagePosted(START_MS, 2, 1, 1, "alice", Style.TEXT, "psst", "m1", order.request_hash),
    )


def test_refused_direct_message_opens_no_room() -> None:
    """Text and haste are judged before a room is opened."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    scene.refused(post(alice, ("bob",), ""))
    scene.refused(post(alice, ("bob",), wait_ms=5))
    assert scene.state.direct_ids.snapshot() == {}


def test_direct_message_to_those_who_are_left() -> None:
    """By its id the room serves as long as somebody else of it is left; then nobody hears."""
    scene = Scene()
    alice, bob, carol = (scene.guest(name) for name in ("alice", "bob", "carol"))
    room_id = scene.say(alice, ("bob", "carol")).room_id
    scene.ok(cmd.EndSession(bob))
    assert scene.why_not(post(alice, ("bob", "carol"))) is Reason.USER_NOT_FOUND
    assert scene.say(alice, room_id).seq == 2
    scene.ok(cmd.EndSession(carol))
    refusal = scene.refused(post(alice, room_id))
    assert (refusal.reason, refusal.field) == (Reason.RECIPIENTS_GONE, "room")


def test_same_name_again_is_another_direct_message() -> None:
    """A later bob is another recipient: what is said to it goes to a room of its own."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    former = scene.say(alice, ("bob",)).room_id
    scene.ok(cmd.EndSession(bob))
    scene.guest("bob")
    later = scene.say(alice, ("bob",))
    assert later.room_id != former
    assert later.seq == 1
    assert scene.why_not(post(alice, former)) is Reason.RECIPIENTS_GONE
