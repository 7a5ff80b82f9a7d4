"""`chat_cli.session.streams`: the reading loops, without the rest of the session."""

import asyncio
import time

import pytest

from chat_cli import items as it
from chat_cli.model import ById, ByName, Position, ResumePoint
from chat_cli.outbox import Outbox
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError
from chat_cli.session.streams import Signals, converse, follow
from tests.cli.desk import run
from tests.cli.fake_service import FakeService


class Ear:
    """A listener that remembers, and asks to read again when it hears a certain text."""

    def __init__(self, rooms: tuple[Position, ...] = (), stop_at: str = "") -> None:
        self.outbox = Outbox("p")
        self.items: list[it.Item] = []
        self.signals = Signals()
        self.heard = asyncio.Event()
        self._rooms = rooms
        self._stop_at = stop_at

    def receive(self, item: it.Item) -> None:
        """Remember."""
        self.items.append(item)
        if self._stop_at and self._stop_at in str(item):
            self.signals.read_again = True
        self.heard.set()

    def resume_point(self) -> ResumePoint:
        """Read the given rooms."""
        return ResumePoint("", self._rooms)


def test_subscribe_reads_rooms_and_takes_no_orders() -> None:
    """The items are those of a conversation."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            api.token = (await api.join("anna")).token
            fake.say("bob", "old")
            ear = Ear((Position(ByName("lobby"), 0, 0),), stop_at="stop")
            reading = asyncio.create_task(follow(api, ear, ear.signals))
            await ear.heard.wait()
            fake.say("bob", "stop")
            await reading
            await fake.until(lambda: not fake.streams)
            kinds = [type(item).__name__ for item in ear.items if not isinstance(item, it.Presence)]
            assert kinds == ["Welcome", "RoomOpened", "EventArrived", "Live", "EventArrived"]

    run(story())


def test_a_refused_subscribe_raises() -> None:
    """An unknown room and a position beyond the head end the call with their reasons."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            api.token = (await api.join("anna")).token
            for position, reason in (
                (Position(ById("r99"), 0, 0), "no such room"),
                (Position(ByName("lobby"), 5, 0), "beyond the head"),
            ):
                ear = Ear((position,))
                with pytest.raises(CallError, match=reason):
                    await follow(api, ear, ear.signals)

    run(story())


def test_nothing_is_written_before_the_welcome() -> None:
    """Hello goes first; posts wait until the server has said which epoch it lives in."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            api.token = (await api.join("anna")).token
            ear = Ear(stop_at="Acked")
            ear.outbox.post(ByName("lobby"), "hi", False, None)
            fake.welcome.clear()
            talking = asyncio.create_task(converse(api, ear, ear.signals, time.monotonic))
            await fake.until(lambda: bool(fake.hellos))
            # What had been written after the hello would have arrived before this answer.
            await api.list_rooms()
            assert fake.room("lobby").events == []
            fake.welcome.set()
            await talking
            assert isinstance(ear.items[0], it.Welcome)
            assert fake.room("lobby").events[0].message.text == "hi"
            # The channel is still open, so the call was ended by itself.
            await fake.until(lambda: not fake.streams)

    run(story())


def test_cancelling_ends_the_call_on_the_server() -> None:
    """No stream of ours is left behind."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            api.token = (await api.join("anna")).token
            ear = Ear()
            talking = asyncio.create_task(converse(api, ear, ear.signals, time.monotonic))
            await ear.heard.wait()
            assert len(fake.streams) == 1
            talking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await talking
            await fake.until(lambda: not fake.streams)

    run(story())
