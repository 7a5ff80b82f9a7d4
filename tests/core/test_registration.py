"""Who gets an account, and by what right; and bots."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import CLOSED, INVITE, Limits
from chat_service.core.model import Account, RoomKind, Scope
from tests.core.scene import INSTANCE, START_MS, Scene, to

LIMITS = Limits()
IDLE_MS = LIMITS.account_idle_ms + LIMITS.renewal_ms
LIFE_MS = LIMITS.account_token_ms

NEW = cmd.Register(0, "alice", "#alice", b"new", INSTANCE, client="laptop", address="192.0.2.1")


def owner_code_of(scene: Scene) -> str | None:
    """Return the stored form of the code that makes an admin."""
    return scene.state.names.get("owner_code")


# ------------------------------------------------------------------ somebody new


def test_somebody_new_registers_and_is_signed_in() -> None:
    """A user, its account and a session with the deadlines of one, in one order."""
    scene = Scene()
    events = scene.happened(NEW)
    assert events == (
        ev.UserCreated(START_MS, 1, "alice"),
        ev.AccountCreated(START_MS, 1, "#alice"),
        ev.SessionOpened(
            START_MS,
            1,
            1,
            b"new",
            INSTANCE,
            START_MS + IDLE_MS,
            START_MS + LIFE_MS,
            "laptop",
            "192.0.2.1",
        ),
    )
    assert scene.state.users[1].account
    assert scene.state.accounts[1] == Account(1, "#alice", START_MS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_INVALID),
        ("a b", Reason.NAME_INVALID),
        ("\u0430lice", Reason.NAME_INVALID),
        ("Admin", Reason.NAME_RESERVED),
        ("server", Reason.NAME_RESERVED),
        ("system", Reason.NAME_RESERVED),
        ("GUEST", Reason.NAME_TAKEN),
        ("Bob", Reason.NAME_REGISTERED),
        ("robot", Reason.NAME_REGISTERED),
    ],
)
def test_name_that_cannot_be_registered(name: str, reason: Reason) -> None:
    """What is no name, is reserved, or is held in any case of its letters."""
    scene = Scene()
    scene.guest("guest")
    scene.bot(scene.account("bob"), "Robot")
    refusal = scene.refused(replace(NEW, name=name))
    assert (refusal.reason, refusal.field) == (reason, "name")


def test_name_of_a_guest_who_ran_out() -> None:
    """It is free, and its former user is ended first."""
    scene = Scene()
    scene.guest("alice")
    scene.pass_time(LIMITS.guest_grace_ms + LIMITS.renewal_ms)
    events = scene.happened(NEW)
    assert [type(event) for event in events][:3] == [
        ev.SessionEnded,
        ev.UserEnded,
        ev.UserCreated,
    ]


def test_rate_of_an_address() -> None:
    """The verdict of the limit is told as such, with the delay."""
    refusal = Scene().refused(replace(NEW, wait_ms=700))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 700)


# ----------------------------------------------------------------------- a guest


def test_guest_becomes_the_account() -> None:
    """Its id, all its sessions and its rooms stay; the sessions live as those of accounts."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    other = scene.again(alice)
    scene.ok(cmd.AttachSession(alice, 1))
    scene.pass_time(1000)
    events = scene.happened(replace(NEW, session_id=alice, name=""))
    now = scene.now_ms
    assert events == (
        ev.AccountCreated(now, 1, "#alice"),
        ev.SessionRenewed(now, alice, now + IDLE_MS, now + LIFE_MS),
        ev.SessionRenewed(now, other, now + IDLE_MS, now + LIFE_MS),
    )
    assert scene.state.sessions[alice].attachment == 1
    assert scene.members_of(scene.room_named("lobby")) == ["alice"]
    scene.ok(cmd.EndSession(alice))
    scene.ok(cmd.EndSession(other))
    assert scene.user_of(scene.sign_in("alice")) == 1


def test_guest_registers_its_own_name_only() -> None:
    """The name may be given, in any case, and is not changed by it."""
    scene = Scene()
    alice = scene.guest("Alice")
    assert scene.why_not(replace(NEW, session_id=alice, name="bob")) is Reason.NAME_INVALID
    scene.ok(replace(NEW, session_id=alice, name="ALICE"))
    assert scene.state.users[scene.user_of(alice)].name == "Alice"


def test_guest_with_a_name_that_was_reserved_meanwhile() -> None:
    """A name becomes nobody's for ever that is reserved by now."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.ok(cmd.Configure(Limits(reserved_names=("alice",))))
    assert scene.why_not(replace(NEW, session_id=alice)) is Reason.NAME_RESERVED


def test_account_registers_no_second_time() -> None:
    """Who has an account has one."""
    scene = Scene()
    alice = scene.account("alice")
    assert scene.why_not(replace(NEW, session_id=alice)) is Reason.ACCOUNT_EXISTS


def test_api_token_does_not_register() -> None:
    """It may not change the account itself."""
    scene = Scene()
    token = scene.api_token(scene.account("bob"))
    assert scene.why_not(replace(NEW, session_id=token)) is Reason.SCOPE_MISSING


def test_session_that_is_over_does_not_register() -> None:
    """Its guest is about to be gone."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.now_ms = scene.until_of(alice)
    assert scene.why_not(replace(NEW, session_id=alice)) is Reason.SESSION_ENDED


