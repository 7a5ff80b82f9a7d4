"""Who is here: instances, guests, further sessions, streams, and the end of each."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason
from chat_service.core.limits import RESERVED_NAMES, Limits
from chat_service.core.model import RoomKind
from chat_service.core.sessions import connected_at_stop
from chat_service.core.state import RULES_VERSION
from tests.core.scene import INSTANCE, START_MS, Scene, post, to

GRACE_MS = Limits().guest_grace_ms + Limits().renewal_ms
IDLE_MS = Limits().account_idle_ms + Limits().renewal_ms


def open_guest(name: str, room: str = "", room_wait_ms: int = 0) -> cmd.OpenGuest:
    """Make the order of somebody who signs in for the first time."""
    return cmd.OpenGuest(name, name.encode("utf-8", "replace") + b"#", INSTANCE, room, room_wait_ms)


# ------------------------------------------------------------------ instances


def test_first_start_gives_epoch_limits_and_default_room() -> None:
    """The data begins with its epoch, its limits and the room that everybody finds."""
    scene = Scene(started=False)
    events = scene.happened(cmd.StartInstance("one", "e1", Limits(), "lobby"))
    assert events == (
        ev.EpochBegan(START_MS, "e1", RULES_VERSION),
        ev.Configured(START_MS, Limits()),
        ev.RoomOpened(START_MS, 1, RoomKind.PUBLIC, "lobby", 0, ()),
        ev.InstanceStarted(START_MS, "one", START_MS + GRACE_MS, START_MS + IDLE_MS),
    )


def test_later_start_keeps_epoch_and_rooms() -> None:
    """A restart changes nothing but what it left attached; another epoch is not taken."""
    scene = Scene()
    epoch = scene.state.epoch
    events = scene.happened(cmd.StartInstance(INSTANCE, "other", Limits(), "Lobby"))
    assert [type(event) for event in events] == [ev.InstanceStarted]
    assert scene.state.epoch == epoch


def test_start_with_other_limits_configures_them() -> None:
    """New limits hold from the start that brings them."""
    scene = Scene()
    scene.ok(cmd.StartInstance(INSTANCE, "e", Limits(text_bytes=5), "lobby"))
    assert scene.state.limits.text_bytes == 5


def test_limits_change_while_it_runs() -> None:
    """Other limits hold from the next order on, are told once, and change nothing before."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    fewer = Limits(rooms_per_user=1, reserved_names=("bob",))
    assert scene.happened(cmd.Configure(fewer)) == (ev.Configured(scene.now_ms, fewer),)
    assert scene.happened(cmd.Configure(fewer)) == ()
    assert scene.why_not(cmd.JoinRoom(alice, cmd.RoomByName("den"))) is Reason.TOO_MANY_ROOMS
    assert scene.why_not(cmd.OpenGuest("Bob", b"t", INSTANCE)) is Reason.NAME_RESERVED
    scene.ok(cmd.Configure(Limits()))
    scene.ok(cmd.JoinRoom(alice, cmd.RoomByName("den")))


def test_crash_detaches_and_the_grace_begins_at_the_restart() -> None:
    """What was attached when the server fell is detached and lives a whole grace more."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.AttachSession(alice, 9))
    scene.pass_time(3_600_000)
    scene.ok(cmd.StartInstance(INSTANCE, "e", Limits(), "lobby"))
    session = scene.state.sessions[alice]
    assert (session.attachment, session.until_ms) == (0, scene.now_ms + GRACE_MS)


def test_start_of_another_instance_detaches_nobody_here() -> None:
    """A session belongs to the instance that it was opened on."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.AttachSession(alice, 9))
    scene.ok(cmd.StartInstance("another", "e", Limits(), "lobby"))
    assert scene.state.sessions[alice].attachment == 9


# --------------------------------------------------------------------- guests


def test_guest_gets_an_identity_and_a_session() -> None:
    """Signing in makes a user and a session, numbered, with the token's hash and a deadline."""
    scene = Scene()
    events = scene.happened(cmd.OpenGuest("Alice", b"hash", INSTANCE))
    assert events == (
        ev.UserCreated(START_MS, 1, "Alice"),
        ev.SessionOpened(START_MS, 1, 1, b"hash", INSTANCE, START_MS + GRACE_MS),
    )
    answer = scene.ok(cmd.OpenGuest("Bob", b"other", INSTANCE))
    assert answer == Answer(user_id=2, session_id=2)


