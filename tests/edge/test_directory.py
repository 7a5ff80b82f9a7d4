"""The loop's own copy of the state."""

from collections.abc import Callable

import pytest

from chat_service.core import commands as cmd
from chat_service.core.commands import Direct, RoomById, RoomByName, Target
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.limits import GUEST_GRACE_MS, RENEWAL_MS
from chat_service.edge.directory import Directory, token_hash
from tests.edge.scene import LOBBY, Scene


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


def refusal(act: Callable[[], object]) -> Rejection:
    """Return why an act is refused."""
    with pytest.raises(RefusedError) as refused:
        act()
    return refused.value.rejection


def test_session_of_a_token(scene: Scene) -> None:
    """A token leads to its session and to its user."""
    scene.joins("bob")
    alice = scene.joins("alice")
    now_ms = scene.clock.ms()
    assert scene.directory.session_of("alice", now_ms) == alice
    assert scene.directory.user_of(alice).name == "alice"


def test_missing_token(scene: Scene) -> None:
    """Without a token the caller is told how to get one."""
    assert refusal(lambda: scene.directory.session_of("", 0)).reason is Reason.TOKEN_MISSING


@pytest.mark.parametrize("token", ["alice", "nobody", "\x00", "ünïcode"])
def test_unknown_token(scene: Scene, token: str) -> None:
    """A token that was never given, or whose session has ended, is not valid."""
    alice = scene.joins("alice")
    scene.does(cmd.EndSession(alice.session_id))
    rejection = refusal(lambda: scene.directory.session_of(token, 0))
    assert rejection.reason is Reason.TOKEN_INVALID


def test_token_expires_unless_a_stream_is_open(scene: Scene) -> None:
    """A silent session is void after its time; one with a Chat stream never is."""
    alice = scene.joins("alice")
    end_ms = scene.clock.ms() + GUEST_GRACE_MS + RENEWAL_MS
    assert scene.directory.session_of("alice", end_ms - 1) == alice
    rejection = refusal(lambda: scene.directory.session_of("alice", end_ms))
    assert rejection.reason is Reason.TOKEN_INVALID
    scene.does(cmd.AttachSession(alice.session_id, 1))
    assert scene.directory.session_of("alice", end_ms).session_id == alice.session_id


def test_rooms_that_may_be_read(scene: Scene) -> None:
    """A public room by name or id, a direct message by id or by who is in it."""
    alice, _ = scene.joins("alice"), scene.joins("bob")
    secret = scene.opens_direct(alice, "bob")
    room_for = scene.directory.room_for
    assert room_for(alice.user_id, RoomByName("LOBBY")).room_id == LOBBY
    assert room_for(alice.user_id, RoomById(LOBBY)).name == "lobby"
    assert room_for(alice.user_id, RoomById(secret)).room_id == secret
    assert room_for(alice.user_id, Direct(("BOB", "alice"))).room_id == secret


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (RoomByName("nowhere"), Reason.ROOM_NOT_FOUND),
        (RoomByName(""), Reason.ROOM_NOT_FOUND),
        (RoomById(0), Reason.ROOM_NOT_FOUND),
        (RoomById(99), Reason.ROOM_NOT_FOUND),
        (Direct(("carol",)), Reason.ROOM_NOT_FOUND),
        (Direct(("nobody",)), Reason.USER_NOT_FOUND),
        (Direct(()), Reason.FIELD_INVALID),
        (Direct(("alice",)), Reason.FIELD_INVALID),
    ],
)
def test_rooms_that_may_not_be_read(scene: Scene, target: Target, reason: Reason) -> None:
    """What is not there, or was not opened yet, is not found."""
    alice = scene.joins("alice")
    scene.joins("carol")
    assert refusal(lambda: scene.directory.room_for(alice.user_id, target)).reason is reason


def test_strangers_direct_message_does_not_exist(scene: Scene) -> None:
    """A room of others is refused in the very words of a room that never was."""
    alice, _, mallory = scene.joins("alice"), scene.joins("bob"), scene.joins("mallory")
    secret = scene.opens_direct(alice, "bob")
    room_for = scene.directory.room_for
    hidden = refusal(lambda: room_for(mallory.user_id, RoomById(secret)))
    assert hidden == refusal(lambda: room_for(mallory.user_id, RoomById(999)))