# ------------------------------------------------------------------- by what right


@pytest.mark.parametrize("locked", [False, True])
def test_server_that_takes_no_accounts(locked: bool) -> None:
    """Closed by the configuration, or locked: an invite code does not help either."""
    scene = Scene(Limits(registration=INVITE if locked else CLOSED))
    scene.ok(cmd.CreateInvite(cmd.OPERATOR, None, b"code", 5, 0))
    if locked:
        scene.happens(ev.LockdownSet(START_MS, registrations=True, guests=False))
    assert scene.why_not(NEW) is Reason.REGISTRATION_CLOSED
    guest = scene.guest("alice")
    order = replace(NEW, session_id=guest, invite_hash=b"code")
    assert scene.why_not(order) is Reason.REGISTRATION_CLOSED


def test_invite_is_used_up() -> None:
    """A code is good for as many accounts as it says, and a refused order uses none."""
    scene = Scene(Limits(registration=INVITE))
    scene.ok(cmd.CreateInvite(cmd.OPERATOR, None, b"code", 2, 0))
    refusal = scene.refused(NEW)
    assert (refusal.reason, refusal.field) == (Reason.INVITE_INVALID, "invite_code")
    assert scene.why_not(replace(NEW, invite_hash=b"other")) is Reason.INVITE_INVALID
    invited = replace(NEW, invite_hash=b"code")
    assert scene.why_not(replace(invited, name="root")) is Reason.NAME_RESERVED
    events = scene.happened(invited)
    assert ev.InviteUsed(START_MS, 1) in events
    scene.ok(replace(invited, name="bob", token_hash=b"b"))
    assert scene.why_not(replace(invited, name="carol")) is Reason.INVITE_INVALID


def test_invite_is_good_until_exactly_its_end() -> None:
    """One ms before the end it is, at the end it is not."""
    scene = Scene(Limits(registration=INVITE))
    scene.ok(cmd.CreateInvite(cmd.OPERATOR, None, b"code", 2, 1000))
    invited = replace(NEW, invite_hash=b"code")
    scene.pass_time(999)
    scene.ok(invited)
    scene.pass_time(1)
    assert scene.why_not(replace(invited, name="bob")) is Reason.INVITE_INVALID


def test_code_of_a_room_is_not_for_registrations() -> None:
    """Codes of one kind do not open the other door."""
    scene = Scene()
    alice = scene.account("bob")
    room_id = scene.ok(cmd.CreateRoom(alice, "den", RoomKind.PRIVATE)).room_id
    scene.ok(cmd.CreateInvite(alice, to(room_id), b"code", 5, 0))
    scene.ok(cmd.Configure(Limits(registration=INVITE)))
    assert scene.why_not(replace(NEW, invite_hash=b"code")) is Reason.INVITE_INVALID


def test_code_is_not_used_where_none_is_asked_for() -> None:
    """An open server takes the account and leaves the code."""
    scene = Scene()
    scene.ok(cmd.CreateInvite(cmd.OPERATOR, None, b"code", 1, 0))
    scene.ok(replace(NEW, invite_hash=b"code"))
    assert scene.state.invites[1].uses_left == 1


# --------------------------------------------------------------- the first owner


def test_start_without_an_admin_takes_the_code() -> None:
    """Each start replaces it as long as there is no admin; then it is not taken."""
    scene = Scene(started=False)
    start = cmd.StartInstance(INSTANCE, "e", Limits(), "lobby", b"one")
    scene.ok(start)
    scene.ok(replace(start, owner_code_hash=b"two"))
    assert owner_code_of(scene) == b"two".hex()
    scene.ok(replace(NEW, owner_code_hash=b"two"))
    scene.ok(replace(start, owner_code_hash=b"three"))
    assert owner_code_of(scene) == ""


def test_start_after_the_last_admin_was_closed_takes_the_code() -> None:
    """An admin who cannot sign in is none."""
    scene = Scene()
    chief = scene.account("chief", admin=True)
    scene.happens(ev.AccountDeactivated(START_MS, scene.user_of(chief)))
    scene.ok(cmd.StartInstance(INSTANCE, "e", Limits(), "lobby", b"one"))
    assert owner_code_of(scene) == b"one".hex()


def test_owner_code_makes_one_admin() -> None:
    """It is good once, is told to the audit log, and comes before every other question."""
    scene = Scene(Limits(registration=CLOSED))
    scene.happens(ev.LockdownSet(START_MS, registrations=True, guests=True))
    scene.ok(cmd.SetOwnerCode(b"owner"))
    order = replace(NEW, owner_code_hash=b"owner")
    events = scene.happened(order)
    assert ev.OwnerCodeSet(START_MS, b"") in events
    assert [event.action for event in events if isinstance(event, ev.Audited)] == ["admin"]
    assert scene.state.accounts[1].admin
    refusal = scene.refused(replace(order, name="bob"))
    assert (refusal.reason, refusal.field) == (Reason.OWNER_CODE_INVALID, "owner_code")


