"""What admins do to users and to the server."""

from collections.abc import Callable

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason
from chat_service.core.model import Scope
from tests.core.scene import Scene, post

Order = Callable[[int, cmd.UserTarget], cmd.Command]

ABOUT_USERS: dict[str, Order] = {
    "kick": lambda by, whom: cmd.KickUser(by, whom, "why"),
    "ban": lambda by, whom: cmd.BanUser(by, whom, 0, "why"),
    "admin": lambda by, whom: cmd.SetAdmin(by, whom, admin=True),
    "no admin": lambda by, whom: cmd.SetAdmin(by, whom, admin=False),
    "close": lambda by, whom: cmd.SetDeactivated(by, whom, deactivated=True, reason="why"),
    "open": lambda by, whom: cmd.SetDeactivated(by, whom, deactivated=False, reason="why"),
    "fast": lambda by, whom: cmd.SetFast(by, whom, fast=True),
}
ABOUT_THE_SERVER: dict[str, Callable[[int], cmd.Command]] = {
    "unban": lambda by: cmd.UnbanUser(by, "eve"),
    "network": lambda by: cmd.BanNetwork(by, "192.0.2.1", 0, "why"),
    "no network": lambda by: cmd.UnbanNetwork(by, "192.0.2.1"),
    "lockdown": lambda by: cmd.SetLockdown(by, registrations=True, guests=True, reason="why"),
}
about_users = pytest.mark.parametrize("order", ABOUT_USERS.values(), ids=ABOUT_USERS)


class Town(Scene):
    """A server with two admins, an account with a bot, and a guest."""

    def __init__(self) -> None:
        super().__init__()
        self.ada, self.bea = (self.account(name, admin=True) for name in ("ada", "bea"))
        self.carol = self.account("carol")
        self.robot = self.bot(self.carol, "robot")
        self.eve = self.guest("eve", room="lobby")


def named(name: str) -> cmd.UserByName:
    """Name a user."""
    return cmd.UserByName(name)


# --------------------------------------------------------------------- who may


@about_users
def test_only_admins_may(order: Order) -> None:
    """An account, a bot and a guest are told what is needed, also about who is not there."""
    town = Town()
    for by in (town.carol, town.robot, town.eve):
        for whom in ("eve", "ada", "nobody"):
            assert town.why_not(order(by, named(whom))) is Reason.ADMIN_NEEDED


@about_users
def test_no_admin_acts_on_another(order: Order) -> None:
    """Nor on itself, but to step down; whoever runs the server acts on everybody."""
    town = Town()
    assert town.why_not(order(town.ada, named("bea"))) is Reason.ROLE_TOO_HIGH
    if order is not ABOUT_USERS["no admin"]:
        assert town.why_not(order(town.ada, named("ADA"))) is Reason.ROLE_TOO_HIGH
    if order is not ABOUT_USERS["fast"]:
        town.ok(order(cmd.OPERATOR, named("bea")))


@about_users
def test_token_needs_the_scope(order: Order) -> None:
    """A token of an admin without the scope does nothing to users."""
    town = Town()
    token = town.api_token(town.ada, Scope.READ, Scope.MODERATE)
    rejection = town.refused(order(token, named("eve")))
    assert (rejection.reason, rejection.metadata) == (
        Reason.SCOPE_MISSING,
        (("scope", "ADMIN"),),
    )
    assert town.why_not(order(town.ada, named("nobody"))) is Reason.USER_NOT_FOUND
    assert town.why_not(order(town.ada, cmd.UserById(999))) is Reason.USER_NOT_FOUND


@pytest.mark.parametrize("order", ABOUT_THE_SERVER.values(), ids=ABOUT_THE_SERVER)
def test_orders_about_the_server(order: Callable[[int], cmd.Command]) -> None:
    """Admins give them, others do not, tokens without the scope neither."""
    town = Town()
    for by in (town.carol, town.robot, town.eve):
        assert town.why_not(order(by)) is Reason.ADMIN_NEEDED
    assert town.why_not(order(town.api_token(town.ada, Scope.READ))) is Reason.SCOPE_MISSING
    for by in (town.ada, cmd.OPERATOR):
        town.ok(order(by))


def test_admin_who_is_one_no_more() -> None:
    """What counts is the decision: behind the end of it, nothing is accepted any more."""
    town = Town()
    kick = cmd.KickUser(town.bea, named("eve"), "")
    town.ok(cmd.SetAdmin(cmd.OPERATOR, named("bea"), admin=False))
    assert town.why_not(kick) is Reason.ADMIN_NEEDED


