"""What becomes of accounts: other passwords, the code of an owner, the end."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.model import Role, RoomKind
from tests.core.scene import INSTANCE, START_MS, Scene, post, to

# ---------------------------------------------------------------------- passwords


def test_another_password_ends_all_other_sessions() -> None:
    """API tokens and what they opened too; the caller's session and its bots go on."""
    scene = Scene()
    alice, other = scene.account("alice"), scene.sign_in("alice")
    token = scene.api_token(alice)
    child, robot, bob = scene.again(token), scene.bot(alice, "robot"), scene.account("bob")
    user_id = scene.user_of(alice)
    order = cmd.ChangePassword(alice, "#alice", "#new")
    assert scene.happened(order) == (
        ev.PasswordChanged(START_MS, user_id, "#new"),
        ev.SessionEnded(START_MS, other),
        ev.SessionEnded(START_MS, token),
        ev.SessionEnded(START_MS, child),
    )
    assert set(scene.state.sessions.snapshot()) == {alice, robot, bob}


@pytest.mark.parametrize("old", ["", "#other", "#alice2"])
def test_password_that_is_not_the_old_one(old: str) -> None:
    """Nothing changes, and the field is named."""
    scene = Scene()
    refusal = scene.refused(cmd.ChangePassword(scene.account("alice"), old, "#new"))
    assert (refusal.reason, refusal.field) == (Reason.PASSWORD_WRONG, "old_password")


def test_who_has_no_password_to_change() -> None:
    """Guests have no account, API tokens may not, and a session that is over neither."""
    scene = Scene()
    guest, alice = scene.guest("guest"), scene.account("alice")
    token = scene.api_token(alice)
    assert scene.why_not(cmd.ChangePassword(guest, "", "#")) is Reason.ACCOUNT_NEEDED
    assert scene.why_not(cmd.ChangePassword(token, "#alice", "#")) is Reason.SCOPE_MISSING
    scene.ok(cmd.EndSession(alice))
    assert scene.why_not(cmd.ChangePassword(alice, "#alice", "#")) is Reason.SESSION_ENDED


def test_operator_gives_another_password() -> None:
    """All sessions end, and the audit log knows."""
    scene = Scene()
    alice, other = scene.account("alice"), scene.sign_in("alice")
    user_id = scene.user_of(alice)
    events = scene.happened(cmd.ResetPassword(cmd.UserByName("ALICE"), "#new"))
    assert events == (
        ev.PasswordChanged(START_MS, user_id, "#new"),
        ev.SessionEnded(START_MS, alice),
        ev.SessionEnded(START_MS, other),
        ev.Audited(START_MS, 1, 0, "", "password-reset", target_id=user_id, target_name="alice"),
    )
    assert scene.state.accounts[user_id].password_hash == "#new"


def test_operator_gives_no_password_to_those_without_an_account() -> None:
    """Guests, bots and nobody."""
    scene = Scene()
    scene.guest("guest")
    scene.bot(scene.account("alice"), "robot")
    for name, reason in {
        "guest": Reason.NOT_AN_ACCOUNT,
        "robot": Reason.NOT_AN_ACCOUNT,
        "nobody": Reason.USER_NOT_FOUND,
    }.items():
        assert scene.why_not(cmd.ResetPassword(cmd.UserByName(name), "#")) is reason


def test_new_owner_code_replaces_the_old() -> None:
    """There is one at a time, also beside an admin, should that one have lost its password."""
    scene = Scene()
    scene.account("chief", admin=True)
    scene.ok(cmd.SetOwnerCode(b"one"))
    _, entry = scene.happened(cmd.SetOwnerCode(b"two"))
    assert entry == ev.Audited(START_MS, 3, 0, "", "owner-code")
    order = cmd.Register(0, "bob", "#", b"b", INSTANCE, owner_code_hash=b"one")
    assert scene.why_not(order) is Reason.OWNER_CODE_INVALID


# ------------------------------------------------------------------------ the end


