"""`chat_cli.reading`: every event once, no hole in silence, rooms opened and closed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_cli import items as it
from chat_cli.effects import LookBack, Strike
from chat_cli.entries import Spoken
from chat_cli.happenings import happening
from chat_cli.model import (
    Body,
    ById,
    ByName,
    Deleted,
    Direct,
    Invitation,
    Removed,
    Role,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    RoomInfo,
    RoomKind,
    Said,
    Tombstone,
    User,
)
from chat_cli.orders import enter, say
from chat_cli.pending import JoinRoom, PendingOrder, PendingPost
from tests.cli.person import (
    ANNA,
    BOB,
    CAROL,
    DEV,
    EIGHT,
    LOBBY,
    PLAN,
    WITH_BOB,
    acked,
    connected,
    goes_to,
    here,
    live,
    opened,
    order_acked,
    said,
    topic_set,
)

NO_MEMBER = it.Refused(9, "NOT_A_MEMBER", "no member", order_id="hello", room_id="r1")


def test_a_known_event_is_dropped() -> None:
    """What was shown once is not shown again."""
    anna = connected()
    assert anna.told(said(1, "bob", "hi"), said(1, "bob", "hi")) == ["08:00 bob: hi"]


def test_a_hole_is_told_and_read_again() -> None:
    """Until the next stream nothing more is believed; then reading goes on before the hole."""
    anna = connected()
    lines = anna.told(said(1, "bob", "one"), said(3, "bob", "three"), said(4, "bob", "four"))
    assert lines == [
        "08:00 bob: one",
        "08:00 · The server skipped a message of #lobby: reading it again.",
    ]
    assert anna.read_again == 1
    assert anna.state.resume_point().rooms[0].after_seq == 1
    lines = anna.told(
        it.Connecting(),
        it.Welcome("e1", ANNA),
        opened(after_seq=1),
        said(2, "bob", "two"),
        said(3, "bob", "three"),
        live(3),
    )
    assert lines[:2] == ["08:00 bob: two", "08:00 bob: three"]


def test_a_hole_that_stays_is_shown() -> None:
    """The second time the client says what is missing and goes on."""
    anna = connected()
    anna.told(said(2, "bob", "two"), it.Welcome("e1", ANNA), opened())
    assert anna.told(said(2, "bob", "two"), said(3, "bob", "three")) == [
        "08:00 · 1 message of #lobby is missing: the server does not send it.",
        "08:00 bob: two",
        "08:00 bob: three",
    ]
    assert anna.read_again == 1


def test_a_live_marker_beyond_the_last_event_is_a_hole() -> None:
    """Missing events at the end are noticed too."""
    anna = connected()
    anna.told(it.Welcome("e1", ANNA), opened(), live(2))
    assert anna.read_again == 1


def test_a_gap_is_one_line() -> None:
    """What is no longer kept is named, and reading goes on with what is."""
    anna = connected()
    anna.told(said(1, "bob", "one"), it.Welcome("e1", ANNA), opened(after_seq=1))
    assert anna.told(it.Gap("r1", 1, 10), said(10, "bob", "ten")) == [
        "08:00 · 8 older messages of #lobby are no longer kept",
        "08:00 bob: ten",
    ]


def test_a_room_that_is_shorter_than_what_was_read_begins_afresh() -> None:
    """OUT_OF_RANGE for one room resets that room alone."""
    anna = connected()
    anna.told(said(1, "bob", "one"), opened(DEV, 5), it.Welcome("e1", ANNA))
    (line,) = anna.told(it.Refused(11, "SEQ", "beyond", order_id="hello", room_id="r1"))
    assert "#lobby is shorter" in line
    join = anna.writes_order()
    assert join.order == JoinRoom(ById("r1"), 50)
    assert anna.told(opened(after_seq=0), said(1, "bob", "anew")) == ["08:00 bob: anew"]
    assert anna.state.resume_point().rooms[1].after_seq == 5


def test_a_reset_room_goes_on_with_all_that_belongs_to_it() -> None:
    """Unread starts afresh, acknowledged messages are shown, waiting ones are sent, no hole."""
    anna = connected(send_burst=0)
    long = RoomInfo("r3", RoomKind.DIRECT, head_seq=60, members=(ANNA, BOB))
    anna.told(opened(long), *(said(seq, "bob", str(seq), long) for seq in range(1, 61)))
    assert anna.state.rooms["r3"].unread == 50
    say(anna.state, "stored", target=ById("r3"))
    stored = anna.writes_post()
    anna.told(acked(stored, 61, long))
    say(anna.state, "waiting", target=ById("r3"))
    anna.told(it.Offline("x", 1.0), it.Welcome("e1", ANNA), opened(after_seq=0), live(0))
    lines = anna.told(it.Refused(11, "SEQ", "beyond", order_id="hello", room_id="r3"))
    assert lines == [
        "08:00 @bob anna: stored ✓",
        "08:00 · @bob is shorter than what was read of it: starting with its newest messages",
        "08:00 · back, nothing missed",
    ]
    join, post = anna.writes()
    assert isinstance(join, PendingOrder)
    assert isinstance(post, PendingPost)
    assert (join.order, post.text) == (JoinRoom(ById("r3"), 50), "waiting")
    short = RoomInfo("r3", RoomKind.DIRECT, head_seq=5, members=(ANNA, BOB))
    lines = anna.told(
        order_acked(join.order_id, short),
        opened(short),
        *(said(seq, "bob", f"again {seq}", short) for seq in range(1, 6)),
        live(5, short),
        acked(post, 6, short),
        said(6, "anna", "waiting", short, post.client_msg_id),
        said(7, "bob", "and on", short),
    )
    assert lines == [
        *(f"08:00 @bob bob: again {seq}" for seq in range(1, 6)),
        "08:00 @bob anna: waiting ✓",
        "08:00 @bob bob: and on",
    ]
    assert anna.state.rooms["r3"].unread == 6
    assert anna.read_again == 0
    assert not list(anna.state.waiting())


def test_a_reset_room_is_asked_for_again_over_a_break() -> None:
    """Before the room is open again it has no position, so the next Hello begins anew too."""
    anna = connected()
    anna.told(said(1, "bob", "one"), it.Welcome("e1", ANNA))
    anna.told(it.Refused(11, "SEQ", "beyond", order_id="hello", room_id="r1"))
    anna.told(it.Offline("x", 1.0))
    (position,) = anna.state.resume_point().rooms
    assert (position.after_seq, position.recent) == (None, 50)
    # More than 50 newer events: what was acknowledged meanwhile is not among them.
    say(anna.state, "mine")
    post = next(due for due in anna.writes() if isinstance(due, PendingPost))
    anna.told(it.Welcome("e1", ANNA), acked(post, 7))
    assert anna.told(opened(after_seq=20)) == ["08:00 anna: mine ✓"]
    assert anna.told(said(21, "bob", "on")) == ["08:00 bob: on"]


def test_a_public_room_that_is_gone_is_entered_by_name() -> None:
    """NOT_FOUND for a room of Hello opens one of that name again."""
    anna = connected()
    anna.told(opened(DEV), it.Welcome("e1", ANNA))
    for room_id, name in (("r1", "lobby"), ("r2", "dev")):
        anna.told(it.Refused(5, "NO", "no such room", order_id="hello", room_id=room_id))
        join = anna.writes_order()
        assert join.order == JoinRoom(ByName(name), 50)
    assert anna.state.current_label() == "#lobby"


def test_a_room_that_may_not_be_read_is_closed() -> None:
    """Another refusal is shown, and the room is not tried again."""
    anna = connected()
    anna.told(it.Welcome("e1", ANNA))
    assert anna.told(it.Refused(7, "NO", "not for you", order_id="hello", room_id="r1")) == [
        "08:00 · #lobby: not for you",
        "08:00 · back, nothing missed",
        "08:00 · You are in no room now. /join NAME enters one.",
    ]
    assert anna.writes() == []
    assert anna.state.current_label() == ""


def test_what_is_typed_for_a_room_that_may_not_be_read_is_not_for_the_next() -> None:
    """It has to be confirmed, as after a removal; of another room there is nothing to say."""
    anna = connected()
    anna.told(opened(DEV), opened(PLAN), it.Welcome("e1", ANNA))
    (line,) = anna.told(it.Refused(5, "NO", "no such room", order_id="hello", room_id="r5"))
    assert line == "08:00 · You are not in plan (private) any more."
    assert anna.state.put_out_of == ""
    (*_, line) = anna.told(it.Refused(7, "NO", "not for you", order_id="hello", room_id="r1"))
    assert line == "08:00 · You are in #dev now."
    assert anna.state.put_out_of == "#lobby"


def test_a_room_that_was_asked_for_becomes_the_current_one() -> None:
    """Its past is shown as that of the current room, whether ack or opening comes first."""
    for ack_first in (True, False):
        anna = connected()
        enter(anna.state, ByName("DEV"))
        join = anna.writes_order()
        answers = [order_acked(join.order_id, DEV), opened(DEV)]
        anna.told(*(answers if ack_first else reversed(answers)))
        assert anna.told(said(1, "bob", "hi", DEV)) == ["08:00 bob: hi"]
        assert anna.state.current_label() == "#dev"


def test_an_opened_conversation_becomes_the_current_one() -> None:
    """The server says which direct message has these people."""
    anna = connected()
    enter(anna.state, Direct(("Bob",)))
    assert anna.state.current_label() == "@Bob"
    join = anna.writes_order()
    assert anna.told(order_acked(join.order_id, WITH_BOB), opened(WITH_BOB), live(0, WITH_BOB)) == [
        "08:00 · now in @bob"
    ]
    assert anna.state.current_label() == "@bob"


def test_a_name_means_who_has_it_now() -> None:
    """A conversation with somebody who is gone for ever does not catch its name's new owner."""
    anna = connected()
    new_bob = User("u9", "bob", True)
    with_new_bob = RoomInfo("r9", RoomKind.DIRECT, head_seq=0, members=(ANNA, new_bob))
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    anna.told(opened(with_new_bob), live(0, with_new_bob))
    assert goes_to(anna, with_new_bob, "bob") == ["08:00 · now in @bob"]
    assert anna.state.here == "r9"
    found = anna.state.find(Direct(("bob",)))
    assert found is not None
    assert found.room_id == "r9"