def test_guest_may_join_a_room_at_once() -> None:
    """With a room in the order the guest is its member, and the answer tells all three ids."""
    scene = Scene()
    answer = scene.ok(open_guest("alice", "LOBBY"))
    assert answer.room_id == scene.room_named("lobby")
    assert (answer.user_id, answer.session_id) == (1, 1)
    assert scene.members_of(answer.room_id) == ["alice"]
    opened = scene.ok(open_guest("bob", "den"))
    assert scene.state.rooms[opened.room_id].opener_id == opened.user_id


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a" * 33,
        "é" * 16,
        "a" * 31 + "é",
        ".a",
        "-a",
        "a\x00",
        "a\n",
        "\x1b[31m",
        "\u200b",
        "a\u200b",
        "\u0430dmin",
        "\uff42ob",
        "\u212aen",
        "\ud800",
    ],
)
def test_name_that_is_not_valid(name: str) -> None:
    """A bad name is refused as such, also before any question of who holds it."""
    refusal = Scene().refused(open_guest(name))
    assert (refusal.reason, refusal.field) == (Reason.NAME_INVALID, "name")


def test_longest_name_is_valid() -> None:
    """32 characters pass; the limit is the state's, not a constant."""
    assert Scene().state.limits.name_bytes == 32
    Scene().ok(open_guest("a" * 32))
    tight = Scene(Limits(name_bytes=3))
    tight.ok(open_guest("abc"))
    assert tight.why_not(open_guest("abcd")) is Reason.NAME_INVALID


@pytest.mark.parametrize("name", [*RESERVED_NAMES, "Admin", "ROOT", "sErVeR"])
def test_reserved_name(name: str) -> None:
    """Nobody is called admin or the like, in any case."""
    refusal = Scene().refused(open_guest(name))
    assert (refusal.reason, refusal.field) == (Reason.NAME_RESERVED, "name")


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE", "aLiCe"])
def test_name_that_is_held(name: str) -> None:
    """A name is taken in every case of its letters."""
    scene = Scene()
    scene.guest("Alice")
    refusal = scene.refused(open_guest(name))
    assert (refusal.reason, refusal.field) == (Reason.NAME_TAKEN, "name")


