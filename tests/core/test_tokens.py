"""API tokens, and sessions that are revoked."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import FOREVER_MS, Scope
from tests.core.scene import INSTANCE, START_MS, Scene, post

SCOPES = (Scope.POST, Scope.READ, Scope.POST)


def order_of(session_id: int, bot: str = "", lifetime_ms: int = 0) -> cmd.CreateApiToken:
    """Make the order for a token."""
    return cmd.CreateApiToken(session_id, bot, "deploys", SCOPES, b"api", INSTANCE, lifetime_ms)


def test_token_has_its_scopes_and_no_end_of_its_own() -> None:
    """It is a session that is never idle; each scope is stored once."""
    scene = Scene()
    alice = scene.account("alice")
    assert scene.happened(order_of(alice)) == (
        ev.SessionOpened(
            START_MS,
            2,
            scene.user_of(alice),
            b"api",
            INSTANCE,
            until_ms=FOREVER_MS,
            expires_ms=FOREVER_MS,
            client="deploys",
            scopes=(Scope.READ, Scope.POST),
            api_token=True,
        ),
    )
    scene.pass_time(10 * 365 * 24 * 3_600_000)
    scene.say(2, "lobby")


def test_stream_of_a_token_leaves_it_as_it_was() -> None:
    """A Chat stream may use it directly; when that ends, when a call uses it, or after a crash."""
    scene = Scene()
    token = scene.api_token(scene.account("alice"))
    scene.ok(cmd.AttachSession(token, 1))
    scene.ok(cmd.DetachSession(token, 1))
    assert scene.happened(cmd.RenewSession(token)) == ()
    scene.ok(cmd.StartInstance(INSTANCE, "e", Limits(), "lobby"))
    assert scene.until_of(token) == FOREVER_MS


def test_token_ends_at_exactly_its_time() -> None:
    """One ms before it is good, at its end it is not, with or without a stream."""
    scene = Scene()
    token = scene.ok(order_of(scene.account("alice"), lifetime_ms=1000)).session_id
    scene.ok(cmd.AttachSession(token, 1))
    scene.pass_time(999)
    scene.say(token, "lobby")
    assert scene.happened(cmd.ExpireSession(token)) == ()
    scene.pass_time(1)
    assert scene.why_not(post(token, "lobby")) is Reason.SESSION_ENDED
    assert scene.happened(cmd.ExpireSession(token)) == (ev.SessionEnded(scene.now_ms, token),)


def test_longest_life_is_for_ever() -> None:
    """A number that no clock reaches is stored as one that can be."""
    scene = Scene()
    token = scene.ok(order_of(scene.account("alice"), lifetime_ms=2**63 - 1)).session_id
    assert scene.state.sessions[token].expires_ms == FOREVER_MS


@pytest.mark.parametrize(
    ("scopes", "label", "lifetime_ms", "field"),
    [
        ((), "", 0, "scopes"),
        ((0,), "", 0, "scopes"),
        ((7,), "", 0, "scopes"),
        ((Scope.READ, Scope.ACCOUNT), "", 0, "scopes"),
        ((Scope.READ,), "x" * 65, 0, "label"),
        ((Scope.READ,), "a\nb", 0, "label"),
        ((Scope.READ,), "", -1, "lifetime_ms"),
    ],
)
def test_token_that_cannot_be_made(
    scopes: tuple[int, ...], label: str, lifetime_ms: int, field: str
) -> None:
    """The field at fault is named."""
    scene = Scene()
    order = replace(order_of(scene.account("alice")), scopes=scopes, label=label)
    refusal = scene.refused(replace(order, lifetime_ms=lifetime_ms))
    assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, field)


def test_who_makes_no_tokens() -> None:
    """Guests have no account; a token makes no further one."""
    scene = Scene()
    assert scene.why_not(order_of(scene.guest("guest"))) is Reason.ACCOUNT_NEEDED
    token = scene.api_token(scene.account("alice"))
    assert scene.why_not(order_of(token)) is Reason.SCOPE_MISSING


def test_tokens_count_as_sessions() -> None:
    """They are bounded together."""
    scene = Scene(Limits(sessions_per_user=2))
    alice = scene.account("alice")
    scene.api_token(alice)
    assert scene.why_not(order_of(alice)) is Reason.TOO_MANY_SESSIONS


def test_token_of_a_bot() -> None:
    """It signs the bot in, and is made by its owner alone."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.account("bob")
    bot_id = scene.ok(cmd.CreateBot(alice, "robot")).user_id
    assert scene.why_not(order_of(bob, "robot")) is Reason.USER_NOT_FOUND
    assert scene.why_not(order_of(alice, "bob")) is Reason.USER_NOT_FOUND
    answer = scene.ok(order_of(alice, "ROBOT"))
    assert (answer.user_id, scene.user_of(answer.session_id)) == (bot_id, bot_id)
    scene.ok(cmd.DeactivateAccount(alice, "", "robot"))
    assert scene.why_not(order_of(alice, "robot")) is Reason.USER_NOT_FOUND


# --------------------------------------------------------------------- revoking


def test_one_session_is_revoked() -> None:
    """Another one of the account, or the caller's own."""
    scene = Scene()
    alice, other = scene.account("alice"), scene.sign_in("alice")
    assert scene.ok(cmd.RevokeSession(alice, other)).sessions == 1
    assert scene.why_not(cmd.RevokeSession(alice, other)) is Reason.SESSION_NOT_FOUND
    assert scene.happened(cmd.RevokeSession(alice, alice)) == (ev.SessionEnded(START_MS, alice),)
    assert scene.state.users[1].account


def test_token_is_revoked_with_all_that_it_opened() -> None:
    """Also by a session that was opened by one of its; other tokens go on."""
    scene = Scene()
    alice = scene.account("alice")
    token, another = scene.api_token(alice), scene.api_token(alice)
    child = scene.again(token)
    grandchild = scene.again(child)
    other_child = scene.again(another)
    assert scene.ok(cmd.RevokeSession(alice, token)).sessions == 3
    assert set(scene.state.sessions.snapshot()) == {alice, another, other_child}
    assert grandchild not in scene.state.sessions


def test_all_others_are_revoked() -> None:
    """The caller stays; bots and other accounts are not meant."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.account("bob")
    scene.sign_in("alice")
    scene.again(scene.api_token(alice))
    robot = scene.bot(alice, "robot")
    assert scene.ok(cmd.RevokeSession(alice, 0)).sessions == 3
    assert set(scene.state.sessions.snapshot()) == {alice, bob, robot}
    assert scene.ok(cmd.RevokeSession(alice, 0)).sessions == 0


def test_session_of_a_bot_is_revoked_by_its_owner() -> None:
    """And nobody else's is by anybody."""
    scene = Scene()
    alice, bob, guest = scene.account("alice"), scene.account("bob"), scene.guest("guest")
    robot = scene.bot(alice, "robot")
    for foreign in (alice, robot, guest, 999):
        assert scene.why_not(cmd.RevokeSession(bob, foreign)) is Reason.SESSION_NOT_FOUND
    assert scene.why_not(cmd.RevokeSession(robot, robot)) is Reason.SCOPE_MISSING
    assert scene.why_not(cmd.RevokeSession(guest, guest)) is Reason.ACCOUNT_NEEDED
    scene.ok(cmd.RevokeSession(alice, robot))
    assert robot not in scene.state.sessions
