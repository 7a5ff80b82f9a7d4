"""Where people meet: public rooms, memberships, topics, and who is in a direct message."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import visible
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import Role, RoomKind, Style
from chat_service.core.rooms import find_room
from tests.core.scene import START_MS, Scene, Where, post, to

BAD_ROOM_NAMES = [
    "",
    " ",
    "a b",
    "r" * 65,
    "é" * 32,
    ".den",
    "-den",
    "den\x00",
    "den\n",
    "\u200b",
    "den\u200b",
    "l\u043ebby",
    "\u212aitchen",
    "\ud800",
]


def order_on(kind: str, session_id: int, target: cmd.Target) -> cmd.Command:
    """Make an order of a kind about a room."""
    if kind == "post":
        return cmd.PostMessage(session_id, target, Style.TEXT, "hi", "m1", b"h")
    if kind == "join":
        return cmd.JoinRoom(session_id, target)
    if kind == "leave":
        return cmd.LeaveRoom(session_id, target)
    return cmd.SetTopic(session_id, target, "cats")


# --------------------------------------------------------------- public rooms


def test_first_join_opens_a_room() -> None:
    """Any valid name opens a public room, as it was written, and makes its opener the owner."""
    scene = Scene()
    alice = scene.guest("alice")
    events = scene.happened(cmd.JoinRoom(alice, to("Den")))
    assert events == (
        ev.RoomOpened(START_MS, 2, RoomKind.PUBLIC, "Den", 1, ()),
        ev.MemberJoined(START_MS, 2, 1, Role.OWNER),
    )


@pytest.mark.parametrize("name", ["den", "Den", "DEN"])
def test_next_join_enters_it_in_any_case(name: str) -> None:
    """A room is one, whatever the case of its letters, and keeps its first form."""
    scene = Scene()
    scene.join(scene.guest("alice"), "Den")
    bob = scene.guest("bob")
    answer = scene.ok(cmd.JoinRoom(bob, to(name)))
    assert scene.members_of(answer.room_id) == ["alice", "bob"]
    assert scene.state.rooms[answer.room_id].name == "Den"


def test_joining_again_changes_nothing() -> None:
    """A member that joins gets the same answer and no event, by name and by id."""
    scene = Scene()
    alice = scene.guest("alice", room="den")
    den = scene.room_named("den")
    for target in (to("DEN"), to(den)):
        assert scene.happened(cmd.JoinRoom(alice, target)) == ()
        assert scene.ok(cmd.JoinRoom(alice, target)).room_id == den


def test_public_room_is_joined_by_its_id() -> None:
    """An id serves as well as a name for a room that is there."""
    scene = Scene()
    alice = scene.guest("alice")
    lobby = scene.room_named("lobby")
    assert scene.happened(cmd.JoinRoom(alice, to(lobby))) == (ev.MemberJoined(START_MS, lobby, 1),)


@pytest.mark.parametrize("name", BAD_ROOM_NAMES)
def test_room_name_that_is_not_valid(name: str) -> None:
    """A bad name opens nothing; elsewhere it is just a room that is not there."""
    scene = Scene()
    alice = scene.guest("alice", room="kitchen")
    refusal = scene.refused(cmd.JoinRoom(alice, to(name)))
    assert (refusal.reason, refusal.field) == (Reason.ROOM_NAME_INVALID, "room")
    for kind in ("post", "leave", "topic"):
        refusal = scene.refused(order_on(kind, alice, to(name)))
        assert (refusal.reason, refusal.field) == (Reason.ROOM_NOT_FOUND, "room")


def test_longest_room_name_is_valid() -> None:
    """64 characters pass; the limit is the state's."""
    scene = Scene()
    scene.guest("alice", room="r" * 64)
    tight = Scene(Limits(room_name_bytes=5))
    assert tight.why_not(cmd.JoinRoom(tight.guest("alice"), to("kitchen"))) is (
        Reason.ROOM_NAME_INVALID
    )


@pytest.mark.parametrize("room_id", [0, -1, 99, 2**63, 2**70])
@pytest.mark.parametrize("kind", ["post", "join", "leave", "topic"])
def test_unknown_room_id(kind: str, room_id: int) -> None:
    """A number that no room has is a room that is not there, however large."""
    scene = Scene()
    refusal = scene.refused(order_on(kind, scene.guest("alice"), to(room_id)))
    assert (refusal.reason, refusal.field) == (Reason.ROOM_NOT_FOUND, "room")


