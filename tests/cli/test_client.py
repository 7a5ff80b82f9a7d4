"""`chat_cli.client`: what was typed is done, what was told is shown."""

import asyncio
from datetime import UTC, date

import pytest

from chat_cli import items as it
from chat_cli.client import Client
from chat_cli.errors import ChatError
from chat_cli.model import ById, Direct, RoomEvent, RoomInfo, RoomKind, Said, Target, User
from chat_cli.outbox import LeaveRoom, PendingOrder, SetTopic
from chat_cli.render import Renderer
from chat_cli.state import Link
from tests.cli.desk import FakeScreen, run
from tests.cli.person import (
    ANNA,
    BOB,
    DEV,
    EIGHT,
    LOBBY,
    WITH_BOB,
    connected,
    live,
    opened,
    order_acked,
    said,
    topic_set,
)


class FakeConnection:
    """A connection that remembers what it was asked. Obeys `ports.Connection`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.users = [User("u1", "anna", True), User("u2", "bob", False)]
        self.fails = False

    def wake(self) -> None:
        """Do nothing: tests look into the outbox."""

    def read_again(self) -> None:
        """Remember."""
        self.asked.append("read again")

    def use_name(self, name: str) -> None:
        """Remember."""
        self.asked.append(f"name {name}")

    def go_on(self) -> None:
        """Remember."""
        self.asked.append("go on")

    async def list_users(self, room: Target | None) -> list[User]:
        """Give two."""
        self.asked.append(f"users {room}")
        if self.fails:
            raise ChatError("no \x1b[2J answer")
        return self.users

    async def list_rooms(self) -> list[RoomInfo]:
        """Give two."""
        return [LOBBY, RoomInfo("r7", RoomKind.PUBLIC, "kitchen", "tea", present=2)]

    async def newest_events(self, room: Target, count: int) -> list[RoomEvent]:
        """Give two."""
        self.asked.append(f"history {room} {count}")
        return [
            RoomEvent("r1", 1, EIGHT, BOB, Said("old")),
            RoomEvent("r1", 2, EIGHT, ANNA, Said("mine")),
        ]


class Seat:
    """A client in the lobby at a screen and a connection that remember."""

    def __init__(self) -> None:
        self.person = connected()
        self.state = self.person.state
        self.screen = FakeScreen()
        self.connection = FakeConnection()
        renderer = Renderer(UTC, date(2025, 11, 20), lambda _: "")
        self.client = Client(self.state, self.screen, renderer, lambda: 0.0, lambda: EIGHT)
        self.client.connect(self.connection)

    async def types(self, *lines: str) -> list[str]:
        """Enter lines; give what is shown until nothing is looked up any more."""
        self.screen.lines.clear()
        for line in lines:
            self.client.enter_line(line)
        while self.client._tasks:
            await asyncio.gather(*self.client._tasks)
        return self.screen.lines

    def told(self, *items: it.Item) -> list[str]:
        """Take in items; give what is shown."""
        self.screen.lines.clear()
        for item in items:
            self.client.receive(item)
        return self.screen.lines

    def orders(self) -> list[object]:
        """Give the orders that wait to be sent."""
        return [due.order for due in self.person.writes() if isinstance(due, PendingOrder)]


def test_texts_are_posted() -> None:
    """Plain, with a slash, as an action, to people."""

    async def story() -> None:
        anna = Seat()
        await anna.types("hello", "//etc", "/me waves", "/msg bob,carol psst")
        posts = anna.state.outbox.posts.values()
        assert [(post.text, post.action) for post in posts] == [
            ("hello", False),
            ("/etc", False),
            ("waves", True),
            ("psst", False),
        ]
        assert [post.target for post in posts][2:] == [ById("r1"), Direct(("bob", "carol"))]

    run(story())


def test_lists_are_shown() -> None:
    """Users of the room and of the server, rooms with those one is in, history."""

    async def story() -> None:
        anna = Seat()
        anna.told(opened(WITH_BOB), live(0, WITH_BOB))
        assert await anna.types("/users") == ["08:00 · 2 in #lobby: anna, bob"]
        assert await anna.types("/users all") == ["08:00 · 2 on here:1: anna, bob (away)"]
        assert [line.rstrip() for line in await anna.types("/rooms")] == [
            "08:00 · rooms (* you are in it)",
            "      * #lobby    0 here",
            "        #kitchen  2 here  tea",
            "      * @bob",
        ]
        assert await anna.types("/history 2") == [
            "08:00 · the last 2 of #lobby",
            "08:00 bob: old",
            "08:00 anna: mine ✓",
            "08:00 · end of history",
        ]
        await anna.types("/dm bob")
        anna.told(order_acked(next(iter(anna.state.outbox.orders)), WITH_BOB))
        assert await anna.types("/users") == ["08:00 · in @bob: anna, bob"]

    run(story())


def test_a_failed_look_up_is_one_safe_line() -> None:
    """The server's sentence is shown without its control characters."""

    async def story() -> None:
        anna = Seat()
        anna.connection.fails = True
        assert await anna.types("/users") == ["08:00 · no ␛[2J answer"]

    run(story())


