"""`chat_cli.intake`: connection, sign-in and refusals as a person meets them."""

from chat_cli import items as it
from chat_cli.model import ById, ByName, Direct, Position, RoomInfo, RoomKind, User
from chat_cli.orders import enter, leave, say, set_topic
from chat_cli.pending import JoinRoom, PendingOrder
from chat_cli.state import Link
from chat_cli.status import waiting_lines
from tests.cli.person import (
    ANNA,
    BOB,
    DEV,
    LOBBY,
    WITH_BOB,
    Person,
    connected,
    here,
    live,
    opened,
    said,
    signed_in,
)

NEW_ANNA = type(ANNA)("u9", "anna")


def test_the_first_connection_greets_and_shows_the_room() -> None:
    """One line of greeting, then what was said before, then who is there."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    assert anna.told(it.Connecting()) == []
    assert anna.told(signed_in()) == ["08:00 · You are anna on here:1. /help tells the rest."]
    assert anna.told(it.Welcome("e1", ANNA), opened()) == []
    assert anna.told(said(1, "bob", "hi")) == ["08:00 bob: hi"]
    assert anna.told(live(1), here("bob", "anna")) == ["08:00 · in #lobby: anna, bob"]
    assert anna.state.link is Link.ONLINE
    assert anna.state.current_label() == "#lobby"


def test_a_lost_connection_is_told_once_and_so_is_the_return() -> None:
    """Attempts that fail in between say nothing; the return counts what others said."""
    anna = connected()
    assert anna.told(it.Offline("connection lost", 0.4)) == [
        "08:00 · disconnected (connection lost), trying again in 1 s"
    ]
    assert anna.told(it.Connecting(), it.Offline("no answer", 3.0)) == []
    lines = anna.told(
        it.Connecting(),
        it.Welcome("e1", ANNA),
        opened(),
        said(1, "bob", "one"),
        said(2, "anna", "mine from elsewhere"),
        said(3, "bob", "two"),
        live(3),
        here("anna", "bob"),
    )
    assert lines == [
        "08:00 bob: one",
        "08:00 anna: mine from elsewhere ✓",
        "08:00 bob: two",
        "08:00 · back, 2 messages caught up",
    ]
    assert anna.told(it.Offline("connection lost", 1.0)) != []


def test_a_server_that_never_answered_is_told_once() -> None:
    """Before the first connection the line names the server."""
    anna = Person()
    assert anna.told(it.Offline("no answer", 2.0)) == [
        "08:00 · here:1: no answer, trying again in 2 s"
    ]
    assert anna.told(it.Offline("no answer", 4.0)) == []
    assert anna.state.retry_at == 4.0


def test_reading_goes_on_after_the_last_event_of_each_room() -> None:
    """The resume point names epoch, rooms and positions."""
    anna = connected()
    anna.told(opened(DEV, 7), said(1, "bob", "hi"))
    point = anna.state.resume_point()
    assert point.epoch == "e1"
    assert point.rooms == (Position(ById("r1"), 1, 50), Position(ById("r2"), 7, 50))


def test_a_replaced_session_stops_with_a_clear_line() -> None:
    """The person is told what to do; nothing happens by itself."""
    anna = connected()
    (line,) = anna.told(it.Replaced())
    assert "Enter takes it back" in line
    assert anna.state.link is Link.REPLACED


def test_a_removed_user_is_told_why_and_what_was_not_sent() -> None:
    """The words of the server, what to do, and each message without an answer; nothing more."""
    anna = connected()
    anna.sees(say(anna.state, "unanswered"))
    why, how, lost, reason = anna.told(it.Kicked("you were removed by the operator: spam"))
    assert why == "08:00 · You were removed by the operator: spam"
    assert how.strip() == "Enter signs in again, /quit leaves."
    assert lost == "08:00 ✗ not sent: unanswered"
    assert reason.strip() == "you were removed"
    assert anna.state.link is Link.KICKED
    assert anna.state.outbox.posts == {}


def test_who_comes_back_after_a_kick_is_somebody_new() -> None:
    """That it was a kick is remembered until the next sign-in, and not for the one after it."""
    anna = connected()
    limits = anna.state.limits
    anna.told(it.Kicked("out"), it.Connecting())
    (line,) = anna.told(it.SignedIn(User("u8", "anna"), "e1", limits))
    assert "You are back: this is a new anna" in line
    assert not anna.state.resume_point().members_only
    (line,) = anna.told(it.SignedIn(User("u9", "anna"), "e1", limits))
    assert "You were away too long: this is a new anna" in line


def test_rooms_are_entered_anew_by_somebody_new_alone() -> None:
    """Also where the first attempt breaks off before they are."""
    anna = connected()
    assert anna.state.resume_point().members_only
    anna.told(it.SignedIn(User("u8", "anna"), "e1", anna.state.limits))
    assert not anna.state.resume_point().members_only
    anna.told(it.Offline("no answer", 1.0), it.Connecting())
    assert not anna.state.resume_point().members_only
    anna.told(it.Welcome("e1", User("u8", "anna")))
    assert anna.state.resume_point().members_only


def test_account_that_was_removed_from_the_server_comes_back_to_its_rooms_as_a_member() -> None:
    """The removal leaves it in its rooms: where it is no more, somebody put it out of that room."""
    anna = connected()
    anna.told(it.Kicked("out"), signed_in())
    assert anna.state.resume_point().members_only


def test_what_was_typed_before_the_password_was_asked_for_is_not_said() -> None:
    """It may be the password; the line has it back, for whoever meant it as a message."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    say(anna.state, "too early")
    anna.state.asked = True
    anna.told(signed_in())
    assert anna.given_back == ["too early"]
    assert anna.state.outbox.posts == {}