def test_a_message_elsewhere_names_its_room_and_counts() -> None:
    """Unread messages are counted until one goes there; the way there is told once."""
    anna = connected()
    anna.told(opened(WITH_BOB), live(0, WITH_BOB))
    assert anna.told(said(1, "bob", "psst", WITH_BOB), said(2, "bob", "hey", WITH_BOB)) == [
        "08:00 @bob bob: psst",
        "08:00 · /dm bob goes to this conversation",
        "08:00 @bob bob: hey",
    ]
    assert anna.state.rooms["r3"].unread == 2
    assert goes_to(anna, WITH_BOB, "bob") == ["08:00 · now in @bob"]
    assert anna.state.rooms["r3"].unread == 0


def test_a_long_past_shows_its_end() -> None:
    """Of a conversation that is sent from its beginning only the newest events are shown."""
    anna = connected()
    long = RoomInfo("r3", RoomKind.DIRECT, head_seq=60, members=(ANNA, BOB))
    lines = anna.told(opened(long), *(said(seq, "bob", str(seq), long) for seq in range(1, 61)))
    assert lines[0] == "08:00 · 10 older messages of @bob: /history shows them"
    assert lines[1] == "08:00 @bob bob: 11"
    assert lines[-1] == "08:00 @bob bob: 60"