def test_rooms_of_a_user_are_bounded() -> None:
    """At the limit a further room is refused, by name and by id; leaving one makes room."""
    scene = Scene(Limits(rooms_per_user=2))
    alice = scene.guest("alice", room="one")
    scene.guest("bob", room="three")
    scene.join(alice, "two")
    three = scene.room_named("three")
    for target in (to("three"), to("four"), to(three)):
        refusal = scene.refused(cmd.JoinRoom(alice, target))
        assert (refusal.reason, refusal.field) == (Reason.TOO_MANY_ROOMS, "room")
    scene.join(alice, "one", "two")
    scene.ok(cmd.LeaveRoom(alice, to("one")))
    scene.join(alice, "three")


def test_direct_messages_take_no_place_among_rooms() -> None:
    """The limit on rooms counts public ones alone."""
    scene = Scene(Limits(rooms_per_user=1))
    alice = scene.guest("alice")
    scene.guest("bob")
    scene.say(alice, ("bob",))
    scene.join(alice, "lobby")


def test_haste_in_joining() -> None:
    """Over its rate a join is refused with the delay; where nothing would change it is free."""
    scene = Scene()
    alice = scene.guest("alice", room="den")
    scene.guest("bob")
    lobby, den = scene.room_named("lobby"), scene.room_named("den")
    for target in (to("lobby"), to(lobby), to("new"), to(("bob",))):
        refusal = scene.refused(cmd.JoinRoom(alice, target, wait_ms=300))
        assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 300)
    scene.ok(cmd.JoinRoom(alice, to(("bob",))))
    for target in (to("den"), to(den), to(("bob",))):
        assert scene.happened(cmd.JoinRoom(alice, target, wait_ms=300)) == ()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (to("no room"), Reason.ROOM_NAME_INVALID),
        (to(99), Reason.ROOM_NOT_FOUND),
        (to(("nobody-here",)), Reason.USER_NOT_FOUND),
        (to(()), Reason.FIELD_INVALID),
    ],
)
def test_bad_join_is_told_before_haste(target: cmd.Target, reason: Reason) -> None:
    """Waiting would not help, so the mistake is named and not the rate."""
    scene = Scene()
    order = cmd.JoinRoom(scene.guest("alice"), target, wait_ms=300, room_wait_ms=300)
    assert scene.why_not(order) is reason


def test_new_room_obeys_the_rate_of_its_address() -> None:
    """The verdict on new rooms counts only where one must be opened."""
    scene = Scene()
    alice = scene.guest("alice")
    refusal = scene.refused(cmd.JoinRoom(alice, to("new"), room_wait_ms=900))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 900)
    scene.ok(cmd.JoinRoom(alice, to("lobby"), room_wait_ms=900))


# -------------------------------------------------------------------- leaving


def test_leaving_ends_the_membership() -> None:
    """Who left is not a member, and may come back as the last."""
    scene = Scene()
    alice = scene.guest("alice", room="den")
    scene.guest("bob", room="den")
    den = scene.room_named("den")
    assert scene.happened(cmd.LeaveRoom(alice, to("den"))) == (ev.MemberLeft(START_MS, den, 1),)
    assert scene.members_of(den) == ["bob"]
    scene.join(alice, "den")
    assert scene.members_of(den) == ["bob", "alice"]


@pytest.mark.parametrize("kind", ["leave", "topic"])
def test_outsider_neither_leaves_nor_names_the_topic(kind: str) -> None:
    """Both need a membership, by name and by id."""
    scene = Scene()
    alice = scene.guest("alice")
    for target in (to("lobby"), to(scene.room_named("lobby"))):
        refusal = scene.refused(order_on(kind, alice, target))
        assert (refusal.reason, refusal.field) == (Reason.NOT_A_MEMBER, "room")


