"""Codes to register by, and codes of rooms: who makes and ends them, and what they are good for."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.invites import DAY_MS, MAX_LIFETIME_MS, registration_by
from chat_service.core.limits import Limits
from chat_service.core.model import Role, RoomKind, Scope
from tests.core.scene import START_MS, Scene, to

CODE = cmd.CreateInvite(cmd.OPERATOR, None, b"code", 3, DAY_MS)


def test_admin_makes_a_code() -> None:
    """It has its maker, its uses and its end, and the audit log knows of it, not of the code."""
    scene = Scene()
    chief = scene.account("chief", admin=True)
    events = scene.happened(replace(CODE, session_id=chief))
    until_ms = START_MS + DAY_MS
    user_id = scene.user_of(chief)
    assert events == (
        ev.InviteCreated(START_MS, 1, b"code", 0, 3, until_ms, user_id, "chief"),
        ev.Audited(
            START_MS, 2, user_id, "chief", "invite", details="code 1 for 3", until_ms=until_ms
        ),
    )


def test_usual_code() -> None:
    """Without figures it is good for one person and a week; the answer has its id and end."""
    scene = Scene()
    answer = scene.ok(replace(CODE, uses=0, lifetime_ms=0))
    assert (answer.invite_id, answer.until_ms) == (1, START_MS + 7 * DAY_MS)
    assert scene.state.invites[1].uses_left == 1


@pytest.mark.parametrize(
    ("uses", "lifetime_ms", "field"),
    [
        (-1, 0, "uses"),
        (1001, 0, "uses"),
        (1, -1, "lifetime_ms"),
        (1, MAX_LIFETIME_MS + 1, "lifetime_ms"),
    ],
)
def test_figures_of_a_code_are_bounded(uses: int, lifetime_ms: int, field: str) -> None:
    """1 to 1,000 uses, at most 90 days."""
    refusal = Scene().refused(replace(CODE, uses=uses, lifetime_ms=lifetime_ms))
    assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, field)


def test_only_admins_and_the_operator_let_people_register() -> None:
    """Others are told so, and tokens that may not change accounts too."""
    scene = Scene()
    alice, guest = scene.account("alice"), scene.guest("guest")
    chief = scene.account("chief", admin=True)
    token = scene.api_token(chief)
    scene.ok(CODE)
    for session_id, reason in {
        alice: Reason.ADMIN_NEEDED,
        guest: Reason.ADMIN_NEEDED,
        token: Reason.SCOPE_MISSING,
        999: Reason.SESSION_ENDED,
    }.items():
        assert scene.why_not(replace(CODE, session_id=session_id)) is reason
        assert scene.why_not(cmd.RevokeInvite(session_id, None, 1)) is reason


def test_codes_are_bounded_by_those_that_are_good() -> None:
    """Those that ran out make room, and are ended."""
    scene = Scene(Limits(invites=1))
    scene.ok(CODE)
    assert scene.why_not(replace(CODE, code_hash=b"b")) is Reason.TOO_MANY_INVITES
    scene.pass_time(DAY_MS)
    events = scene.happened(replace(CODE, code_hash=b"b"))
    assert events[0] == ev.InviteEnded(scene.now_ms, 1)
    assert list(scene.state.invites.snapshot()) == [2]


def test_code_over_the_rate() -> None:
    """Where the edge says so it waits."""
    assert Scene().refused(replace(CODE, wait_ms=8)).retry_after_ms == 8


def test_code_is_revoked_once() -> None:
    """After that, and after its time, there is none."""
    scene = Scene()
    scene.ok(CODE)
    order = cmd.RevokeInvite(cmd.OPERATOR, None, 1)
    scene.ok(order)
    assert scene.why_not(order) is Reason.INVITE_NOT_FOUND
    assert registration_by(scene.state, b"code", START_MS) is None
    scene.ok(replace(CODE, code_hash=b"b"))
    scene.pass_time(DAY_MS)
    assert scene.why_not(replace(order, invite_id=2)) is Reason.INVITE_NOT_FOUND


def test_moderators_make_codes_of_their_private_room() -> None:
    """The code leads into the room, and is revoked there only."""
    scene = Scene()
    alice, bob, eve = (scene.guest(name) for name in ("alice", "bob", "eve"))
    room_id = scene.ok(cmd.CreateRoom(alice, "den", RoomKind.PRIVATE)).room_id
    scene.ok(cmd.InviteUser(alice, to(room_id), cmd.UserByName("bob")))
    scene.ok(cmd.JoinRoom(bob, to(room_id)))
    order = replace(CODE, session_id=bob, target=to(room_id))
    assert scene.why_not(order) is Reason.ROLE_NEEDED
    scene.ok(cmd.SetRole(alice, to(room_id), cmd.UserByName("bob"), Role.MODERATOR))
    answer = scene.ok(order)
    assert (answer.room_id, answer.invite_id) == (room_id, 1)
    assert scene.why_not(cmd.RevokeInvite(cmd.OPERATOR, None, 1)) is Reason.INVITE_NOT_FOUND
    assert scene.why_not(replace(order, session_id=eve)) is Reason.ROOM_NOT_FOUND
    scene.ok(cmd.JoinByInvite(eve, b"code"))
    assert scene.state.invites[1].uses_left == 2
    scene.ok(cmd.RevokeInvite(alice, to(room_id), 1))
    assert not scene.state.invites.snapshot()


def test_public_rooms_have_no_codes() -> None:
    """Everybody may enter; and a token needs its scope."""
    scene = Scene()
    alice = scene.account("alice")
    scene.join(alice, "cafe")
    order = replace(CODE, session_id=alice, target=to("cafe"))
    assert scene.why_not(order) is Reason.ROOM_IS_PUBLIC
    reader = scene.api_token(alice, Scope.READ)
    assert scene.why_not(replace(order, session_id=reader)) is Reason.SCOPE_MISSING


@pytest.mark.parametrize("way", ["demoted", "steps down", "leaves", "kicked", "banned", "closed"])
def test_nobody_comes_in_by_who_lets_in_nobody_any_more(way: str) -> None:
    """Codes and invitations end with the right to make them; those of others go on."""
    scene = Scene()
    olga, mo, eve, friend = (scene.account(name) for name in ("olga", "mo", "eve", "friend"))
    room_id = scene.opens_private(olga, mo)
    den, mo_is = to(room_id), cmd.UserByName("mo")
    scene.ok(cmd.SetRole(olga, den, mo_is, Role.OWNER if way == "steps down" else Role.MODERATOR))
    for maker, code, name in ((olga, b"olga's", "friend"), (mo, b"mo's", "eve")):
        scene.ok(cmd.CreateInvite(maker, den, code, 2, 0))
        scene.ok(cmd.InviteUser(maker, den, cmd.UserByName(name)))
    ways: dict[str, cmd.Command] = {
        "demoted": cmd.SetRole(olga, den, mo_is, Role.MEMBER),
        "steps down": cmd.SetRole(mo, den, mo_is, Role.MEMBER),
        "leaves": cmd.LeaveRoom(mo, den),
        "kicked": cmd.KickMember(olga, den, mo_is, ""),
        "banned": cmd.BanMember(olga, den, mo_is, 0, ""),
        "closed": cmd.SetDeactivated(cmd.OPERATOR, mo_is, True, ""),
    }
    scene.ok(ways[way])
    assert scene.why_not(cmd.JoinRoom(eve, den)) is Reason.ROOM_NOT_FOUND
    assert scene.why_not(cmd.JoinByInvite(eve, b"mo's")) is Reason.INVITE_INVALID
    scene.ok(cmd.JoinByInvite(eve, b"olga's"))
    scene.ok(cmd.JoinRoom(friend, den))


def test_invitation_of_two_goes_on_without_the_first() -> None:
    """It is of who invited last, whatever becomes of the one before."""
    scene = Scene()
    olga, mo, eve = (scene.account(name) for name in ("olga", "mo", "eve"))
    den, eve_is = to(scene.opens_private(olga, mo)), cmd.UserByName("eve")
    scene.ok(cmd.SetRole(olga, den, cmd.UserByName("mo"), Role.MODERATOR))
    scene.ok(cmd.InviteUser(mo, den, eve_is))
    again = [type(event) for event in scene.happened(cmd.InviteUser(mo, den, eve_is))]
    assert again == [ev.Audited]
    scene.ok(cmd.InviteUser(olga, den, eve_is))
    scene.ok(cmd.KickMember(olga, den, cmd.UserByName("mo"), ""))
    scene.ok(cmd.JoinRoom(eve, den))


def test_admin_that_is_one_no_more_lets_nobody_into_private_rooms() -> None:
    """Where it is a mere member; as a moderator it goes on, whatever it is on the server."""
    scene = Scene()
    olga, _, otto, eve = (
        scene.account(name, admin=name in ("anna", "otto"))
        for name in ("olga", "anna", "otto", "eve")
    )
    dens = [scene.opens_private(olga, otto) for _ in range(2)]
    otto_is = cmd.UserByName("otto")
    for den in dens:
        scene.ok(cmd.CreateInvite(otto, to(den), b"of %d" % den, 1, 0))
    scene.ok(cmd.SetRole(otto, to(dens[1]), otto_is, Role.MODERATOR))
    scene.ok(cmd.SetAdmin(otto, otto_is, admin=False))
    assert scene.why_not(cmd.JoinByInvite(eve, b"of %d" % dens[0])) is Reason.INVITE_INVALID
    scene.ok(cmd.JoinByInvite(eve, b"of %d" % dens[1]))


def test_codes_of_who_is_no_admin_any_more_end() -> None:
    """Nobody registers by them; those of others go on."""
    scene = Scene()
    anna, otto = (scene.account(name, admin=True) for name in ("anna", "otto"))
    for maker, code in ((anna, b"anna's"), (otto, b"otto's")):
        scene.ok(replace(CODE, session_id=maker, code_hash=code))
    scene.ok(cmd.SetAdmin(otto, cmd.UserByName("otto"), admin=False))
    assert registration_by(scene.state, b"otto's", scene.now_ms) is None
    assert registration_by(scene.state, b"anna's", scene.now_ms) is not None