@pytest.mark.parametrize("is_told", [False, True], ids=["opened there", "by a gap"])
def test_what_is_no_longer_kept_does_not_count_as_older(*, is_told: bool) -> None:
    """Only those messages are promised to /history that it can show."""
    anna = connected()
    long = RoomInfo("r3", RoomKind.DIRECT, head_seq=60, members=(ANNA, BOB))
    if is_told:
        anna.told(opened(long), it.Gap("r3", 0, 8))
    else:
        anna.told(opened(long, 7))
    lines = anna.told(*(said(seq, "bob", str(seq), long) for seq in range(8, 61)))
    assert lines[:2] == [
        "08:00 · 3 older messages of @bob: /history shows them",
        "08:00 @bob bob: 11",
    ]


def test_coming_and_going_is_one_line() -> None:
    """Oneself is not news, and neither is who was in the picture already."""
    anna = connected()
    change = it.Presence("r1", False, (CAROL, ANNA, BOB), (), 3)
    assert anna.told(change) == ["08:00 · carol joined"]
    assert anna.told(it.Presence("r1", False, (), (CAROL, BOB), 1)) == ["08:00 · carol, bob left"]
    assert anna.told(it.Presence("r1", False, (ANNA,), (), 1)) == []


def test_who_was_removed_is_not_told_to_have_left() -> None:
    """Once: whoever comes back later and goes is told again."""
    anna = connected()
    anna.told(it.Presence("r1", False, (BOB, CAROL), (), 3))
    (line,) = anna.told(happened(1, Removed(CAROL, "spam")))
    assert line == "08:00 · bob removed carol: spam"
    assert anna.told(it.Presence("r1", False, (), (CAROL,), 2)) == []
    anna.told(it.Presence("r1", False, (CAROL,), (), 3))
    assert anna.told(it.Presence("r1", False, (), (CAROL,), 2)) == ["08:00 · carol left"]