def test_wrong_owner_code_registers_nobody() -> None:
    """Also on a server that would take the account without: who has a code means it."""
    scene = Scene()
    assert scene.why_not(replace(NEW, owner_code_hash=b"guess")) is Reason.OWNER_CODE_INVALID
    scene.ok(cmd.SetOwnerCode(b"owner"))
    assert scene.why_not(replace(NEW, owner_code_hash=b"guess")) is Reason.OWNER_CODE_INVALID
    scene.ok(NEW)
    assert not scene.state.accounts[1].admin


def test_guest_may_use_the_owner_code() -> None:
    """The guest becomes the admin."""
    scene = Scene()
    scene.ok(cmd.SetOwnerCode(b"owner"))
    alice = scene.guest("alice")
    scene.ok(replace(NEW, session_id=alice, owner_code_hash=b"owner"))
    assert scene.state.accounts[scene.user_of(alice)].admin


def test_operator_makes_accounts() -> None:
    """Without codes, rates, locks and a session; an admin where that is asked for."""
    scene = Scene(Limits(registration=CLOSED))
    order = replace(NEW, by_operator=True, token_hash=b"")
    *made, entry = scene.happened(order)
    assert [type(event) for event in made] == [ev.UserCreated, ev.AccountCreated]
    assert entry == ev.Audited(
        scene.now_ms, 1, 0, "", "account", target_id=1, target_name="alice", details="a new account"
    )
    scene.ok(replace(order, name="chief", admin=True))
    assert [account.admin for account in scene.state.accounts.values()] == [False, True]
    assert scene.events[-1] == ev.Audited(
        START_MS, 2, 0, "", "admin", target_id=2, target_name="chief", details="a new account"
    )


def test_nobody_else_asks_to_be_an_admin() -> None:
    """The field is for whoever runs the server."""
    scene = Scene()
    scene.ok(replace(NEW, admin=True))
    assert not scene.state.accounts[1].admin


# -------------------------------------------------------------------------- bots


def test_bot_belongs_to_its_account() -> None:
    """It is a user with an account that has an owner and no password."""
    scene = Scene()
    alice = scene.account("alice")
    answer = scene.ok(cmd.CreateBot(alice, "Robot"))
    user = scene.state.users[answer.user_id]
    assert (user.name, user.bot, user.account) == ("Robot", True, True)
    assert scene.state.accounts[answer.user_id] == Account(
        answer.user_id, "", START_MS, owner_id=scene.user_of(alice)
    )
    assert scene.state.bots_of[scene.user_of(alice)] == (answer.user_id,)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a b", Reason.NAME_INVALID),
        ("root", Reason.NAME_RESERVED),
        ("ALICE", Reason.NAME_REGISTERED),
        ("guest", Reason.NAME_TAKEN),
    ],
)
def test_what_a_bot_cannot_be_called(name: str, reason: Reason) -> None:
    """The same as any account."""
    scene = Scene()
    scene.guest("guest")
    assert scene.why_not(cmd.CreateBot(scene.account("alice"), name)) is reason


def test_who_makes_no_bots() -> None:
    """Guests, API tokens and so bots themselves do not."""
    scene = Scene()
    guest, alice = scene.guest("guest"), scene.account("alice")
    assert scene.why_not(cmd.CreateBot(guest, "robot")) is Reason.ACCOUNT_NEEDED
    assert scene.why_not(cmd.CreateBot(scene.api_token(alice), "robot")) is Reason.SCOPE_MISSING
    assert scene.why_not(cmd.CreateBot(scene.bot(alice, "r1"), "r2")) is Reason.SCOPE_MISSING


def test_bots_are_bounded() -> None:
    """By number, where a closed one makes room, and by the rate of new accounts."""
    scene = Scene(Limits(bots_per_user=1))
    alice = scene.account("alice")
    refusal = scene.refused(cmd.CreateBot(alice, "r1", wait_ms=5))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 5)
    scene.ok(cmd.CreateBot(alice, "r1"))
    assert scene.why_not(cmd.CreateBot(alice, "r2")) is Reason.TOO_MANY_BOTS
    scene.ok(cmd.DeactivateAccount(alice, "", "r1"))
    assert scene.why_not(cmd.CreateBot(alice, "r1")) is Reason.NAME_REGISTERED
    scene.ok(cmd.CreateBot(alice, "r2"))


def test_bot_does_all_that_its_token_may() -> None:
    """It posts, and is known for a bot in what it says."""
    scene = Scene()
    robot = scene.bot(scene.account("alice"), "robot")
    scene.say(robot, "lobby")
    said = scene.events[-1]
    assert isinstance(said, ev.MessagePosted)
    assert said.bot
    assert Scope.ACCOUNT not in scene.state.sessions[robot].scopes
