"""The one entrance of decisions: the clock, the read that an order needs, the table of orders."""

from typing import get_args

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import _DECIDE, decide, fact_key
from chat_service.core.decision import Accepted, FactKey
from chat_service.core.errors import Reason
from tests.core.scene import INSTANCE, START_MS, Scene, post


def test_every_order_is_in_the_table() -> None:
    """Each kind of order has its decision; those of messages take a read beside it."""
    decided = {*_DECIDE, cmd.PostMessage, cmd.DeleteMessage}
    assert decided == set(get_args(cmd.Command))


def test_unknown_order_raises() -> None:
    """What is no order is a mistake of the caller, not a refusal."""
    with pytest.raises(KeyError):
        decide(Scene().state, object(), None, START_MS)  # type: ignore[arg-type] # that is tried


def test_post_needs_the_first_answer_of_its_author() -> None:
    """The read is for the user, whichever of its sessions posts."""
    scene = Scene()
    scene.guest("zoe")
    alice = scene.guest("alice")
    key = FactKey(scene.user_of(alice), "m1")
    assert fact_key(scene.state, post(alice, "lobby", message_id="m1")) == key
    again = scene.again(alice)
    assert fact_key(scene.state, post(again, "lobby", message_id="m1")) == key


@pytest.mark.parametrize("message_id", ["", "\ud800", "m\x00", "m" * 65, "é"])
def test_no_read_for_an_id_that_no_message_can_have(message_id: str) -> None:
    """An id that will be refused is never looked for, so none can break the look."""
    scene = Scene()
    alice = scene.guest("alice")
    order = post(alice, "lobby", message_id=message_id)
    assert fact_key(scene.state, order) is None
    assert scene.why_not(order) is Reason.CLIENT_ID_INVALID


def test_other_orders_need_no_read() -> None:
    """Without a session, and for every order that is no post, nothing is read."""
    scene = Scene()
    alice = scene.guest("alice")
    assert fact_key(scene.state, post(999, "lobby")) is None
    assert fact_key(scene.state, cmd.EndSession(alice)) is None
    assert fact_key(scene.state, cmd.JoinRoom(alice, cmd.RoomByName("lobby"))) is None


def test_events_have_the_time_of_their_decision() -> None:
    """All events of an order have the same time, that of the clock as it goes on."""
    scene = Scene()
    scene.now_ms = START_MS + 5
    events = scene.happened(cmd.OpenGuest("alice", b"t", INSTANCE, "den"))
    assert len(events) > 2
    assert {event.time_ms for event in events} == {START_MS + 5}


def test_time_never_goes_back_when_the_clock_does() -> None:
    """With a clock that stepped back an event has the time of the event before it."""
    scene = Scene()
    alice = scene.guest("alice")
    scene.now_ms = START_MS + 1000
    late = scene.say(alice, "lobby").time_ms
    scene.now_ms = 5
    assert scene.say(alice, "lobby").time_ms == late == START_MS + 1000
    scene.now_ms = START_MS + 1001
    assert scene.say(alice, "lobby").time_ms == late + 1


def test_clock_that_stepped_back_revives_nobody() -> None:
    """A session that was over stays over, and a deadline is never counted from the past."""
    scene = Scene()
    alice, bob = scene.guest("alice"), scene.guest("bob")
    over = scene.until_of(alice)
    scene.now_ms = over - 1
    scene.ok(cmd.RenewSession(bob))
    scene.now_ms = over
    scene.say(bob, "lobby")
    scene.now_ms = START_MS
    assert scene.why_not(post(alice, "lobby")) is Reason.SESSION_ENDED
    carol = scene.guest("carol")
    assert scene.until_of(carol) > over


def test_deciding_twice_gives_the_same_and_changes_nothing() -> None:
    """A decision leaves no trace: not in the tables, not in their scratch layer, not elsewhere."""
    scene = Scene()
    alice, bob = scene.guest("alice", room="lobby"), scene.guest("bob")
    scene.ok(cmd.AttachSession(bob, 3))
    orders: list[cmd.Command] = [
        cmd.StartInstance("there", "epoch-2", scene.state.limits, "den"),
        cmd.OpenGuest("carol", b"new", INSTANCE, "den"),
        cmd.OpenSession(alice, "alice", b"new", INSTANCE, "den"),
        cmd.AttachSession(alice, 1),
        cmd.DetachSession(bob, 3),
        cmd.RenewSession(alice),
        cmd.EndSession(alice),
        cmd.JoinRoom(alice, cmd.Direct(("bob",))),
        cmd.LeaveRoom(alice, cmd.RoomByName("lobby")),
        cmd.SetTopic(alice, cmd.RoomByName("lobby"), "cats"),
        post(alice, ("bob",)),
    ]
    before = scene.state.snapshot()
    for order in orders:
        first = decide(scene.state, order, None, START_MS + 50)
        assert isinstance(first, Accepted)
        assert first.events, order
        assert decide(scene.state, order, None, START_MS + 50) == first
    assert scene.state.snapshot() == before
    assert not any(list(table.changed()) for table in scene.state.tables().values())


def test_same_orders_give_the_same_events() -> None:
    """Two states that were given the same orders agree on every event and every answer."""

    def story() -> Scene:
        scene = Scene()
        alice, bob = scene.guest("alice", room="lobby"), scene.guest("bob", room="den")
        scene.say(alice, ("bob",))
        scene.say(bob, "lobby")
        scene.ok(cmd.EndSession(alice))
        scene.guest("alice", room="den")
        return scene

    first, second = story(), story()
    assert first.events == second.events
    assert first.given == second.given
    assert any(isinstance(event, ev.UserEnded) for event in first.events)
