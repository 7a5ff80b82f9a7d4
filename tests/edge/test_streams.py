"""The streams that are open, by whose they are."""

import pytest

from chat_service.core.errors import Reason, Rejection
from tests.edge.clients import story
from tests.edge.scene import Scene


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


@story
async def test_streams_by_user_and_session(scene: Scene) -> None:
    """Chat and Subscribe streams are told apart, and forgotten when they close."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    chat, listener = scene.stream(alice), scene.stream(alice, chat=False)
    streams = scene.streams
    assert streams.of_user(alice.user_id) == [chat]
    assert (streams.is_connected(alice.user_id), streams.is_connected(bob.user_id)) == (True, False)
    assert streams.subscribed_sessions() == [alice.session_id]
    assert streams.attachments() == {chat.attachment}
    assert streams.all() == [chat, listener]
    streams.remove(chat)
    streams.remove(chat)
    assert not streams.is_connected(alice.user_id)
    assert streams.all() == [listener]
    streams.remove(listener)
    assert streams.subscribed_sessions() == []


@story
async def test_newer_stream_takes_the_place_of_older_ones(scene: Scene) -> None:
    """The older Chat streams of its session end; others, and those of Subscribe, go on."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    old, listener, other = scene.stream(alice), scene.stream(alice, chat=False), scene.stream(bob)
    new = scene.stream(alice)
    scene.streams.replace(alice.session_id, new.attachment)
    assert old.subscription.ended is not None
    assert old.subscription.ended.reason is Reason.SESSION_REPLACED
    for stream in (new, listener, other):
        assert stream.subscription.ended is None


@story
async def test_streams_that_are_ended(scene: Scene) -> None:
    """All streams of a session or of a user end with the reason, and nobody else's."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    reason = Rejection(Reason.KICKED, "out")
    first, second, other = scene.stream(alice), scene.stream(alice, chat=False), scene.stream(bob)
    assert scene.streams.counts() == (2, 1, 2)
    scene.streams.end_session(alice.session_id, reason)
    assert first.subscription.ended == second.subscription.ended == reason
    assert other.subscription.ended is None
    scene.streams.end_user(bob.user_id, reason)
    assert other.subscription.ended == reason
