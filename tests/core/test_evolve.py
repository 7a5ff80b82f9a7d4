"""Facts into the state: each event changes what it says, and nothing else."""

from typing import get_args

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import Role, Room, RoomKind, Session, Style, User
from chat_service.core.state import State
from tests.core.scene import INSTANCE, Scene

T = 5_000


def state_with(*events: ev.Event) -> State:
    """Return the fold of events."""
    state = State()
    for event in events:
        evolve(state, event)
    state.merge()
    return state


def changes(state: State, *events: ev.Event) -> dict[str, dict[object, object]]:
    """Apply events; return what changed in which table, but for the counters of every event."""
    for event in events:
        evolve(state, event)
    changed = {name: dict(table.changed()) for name, table in state.tables().items()}
    for name in ("position", "time_ms"):
        changed["counters"].pop(name, None)
    state.merge()
    return {name: rows for name, rows in changed.items() if rows}


ALICE = ev.UserCreated(T, 1, "Alice")
BOB = ev.UserCreated(T, 2, "bob")
HALL = ev.RoomOpened(T, 1, RoomKind.PUBLIC, "Hall", 1, ())
TWO = ev.RoomOpened(T, 2, RoomKind.DIRECT, "", 1, (1, 2))
SESSION = ev.SessionOpened(T, 1, 1, b"hash", INSTANCE, T + 100)


def test_every_event_counts_and_tells_the_time() -> None:
    """The position is the number of events, and the time that of the last."""
    state = state_with(ALICE, ev.UserCreated(T + 7, 2, "bob"))
    assert state.counter("position") == 2
    assert state.counter("time_ms") == T + 7


def test_message_moves_the_head_alone() -> None:
    """A message leaves nothing in the state but the seq of its room."""
    state = state_with(ALICE, HALL)
    message = ev.MessagePosted(T, 1, 1, 1, "Alice", Style.TEXT, "hi", "m1", b"h")
    assert changes(state, message) == {"heads": {1: 1}}


def test_topic_moves_the_head_and_changes_the_room() -> None:
    """A topic has a place in the log, and the room knows the newest."""
    state = state_with(ALICE, HALL)
    changed = changes(state, ev.TopicChanged(T, 1, 1, 1, "Alice", "cats"))
    assert changed == {
        "heads": {1: 1},
        "rooms": {1: Room(1, RoomKind.PUBLIC, "Hall", "cats", 1, T)},
    }
    assert changes(state, ev.TopicChanged(T, 1, 2, 1, "Alice", ""))["rooms"] == {
        1: Room(1, RoomKind.PUBLIC, "Hall", "", 1, T)
    }


def test_server_created_names_epoch_and_rules() -> None:
    """The data has its epoch and the version of its rules from the first event."""
    assert changes(State(), ev.EpochBegan(T, "e1", 1)) == {
        "names": {"epoch": "e1"},
        "counters": {"rules": 1},
    }


def test_configured_replaces_the_limits() -> None:
    """The newest limits hold, as a whole."""
    state = state_with(ev.Configured(T, Limits(text_bytes=1)))
    assert changes(state, ev.Configured(T, Limits(text_lines=2))) == {
        "settings": {"limits": Limits(text_lines=2)}
    }
    assert state.limits == Limits(text_lines=2)


def test_user_created_takes_the_name() -> None:
    """A user is found by its id and by the key of its name."""
    assert changes(State(), ALICE) == {
        "counters": {"user": 1},
        "users": {1: User(1, "Alice", T)},
        "user_ids": {"alice": 1},
    }


def test_user_ended_frees_name_and_memberships() -> None:
    """The name is free, no membership is left; rooms and their logs stay."""
    state = state_with(ALICE, BOB, HALL, TWO, ev.MemberJoined(T, 1, 1), ev.MemberJoined(T, 1, 2))
    assert changes(state, ev.UserEnded(T, 1)) == {
        "users": {1: None},
        "user_ids": {"alice": None},
        "members": {(2, 1): None, (1, 1): None},
        "rooms_of": {1: None},
    }


def test_session_opened_is_found_three_ways() -> None:
    """A session is found by its id, by its token's hash and by its user; it has no stream yet."""
    state = state_with(ALICE)
    assert changes(state, SESSION) == {
        "counters": {"session": 1},
        "sessions": {1: Session(1, 1, b"hash", INSTANCE, 0, T + 100, T)},
        "session_ids": {b"hash": 1},
        "sessions_of": {1: (1,)},
    }
    again = ev.SessionOpened(T, 2, 1, b"other", INSTANCE, T + 100)
    assert changes(state, again)["sessions_of"] == {1: (1, 2)}


def test_stream_of_a_session_comes_and_goes() -> None:
    """Attached, detached and renewed each change only their own field."""
    state = state_with(ALICE, SESSION)
    attached = changes(state, ev.SessionAttached(T, 1, 4))
    assert attached == {"sessions": {1: Session(1, 1, b"hash", INSTANCE, 4, T + 100, T)}}
    detached = changes(state, ev.SessionDetached(T, 1, T + 200))
    assert detached == {"sessions": {1: Session(1, 1, b"hash", INSTANCE, 0, T + 200, T)}}
    renewed = changes(state, ev.SessionRenewed(T, 1, T + 300))
    assert renewed == {"sessions": {1: Session(1, 1, b"hash", INSTANCE, 0, T + 300, T)}}