# ----------------------------------------------------------------------- kicks


def test_kick_ends_everything_of_a_user_at_once() -> None:
    """Each session, the memberships and the guest are over in one step; the name is free."""
    scene = Scene()
    alice = scene.guest("Alice", room="lobby")
    scene.ok(cmd.AttachSession(alice, 1))
    second = scene.again(alice)
    user_id, time_ms = scene.user_of(alice), scene.now_ms
    bob = scene.guest("bob", room="lobby")

    assert scene.happened(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("aLICE"), "too loud")) == (
        ev.UserKicked(time_ms, user_id, "too loud"),
        ev.SessionEnded(time_ms, alice),
        ev.SessionEnded(time_ms, second),
        ev.UserEnded(time_ms, user_id),
        ev.Audited(
            time_ms, 1, 0, "", "server-kick", target_id=1, target_name="Alice", reason="too loud"
        ),
    )
    for session_id in (alice, second):
        assert scene.why_not(post(session_id, "lobby")) is Reason.SESSION_ENDED
        assert scene.why_not(cmd.AttachSession(session_id, 9)) is Reason.SESSION_ENDED
    assert scene.members_of(scene.room_named("lobby")) == ["bob"]
    assert scene.user_of(scene.guest("alice")) != user_id
    scene.say(bob, "lobby", "still here")


def test_kick_answers_who_it_was() -> None:
    """The answer has id, name as it was, and the number of sessions."""
    scene = Scene()
    alice = scene.guest("Alice")
    scene.again(alice)
    user_id = scene.user_of(alice)
    assert scene.ok(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), "")) == Answer(
        user_id=user_id, name="Alice", sessions=2
    )


def test_kick_of_nobody() -> None:
    """A name that nobody has is refused, and so is that of who was kicked before."""
    scene = Scene()
    scene.guest("alice")
    for name in ("bob", "", "\u0430lice"):
        rejection = scene.refused(cmd.KickUser(cmd.OPERATOR, cmd.UserByName(name), ""))
        assert (rejection.reason, rejection.field) == (Reason.USER_NOT_FOUND, "user")
    scene.ok(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), ""))
    assert (
        scene.why_not(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), ""))
        is Reason.USER_NOT_FOUND
    )


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[2J", "x" * 391, "\u00e9" * 196])
def test_kick_for_a_bad_reason(reason: str) -> None:
    """A reason is one line of at most 390 bytes; else nobody is kicked."""
    scene = Scene()
    scene.guest("alice")
    rejection = scene.refused(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), reason))
    assert (rejection.reason, rejection.field) == (Reason.FIELD_INVALID, "reason")
    scene.ok(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), "\u00e9" * 195))