def test_a_later_picture_is_taken_in_silence() -> None:
    """After a reconnect nobody is introduced again."""
    anna = connected()
    assert anna.told(here("anna", "carol")) == []
    assert set(anna.state.rooms["r1"].present) == {"u1", "u3"}


def test_a_large_room_says_how_many_there_are() -> None:
    """A picture of a part tells the whole number."""
    anna = connected()
    enter(anna.state, ByName("dev"))
    anna.told(opened(DEV), live(0, DEV))
    picture = it.Presence("r2", True, (ANNA, BOB), (), 900)
    assert anna.told(picture) == ["08:00 · in #dev, 900 in all: anna, bob"]


def test_topics_are_shown_and_kept() -> None:
    """A new topic is a line; the topic of a room that one enters stands above its people."""
    anna = connected()
    assert anna.told(topic_set(1, "bob", "tea")) == ["08:00 · bob set the topic: tea"]
    assert anna.told(topic_set(2, "bob", "")) == ["08:00 · bob removed the topic"]
    about = RoomInfo("r2", RoomKind.PUBLIC, "dev", topic="code")
    enter(anna.state, ByName("dev"))
    assert anna.told(opened(about), live(0, DEV), here("anna", room=DEV)) == [
        "08:00 · #dev: code",
        "08:00 · in #dev: anna",
    ]


def test_an_unknown_kind_of_event_counts_as_seen() -> None:
    """A newer server's event is passed over without a hole."""
    anna = connected()
    unknown = it.EventArrived(RoomEvent("r1", 1, EIGHT, BOB, None))
    assert anna.told(unknown, said(2, "bob", "hi")) == ["08:00 bob: hi"]


def test_unknown_rooms_are_ignored() -> None:
    """Items of a room that is not open change nothing."""
    anna = connected()
    strange = RoomInfo("r99", RoomKind.PUBLIC, "strange")
    items: list[it.Item] = [said(1, "bob", "x", strange), live(1, strange), it.Gap("r99", 0, 5)]
    assert anna.told(*items, here("bob", room=strange), it.RoomClosed("r99")) == []
    assert list(anna.state.rooms) == [LOBBY.room_id]


def test_a_mention_is_marked() -> None:
    """One's own name as a word of its own, in any case, but not inside another name."""
    anna = connected()
    expected = {"hi ANNA!": True, "anna: you": True, "joanna": False, "anna-lena": False}
    for seq, (text, mention) in enumerate(expected.items(), 1):
        anna.told(said(seq, "bob", text))
        entry = anna.state.rooms["r1"]
        assert entry.last_seq == seq
        assert _mentioned(text) is mention