def test_session_ended_is_not_found_any_more() -> None:
    """Its token is void; other sessions of the user stay, in their order."""
    other = ev.SessionOpened(T, 2, 1, b"other", INSTANCE, T + 100)
    third = ev.SessionOpened(T, 3, 1, b"third", INSTANCE, T + 100)
    state = state_with(ALICE, SESSION, other, third)
    assert changes(state, ev.SessionEnded(T, 2)) == {
        "sessions": {2: None},
        "session_ids": {b"other": None},
        "sessions_of": {1: (1, 3)},
    }
    changes(state, ev.SessionEnded(T, 1))
    assert changes(state, ev.SessionEnded(T, 3))["sessions_of"] == {1: None}


def test_instance_started_detaches_its_own_sessions() -> None:
    """What a crash left attached is detached; deadlines only grow; others are untouched."""
    late = ev.SessionOpened(T, 2, 1, b"late", INSTANCE, T + 900)
    there = ev.SessionOpened(T, 3, 1, b"there", "there", T + 100)
    state = state_with(ALICE, SESSION, late, there)
    for session_id in (1, 3):
        evolve(state, ev.SessionAttached(T, session_id, 5))
    state.merge()
    assert changes(state, ev.InstanceStarted(T, INSTANCE, T + 500, T + 700)) == {
        "sessions": {
            1: Session(1, 1, b"hash", INSTANCE, 0, T + 500, T),
            2: Session(2, 1, b"late", INSTANCE, 0, T + 900, T),
        }
    }
    assert state.sessions[3].attachment == 5


def test_public_room_is_found_by_the_key_of_its_name() -> None:
    """A public room has a name, no members and an empty log."""
    state = state_with(ALICE)
    assert changes(state, HALL) == {
        "counters": {"room": 1},
        "rooms": {1: Room(1, RoomKind.PUBLIC, "Hall", "", 1, T)},
        "heads": {1: 0},
        "room_ids": {"hall": 1},
    }


def test_direct_message_is_found_by_its_members() -> None:
    """A direct message has its members from the start, with their names of that time."""
    state = state_with(ALICE, BOB, HALL, ev.MemberJoined(T, 1, 2))
    changed = changes(state, TWO)
    assert changed["rooms"] == {2: Room(2, RoomKind.DIRECT, "", "", 1, T, (1, 2), ("Alice", "bob"))}
    assert changed["direct_ids"] == {(1, 2): 2}
    assert changed["rooms_of"] == {1: (2,), 2: (1, 2)}
    assert list(changed["members"]) == [(2, 1), (2, 2)]
    assert "room_ids" not in changed


def test_forgotten_room_is_not_reachable() -> None:
    """Nothing in the state leads to a forgotten room, and its id is never given again."""
    state = state_with(ALICE, BOB, TWO, ev.UserEnded(T, 1), ev.UserEnded(T, 2))
    assert changes(state, ev.RoomForgotten(T, 2, 0)) == {
        "rooms": {2: None},
        "heads": {2: None},
        "firsts": {2: None},
        "direct_ids": {(1, 2): None},
    }
    assert state.counter("room") == 2


def test_leftovers_of_a_forgotten_room_are_known_until_they_are_gone() -> None:
    """What is still stored of a forgotten room is noted, and the last prune ends the note."""
    state = state_with(ALICE, BOB, TWO, ev.UserEnded(T, 1), ev.UserEnded(T, 2))
    assert changes(state, ev.RoomForgotten(T, 2, 9)) == {
        "rooms": {2: None},
        "heads": {2: None},
        "leftovers": {2: 9},
        "direct_ids": {(1, 2): None},
    }
    assert changes(state, ev.RoomPruned(T, 2, 9)) == {"firsts": {2: 9}}
    assert state.first(2) == 9
    assert changes(state, ev.RoomPruned(T, 2, 10)) == {"leftovers": {2: None}, "firsts": {2: None}}


def test_pruned_room_knows_its_first_event() -> None:
    """A room has all from 1 on until some are pruned; first answers are no part of the state."""
    state = state_with(ALICE, HALL)
    assert state.first(1) == 1
    assert changes(state, ev.RoomPruned(T, 1, 8)) == {"firsts": {1: 8}}
    assert state.first(1) == 8
    assert changes(state, ev.AnswersPruned(T, T - 9, 100)) == {}


def test_membership_comes_and_goes() -> None:
    """Rooms of a user are told in the order in which they were joined, the last return last."""
    other = ev.RoomOpened(T, 2, RoomKind.PUBLIC, "Den", 1, ())
    state = state_with(ALICE, HALL, other)
    changes(state, ev.MemberJoined(T, 1, 1), ev.MemberJoined(T, 2, 1))
    assert state.rooms_of[1] == (1, 2)
    assert changes(state, ev.MemberLeft(T, 1, 1)) == {
        "members": {(1, 1): None},
        "rooms_of": {1: (2,)},
    }
    changes(state, ev.MemberJoined(T, 1, 1))
    assert state.rooms_of[1] == (1, 2)
    changes(state, ev.MemberLeft(T, 1, 1))
    assert changes(state, ev.MemberLeft(T, 2, 1))["rooms_of"] == {1: None}