def test_kick_forgets_direct_messages_of_which_nobody_is_left() -> None:
    """A direct message goes with its last member, however that one went."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    room_id = scene.say(alice, ("bob",)).room_id
    scene.ok(cmd.EndSession(bob))
    events = scene.happened(cmd.KickUser(cmd.OPERATOR, cmd.UserByName("alice"), ""))
    assert ev.RoomForgotten(scene.now_ms, room_id, 1) in events


def test_kick_by_an_admin_is_told_with_its_name() -> None:
    """Who is removed learns by whom, with its bots; the accounts stay, in their rooms, too.

    API tokens do not.
    """
    town = Town()
    town.ok(cmd.JoinRoom(town.carol, cmd.RoomByName("lobby")))
    town.api_token(town.carol)
    *ends, entry = town.happened(cmd.KickUser(town.ada, named("carol"), "enough"))
    carol, robot = (town.state.user_ids[name] for name in ("carol", "robot"))
    first, *ended_first, second, ended_second = ends
    assert first == ev.UserKicked(town.now_ms, carol, "enough", "ada", False)
    assert second == ev.UserKicked(town.now_ms, robot, "enough", "ada", False)
    assert [type(event) for event in (*ended_first, ended_second)] == [ev.SessionEnded] * 3
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.actor_name, entry.target_id) == ("server-kick", "ada", carol)
    town.api_token(town.sign_in("carol"), bot="robot")
    assert "carol" in town.members_of(town.room_named("lobby"))


# -------------------------------------------------------------------- lockdown


def test_lockdown_closes_what_it_names() -> None:
    """The state is told in the audit log; repeated it is no event."""
    town = Town()
    close = cmd.SetLockdown(town.ada, registrations=True, guests=False, reason="flood")
    locked, entry = town.happened(close)
    assert locked == ev.LockdownSet(town.now_ms, True, False)
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.details, entry.reason) == (
        "lockdown",
        "registrations closed, guests open",
        "flood",
    )
    assert town.happened(close) == ()
    assert town.why_not(cmd.Register(town.eve, "", "#", b"", "here")) is Reason.REGISTRATION_CLOSED
    town.guest("fay")
    town.ok(cmd.SetLockdown(town.ada, registrations=False, guests=True, reason=""))
    assert town.why_not(cmd.OpenGuest("gus", b"gus", "here")) is Reason.GUESTS_REFUSED
    town.account("hal")


# ---------------------------------------------------------------------- admins


def test_admin_is_made_and_unmade() -> None:
    """Twice the same is no event; a closed account, a guest and a bot are none."""
    town = Town()
    changed, entry = town.happened(cmd.SetAdmin(town.ada, named("carol"), admin=True))
    assert changed == ev.AdminChanged(town.now_ms, town.user_of(town.carol), True)
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.details) == ("admin", "granted")
    town.ok(cmd.KickUser(town.carol, named("eve"), ""))
    again = cmd.SetAdmin(cmd.OPERATOR, named("carol"), admin=True)
    assert town.happened(again) == ()
    town.guest("eve")
    for name in ("eve", "robot"):
        for admin in (True, False):
            order = cmd.SetAdmin(town.ada, named(name), admin=admin)
            assert town.why_not(order) is Reason.NOT_AN_ACCOUNT
    town.account("dora")
    town.ok(cmd.SetDeactivated(town.ada, named("dora"), deactivated=True, reason=""))
    order = cmd.SetAdmin(town.ada, named("dora"), admin=True)
    assert town.why_not(order) is Reason.NOT_AN_ACCOUNT


def test_last_admin_does_not_step_down() -> None:
    """An admin steps down while there is another; whoever runs the server takes it from all."""
    town = Town()
    down = cmd.SetAdmin(town.bea, named("bea"), admin=False)
    town.ok(down)
    assert town.why_not(down) is Reason.ADMIN_NEEDED
    last = cmd.SetAdmin(town.ada, named("ada"), admin=False)
    assert town.why_not(last) is Reason.LAST_ADMIN
    town.ok(cmd.SetAdmin(cmd.OPERATOR, named("ada"), admin=False))


# -------------------------------------------------------------------- accounts


def test_account_is_closed_and_opened_again() -> None:
    """Everything of it ends, bots included; opened again it has its password, and no room."""
    town = Town()
    town.join(town.carol, "lobby")
    order = cmd.SetDeactivated(town.ada, named("carol"), deactivated=True, reason="asked for")
    events = town.happened(order)
    assert [e.user_id for e in events if isinstance(e, ev.AccountDeactivated)] == [
        town.state.user_ids[name] for name in ("carol", "robot")
    ]
    entry = events[-1]
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.target_name, entry.reason) == ("deactivate", "carol", "asked for")
    assert town.happened(order) == ()
    for session_id in (town.carol, town.robot):
        assert town.why_not(post(session_id, "lobby")) is Reason.SESSION_ENDED
    assert town.members_of(town.room_named("lobby")) == ["eve"]
    again = town.happened(
        cmd.SetDeactivated(town.ada, named("carol"), deactivated=False, reason="")
    )
    assert [type(event) for event in again] == [ev.AccountReactivated, ev.Audited]
    carol = town.sign_in("carol")
    assert not town.state.rooms_of.get(town.user_of(carol))
    guest = cmd.SetDeactivated(town.ada, named("eve"), deactivated=True, reason="")
    assert town.why_not(guest) is Reason.NOT_AN_ACCOUNT


def test_bot_may_send_fast() -> None:
    """Bots alone; twice the same is no event."""
    town = Town()
    fast = cmd.SetFast(town.ada, named("robot"), fast=True)
    changed, entry = town.happened(fast)
    assert changed == ev.FastChanged(town.now_ms, town.user_of(town.robot), True)
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.details) == ("fast", "granted")
    assert town.happened(fast) == ()
    for name in ("carol", "eve"):
        order = cmd.SetFast(town.ada, named(name), fast=True)
        assert town.why_not(order) is Reason.NOT_A_BOT