def test_closed_account_is_nowhere_and_keeps_its_name() -> None:
    """Sessions, tokens, rooms, invitations, codes and bots end; the name stays taken."""
    scene = Scene()
    chief, alice = scene.account("chief", admin=True), scene.account("alice", admin=True)
    scene.join(alice, "lobby")
    den = scene.ok(cmd.CreateRoom(chief, "den", RoomKind.PRIVATE)).room_id
    scene.ok(cmd.InviteUser(chief, to(den), cmd.UserByName("alice")))
    scene.ok(cmd.CreateInvite(alice, None, b"hers", 5, 0))
    scene.ok(cmd.CreateInvite(chief, None, b"his", 5, 0))
    token = scene.api_token(alice)
    robot = scene.bot(alice, "robot")
    scene.join(robot, "lobby")
    user_id, bot_id = scene.user_of(alice), scene.user_of(robot)

    answer = scene.ok(cmd.DeactivateAccount(alice, "#alice", ""))

    assert (answer.user_id, answer.name) == (user_id, "alice")
    state = scene.state
    assert list(state.sessions.snapshot()) == [chief]
    for gone in (alice, token, robot):
        assert scene.why_not(post(gone, "lobby")) is Reason.SESSION_ENDED
    assert scene.members_of(scene.room_named("lobby")) == []
    assert not state.invitations.snapshot()
    assert [invite.creator_name for invite in state.invites.values()] == ["chief"]
    assert state.accounts[user_id].deactivated
    assert state.accounts[bot_id].deactivated
    for name in ("Alice", "ROBOT"):
        order = cmd.OpenGuest(name, b"x", INSTANCE)
        assert scene.why_not(order) is Reason.NAME_REGISTERED


def test_direct_messages_of_a_closed_account_stay() -> None:
    """The others still read what was said there."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.account("bob")
    room_id = scene.say(alice, ("bob",)).room_id
    scene.ok(cmd.DeactivateAccount(alice, "#alice", ""))
    assert sorted(scene.members_of(room_id)) == ["alice", "bob"]
    assert scene.ok(cmd.JoinRoom(bob, to(room_id))).room_id == room_id


def test_owner_and_bot_leave_their_private_room_together() -> None:
    """The room goes to who is left, and is forgotten where nobody is."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.account("bob")
    robot = scene.bot(alice, "robot")
    shared = scene.ok(cmd.CreateRoom(alice, "shared", RoomKind.PRIVATE)).room_id
    own = scene.ok(cmd.CreateRoom(alice, "own", RoomKind.PRIVATE)).room_id
    for room_id in (shared, own):
        scene.ok(cmd.InviteUser(alice, to(room_id), cmd.UserByName("robot")))
        scene.ok(cmd.JoinRoom(robot, to(room_id)))
    scene.ok(cmd.InviteUser(alice, to(shared), cmd.UserByName("bob")))
    scene.ok(cmd.JoinRoom(bob, to(shared)))
    scene.ok(cmd.SetRole(alice, to(shared), cmd.UserByName("robot"), Role.MODERATOR))

    scene.ok(cmd.DeactivateAccount(alice, "#alice", ""))

    assert scene.members_of(shared) == ["bob"]
    assert scene.state.members[shared, scene.user_of(bob)].role is Role.OWNER
    assert own not in scene.state.rooms


def test_closing_needs_the_password() -> None:
    """A stolen session closes nothing; nor does a guest or an API token."""
    scene = Scene()
    guest, alice = scene.guest("guest"), scene.account("alice")
    token = scene.api_token(alice)
    refusal = scene.refused(cmd.DeactivateAccount(alice, "#guess", ""))
    assert (refusal.reason, refusal.field) == (Reason.PASSWORD_WRONG, "password")
    assert scene.why_not(cmd.DeactivateAccount(guest, "", "")) is Reason.ACCOUNT_NEEDED
    assert scene.why_not(cmd.DeactivateAccount(token, "#alice", "")) is Reason.SCOPE_MISSING


def test_one_bot_is_closed_without_a_password() -> None:
    """Only a bot of the caller, and once."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.account("bob")
    robot = scene.bot(alice, "robot")
    order = cmd.DeactivateAccount(alice, "", "ROBOT")
    assert scene.why_not(cmd.DeactivateAccount(bob, "", "robot")) is Reason.USER_NOT_FOUND
    assert scene.why_not(cmd.DeactivateAccount(alice, "", "bob")) is Reason.USER_NOT_FOUND
    scene.ok(order)
    assert scene.why_not(order) is Reason.USER_NOT_FOUND
    assert robot not in scene.state.sessions
    assert alice in scene.state.sessions


def test_last_admin_stays() -> None:
    """Somebody must be left who looks after the server."""
    scene = Scene()
    chief = scene.account("chief", admin=True)
    order = cmd.DeactivateAccount(chief, "#chief", "")
    assert scene.why_not(order) is Reason.LAST_ADMIN
    scene.account("deputy", admin=True)
    scene.ok(order)
