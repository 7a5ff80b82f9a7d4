"""`chat_cli.errands`: what is asked beside everything else, and what it comes to."""

import asyncio
from contextlib import suppress

from chat_cli.effects import Effect, KeepIgnored
from chat_cli.entries import warning
from chat_cli.errands import Errands
from chat_cli.errors import ChatError
from tests.cli.desk import run


def test_errands_end_when_they_do() -> None:
    """Each is followed when its answer comes, whatever was asked before it."""

    async def story() -> None:
        followed: list[list[Effect]] = []
        errands = Errands(followed.append)
        first: asyncio.Future[list[Effect]] = asyncio.get_running_loop().create_future()
        second: asyncio.Future[list[Effect]] = asyncio.get_running_loop().create_future()
        errands.start(first)
        errands.start(second)
        answer: list[Effect] = [KeepIgnored()]
        second.set_exception(ChatError("no answer"))
        assert errands.busy
        asyncio.get_running_loop().call_soon(first.set_result, answer)
        await errands.done()
        assert not errands.busy
        assert sorted(followed, key=str) == sorted(
            [[warning("no answer")], [KeepIgnored()]], key=str
        )

    run(story())


def test_what_follows_from_an_errand_may_be_another() -> None:
    """All are waited for."""

    async def story() -> None:
        followed: list[list[Effect]] = []

        def follow(effects: list[Effect]) -> None:
            followed.append(effects)
            if len(followed) < 3:
                errands.start(asyncio.sleep(0, [KeepIgnored()]))

        errands = Errands(follow)
        errands.start(asyncio.sleep(0, [KeepIgnored()]))
        await errands.done()
        assert len(followed) == 3

    run(story())


def test_errand_that_ends_by_a_mistake_has_ended() -> None:
    """Nobody waits for it any more."""

    async def story() -> None:
        asking: asyncio.Future[list[Effect]] = asyncio.get_running_loop().create_future()
        asking.set_exception(ZeroDivisionError())
        errands = Errands(lambda _: None)
        errands.start(asking)
        with suppress(ZeroDivisionError):
            await errands.done()
        assert not errands.busy

    run(story())