def test_name_is_held_until_exactly_the_deadline() -> None:
    """One ms before the deadline the name is taken, at the deadline it is free."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.now_ms = scene.until_of(alice) - 1
    assert scene.why_not(open_guest("alice")) is Reason.NAME_TAKEN
    scene.now_ms += 1
    scene.ok(open_guest("alice"))


def test_name_is_held_by_the_longest_session() -> None:
    """The name stays taken while any session of its user lives."""
    scene = Scene()
    first = scene.guest("alice")
    scene.pass_time(1000)
    scene.again(first)
    scene.now_ms = scene.until_of(first)
    assert scene.why_not(open_guest("alice")) is Reason.NAME_TAKEN
    scene.pass_time(1000)
    scene.ok(open_guest("alice"))


def test_name_of_an_open_stream_is_never_free() -> None:
    """Whatever the deadline says, a user with a stream keeps its name."""
    scene = Scene()
    scene.ok(cmd.AttachSession(scene.guest("alice"), 1))
    scene.pass_time(10 * GRACE_MS)
    assert scene.why_not(open_guest("alice")) is Reason.NAME_TAKEN


def test_taking_a_name_that_ran_out_ends_its_former_user() -> None:
    """Before the timer came, the next guest ends all that was left, in order, and is another."""
    scene = Scene()
    first = scene.guest("alice", room="lobby")
    second = scene.again(first)
    scene.pass_time(GRACE_MS)
    events = scene.happened(cmd.OpenGuest("ALICE", b"new", INSTANCE))
    now = scene.now_ms
    assert events == (
        ev.SessionEnded(now, first),
        ev.SessionEnded(now, second),
        ev.UserEnded(now, 1),
        ev.UserCreated(now, 2, "ALICE"),
        ev.SessionOpened(now, 3, 2, b"new", INSTANCE, now + GRACE_MS),
    )
    assert scene.members_of(scene.room_named("lobby")) == []


def test_later_guest_of_a_name_is_another_user() -> None:
    """It has a new id, none of the memberships, direct messages or stored ids of the former."""
    scene = Scene()
    bob = scene.guest("bob")
    former = scene.guest("alice", room="lobby")
    said = scene.ok(post(former, ("bob",), "secret", message_id="same"))
    former_id = scene.user_of(former)
    scene.ok(cmd.EndSession(former))

    later = scene.guest("alice")
    assert scene.user_of(later) > former_id
    assert not scene.state.rooms_of.get(scene.user_of(later))
    assert scene.why_not(post(later, said.room_id)) is Reason.ROOM_NOT_FOUND
    assert scene.why_not(cmd.JoinRoom(later, to(said.room_id))) is Reason.ROOM_NOT_FOUND
    assert scene.why_not(cmd.LeaveRoom(later, to("lobby"))) is Reason.NOT_A_MEMBER

    retry = scene.ok(post(later, ("bob",), "secret", message_id="same"))
    assert not retry.duplicate
    assert retry.room_id not in (0, said.room_id)
    from_bob = scene.say(bob, ("alice",))
    assert from_bob.room_id == retry.room_id


def test_bad_room_leaves_no_guest_behind() -> None:
    """When the room of a sign-in is refused, the whole order is: the name stays free."""
    scene = Scene()
    refusal = scene.refused(open_guest("alice", "no room"))
    assert (refusal.reason, refusal.field) == (Reason.ROOM_NAME_INVALID, "room")
    scene.ok(open_guest("alice"))


def test_new_room_of_a_sign_in_obeys_the_rate_of_its_address() -> None:
    """The verdict on new rooms refuses a room that must be opened, not one that is there."""
    scene = Scene()
    refusal = scene.refused(open_guest("alice", "den", 700))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 700)
    scene.ok(open_guest("alice", "lobby", 700))


# ----------------------------------------------------------- further sessions


def test_further_session_is_the_same_user() -> None:
    """A second window is the same user with a token of its own."""
    scene = Scene()
    first = scene.guest("alice")
    events = scene.happened(cmd.OpenSession(first, "ALICE", b"second", INSTANCE))
    assert events == (ev.SessionOpened(START_MS, 2, 1, b"second", INSTANCE, START_MS + GRACE_MS),)
    assert scene.state.sessions_of[1] == (1, 2)


@pytest.mark.parametrize("name", ["bob", "alic", " alice", "alice ", "\u0430lice", "\ud800"])
def test_further_session_under_another_name(name: str) -> None:
    """A token speaks for its own user only; the refusal does not repeat what was sent."""
    scene = Scene()
    alice = scene.guest("alice")
    refusal = scene.refused(cmd.OpenSession(alice, name, b"x", INSTANCE))
    assert (refusal.reason, refusal.field) == (Reason.NAME_INVALID, "name")
    assert refusal.message == "the token belongs to alice"


def test_look_alike_of_the_own_name_is_another_name() -> None:
    """The Kelvin sign is not the k of the user that it imitates."""
    scene = Scene()
    ken = scene.guest("ken")
    assert scene.why_not(cmd.OpenSession(ken, "\u212aen", b"x", INSTANCE)) is Reason.NAME_INVALID


def test_sessions_of_a_guest_are_bounded() -> None:
    """At the limit a further session is refused; ending one makes room, and so does an account."""
    scene = Scene(Limits(sessions_per_guest=2))
    first = scene.guest("alice")
    second = scene.again(first)
    order = cmd.OpenSession(first, "", b"third", INSTANCE)
    assert scene.why_not(order) is Reason.TOO_MANY_SESSIONS
    scene.ok(cmd.EndSession(second))
    scene.ok(order)
    scene.ok(cmd.Register(first, "", "#alice", b"", INSTANCE))
    scene.again(first)


def test_further_session_may_join_a_room() -> None:
    """The room of a further session is the user's; entering again changes nothing."""
    scene = Scene()
    first = scene.guest("alice")
    scene.again(first, room="den")
    den = scene.room_named("den")
    events = scene.happened(cmd.OpenSession(first, "", b"x", INSTANCE, "den"))
    assert [type(event) for event in events] == [ev.SessionOpened]
    assert scene.members_of(den) == ["alice"]
    refused = cmd.OpenSession(first, "", b"y", INSTANCE, "no room")
    assert scene.why_not(refused) is Reason.ROOM_NAME_INVALID