def _mentioned(text: str) -> bool:
    entry = happening(RoomEvent("r1", 1, EIGHT, BOB, Said(text)), ANNA)
    return isinstance(entry, Spoken) and entry.mention


def happened(seq: int, body: Body, author: User = BOB, room: RoomInfo = LOBBY) -> it.EventArrived:
    """Make the item of an event."""
    return it.EventArrived(RoomEvent(room.room_id, seq, EIGHT, author, body))


def test_a_room_that_one_is_in_already_is_one_line() -> None:
    """Nobody asked for it now: neither its topic nor its people are told."""
    anna = connected()
    about = replace(DEV, topic="code")
    lines = anna.told(opened(about), live(0, DEV), here("anna", room=DEV))
    assert lines == ["08:00 · you are in #dev too"]
    assert anna.sees(enter(anna.state, ByName("dev"))) == ["08:00 · now in #dev: code"]


def test_a_deletion_strikes_what_is_shown() -> None:
    """It is told who did it and why; the own message is no longer the last one."""
    anna = connected()
    anna.told(said(1, "anna", "oops"), said(2, "anna", "fine"))
    assert anna.state.rooms["r1"].own_seqs == [1, 2]
    assert anna.told(happened(3, Deleted(2, ANNA, "rude"))) == [
        "08:00 · bob deleted a message of anna: rude"
    ]
    assert anna.other_effects == [Strike("r1", 2)]
    assert anna.state.rooms["r1"].own_seqs == [1]


def test_an_own_message_that_was_deleted_before_it_came_back_is_no_longer_waited_for() -> None:
    """A tombstone has its place."""
    anna = connected()
    say(anna.state, "oops")
    anna.told(acked(anna.writes_post(), 1))
    assert len(list(anna.state.waiting())) == 1
    assert anna.told(happened(1, Tombstone(), ANNA)) == ["08:00 anna: (message deleted)"]
    assert list(anna.state.waiting()) == []


