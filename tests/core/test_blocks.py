"""Whose direct messages a user does not take."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import Scope
from tests.core.scene import START_MS, Scene


def block(session_id: int, name: str, *, blocked: bool = True, wait_ms: int = 0) -> cmd.BlockUser:
    """Make the order to block somebody, or no longer."""
    return cmd.BlockUser(session_id, cmd.UserByName(name), blocked, wait_ms)


def test_user_is_blocked_and_not_any_more() -> None:
    """Each once; by name or id, by guests too; the answer tells who it is."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("Bob")
    ids = scene.user_of(alice), scene.user_of(bob)
    assert scene.happened(block(alice, "bob")) == (ev.UserBlocked(START_MS, *ids),)
    assert scene.happened(cmd.BlockUser(alice, cmd.UserById(ids[1]), blocked=True)) == ()
    answer = scene.ok(block(alice, "BOB", blocked=False))
    assert (answer.user_id, answer.name) == (ids[1], "Bob")
    assert scene.happened(block(alice, "bob", blocked=False)) == ()
    assert not scene.state.blocks.snapshot()


def test_who_cannot_be_blocked() -> None:
    """Nobody, and oneself."""
    scene = Scene()
    alice = scene.guest("alice")
    assert scene.why_not(block(alice, "nobody")) is Reason.USER_NOT_FOUND
    refusal = scene.refused(block(alice, "alice"))
    assert (refusal.reason, refusal.field) == (Reason.FIELD_INVALID, "user")


def test_blocks_cost_a_send_and_a_scope() -> None:
    """Over the rate it waits, unless nothing changes; a token that cannot speak cannot block."""
    scene = Scene()
    alice = scene.account("alice")
    scene.guest("bob")
    assert scene.refused(block(alice, "bob", wait_ms=9)).retry_after_ms == 9
    scene.ok(block(alice, "bob", blocked=False, wait_ms=9))
    reader = scene.api_token(alice, Scope.READ)
    assert scene.why_not(block(reader, "bob")) is Reason.SCOPE_MISSING


def test_blocks_are_bounded_by_those_who_are_there() -> None:
    """Guests that are gone for ever make room, and are forgotten."""
    scene = Scene(Limits(blocks_per_user=1))
    alice, bob = scene.guest("alice"), scene.guest("bob")
    scene.guest("carol")
    scene.ok(block(alice, "bob"))
    assert scene.why_not(block(alice, "carol")) is Reason.TOO_MANY_BLOCKS
    gone = scene.user_of(bob)
    scene.ok(cmd.EndSession(bob))
    events = scene.happened(block(alice, "carol"))
    assert events[0] == ev.UserUnblocked(START_MS, scene.user_of(alice), gone)
    assert len(scene.state.blocks) == 1
