"""What follows the log: a commit that cannot be applied stops the server, and is in the log."""

import asyncio
import logging

import pytest

from chat_service.core import events as ev
from chat_service.following import Following
from chat_service.log.contract import Commit
from tests.edge.clients import story
from tests.edge.scene import Scene


async def turn() -> None:
    """Let the loop do what was called from another thread."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


@story
async def test_a_commit_is_applied_on_the_loop() -> None:
    """What a thread of the log tells is taken in by the journal, at the next turn of the loop."""
    scene, failed = Scene(), asyncio.Event()
    follow = Following(failed)
    follow.journal = scene.journal
    told = ev.UserCreated(scene.clock.ms(), 70, "zoe")
    await asyncio.to_thread(follow.on_commit, Commit((told,), ()))
    await turn()
    assert scene.directory.state.users[70].name == "zoe"
    assert not failed.is_set()


@story
async def test_a_commit_that_cannot_be_applied_stops_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is live no longer follows what is stored: that is said, and ends the server."""
    scene, failed = Scene(), asyncio.Event()
    follow = Following(failed)
    follow.journal = scene.journal
    unknown = Commit((ev.SessionEnded(scene.clock.ms(), 999),), ())
    await asyncio.to_thread(follow.on_commit, unknown)
    await asyncio.wait_for(failed.wait(), 20)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


@story
async def test_what_is_waited_for_is_called_once() -> None:
    """After the commit by which the condition holds, and not again."""
    scene, called = Scene(), []
    follow = Following(asyncio.Event())
    follow.journal = scene.journal
    users = scene.directory.state.users
    follow.when(lambda: users.get(71) is not None, lambda: called.append(len(called)))
    for user_id, so_far in ((70, []), (71, [0]), (72, [0])):
        told = ev.UserCreated(scene.clock.ms(), user_id, f"zoe{user_id}")
        follow.on_commit(Commit((told,), ()))
        await turn()
        assert called == so_far


@story
async def test_a_log_that_stopped_stops_the_server() -> None:
    """The failure is told on a thread of the log, and known on the loop."""
    failed = asyncio.Event()
    await asyncio.to_thread(Following(failed).on_failure, OSError("gone"))
    await asyncio.wait_for(failed.wait(), 20)
