"""The admin process's end of the link, with the launcher's in memory."""

import asyncio
from pathlib import Path

import pytest

from chat_service import link
from chat_service.admin.launcher import Launcher
from chat_service.admin.operations import AdminError
from chat_service.link import Refusal, Verb
from tests.admin.fake_launcher import FakeLauncher
from tests.admin.scene import run, short_directory, until


def test_what_is_told_is_heard_in_order() -> None:
    """Messages arrive as they were said; lines that are none are logged and skipped."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeLauncher(Path(name)) as fake:
                launcher = await Launcher.connect(fake.connection)
                heard: list[link.Message] = []
                hearing = asyncio.ensure_future(launcher.listen(heard.append))
                fake.tell(link.LogLine(0, "x" * 200_000))
                fake.say_raw(b"nonsense\n{}\n")
                fake.tell(link.Stopping())
                await until(lambda: len(heard) == 2)
                assert heard == [link.LogLine(0, "x" * 200_000), link.Stopping()]
                fake.end()
                await hearing

    run(story())


def test_answers_find_their_asks() -> None:
    """Two asks at once get each their own answer, whichever comes first."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeLauncher(Path(name)) as fake:
                fake.answers.clear()
                launcher = await Launcher.connect(fake.connection)
                hearing = asyncio.ensure_future(launcher.listen(lambda _: None))
                first = asyncio.ensure_future(launcher.ask(Verb.START, 1))
                second = asyncio.ensure_future(launcher.ask(Verb.START, 2))
                await until(lambda: len(fake.asks) == 2)
                assert [(ask.verb, ask.port) for ask in fake.asks] == [
                    (Verb.START, 1),
                    (Verb.START, 2),
                ]
                one, two = (ask.number for ask in fake.asks)
                fake.tell(link.Answer(99, instances=(7,)))
                fake.tell(link.Answer(two, instances=(2,)))
                fake.tell(link.Answer(one, Refusal.INSTANCE_FAILED, "the port is in use"))
                assert (await second).instances == (2,)
                with pytest.raises(AdminError, match=r"^the port is in use$") as refused:
                    await first
                assert refused.value.reason == "INSTANCE_FAILED"
                fake.end()
                await hearing

    run(story())


def test_end_of_the_file_refuses_all_asks() -> None:
    """Whoever waits for an answer of a launcher that is gone, or asks it, is told."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeLauncher(Path(name)) as fake:
                fake.answers.clear()
                launcher = await Launcher.connect(fake.connection)
                hearing = asyncio.ensure_future(launcher.listen(lambda _: None))
                waiting = asyncio.ensure_future(launcher.ask(Verb.RELOAD))
                await until(lambda: fake.asks)
                fake.end()
                await hearing
                for ask in (waiting, launcher.ask(Verb.RELOAD)):
                    with pytest.raises(AdminError) as refused:
                        await ask
                    assert refused.value.reason == "STOPPING"

    run(story())


def test_ask_that_is_given_up_needs_no_answer() -> None:
    """An answer that nobody waits for any more disturbs nobody."""

    async def story() -> None:
        with short_directory() as name:
            async with FakeLauncher(Path(name)) as fake:
                fake.answers.clear()
                launcher = await Launcher.connect(fake.connection)
                hearing = asyncio.ensure_future(launcher.listen(lambda _: None))
                asking = asyncio.ensure_future(launcher.ask(Verb.RELOAD))
                await until(lambda: fake.asks)
                asking.cancel()
                fake.answers.set()
                assert (await launcher.ask(Verb.RELOAD)).applied == ("log.level",)
                fake.end()
                await hearing

    run(story())