# Read back, and never decided.
NEVER = {ev.Tombstone}


@pytest.mark.parametrize("kind", [kind for kind in get_args(ev.Event) if kind not in NEVER])
def test_every_event_is_known(kind: type) -> None:
    """A story in which each kind of event happens is folded again to the same state."""
    scene = Scene()
    alice, bob = scene.guest("alice", room="lobby"), scene.guest("bob")
    scene.say(alice, "lobby")
    scene.say(alice, ("bob",))
    scene.ok(cmd.SetTopic(alice, cmd.RoomByName("lobby"), "cats"))
    scene.ok(cmd.LeaveRoom(alice, cmd.RoomByName("lobby")))
    den = scene.ok(cmd.CreateRoom(alice, "den", RoomKind.PRIVATE)).room_id
    scene.ok(cmd.InviteUser(alice, cmd.RoomById(den), cmd.UserByName("bob")))
    scene.ok(cmd.JoinRoom(bob, cmd.RoomById(den)))
    scene.ok(
        cmd.UpdateRoom(
            alice, cmd.RoomById(den), description="ours", slow_mode_ms=9, password_hash="hash"
        )
    )
    scene.say(alice, den)
    scene.ok(cmd.SetRole(alice, cmd.RoomById(den), cmd.UserByName("bob"), Role.MODERATOR))
    scene.ok(cmd.AttachSession(bob, 1))
    scene.ok(cmd.DetachSession(bob, 1))
    scene.pass_time(1)
    scene.ok(cmd.RenewSession(bob))
    scene.ok(cmd.EndSession(alice))
    here, bob_here = cmd.RoomByName("lobby"), cmd.UserByName("bob")
    scene.join(bob, "lobby")
    scene.ok(cmd.DeleteMessage(cmd.OPERATOR, here, 1, "spam"))
    scene.ok(cmd.MuteMember(cmd.OPERATOR, here, bob_here, 0, "noise"))
    scene.ok(cmd.BanMember(cmd.OPERATOR, here, bob_here, 5, "spam"))
    scene.ok(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("bob"), "spam"))
    scene.ok(cmd.Prune(scene.room_named("lobby"), 1))
    scene.ok(cmd.PruneAnswers(10))
    code = scene.ok(cmd.CreateInvite(cmd.OPERATOR, None, b"code", 2, 0)).invite_id
    scene.ok(cmd.Configure(Limits(registration="invite")))
    scene.ok(cmd.Register(0, "carol", "old", b"carol", INSTANCE, invite_hash=b"code"))
    scene.ok(cmd.RevokeInvite(cmd.OPERATOR, None, code))
    carol = scene.state.session_ids[b"carol"]
    scene.ok(cmd.ChangePassword(carol, "old", "new"))
    scene.bot(carol, "robot")
    scene.ok(cmd.SetOwnerCode(b"owner"))
    scene.guest("dave")
    scene.ok(cmd.BlockUser(carol, cmd.UserByName("dave"), blocked=True))
    scene.ok(cmd.BlockUser(carol, cmd.UserByName("dave"), blocked=False))
    scene.ok(cmd.DeactivateAccount(carol, "new", ""))
    by, whom = cmd.OPERATOR, cmd.UserByName("carol")
    scene.ok(cmd.SetDeactivated(by, whom, deactivated=False, reason=""))
    scene.ok(cmd.SetAdmin(by, whom, admin=True))
    scene.ok(cmd.SetFast(by, cmd.UserByName("robot"), fast=True))
    scene.ok(cmd.BanUser(by, cmd.UserByName("dave"), 0, "spam"))
    scene.ok(cmd.UnbanUser(by, "dave"))
    scene.ok(cmd.BanNetwork(by, "192.0.2.7/24", 0, "spam"))
    scene.ok(cmd.UnbanNetwork(by, "192.0.2.0/24"))
    scene.ok(cmd.SetLockdown(by, registrations=True, guests=True, reason=""))
    assert kind in {type(event) for event in scene.events}
    assert state_with(*scene.events).snapshot() == scene.state.snapshot()


def test_scratch_layer_alone_is_written() -> None:
    """What evolve did can be taken back as long as it is not merged."""
    scene = Scene()
    before = scene.state.snapshot()
    evolve(scene.state, ev.UserCreated(T, 7, "zoe"))
    assert scene.state.snapshot() != before
    scene.state.discard()
    assert scene.state.snapshot() == before


def test_closed_account_is_no_admin_when_it_is_opened_again() -> None:
    """Who looks after the server is said anew: closing an account ends that right for good."""
    state = state_with(ALICE, ev.AccountCreated(T, 1, "hash", admin=True))
    changes(state, ev.AccountDeactivated(T, 1), ev.AccountReactivated(T, 1))
    assert not state.accounts[1].admin