# -------------------------------------------------------------------- streams


def test_newer_stream_replaces_the_older() -> None:
    """The newer attachment counts; the older one's end has no effect, and it cannot come back."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.AttachSession(alice, 1))
    scene.ok(cmd.AttachSession(alice, 2))
    assert scene.happened(cmd.DetachSession(alice, 1)) == ()
    assert scene.state.sessions[alice].attachment == 2
    assert scene.why_not(cmd.AttachSession(alice, 1)) is Reason.SESSION_REPLACED
    assert scene.why_not(cmd.AttachSession(alice, 2)) is Reason.SESSION_REPLACED


@pytest.mark.parametrize("attachment", [0, -1])
def test_stream_has_a_number_above_zero(attachment: int) -> None:
    """0 stands for no stream: nothing attaches or detaches by it."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.pass_time(5)
    assert scene.why_not(cmd.AttachSession(alice, attachment)) is Reason.SESSION_REPLACED
    assert scene.happened(cmd.DetachSession(alice, attachment)) == ()


def test_end_of_a_stream_that_never_was_revives_nobody() -> None:
    """A session that is over stays over, whatever stream is said to have ended."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.now_ms = scene.until_of(alice)
    assert scene.happened(cmd.DetachSession(alice, 0)) == ()
    assert scene.why_not(cmd.RenewSession(alice)) is Reason.SESSION_ENDED


def test_grace_begins_when_the_stream_ends() -> None:
    """A detached session lives a whole grace from then on, and can attach again."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.AttachSession(alice, 1))
    scene.pass_time(5 * GRACE_MS)
    events = scene.happened(cmd.DetachSession(alice, 1))
    assert events == (ev.SessionDetached(scene.now_ms, alice, scene.now_ms + GRACE_MS),)
    scene.pass_time(GRACE_MS - 1)
    scene.ok(cmd.AttachSession(alice, 2))


def test_end_of_a_stream_of_nobody_is_no_error() -> None:
    """A stream may end after its session did."""
    assert Scene().happened(cmd.DetachSession(5, 1)) == ()


def test_call_moves_the_deadline_forward_only() -> None:
    """A call renews a session without a stream; with one, or in the same ms, nothing happens."""
    scene = Scene()
    alice = scene.guest("alice")
    assert scene.happened(cmd.RenewSession(alice)) == ()
    scene.pass_time(10)
    events = scene.happened(cmd.RenewSession(alice))
    assert events == (ev.SessionRenewed(scene.now_ms, alice, scene.now_ms + GRACE_MS),)
    scene.pass_time(-500)
    assert scene.happened(cmd.RenewSession(alice)) == ()
    scene.pass_time(1000)
    scene.ok(cmd.AttachSession(alice, 1))
    assert scene.happened(cmd.RenewSession(alice)) == ()


# ------------------------------------------------------------------- the end


def test_signing_out_ends_the_last_session_and_the_user() -> None:
    """The name is free in the same moment, and the memberships are over."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    scene.ok(cmd.AttachSession(alice, 1))
    events = scene.happened(cmd.EndSession(alice))
    assert events == (ev.SessionEnded(START_MS, alice), ev.UserEnded(START_MS, 1))
    assert scene.members_of(scene.room_named("lobby")) == []
    scene.guest("alice")


def test_signing_out_leaves_other_sessions() -> None:
    """A user goes on as long as one session is left."""
    scene = Scene()
    first = scene.guest("alice")
    second = scene.again(first)
    assert scene.happened(cmd.EndSession(first)) == (ev.SessionEnded(START_MS, first),)
    assert scene.why_not(open_guest("alice")) is Reason.NAME_TAKEN
    scene.say(second, "lobby")


def test_signing_out_twice() -> None:
    """The second time there is no such session."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.EndSession(alice))
    assert scene.why_not(cmd.EndSession(alice)) is Reason.SESSION_ENDED


