"""What a server orders when it begins: of sessions that a crash left, and of accounts in them."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.limits import Limits
from chat_service.core.model import FOREVER_MS
from tests.core.scene import INSTANCE, Scene

DAY_MS = 24 * 3_600_000
START = cmd.StartInstance(INSTANCE, "e", Limits(), "lobby")


def test_crash_leaves_accounts_a_day() -> None:
    """A session that was attached for days lives a whole idle time more, a guest's a grace."""
    scene = Scene()
    alice, bob = scene.account("alice"), scene.guest("bob")
    token = scene.api_token(alice)
    for session_id in (alice, bob, token):
        scene.ok(cmd.AttachSession(session_id, 1))
    scene.pass_time(3 * DAY_MS)
    scene.ok(START)
    limits = Limits()
    assert scene.until_of(alice) == scene.now_ms + limits.account_idle_ms + limits.renewal_ms
    assert scene.until_of(bob) == scene.now_ms + limits.guest_grace_ms + limits.renewal_ms
    assert scene.until_of(token) == FOREVER_MS
    assert {scene.state.sessions[n].attachment for n in (alice, bob, token)} == {0}


def test_restored_data_goes_on_in_another_epoch() -> None:
    """All that it has stays; only its life has another name, from this start on."""
    scene = Scene()
    bob = scene.guest("bob")
    restored = cmd.StartInstance(INSTANCE, "after", Limits(), "lobby", restored=True)
    rules = scene.state.counter("rules")
    assert ev.EpochBegan(scene.now_ms, "after", rules) in scene.happened(restored)
    assert (scene.state.epoch, scene.state.counter("rules")) == ("after", rules)
    assert bob in scene.state.sessions
    assert not any(isinstance(event, ev.EpochBegan) for event in scene.happened(START))


def test_start_without_a_code_leaves_the_one_that_there_is() -> None:
    """So a code that was made for recovery outlives a restart."""
    scene = Scene()
    scene.ok(cmd.SetOwnerCode(b"made"))
    assert not any(isinstance(event, ev.OwnerCodeSet) for event in scene.happened(START))
    assert scene.state.names["owner_code"] == b"made".hex()
