"""Who comes in with a password, by a token of an account, and who does not."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import ALL_SCOPES, FOREVER_MS, Scope
from tests.core.scene import INSTANCE, START_MS, Scene, post

LIMITS = Limits()
IDLE_MS = LIMITS.account_idle_ms + LIMITS.renewal_ms
LIFE_MS = LIMITS.account_token_ms


def sign_in(user_id: int, password_hash: str, fresh_hash: str = "") -> cmd.SignIn:
    """Make the order of somebody whose password was right."""
    return cmd.SignIn(
        user_id, password_hash, fresh_hash, b"new", INSTANCE, client="laptop", address="192.0.2.1"
    )


def test_account_signs_in() -> None:
    """The session has the deadlines of an account, and what is known of where it is."""
    scene = Scene()
    user_id = scene.user_of(scene.account("alice"))
    events = scene.happened(sign_in(user_id, "#alice"))
    session = ev.SessionOpened(
        START_MS,
        2,
        user_id,
        b"new",
        INSTANCE,
        START_MS + IDLE_MS,
        START_MS + LIFE_MS,
        "laptop",
        "192.0.2.1",
        ALL_SCOPES,
    )
    assert events == (session,)


def test_account_signs_in_without_a_session() -> None:
    """An account stays when its last session is over, with its rooms."""
    scene = Scene()
    alice = scene.account("alice")
    user_id = scene.user_of(alice)
    scene.join(alice, "lobby")
    assert scene.happened(cmd.EndSession(alice)) == (ev.SessionEnded(START_MS, alice),)
    assert scene.user_of(scene.sign_in("alice")) == user_id
    assert scene.members_of(scene.room_named("lobby")) == ["alice"]


def test_hash_that_is_another_by_now() -> None:
    """Who was found right by a password that was changed meanwhile is not let in."""
    scene = Scene()
    alice = scene.account("alice")
    order = sign_in(scene.user_of(alice), "#alice")
    scene.ok(cmd.ChangePassword(alice, "#alice", "#other"))
    assert scene.why_not(order) is Reason.PASSWORD_WRONG


def test_better_hash_is_kept_once() -> None:
    """A hash of the parameters of today replaces the weaker one, and sign-ins go by it."""
    scene = Scene()
    user_id = scene.user_of(scene.account("alice"))
    events = scene.happened(sign_in(user_id, "#alice", "#better"))
    assert events[0] == ev.PasswordChanged(START_MS, user_id, "#better")
    assert scene.why_not(sign_in(user_id, "#alice", "#better")) is Reason.PASSWORD_WRONG
    scene.ok(replace(sign_in(user_id, "#better"), token_hash=b"third"))


@pytest.mark.parametrize("whose", ["nobody", "guest", "bot", "closed"])
def test_no_account_to_sign_in_by(whose: str) -> None:
    """Nobody, a guest, a bot and a closed account are refused in the same words."""
    scene = Scene()
    alice = scene.account("alice")
    scene.guest("guest")
    scene.bot(alice, "bot")
    closed = scene.account("closed")
    scene.ok(cmd.DeactivateAccount(closed, "#closed", ""))
    user_id = scene.state.user_ids.get(whose) or 999
    stored = {"closed": "#closed"}.get(whose, "")
    refusal = scene.refused(sign_in(user_id, stored))
    assert refusal == scene.refused(sign_in(scene.user_of(alice), "#wrong"))
    assert refusal.reason is Reason.PASSWORD_WRONG


def test_name_of_an_account_is_no_guests() -> None:
    """With or without a session of it, the name is the account's in every case."""
    scene = Scene()
    alice = scene.account("Alice")
    order = cmd.OpenGuest("ALICE", b"x", INSTANCE)
    assert scene.why_not(order) is Reason.NAME_REGISTERED
    scene.ok(cmd.EndSession(alice))
    scene.pass_time(10 * LIFE_MS)
    assert scene.why_not(order) is Reason.NAME_REGISTERED