def test_timer_ends_at_exactly_the_deadline() -> None:
    """A timer that is early has no effect; at the deadline session and user end."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.now_ms = scene.until_of(alice) - 1
    assert scene.happened(cmd.ExpireSession(alice)) == ()
    scene.now_ms += 1
    events = scene.happened(cmd.ExpireSession(alice))
    assert [type(event) for event in events] == [ev.SessionEnded, ev.UserEnded]
    assert scene.happened(cmd.ExpireSession(alice)) == ()


def test_timer_spares_what_was_used_meanwhile() -> None:
    """An order that came before the timer's keeps the session: attached, or renewed."""
    scene = Scene()
    attached, renewed = scene.guest("alice"), scene.guest("bob")
    late = scene.until_of(attached)
    scene.now_ms = late - 1
    scene.ok(cmd.AttachSession(attached, 1))
    scene.ok(cmd.RenewSession(renewed))
    scene.now_ms = late
    assert scene.happened(cmd.ExpireSession(attached)) == ()
    assert scene.happened(cmd.ExpireSession(renewed)) == ()


def test_timer_ends_one_session_of_several() -> None:
    """Only the session whose time is over ends; the user lives on in the other."""
    scene = Scene()
    first = scene.guest("alice")
    scene.pass_time(10)
    second = scene.again(first)
    scene.now_ms = scene.until_of(first)
    assert [type(e) for e in scene.happened(cmd.ExpireSession(first))] == [ev.SessionEnded]
    scene.say(second, "lobby")


def test_ids_are_never_given_again() -> None:
    """Users and sessions that ended leave their numbers unused."""
    scene = Scene()
    seen = []
    for _ in range(3):
        alice = scene.guest("alice")
        seen.append((scene.user_of(alice), alice))
        scene.ok(cmd.EndSession(alice))
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_direct_message_outlives_all_but_its_last_member() -> None:
    """The room is forgotten with the last member that is gone, not before."""
    scene = Scene()
    people = [scene.guest(name) for name in ("alice", "bob", "carol")]
    room_id = scene.say(people[0], ("bob", "carol")).room_id
    for person in people[:2]:
        events = scene.happened(cmd.EndSession(person))
        assert [type(event) for event in events] == [ev.SessionEnded, ev.UserEnded]
        assert room_id in scene.state.rooms
    events = scene.happened(cmd.EndSession(people[2]))
    assert events[1:] == (ev.UserEnded(START_MS, 3), ev.RoomForgotten(START_MS, room_id, 1))
    assert room_id not in scene.state.rooms


def test_public_room_is_never_forgotten() -> None:
    """A public room whose members are all gone keeps its log and its id."""
    scene = Scene()
    alice = scene.guest("alice", room="den")
    den = scene.room_named("den")
    scene.say(alice, "den")
    scene.ok(cmd.EndSession(alice))
    assert scene.room_named("den") == den
    bob = scene.guest("bob", room="den")
    assert scene.say(bob, "den").seq == 2


def test_limits_of_the_state_decide() -> None:
    """The grace is that of the newest limits."""
    scene = Scene(replace(Limits(), guest_grace_ms=50, renewal_ms=7))
    alice = scene.guest("alice")
    assert scene.until_of(alice) == START_MS + 57


def test_who_is_connected_when_the_server_stops() -> None:
    """Who has a stream, or was away for less than the renewal time; not in direct messages."""
    scene = Scene()
    alice, bob, carol = (scene.guest(name, room="lobby") for name in ("alice", "bob", "carol"))
    scene.say(alice, ("bob",))
    lobby = scene.room_named("lobby")
    for number, session_id in enumerate((alice, bob, carol), start=1):
        scene.ok(cmd.AttachSession(session_id, number))
    scene.ok(cmd.DetachSession(carol, 3))
    scene.now_ms += Limits().renewal_ms
    scene.ok(cmd.DetachSession(bob, 2))
    users = [scene.user_of(session_id) for session_id in (alice, bob)]
    assert connected_at_stop(scene.state) == [(lobby, user_id) for user_id in users]