@pytest.mark.parametrize("kind", ["leave", "topic"])
def test_direct_message_is_not_left_and_has_no_topic(kind: str) -> None:
    """Open or not yet, by its members or by its id."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    assert scene.why_not(order_on(kind, alice, to(("bob",)))) is Reason.ROOM_IS_DIRECT
    room_id = scene.say(alice, ("bob",)).room_id
    for target in (to(("bob",)), to(room_id)):
        refusal = scene.refused(order_on(kind, alice, target))
        assert (refusal.reason, refusal.field) == (Reason.ROOM_IS_DIRECT, "room")


# --------------------------------------------------------------------- topics


def test_topic_has_a_place_in_the_log() -> None:
    """A topic is an event of the room, between the messages."""
    scene = Scene()
    alice = scene.guest("Alice", room="lobby")
    lobby = scene.room_named("lobby")
    scene.say(alice, "lobby")
    events = scene.happened(cmd.SetTopic(alice, to("lobby"), "cats"))
    assert events == (ev.TopicChanged(START_MS, lobby, 2, 1, "Alice", "cats"),)
    assert scene.say(alice, "lobby").seq == 3
    answer = scene.ok(cmd.SetTopic(alice, to("lobby"), ""))
    assert (answer.room_id, answer.seq, answer.time_ms) == (lobby, 4, START_MS)
    assert scene.state.rooms[lobby].topic == ""


@pytest.mark.parametrize(
    "topic",
    [
        "t" * 391,
        "é" * 195 + "t",
        "t" * 387 + "👋",
        "two\nlines",
        "bell\x07",
        "\x00",
        "\x1b[2J",
        "c1\x9b",
        "a\u2028b",
        "a\u2029b",
        "\x7f",
        "half\ud800",
    ],
)
def test_topic_that_is_not_valid(topic: str) -> None:
    """Too long by one byte, or with a control character: refused, and told before all else."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    for target in (to("lobby"), to("nowhere")):
        refusal = scene.refused(cmd.SetTopic(alice, target, topic, wait_ms=500))
        assert (refusal.reason, refusal.field) == (Reason.TOPIC_INVALID, "topic")


@pytest.mark.parametrize("topic", ["t" * 390, "é" * 195, "t" * 386 + "👋", " ", "\u202eabc"])
def test_topic_at_the_bound(topic: str) -> None:
    """Exactly 390 bytes pass, however many characters they are."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    scene.ok(cmd.SetTopic(alice, to("lobby"), topic))
    assert scene.state.rooms[scene.room_named("lobby")].topic == topic


def test_haste_with_a_topic() -> None:
    """A topic costs as much as a message; a room that is not there is told first."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    refusal = scene.refused(cmd.SetTopic(alice, to("lobby"), "cats", wait_ms=70))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 70)
    assert scene.why_not(cmd.SetTopic(alice, to("nowhere"), "cats", wait_ms=70)) is (
        Reason.ROOM_NOT_FOUND
    )


# ------------------------------------------------------------ direct messages


def test_direct_message_is_its_set_of_members() -> None:
    """Order, case, repetition and one's own name make no other room, nor does who writes."""
    scene = Scene()
    alice, bob, _ = (scene.guest(name) for name in ("alice", "bob", "carol"))
    room_id = scene.ok(cmd.JoinRoom(alice, to(("bob", "carol")))).room_id
    for names in (
        ("carol", "bob"),
        ("BOB", "Carol"),
        ("bob", "carol", "alice"),
        ("Alice", "carol", "bob", "BOB"),
    ):
        assert scene.ok(cmd.JoinRoom(alice, to(names))).room_id == room_id
        assert scene.say(alice, names).room_id == room_id
    assert scene.say(bob, ("alice", "carol")).room_id == room_id
    assert scene.ok(cmd.JoinRoom(bob, to(room_id))).room_id == room_id
    assert scene.say(alice, ("bob",)).room_id != room_id


def test_direct_message_opens_with_its_members_sorted() -> None:
    """The event names the members by id, whatever the order in which they were named."""
    scene = Scene()
    scene.guest("alice")
    scene.guest("bob")
    carol = scene.guest("carol")
    events = scene.happened(cmd.JoinRoom(carol, to(("bob", "alice"))))
    assert events == (ev.RoomOpened(START_MS, 2, RoomKind.DIRECT, "", 3, (1, 2, 3)),)
    assert scene.members_of(2) == ["alice", "bob", "carol"]
    assert scene.state.rooms[2].member_names == ("alice", "bob", "carol")