def test_who_was_put_out_meanwhile_stays_out() -> None:
    """What waited for that room is not sent; the room may tell who did it."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), said(1, "bob", "one"), it.Offline("x", 1.0))
    say(anna.state, "typed meanwhile")
    assert anna.state.resume_point().members_only
    lines = anna.told(it.Welcome("e1", ANNA), NO_MEMBER, opened(DEV), live(0, DEV))
    assert lines == [
        "08:00 · You are not in #lobby any more.",
        "08:00 ✗ not sent: typed meanwhile",
        "        you are not in #lobby any more",
        "08:00 · You are in #dev now.",
        "08:00 · back, nothing missed",
    ]
    assert anna.other_effects == [LookBack("r1", "#lobby", 1)]
    assert anna.state.put_out_of == "#lobby"
    assert anna.writes() == []


def test_who_was_put_out_of_a_private_room_meanwhile_is_told() -> None:
    """To outsiders it does not exist, and nothing can be looked up."""
    anna = connected()
    anna.told(opened(PLAN), live(0, PLAN), it.Offline("x", 1.0), it.Welcome("e1", ANNA))
    gone = it.Refused(5, "ROOM_NOT_FOUND", "no such room", order_id="hello", room_id="r5")
    assert anna.told(gone) == ["08:00 · You are not in plan (private) any more."]
    assert anna.other_effects == []


def test_who_came_back_in_another_window_is_not_taken_out() -> None:
    """A removal that is over is a thing that happened."""
    anna = connected()
    anna.told(it.Offline("x", 1.0), it.Welcome("e1", ANNA), opened(replace(LOBBY, head_seq=1)))
    lines = anna.told(happened(1, Removed(ANNA, "spam")), live(1))
    assert lines == ["08:00 · bob removed anna: spam", "08:00 · back, nothing missed"]
    assert anna.writes() == []


def test_what_is_on_its_way_into_a_room_that_one_is_put_out_of_has_its_own_answer() -> None:
    """A public room takes messages of those who are not in it."""
    anna = connected()
    say(anna.state, "on its way")
    post = anna.writes_post()
    lines = anna.told(it.RoomClosed("r1", it.CloseReason.REMOVED))
    assert not any("not sent" in line for line in lines)
    assert anna.told(acked(post, 1)) == ["08:00 #lobby anna: on its way ✓"]


def test_removals_of_before_one_entered_and_of_others_are_no_reason_to_leave() -> None:
    """Also where a room had to be begun anew; what is told of them is the same."""
    anna = connected()
    anna.told(opened(replace(DEV, head_seq=2)))
    lines = anna.told(
        happened(1, Removed(ANNA), room=DEV),
        happened(2, Removed(CAROL), room=DEV),
    )
    assert lines == ["08:00 #dev · bob removed anna", "08:00 #dev · bob removed carol"]
    anna.told(it.Refused(11, "SEQ", "beyond", order_id="hello", room_id="r2"))
    anna.told(opened(replace(DEV, head_seq=1)))
    assert anna.told(happened(1, Removed(ANNA), room=DEV)) == ["08:00 #dev · bob removed anna"]
    assert [isinstance(one.order, JoinRoom) for one in anna.state.outbox.orders.values()] == [True]


def test_what_changes_of_a_room_is_kept() -> None:
    """Its name, its pace, whether it is closed, and the own role; not that of others."""
    anna = connected()
    anna.told(
        happened(1, RoomChanged("hall", slow_mode_ms=5000)),
        happened(2, RoleChanged(ANNA, Role.MODERATOR)),
        happened(3, RoleChanged(CAROL, Role.OWNER)),
        happened(4, RoomChanged(archived=True)),
        topic_set(5, "bob", "tea"),
    )
    room = anna.state.rooms["r1"]
    assert room.info == replace(
        LOBBY, name="hall", slow_mode_ms=5000, role=Role.MODERATOR, archived=True, topic="tea"
    )
    assert room.moderated
    assert anna.state.current_label() == "#hall"


def test_a_private_room_is_none_of_the_public_ones() -> None:
    """Its name does not lead to it, and it is gone with the user that was in it."""
    anna = connected()
    anna.told(opened(PLAN), live(0, PLAN), here("anna", "carol", room=PLAN))
    room = anna.state.rooms["r5"]
    assert not room.answers_to(ByName("plan"), "u1")
    assert anna.state.label("r5") == "plan (private)"
    assert anna.state.public_names() == ["lobby"]
    assert anna.state.room_names() == ["lobby", "plan"]
    assert "carol" in anna.state.known_names()
    anna.told(it.Offline("x", 1.0), it.SignedIn(User("u9", "anna"), "e1", anna.state.limits))
    assert list(anna.state.rooms) == ["r1"]


def test_nothing_of_whom_one_ignores_is_seen() -> None:
    """Neither what is said nor coming, going and inviting; what is done to the room is."""
    anna = connected()
    anna.state.ignored = {"bob": "bob"}
    anna.told(opened(DEV), live(0, DEV))
    joins = it.Presence("r1", False, (User("u8", "BOB"), CAROL), (), 3)
    assert anna.told(said(1, "bob", "hi anna"), said(1, "bob", "there", DEV), joins) == [
        "08:00 · carol joined"
    ]
    assert anna.state.rooms["r2"].unread == 0
    assert anna.told(it.Invited(Invitation("r5", "plan", BOB, EIGHT))) == []
    assert anna.told(happened(2, Tombstone())) == []
    assert anna.told(topic_set(3, "bob", "tea")) == ["08:00 · bob set the topic: tea"]


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=40))
def test_whatever_is_replayed_is_seen_once_and_in_order(script: list[tuple[int, bool]]) -> None:
    """Streams that begin anywhere up to the position and break anywhere give 1, 2, 3 and so on."""
    anna = connected()
    seen: list[str] = []
    for length, broken in script:
        start = anna.state.resume_point().rooms[0].after_seq or 0
        anna.told(it.Welcome("e1", ANNA), opened(after_seq=start))
        first = start + 1 if not broken else max(1, start - 1)
        for seq in range(first, first + length):
            seen += anna.told(said(seq, "bob", str(seq)))
    assert seen == [f"08:00 bob: {number}" for number in range(1, len(seen) + 1)]
    assert anna.read_again == 0