def test_direct_messages_of_a_user(scene: Scene) -> None:
    """A user's direct messages are listed in the order in which they were opened."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob")
    scene.joins("carol")
    first = scene.opens_direct(bob, "alice")
    second = scene.opens_direct(alice, "bob", "carol")
    assert scene.directory.direct_rooms(alice.user_id) == [first, second]
    assert scene.directory.direct_rooms(999) == []


def names(directory: Directory, after: str | None, count: int) -> list[str]:
    """Return a page of users by name."""
    return [user.name for user in directory.users_after(after, count, closed=False)]


def test_users_by_name(scene: Scene) -> None:
    """Users are listed by name whatever the case, page by page; who is gone is not."""
    for name in ("carol", "Bob", "alice", "Dave"):
        scene.joins(name)
    assert names(scene.directory, None, 2) == ["alice", "Bob"]
    assert names(scene.directory, "bob", 9) == ["carol", "Dave"]
    assert names(scene.directory, "bz", 9) == ["carol", "Dave"]
    scene.does(cmd.EndSession(scene.directory.session_of("carol", 0).session_id))
    assert names(scene.directory, None, 9) == ["alice", "Bob", "Dave"]
    scene.joins("carol")
    assert names(scene.directory, "bob", 9) == ["carol", "Dave"]


def test_closed_accounts_are_listed_where_they_are_asked_for(scene: Scene) -> None:
    """A page is full of others without them, as without those who are gone."""
    for name in ("alice", "bob", "carol"):
        scene.does(cmd.Register(0, name, f"#{name}", token_hash(name), "here"))
    bob = scene.directory.session_of("bob", 0)
    scene.does(cmd.DeactivateAccount(bob.session_id, "#bob", ""))
    directory = scene.directory
    shown = directory.users_after(None, 2, closed=False)
    assert [user.name for user in shown] == ["alice", "carol"]
    everybody = directory.users_after(None, 2, closed=True)
    assert [user.name for user in everybody] == ["alice", "bob"]


def test_public_rooms_by_name(scene: Scene) -> None:
    """Public rooms are listed by name; direct messages are not."""
    alice, _ = scene.joins("alice"), scene.joins("bob")
    for name in ("Zoo", "attic"):
        scene.does(cmd.JoinRoom(alice.session_id, RoomByName(name)))
    scene.opens_direct(alice, "bob")
    found = [room.name for room in scene.directory.rooms_after(None, 9, archived=False)]
    assert found == ["attic", "lobby", "Zoo"]
    assert [room.name for room in scene.directory.rooms_after("lobby", 1, archived=False)] == [
        "Zoo"
    ]


def test_copy_made_by_folding_equals_one_that_is_loaded(scene: Scene) -> None:
    """A directory that followed along lists what one lists that begins now."""
    alice = scene.joins("alice")
    for name in ("x", "y"):
        scene.does(cmd.JoinRoom(alice.session_id, RoomByName(name)))
    scene.joins("bob")
    scene.opens_direct(alice, "bob")
    scene.does(cmd.SetTopic(alice.session_id, RoomByName("x"), "about x"))
    scene.does(cmd.LeaveRoom(alice.session_id, RoomByName("y")))
    carol, dave = scene.joins("carol"), scene.joins("dave")
    direct = scene.opens_direct(carol, "dave")
    for text in ("one", "two", "three"):
        scene.says(alice, text)
        scene.says(dave, text, RoomById(direct))
    for room_id in (LOBBY, direct):
        scene.does(cmd.Prune(room_id, 2))
    for session in (carol, dave):
        scene.does(cmd.EndSession(session.session_id))
    assert scene.directory.state.leftovers.snapshot() == {direct: 3}
    fresh = Directory(scene.log.load(), scene.clock.ms)
    followed, loaded = scene.directory.state.snapshot(), fresh.state.snapshot()
    # Posts are not folded: the hub has the heads, and the counters go with every event.
    for name in ("counters", "heads"):
        followed.pop(name), loaded.pop(name)
    assert followed == loaded
    assert names(fresh, None, 9) == names(scene.directory, None, 9)


def test_members_are_counted_as_they_change(scene: Scene) -> None:
    """Joining, leaving, signing out and a kick count, in public rooms alone, as a start would."""

    def counted() -> dict[int, int]:
        fresh = Directory(scene.log.load(), scene.clock.ms)
        rooms = [room.room_id for room in fresh.state.rooms.values()]
        counts = {room_id: fresh.member_count(room_id) for room_id in rooms}
        assert counts == {room_id: scene.directory.member_count(room_id) for room_id in rooms}
        assert fresh.public_memberships() == scene.directory.public_memberships()
        assert fresh.public_memberships() == sum(counts.values())
        return {room_id: count for room_id, count in counts.items() if count}

    alice, bob, cy = (scene.joins(name, "lobby") for name in ("alice", "bob", "cy"))
    den = scene.does(cmd.JoinRoom(alice.session_id, RoomByName("den"))).room_id
    scene.does(cmd.JoinRoom(bob.session_id, RoomById(den)))
    scene.opens_direct(alice, "bob")
    assert counted() == {LOBBY: 3, den: 2}
    scene.does(cmd.LeaveRoom(bob.session_id, RoomById(den)))
    scene.does(cmd.EndSession(cy.session_id))
    assert counted() == {LOBBY: 2, den: 1}
    scene.does(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), ""))
    assert counted() == {LOBBY: 1}


def test_public_rooms_of_a_user(scene: Scene) -> None:
    """They come in the order of joining, without direct messages."""
    alice = scene.joins("alice", "lobby")
    scene.joins("bob")
    scene.opens_direct(alice, "bob")
    den = scene.does(cmd.JoinRoom(alice.session_id, RoomByName("den"))).room_id
    assert scene.directory.public_rooms(alice.user_id) == [LOBBY, den]
