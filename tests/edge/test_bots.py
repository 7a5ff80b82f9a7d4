"""Bots do not hear bots, over the real transport, unless they ask to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat_protos.chat.v1 import accounts_pb2
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.edge.clients import Chat, Guest, Server, place, room, story


@asynccontextmanager
async def with_bots(data_dir: Path, *names: str) -> AsyncIterator[tuple[Server, list[Guest]]]:
    """Give a server with bots, each signed in by an API token, in the lobby."""
    async with Server(data_dir) as server:
        owner = await server.registers("owner.of.bots", "correct horse battery")
        scopes = [accounts_pb2.SCOPE_READ, accounts_pb2.SCOPE_POST, accounts_pb2.SCOPE_ROOMS]
        bots = []
        for name in names:
            await owner.asks("CreateBot", name=name)
            made = await owner.asks("CreateApiToken", bot=name, label="echo", scopes=scopes)
            bots.append(await server.joins("", "lobby", made.token))
        yield server, bots


class Echo:
    """A program that answers whatever it hears, and not what it said itself."""

    def __init__(self, bot: Guest, chat: Chat) -> None:
        self._bot = bot
        self._chat = chat
        # How many events it has looked at.
        self._looked = 0
        self._task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        while True:
            heard = await self._chat.until(self._news)
            self._looked += len(heard)
            for event in heard:
                if event.HasField("message") and event.author.user_id != self._bot.user_id:
                    await self._chat.says(f"{self._bot.name} heard {event.message.text}")

    def _news(self) -> list[pb.RoomEvent] | None:
        return self._chat.events("r1")[self._looked :] or None

    async def stops(self) -> None:
        """Answer no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def shape(events: list[pb.RoomEvent]) -> list[str]:
    """Return what is in each place: the text, or that it is withheld."""
    return [event.message.text or event.WhichOneof("body") or "" for event in events]


@story
async def test_two_bots_do_not_answer_each_other(tmp_path: Path) -> None:
    """Of two bots that answer whatever they hear, each answers the person and is silent again."""
    async with with_bots(tmp_path, "one", "two") as (server, bots):
        alice = await server.guest("alice")
        echoes = [Echo(bot, await bot.opens("lobby")) for bot in bots]
        for text in ("hi", "ho"):
            await alice.says(text)
            for bot in bots:
                await alice.hears(f"{bot.name} heard {text}")
        ack = await alice.says("bye")
        for bot in bots:
            await alice.hears(f"{bot.name} heard bye")
        events = await alice.chat.head("r1", ack.seq + 2)
        assert len(events) == 9
        assert [event.author.bot for event in events].count(True) == 6
        for bot in bots:
            told = await bot.chat.head("r1", events[-1].seq)
            assert [event.seq for event in told] == [event.seq for event in events]
            marks = ["withheld" if one.author.bot else one.message.text for one in events]
            assert shape(told) == marks
        for echo in echoes:
            await echo.stops()


@story
async def test_bot_that_asks_hears_bots(tmp_path: Path) -> None:
    """Who asked hears and may answer; who did not is not drawn into it."""
    async with with_bots(tmp_path, "one", "two") as (server, (one, two)):
        alice = await server.guest("alice")
        echoes = [
            Echo(one, await one.opens("lobby", hear_bots=True)),
            Echo(two, await two.opens("lobby")),
        ]
        await alice.says("hi")
        for text in ("one heard hi", "two heard hi", "one heard two heard hi"):
            await alice.hears(text)
        await one.chat.hears("one heard two heard hi")
        assert len(await alice.chat.head("r1", 4)) == 4
        for echo in echoes:
            await echo.stops()


@pytest.mark.parametrize("hear_bots", [False, True])
def test_replay_of_what_bots_said(tmp_path: Path, hear_bots: bool) -> None:
    """From the log and by Subscribe it is as it is live, and each place is there."""

    @story
    async def told() -> None:
        async with with_bots(tmp_path, "one", "two") as (server, (one, two)):
            alice = await server.joins("alice")
            for number in range(3):
                await alice.posts(f"alice {number}")
                await one.posts(f"one {number}")
            begin = place("lobby", 0)
            chat = await two.opens(begin, hear_bots=hear_bots)
            listener = await two.subscribes(begin, hear_bots=hear_bots)
            of_bot = "one {}" if hear_bots else "withheld"
            texts = [text.format(n) for n in range(3) for text in ("alice {}", of_bot)]
            for reading in (chat, listener):
                assert shape(await reading.head("r1", 6)) == texts
            person = await alice.opens(begin)
            assert "withheld" not in shape(await person.head("r1", 6))

    told()


@story
async def test_history_that_is_asked_for_is_whole(tmp_path: Path) -> None:
    """A bot that lists messages is given what bots said: it asked for it, and answers nothing."""
    async with with_bots(tmp_path, "one", "two") as (_, (one, two)):
        await one.posts("beep")
        request = pb.ListMessagesRequest(room=room("lobby"), after_seq=0)
        page = await two.calls("ListMessages", request)
        assert [event.message.text for event in page.events] == ["beep"]
