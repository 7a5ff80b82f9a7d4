"""Who goes: sessions, and what ends with them."""

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.departures import end_session, end_sessions, sessions_of
from tests.core.scene import START_MS, Scene


def test_guest_ends_with_its_last_session() -> None:
    """Not with an earlier one; an account does not at all."""
    scene = Scene()
    first, state = scene.guest("bob"), scene.state
    second = scene.again(first)
    ended = ev.SessionEnded(START_MS, first)
    assert end_session(state, state.sessions[first], START_MS) == [ended]
    scene.ok(cmd.EndSession(second))
    user_id = scene.user_of(first)
    assert end_session(state, state.sessions[first], START_MS) == [
        ended,
        ev.UserEnded(START_MS, user_id),
    ]
    alice = scene.account("alice")
    assert end_session(state, state.sessions[alice], START_MS) == [ev.SessionEnded(START_MS, alice)]


def test_api_token_ends_with_what_it_opened() -> None:
    """A session that it did not open stays, and one that it opened ends alone."""
    scene = Scene()
    alice = scene.account("alice")
    token, other = scene.api_token(alice), scene.api_token(alice)
    child = scene.again(token)
    grandchild, others_child = scene.again(child), scene.again(other)
    state = scene.state
    assert end_session(state, state.sessions[token], START_MS) == [
        ev.SessionEnded(START_MS, n) for n in (token, child, grandchild)
    ]
    assert end_session(state, state.sessions[child], START_MS) == [ev.SessionEnded(START_MS, child)]
    assert others_child in state.sessions


def test_all_sessions_but_one() -> None:
    """They end by id; who has none loses none."""
    scene = Scene()
    alice, second = scene.account("alice"), scene.sign_in("alice")
    user_id = scene.user_of(alice)
    assert end_sessions(scene.state, user_id, START_MS, but=second) == [
        ev.SessionEnded(START_MS, alice)
    ]
    for session_id in (alice, second):
        scene.ok(cmd.EndSession(session_id))
    assert sessions_of(scene.state, user_id) == ()
    assert end_sessions(scene.state, user_id, START_MS) == []