def test_what_was_typed_before_a_sign_in_without_a_question_is_said() -> None:
    """A guest, and whoever is signed in already, need not wait to be connected."""
    anna = Person()
    enter(anna.state, ByName("lobby"))
    say(anna.state, "good morning")
    anna.told(signed_in())
    assert anna.given_back == []
    assert [post.text for post in anna.state.outbox.posts.values()] == ["good morning"]


def test_an_announcement_stands_out_from_talk() -> None:
    """It is told at once and in all its lines, also while the stream is not believed."""
    anna = connected()
    anna.state.deaf = True
    assert anna.told(it.Notice("back at noon\nor \x1b[2Jso", announcement=True)) == [
        "08:00 -- the operator: back at noon",
        "         or ␛[2Jso",
    ]


def test_a_place_that_is_no_chat_server_is_told() -> None:
    """The reason is shown and the client stays where it is; before a sign-in it ends with it."""
    anna, newcomer = connected(), Person()
    reason = "what listens there is no chat server"
    assert anna.told(it.Stopped(reason)) == [f"08:00 · {reason}"]
    assert newcomer.told(it.Stopped(reason)) == []
    assert (anna.state.unusable, newcomer.state.unusable) == ("", reason)
    assert anna.state.link is newcomer.state.link is Link.STOPPED


def test_a_refused_name_is_asked_for_again() -> None:
    """The server's reason is shown."""
    anna = Person()
    assert anna.told(it.NameWanted("")) == []
    assert anna.told(it.NameWanted("this name is taken")) == ["08:00 · this name is taken"]
    assert anna.state.link is Link.NAMELESS


