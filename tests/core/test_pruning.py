"""What is let go: whatever a timer orders, nothing goes that must stay."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from tests.core.scene import START_MS, Scene, post


def lobby_with(count: int) -> tuple[Scene, int]:
    """Return a scene where so much was said in the lobby, and the lobby."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    for _ in range(count):
        scene.say(alice, "lobby")
    return scene, scene.room_named("lobby")


def test_prune_moves_the_first_seq() -> None:
    """The event names the first seq that is kept, which may be behind the head."""
    scene, lobby = lobby_with(5)
    assert scene.happened(cmd.Prune(lobby, 2)) == (ev.RoomPruned(START_MS, lobby, 3),)
    assert scene.happened(cmd.Prune(lobby, 5)) == (ev.RoomPruned(START_MS, lobby, 6),)
    assert (scene.state.first(lobby), scene.state.heads[lobby]) == (6, 5)


@pytest.mark.parametrize("up_to_seq", [-7, 0, 1, 2, 3])
def test_what_is_gone_goes_once(up_to_seq: int) -> None:
    """A prune of nothing, or of what is gone, is accepted and changes nothing."""
    scene, lobby = lobby_with(5)
    scene.ok(cmd.Prune(lobby, 3))
    assert scene.happened(cmd.Prune(lobby, up_to_seq)) == ()
    assert scene.state.first(lobby) == 4


def test_prune_of_what_is_not_there_is_refused() -> None:
    """Neither events to come nor a room that nobody opened can be pruned."""
    scene, lobby = lobby_with(5)
    assert scene.why_not(cmd.Prune(lobby, 6)) is Reason.SEQ_OUT_OF_RANGE
    assert scene.why_not(cmd.Prune(99, 1)) is Reason.ROOM_NOT_FOUND
    assert scene.state.first(lobby) == 1


def test_seq_is_not_used_again_after_a_prune() -> None:
    """A room of which nothing is kept goes on where it was."""
    scene, lobby = lobby_with(5)
    scene.ok(cmd.Prune(lobby, 5))
    assert scene.say(scene.guest("bob"), "lobby").seq == 6


def test_leftovers_are_pruned_to_their_end_and_no_further() -> None:
    """A forgotten direct message can be pruned until nothing of it is left."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    room_id = scene.say(alice, ("bob",)).room_id
    scene.say(bob, ("alice",))
    scene.ok(cmd.EndSession(alice))
    assert scene.happened(cmd.EndSession(bob))[-1] == ev.RoomForgotten(START_MS, room_id, 2)
    assert scene.why_not(cmd.Prune(room_id, 3)) is Reason.SEQ_OUT_OF_RANGE
    scene.ok(cmd.Prune(room_id, 1))
    assert scene.state.first(room_id) == 2
    scene.ok(cmd.Prune(room_id, 2))
    assert scene.why_not(cmd.Prune(room_id, 2)) is Reason.ROOM_NOT_FOUND


def test_room_without_events_leaves_nothing_over() -> None:
    """A direct message that is empty, or was pruned, is forgotten without a rest."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    pruned = scene.say(alice, ("bob",)).room_id
    scene.ok(cmd.Prune(pruned, 1))
    carol = scene.guest("carol")
    empty = scene.ok(cmd.JoinRoom(bob, cmd.Direct(("carol",)))).room_id
    for session_id in (alice, bob, carol):
        scene.ok(cmd.EndSession(session_id))
    forgotten = [event for event in scene.events if isinstance(event, ev.RoomForgotten)]
    assert [(event.room_id, event.left_seq) for event in forgotten] == [(pruned, 0), (empty, 0)]
    assert not scene.state.firsts.snapshot()


def test_first_answers_live_for_fourteen_days() -> None:
    """The figure of the guarantee, and an event that says from when on they are kept."""
    assert Limits().first_answer_ms == 14 * 86_400_000
    scene = Scene()
    (event,) = scene.happened(cmd.PruneAnswers(7))
    assert event == ev.AnswersPruned(START_MS, START_MS - 14 * 86_400_000, 7)


def test_retry_of_a_pruned_message_gets_its_first_answer() -> None:
    """That a message is gone does not make its retry another message."""
    scene, lobby = lobby_with(0)
    bob = scene.guest("bob")
    first = scene.ok(post(bob, "lobby", message_id="m"))
    scene.ok(cmd.Prune(lobby, 1))
    again = scene.ok(post(bob, "lobby", message_id="m"))
    assert (again.seq, again.duplicate) == (first.seq, True)
