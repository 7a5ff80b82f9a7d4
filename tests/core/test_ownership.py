"""The code by which the first admin registers."""

from dataclasses import replace

from chat_service.core import commands as cmd
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from tests.core.scene import INSTANCE, Scene

START = cmd.StartInstance(INSTANCE, "e", Limits(), "lobby", b"printed")
BY_CODE = cmd.Register(0, "alice", "#", b"t", INSTANCE, owner_code_hash=b"printed")
BY_OPERATOR = cmd.Register(0, "carol", "#", b"", INSTANCE, by_operator=True, admin=True)


def code_of(scene: Scene) -> str:
    """Return the hash of the code that is good, in hex."""
    return scene.state.names.get("owner_code") or ""


def test_code_that_was_used_is_not_taken_again() -> None:
    """A process that is replaced brings the code of its launch, which stays void."""
    scene = Scene(started=False)
    scene.ok(START)
    scene.ok(BY_CODE)
    scene.ok(START)
    assert code_of(scene) == ""
    scene.ok(cmd.SetAdmin(cmd.OPERATOR, cmd.UserByName("alice"), admin=False))
    scene.ok(START)
    assert code_of(scene) == ""
    assert scene.why_not(replace(BY_CODE, name="bob")) is Reason.OWNER_CODE_INVALID
    scene.ok(replace(START, owner_code_hash=b"next launch"))
    assert code_of(scene) == b"next launch".hex()


def test_code_that_was_not_used_is_good_after_a_crash() -> None:
    """The same code is still good in the process that takes the place."""
    scene = Scene(started=False)
    scene.ok(START)
    scene.ok(START)
    scene.ok(BY_CODE)
    assert scene.state.accounts[1].admin


def test_other_ways_to_an_admin_make_it_void() -> None:
    """An account that the operator makes an admin of, at once or later; no other account does."""
    ways: tuple[list[cmd.Command], ...] = (
        [BY_OPERATOR],
        [replace(BY_OPERATOR, admin=False), cmd.SetAdmin(0, cmd.UserByName("carol"), admin=True)],
    )
    for way in ways:
        scene = Scene(started=False)
        scene.ok(START)
        *before, last = way
        for order in before:
            scene.ok(order)
            assert code_of(scene) == b"printed".hex()
        scene.ok(last)
        assert code_of(scene) == ""
        assert scene.why_not(BY_CODE) is Reason.OWNER_CODE_INVALID


def test_code_of_the_operator_is_good_until_the_next_start() -> None:
    """Where there is an admin, nothing is left open that somebody forgot."""
    scene = Scene(started=False)
    scene.ok(START)
    scene.ok(BY_OPERATOR)
    scene.ok(cmd.SetOwnerCode(b"asked for"))
    assert code_of(scene) == b"asked for".hex()
    scene.ok(START)
    assert code_of(scene) == ""


def test_start_without_a_code_leaves_what_there_is() -> None:
    """A server that is started by hand has none to give."""
    scene = Scene(started=False)
    scene.ok(START)
    scene.ok(replace(START, owner_code_hash=b""))
    assert code_of(scene) == b"printed".hex()