def test_an_expired_identity_never_speaks_as_the_new_one() -> None:
    """Waiting messages fail and come back to the input; direct messages are forgotten."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    say(anna.state, "for the old me")
    lines = anna.told(it.Offline("x", 1.0), signed_in(NEW_ANNA))
    assert lines[1:] == [
        "08:00 · You were away too long: this is a new anna, without the direct messages of "
        "before.",
        "08:00 ✗ not sent: for the old me",
        "        it was written under a former sign-in, which is over",
    ]
    assert anna.given_back == ["for the old me"]
    assert list(anna.state.rooms) == ["r1"]
    assert anna.writes() == []


def test_another_epoch_voids_positions_and_ids() -> None:
    """Rooms are entered again by name, waiting messages come back, the epoch is the new one."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), said(1, "bob", "hi"))
    say(anna.state, "where does this go?")
    lines = anna.told(it.Offline("x", 1.0), it.Connecting(), it.Welcome("e2", ANNA))
    assert lines[1:] == [
        "08:00 · The server's data was replaced: starting with what it has.",
        "08:00 ✗ not sent: where does this go?",
        "        the server's data was replaced",
    ]
    assert anna.state.epoch == "e2"
    assert anna.state.rooms == {}
    orders = [due.order for due in anna.writes() if isinstance(due, PendingOrder)]
    assert orders == [JoinRoom(ByName("dev"), 50), JoinRoom(ByName("lobby"), 50)]
    assert anna.state.current_label() == "#lobby"
    assert anna.told(it.Reset("e2")) == []


def test_orders_of_another_epoch_are_not_carried_out() -> None:
    """An id in them may be another room's: nobody leaves, renames or joins that one."""
    anna = connected()
    set_topic(anna.state, "new")
    leave(anna.state, None)
    anna.state.outbox.order(JoinRoom(ById("r1"), 50))
    anna.told(signed_in(NEW_ANNA, epoch="e2"), it.Welcome("e2", NEW_ANNA))
    orders = [due.order for due in anna.writes() if isinstance(due, PendingOrder)]
    assert orders == [JoinRoom(ByName("lobby"), 50)]


def test_a_direct_message_that_was_lost_comes_back_with_its_addressee() -> None:
    """The conversation is gone with the former user; the text must not go to the lobby."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    say(anna.state, "psst", target=ById("r3"))
    anna.told(it.Offline("x", 1.0), signed_in(NEW_ANNA))
    assert anna.given_back == ["/msg bob psst"]


def test_the_new_rooms_of_an_epoch_begin_afresh() -> None:
    """An id that named another room before has no old position."""
    anna = connected()
    anna.told(said(1, "bob", "hi"), signed_in(NEW_ANNA, epoch="e2"), it.Welcome("e2", NEW_ANNA))
    other = RoomInfo("r1", RoomKind.PUBLIC, "kitchen")
    anna.told(opened(other))
    assert anna.told(said(1, "bob", "first", other)) == ["08:00 #kitchen bob: first"]


def test_a_rate_refusal_is_obeyed_silently() -> None:
    """The message waits as long as the server asks and leaves once."""
    anna = connected()
    say(anna.state, "fast")
    post = anna.writes_post()
    refusal = it.Refused(8, "RATE_LIMITED", "slow", client_msg_id=post.client_msg_id, retry_after=2)
    assert anna.told(refusal) == []
    assert anna.texts_written() == []
    anna.now = 2.0
    assert anna.texts_written() == ["fast"]


def test_slow_mode_holds_one_room() -> None:
    """The message says why it waits; one to another room leaves meanwhile."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV))
    say(anna.state, "slow")
    post = anna.writes_post()
    refusal = it.Refused(
        8, "SLOW_MODE", "wait a moment", client_msg_id=post.client_msg_id, retry_after=30
    )
    assert anna.told(refusal) == []
    say(anna.state, "elsewhere", target=ById("r2"))
    say(anna.state, "held")
    assert anna.texts_written() == ["elsewhere"]
    (line, *_) = [drawn.text for drawn in waiting_lines(anna.state, 1.0)]
    assert line.endswith("anna: slow (wait a moment; again in 29 s)")


def test_what_may_not_be_said_comes_back() -> None:
    """Muted, archived, banned, blocked: it is shown as not sent, and can be typed elsewhere."""
    anna = connected()
    for reason in ("MUTED", "ROOM_ARCHIVED", "BANNED_FROM_ROOM", "BLOCKED"):
        say(anna.state, reason)
        post = anna.writes_post()
        lines = anna.told(it.Refused(7, reason, "no", client_msg_id=post.client_msg_id))
        assert lines[0] == f"08:00 ✗ not sent: {reason}"
        assert anna.given_back[-1] == reason