def test_nothing_can_be_looked_up_before_there_is_a_connection() -> None:
    """It is said, and the lines typed are kept."""

    async def story() -> None:
        anna = Seat()
        anna.client._connection = None
        assert await anna.types("/rooms") == ["08:00 · not connected"]

    run(story())


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/history x", "/history takes a number from 1 to 10000"),
        ("/history 0", "/history takes a number from 1 to 10000"),
        ("/history 99999999", "/history takes a number from 1 to 10000"),
        ("/msg bob", "/msg NAME[,NAME…] TEXT: write to people without going there"),
        ("/msg , hi", "/msg NAME[,NAME…] TEXT: write to people without going there"),
        ("/dm ,", "/dm NAME[,NAME…]: go to the conversation with people"),
        ("/help join", "/join ROOM: go to a room; a new name opens one"),
        ("/help /q", "/quit: sign out and end; Ctrl-D does the same"),
        ("/help nonsense", "There is no /nonsense."),
        ("/join", "/join ROOM: go to a room; a new name opens one"),
        ("/lobby", "There is no /lobby. /help lists the commands."),
    ],
)
def test_mistakes_are_put_right(line: str, shown: str) -> None:
    """Nothing is sent."""

    async def story() -> None:
        anna = Seat()
        (seen,) = await anna.types(line)
        assert seen.startswith(f"08:00 · {shown}")
        assert anna.person.writes() == []

    run(story())


def test_rooms_and_topics_are_ordered() -> None:
    """With or without a hash; a dash removes the topic."""

    async def story() -> None:
        anna = Seat()
        anna.told(opened(DEV), live(0, DEV), topic_set(1, "bob", "code", DEV))
        assert await anna.types("/join #DEV") == ["08:00 · now in #dev: code"]
        assert await anna.types("/topic") == ["08:00 · #dev: code"]
        await anna.types("/topic a b", "/topic -", "/leave", "/leave #lobby")
        assert anna.orders() == [
            SetTopic("r2", "a b"),
            SetTopic("r2", ""),
            LeaveRoom("r2"),
            LeaveRoom("r1"),
        ]

    run(story())


def test_the_help_has_every_command() -> None:
    """And the way to send a text that starts with a slash."""

    async def story() -> None:
        lines = await Seat().types("/help")
        assert sum(line.strip().startswith("/") for line in lines) == 11
        assert "//text" in lines[-1]

    run(story())


def test_a_name_is_asked_for_and_may_be_refused() -> None:
    """While there is none, a line is the name; commands still work."""

    async def story() -> None:
        anna = Seat()
        anna.told(it.NameWanted("this name is taken"))
        await anna.types(" annika ", "")
        assert anna.connection.asked == ["name annika"]
        assert anna.state.link is Link.CONNECTING
        anna.told(it.NameWanted("taken too"))
        await anna.types("/quit")
        assert anna.screen.closed
        assert anna.person.writes() == []

    run(story())


def test_a_name_that_was_typed_before_the_connection_is_used() -> None:
    """Nobody waits for a library to load."""
    anna = Seat()
    anna.client._connection = None
    anna.state.link = Link.NAMELESS
    anna.client.enter_line("annika")
    later = FakeConnection()
    anna.client.connect(later)
    assert later.asked == ["name annika"]


def test_enter_takes_back_or_hurries() -> None:
    """An empty line means go on where there is no connection, and nothing where there is one."""

    async def story() -> None:
        anna = Seat()
        await anna.types("")
        anna.told(it.Replaced())
        await anna.types("  ")
        anna.told(it.Kicked("out"))
        await anna.types("")
        anna.told(it.Offline("x", 20.0))
        await anna.types("")
        assert anna.connection.asked == ["go on", "go on", "go on"]

    run(story())


def test_the_wish_to_read_again_reaches_the_connection() -> None:
    """A hole is found here and mended there."""
    anna = Seat()
    anna.told(said(5, "bob", "x"))
    assert anna.connection.asked == ["read again"]


def test_the_first_of_several_texts_comes_back() -> None:
    """When many fail at once the input gets the oldest; all are shown."""
    anna = Seat()
    for text in ("one", "two"):
        anna.client.enter_line(text)
    lines = anna.told(it.SignedIn(User("u9", "anna"), "e1", anna.state.limits))
    assert sum("not sent" in line for line in lines) == 2
    assert anna.screen.input == "one"


def test_names_that_could_do_harm_are_not_offered() -> None:
    """Tab puts only visible characters into the line."""
    anna = Seat()
    anna.state.remember_name("b\x1bad")
    anna.state.remember_name("barbara")
    assert anna.client.choices("b").words == ("bob", "barbara")


def test_many_candidates_are_counted() -> None:
    """A long list does not push the screen away."""
    anna = Seat()
    anna.client.offer([f"n{number}" for number in range(100)])
    assert anna.screen.lines[0].endswith("… 40 more")