@pytest.mark.parametrize("locked", [False, True])
def test_guests_are_refused(locked: bool) -> None:
    """By the configuration or the lock-down; accounts and guests who are here go on."""
    scene = Scene()
    user_id = scene.user_of(scene.account("alice"))
    guest = scene.guest("guest")
    if locked:
        scene.happens(ev.LockdownSet(START_MS, registrations=False, guests=True))
    else:
        scene.ok(cmd.Configure(Limits(guests=False)))
    order = cmd.OpenGuest("bob", b"x", INSTANCE)
    assert scene.why_not(order) is Reason.GUESTS_REFUSED
    assert scene.why_not(replace(order, name="b b")) is Reason.NAME_INVALID
    scene.ok(sign_in(user_id, "#alice"))
    scene.again(guest)


def test_banned_name_and_network() -> None:
    """All who come in are asked for both; admins who are in already pass a network."""
    scene = Scene()
    alice, root = scene.account("alice"), scene.account("chief", admin=True)
    scene.happens(ev.NetworkBanned(START_MS, "192.0.2.0/24", FOREVER_MS, "", 0, ""))
    there = "192.0.2.1"
    refused: list[cmd.Command] = [
        cmd.OpenGuest("bob", b"x", INSTANCE, address=there),
        sign_in(scene.user_of(alice), "#alice"),
        sign_in(scene.user_of(root), "#chief"),
        cmd.OpenSession(alice, "", b"x", INSTANCE, address=there),
        cmd.Register(0, "bob", "#", b"x", INSTANCE, address=there),
    ]
    assert {scene.why_not(order) for order in refused} == {Reason.BANNED}
    scene.ok(cmd.OpenSession(root, "", b"x", INSTANCE, address=there))
    scene.happens(ev.UserBanned(START_MS, "ALICE", FOREVER_MS, "", 0, ""))
    elsewhere = replace(sign_in(scene.user_of(alice), "#alice"), address="198.51.100.1")
    assert scene.why_not(elsewhere) is Reason.BANNED
    assert scene.why_not(cmd.OpenSession(alice, "", b"y", INSTANCE)) is Reason.BANNED


def test_session_of_a_token_ends_no_later() -> None:
    """Further sessions do not prolong what a password opened; idle time is their own."""
    scene = Scene()
    first = scene.account("alice")
    scene.pass_time(1000)
    second = scene.state.sessions[scene.again(first)]
    assert second.expires_ms == START_MS + LIFE_MS
    assert second.until_ms == START_MS + 1000 + IDLE_MS


def test_session_of_a_guest_does_not_expire() -> None:
    """A guest lives as long as it is there."""
    scene = Scene()
    assert scene.state.sessions[scene.again(scene.guest("bob"))].expires_ms == FOREVER_MS


def test_session_of_an_api_token_has_its_scopes_and_its_end() -> None:
    """So have the sessions that are opened by that one: none escapes the token."""
    scene = Scene()
    token = scene.api_token(scene.account("alice"), Scope.READ, lifetime_ms=5000)
    child = scene.again(token)
    grandchild = scene.again(child)
    for session_id in (child, grandchild):
        session = scene.state.sessions[session_id]
        assert (session.parent_id, session.scopes) == (token, (Scope.READ,))
        assert (session.api_token, session.expires_ms) == (False, START_MS + 5000)
        assert scene.why_not(post(session_id, "lobby")) is Reason.SCOPE_MISSING
    order = cmd.OpenSession(token, "", b"x", INSTANCE, "den")
    assert scene.why_not(order) is Reason.SCOPE_MISSING


@pytest.mark.parametrize("client", ["x" * 65, "é" * 33, "a\nb", "a\x1b[2J"])
def test_what_a_client_cannot_be_called(client: str) -> None:
    """The name of a client is one short line."""
    scene = Scene()
    alice = scene.account("alice")
    orders: list[cmd.Command] = [
        cmd.OpenGuest("bob", b"x", INSTANCE, client=client),
        cmd.OpenSession(alice, "", b"x", INSTANCE, client=client),
        cmd.Register(0, "bob", "#", b"x", INSTANCE, client=client),
        replace(sign_in(scene.user_of(alice), "#alice"), client=client),
    ]
    for order in orders:
        refusal = scene.refused(order)
        assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, "client")


def test_sessions_of_an_account_are_bounded() -> None:
    """A right password opens no session too many."""
    scene = Scene(Limits(sessions_per_user=2))
    user_id = scene.user_of(scene.account("alice"))
    scene.sign_in("alice")
    assert scene.why_not(sign_in(user_id, "#alice")) is Reason.TOO_MANY_SESSIONS
