"""What decisions share: a session that must be alive, and the refusal of haste."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core.decision import Accepted, Answer, too_fast, valid_session
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Session
from tests.core.plain import is_record
from tests.core.scene import Scene, post


def orders_of(session_id: int) -> list[cmd.Command]:
    """Return an order of each kind that needs a living session."""
    return [
        cmd.OpenSession(session_id, "", b"another", "here"),
        cmd.AttachSession(session_id, 1),
        cmd.RenewSession(session_id),
        cmd.EndSession(session_id),
        cmd.JoinRoom(session_id, cmd.RoomByName("lobby")),
        cmd.LeaveRoom(session_id, cmd.RoomByName("lobby")),
        cmd.SetTopic(session_id, cmd.RoomByName("lobby"), "cats"),
        post(session_id, "lobby"),
    ]


def test_living_session_is_returned() -> None:
    """One ms before the deadline the session still is the one that was opened."""
    scene = Scene()
    alice = scene.guest("alice")
    found = valid_session(scene.state, alice, scene.until_of(alice) - 1)
    assert isinstance(found, Session)
    assert found.session_id == alice


def test_session_ends_at_exactly_its_deadline() -> None:
    """At `until_ms` itself the session is over."""
    scene = Scene()
    alice = scene.guest("alice")
    found = valid_session(scene.state, alice, scene.until_of(alice))
    assert isinstance(found, Rejection)
    assert found.reason is Reason.SESSION_ENDED


@pytest.mark.parametrize("number", range(len(orders_of(0))))
def test_each_order_needs_a_living_session(number: int) -> None:
    """Unknown, expired, ended: every order of a session is refused with the same reason."""
    scene = Scene()
    ended, expired = scene.guest("ended"), scene.guest("expired")
    scene.ok(cmd.EndSession(ended))
    scene.now_ms = scene.until_of(expired)
    answers = {scene.refused(orders_of(n)[number]) for n in (0, -1, 999, ended, expired)}
    assert {answer.reason for answer in answers} == {Reason.SESSION_ENDED}
    assert len(answers) == 1


@pytest.mark.parametrize("number", range(len(orders_of(0))))
def test_each_order_works_one_ms_before_the_deadline(number: int) -> None:
    """The same orders pass while the session lives, so the refusal above is about its end."""
    scene = Scene()
    alice = scene.guest("alice", room="lobby")
    scene.now_ms = scene.until_of(alice) - 1
    assert isinstance(scene.do(orders_of(alice)[number]), Accepted)


def test_haste_is_told_when_to_come_back() -> None:
    """The refusal of haste carries exactly the delay of the verdict."""
    assert too_fast(1234).reason is Reason.RATE_LIMITED
    assert too_fast(1234).retry_after_ms == 1234


def test_answer_is_a_plain_record() -> None:
    """What an order came to can be written down as it is, and is not changed afterwards."""
    assert is_record(Answer)


def test_nothing_happened_is_a_good_answer() -> None:
    """An accepted order may have no events and an empty answer."""
    assert Accepted() == Accepted((), Answer(0, 0, 0, duplicate=False, user_id=0, session_id=0))