def test_a_busy_server_is_asked_again() -> None:
    """UNAVAILABLE without a delay waits a second."""
    anna = connected()
    say(anna.state, "x")
    post = anna.writes_post()
    anna.told(it.Refused(14, "OVERLOADED", "busy", client_msg_id=post.client_msg_id))
    assert anna.state.outbox.next_due(0.0) == 1.0


def test_a_refused_message_is_shown_and_given_back() -> None:
    """The reason stands under it, and the text is typed again as it was."""
    anna = connected()
    for text, action in (("plain", False), ("/etc is full", False), ("waves", True)):
        say(anna.state, text, action=action)
        post = anna.writes_post()
        lines = anna.told(it.Refused(3, "NO", "not like this", client_msg_id=post.client_msg_id))
        assert lines == [f"08:00 ✗ not sent: {text}", "        not like this"]
    assert anna.given_back == ["plain", "//etc is full", "/me waves"]


def test_a_refused_message_to_somebody_is_typed_as_one() -> None:
    """What was sent with /msg comes back with its receivers."""
    anna = connected()
    say(anna.state, "psst", target=Direct(("dave",)))
    post = anna.writes_post()
    lines = anna.told(it.Refused(5, "NO", "nobody: dave", client_msg_id=post.client_msg_id))
    assert lines[0] == "08:00 @dave ✗ not sent: psst"
    assert anna.given_back == ["/msg dave psst"]


def test_a_refused_join_leaves_one_where_one_was() -> None:
    """The current room is the old one again."""
    anna = connected()
    enter(anna.state, ByName("bad name"))
    join = anna.writes_order()
    assert anna.told(it.Refused(3, "NO", "a bad name", order_id=join.order_id)) == [
        "08:00 · a bad name"
    ]
    assert anna.state.current_label() == "#lobby"


def test_a_wrong_password_of_a_room_may_be_what_is_wrong() -> None:
    """The server says nothing else where there is no such room, and nothing else is said here."""
    anna = connected()
    enter(anna.state, ById("r9"), "tea time")
    refusal = it.Refused(5, "NO", "there is no such room", order_id=anna.writes_order().order_id)
    assert anna.told(refusal) == ["08:00 · there is no such room, or it has another password"]


def test_a_join_that_is_too_fast_is_repeated() -> None:
    """The server's delay is obeyed without a word."""
    anna = connected()
    enter(anna.state, ByName("dev"))
    join = anna.writes_order()
    assert anna.told(it.Refused(8, "NO", "slow", order_id=join.order_id, retry_after=3)) == []
    anna.now = 3.0
    assert anna.writes() == [join]


def test_a_topic_in_doubt_is_told() -> None:
    """When the connection breaks before the answer, it is not set a second time."""
    anna = connected()
    set_topic(anna.state, "new")
    anna.writes()
    lines = anna.told(it.Offline("x", 1.0))
    assert lines[0].startswith("08:00 · The connection broke while the topic was changed.")
    assert anna.writes() == []


def test_other_errors_and_notices_are_shown() -> None:
    """An error that belongs to nothing we know, and a word of the server, are seen."""
    anna = connected()
    assert anna.told(it.Refused(13, "INTERNAL", "oops")) == ["08:00 · oops"]
    assert anna.told(it.Notice("tea at four")) == ["08:00 · server: tea at four"]
    assert anna.told(it.Notice("bye", draining=True)) == []
    assert anna.told(it.Remark("no state directory")) == ["08:00 · no state directory"]


def test_the_welcome_tells_who_one_is() -> None:
    """Own messages are known by the id of the welcome."""
    anna = connected()
    anna.told(it.Welcome("e1", BOB))
    assert anna.state.own == BOB
    assert LOBBY.room_id in anna.state.rooms