@pytest.mark.parametrize("names", [(), ("alice",), ("ALICE", "alice")])
@pytest.mark.parametrize("kind", ["post", "join", "leave", "topic"])
def test_direct_message_to_oneself(kind: str, names: tuple[str, ...]) -> None:
    """A direct message needs somebody else."""
    scene = Scene()
    refusal = scene.refused(order_on(kind, scene.guest("alice"), to(names)))
    assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, "room.direct.names")


@pytest.mark.parametrize(
    "name", ["nobody-here", "", " ", "bob ", "b\u043eb", "\x1b", "x" * 33, "\ud800", "bob,carol"]
)
def test_recipient_who_is_not_here(name: str) -> None:
    """One name that is nobody's refuses the whole, and is told, cut to the length of a name."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    for order in (post(alice, ("bob", name)), cmd.JoinRoom(alice, to((name, "bob")))):
        refusal = scene.refused(order)
        assert (refusal.reason, refusal.field) == (Reason.USER_NOT_FOUND, "room.direct.names")
        assert refusal.metadata == (("names", name[:32]),)
    assert len(scene.state.rooms.snapshot()) == 1


def test_recipients_are_bounded() -> None:
    """Exactly the limit passes, one more is refused before anybody is looked for."""
    scene = Scene(Limits(recipients=3))
    alice = scene.guest("alice")
    for name in ("bob", "carol", "dave", "erin"):
        scene.guest(name)
    scene.say(alice, ("bob", "carol", "dave"))
    for names in (("bob", "carol", "dave", "erin"), ("x", "x", "x", "x")):
        refusal = scene.refused(post(alice, names))
        assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, "room.direct.names")


def test_opened_direct_messages_are_bounded() -> None:
    """The limit counts direct messages that a user opened, no public room, none of others."""
    scene = Scene(Limits(directs_per_user=1))
    alice, bob, carol = (scene.guest(name, room=f"{name}-s") for name in ("alice", "bob", "carol"))
    scene.say(bob, ("alice",))
    scene.say(carol, ("alice",))
    scene.say(alice, ("bob", "carol"))
    scene.say(alice, ("bob",))
    scene.guest("dave")
    assert scene.why_not(post(alice, ("dave",))) is Reason.TOO_MANY_ROOMS
    assert scene.why_not(cmd.JoinRoom(alice, to(("dave",)))) is Reason.TOO_MANY_ROOMS


def test_outsider_finds_no_direct_message() -> None:
    """To everybody else the id of a direct message is that of a room that is not there."""
    scene = Scene()
    alice, _, mallory = (scene.guest(name) for name in ("alice", "bob", "mallory"))
    room_id = scene.say(alice, ("bob",)).room_id
    for kind in ("post", "join", "leave", "topic"):
        hidden = scene.refused(order_on(kind, mallory, to(room_id)))
        assert hidden == scene.refused(order_on(kind, mallory, to(99)))


def test_reading_is_for_members_or_public() -> None:
    """A public room is read by anybody, a direct message by its members alone."""
    scene = Scene()
    alice, bob, mallory = (scene.guest(name) for name in ("alice", "bob", "mallory"))
    lobby = scene.state.rooms[scene.room_named("lobby")]
    direct = scene.state.rooms[scene.say(alice, ("bob",)).room_id]
    readers = {
        name: [
            visible(scene.state, room.room_id, scene.user_of(session), scene.now_ms) == room
            for room in (lobby, direct)
        ]
        for name, session in (("alice", alice), ("bob", bob), ("mallory", mallory))
    }
    assert readers == {"alice": [True, True], "bob": [True, True], "mallory": [True, False]}


@pytest.mark.parametrize("where", ["lobby", 1, ("bob",)])
def test_finding_is_the_same_for_every_order(where: Where) -> None:
    """`find_room` gives the room that is there, or who would be in a direct message."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.guest("bob")
    found = find_room(scene.state, scene.user_of(alice), to(where), scene.now_ms)
    assert not isinstance(found, Rejection)
    if isinstance(found, tuple):
        assert found == (1, 2)
        scene.say(alice, where)
        found = find_room(scene.state, scene.user_of(alice), to(where), scene.now_ms)
    assert found == scene.state.rooms[2 if where == ("bob",) else 1]
