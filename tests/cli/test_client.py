"""`chat_cli.client`: what was typed is done, what was told is shown."""

from collections.abc import Iterable
from datetime import UTC, date
from pathlib import Path

import grpc
import pytest

from chat_cli import items as it
from chat_cli.account import Account, AccountCalls
from chat_cli.client import Client
from chat_cli.command_table import TABLE, Group
from chat_cli.errors import ChatError
from chat_cli.keeper import Keeper
from chat_cli.membership import RoomCalls
from chat_cli.model import ById, Deleted, Direct, RoomEvent, RoomInfo, RoomKind, Said, Target, User
from chat_cli.moderation import ModerationCalls
from chat_cli.pending import LeaveRoom, PendingOrder, SetTopic
from chat_cli.records import Contents, read
from chat_cli.render import Renderer
from chat_cli.session.moderation import ModerationApi
from chat_cli.session.rooms import RoomApi
from chat_cli.state import Link
from tests.cli.desk import FakeScreen, die, run
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
    signed_in,
    topic_set,
)


class FakeConnection:
    """A connection that remembers what it was asked. Obeys `ports.Connection`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.users = [User("u1", "anna", True), User("u2", "bob", False)]
        self.events = [
            RoomEvent("r1", 1, EIGHT, BOB, Said("old")),
            RoomEvent("r1", 2, EIGHT, ANNA, Said("mine")),
        ]
        self.fails = False
        self.channel: grpc.aio.Channel | None = None

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

    async def register(self, password: str, invite_code: str, owner_code: str) -> Account:
        """Refuse."""
        raise ChatError(f"refused: {password} {invite_code} {owner_code}")

    def accounts(self) -> AccountCalls:
        """Refuse."""
        raise ChatError("not connected")

    def rooms(self) -> RoomCalls:
        """Call where the test listens."""
        return RoomApi(self._open(), "secret")

    def moderation(self) -> ModerationCalls:
        """Call where the test listens."""
        return ModerationApi(self._open(), "secret")

    def _open(self) -> grpc.aio.Channel:
        if self.channel is None:
            raise ChatError("not connected")
        return self.channel

    def forget(self) -> None:
        """Remember."""
        self.asked.append("forget")

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
        if self.fails:
            raise ChatError("no answer")
        return self.events


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

    def keeps_in(self, root: Path) -> Keeper:
        """Keep what is typed on disk."""
        keeper = Keeper(
            self.state.outbox, "here:1", "window", lambda: EIGHT, self.client.wake,
            self.client.trouble, root,
        )  # fmt: skip
        self.client.keep_with(keeper, "anna")
        return keeper

    async def types(self, *lines: str) -> list[str]:
        """Enter lines; give what is shown until nothing is looked up any more."""
        self.screen.lines.clear()
        for line in lines:
            self.client.enter_line(line)
        return await self.waits()

    async def waits(self) -> list[str]:
        """Give what is shown when nothing is looked up any more."""
        await self.client._errands.done()
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


@pytest.mark.parametrize("line", ["our secret", "/me sighs", "/topic our secret", "//etc"])
def test_what_may_be_meant_for_a_lost_room_is_confirmed(line: str) -> None:
    """Who is put out of a room while typing sends nothing to the next one by mistake."""

    async def story() -> None:
        anna = Seat()
        anna.told(opened(DEV), live(0, DEV))
        anna.told(it.RoomClosed("r1", it.CloseReason.REMOVED, "", BOB))
        seen = ["08:00 · Was this meant for #lobby? Enter again, and it is for #dev."]
        assert await anna.types(line) == seen
        assert anna.screen.input == line
        assert await anna.types("something else") == seen
        assert await anna.types(line) == seen
        assert anna.person.writes() == []
        await anna.types(line)
        assert len(anna.person.writes()) == 1
        assert await anna.types("and on") == []

    run(story())


def test_who_goes_to_another_room_confirms_nothing() -> None:
    """Nor is there a doubt in what means the same everywhere."""

    async def story() -> None:
        anna = Seat()
        anna.told(opened(DEV), live(0, DEV))
        anna.told(it.RoomClosed("r1", it.CloseReason.REMOVED, "", BOB))
        await anna.types("/msg bob,carol psst", "/join dev", "hello")
        assert [post.text for post in anna.state.outbox.posts.values()] == ["psst", "hello"]

    run(story())


def on_disk(root: Path) -> Contents:
    """Read the one outbox on disk."""
    (path,) = root.rglob("*.jsonl")
    return read(path.read_bytes())


@pytest.mark.parametrize("line", ["hello", "/me hello", "/msg bob,carol hello"])
def test_a_message_is_on_disk_when_enter_is_done(line: str, tmp_path: Path) -> None:
    """Whoever sees it drawn may kill the client: nothing else has had a turn since Enter."""

    async def story() -> None:
        anna = Seat()
        keeper = anna.keeps_in(tmp_path)
        anna.client.enter_line(line)
        assert [post.text for post in on_disk(tmp_path).posts.values()] == ["hello"]
        die(keeper)

    run(story())


def test_what_failed_is_off_the_disk_when_enter_is_done(tmp_path: Path) -> None:
    """Whoever types has seen it, so that no later start shows it again."""

    async def story() -> None:
        anna = Seat()
        keeper = anna.keeps_in(tmp_path)
        post = anna.state.outbox.post(ById("r1"), "hello", False, anna.state.owner)
        anna.state.outbox.fail(post, "refused")
        keeper.write()
        assert [one.reason for one in on_disk(tmp_path).failed.values()] == ["refused"]
        anna.client.enter_line("")
        assert on_disk(tmp_path) == Contents()
        die(keeper)

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


@pytest.mark.parametrize(
    "line",
    ["/rooms", "/create kitchen private", "/archive", "/leave", "/topic tea", "/kick bob",
     "/history 5", "/delete 3", "/register --owner"],
)  # fmt: skip
@pytest.mark.parametrize(
    "lost", [it.Connecting(), it.Offline("gone", 1.0, it.Cause.SILENCE, 14), it.Replaced()]
)
def test_a_command_that_needs_a_server_comes_back_without_one(line: str, lost: it.Item) -> None:
    """It is said, and nothing of it is done later, in whatever room one is then."""

    async def story() -> None:
        anna = Seat()
        anna.told(lost)
        told = [f"08:00 · {line.split()[0]} was not done: you are not connected."]
        assert await anna.types(line) == told
        assert anna.screen.input == line
        assert anna.screen.asked == []
        assert anna.orders() == []
        anna.client._connection = None
        assert await anna.types(line) == told

    run(story())


def test_the_server_is_asked_as_soon_as_there_is_a_sign_in() -> None:
    """The window greets before its stream is open."""

    async def story() -> None:
        anna = Seat()
        anna.told(it.Connecting())
        assert "not connected" in (await anna.types("/rooms"))[0]
        anna.told(signed_in())
        assert "kitchen" in "".join(await anna.types("/rooms"))

    run(story())


def test_what_needs_no_server_is_done_without_one() -> None:
    """Nor does it come back: help, names that are ignored, an unsent message, the end."""

    async def story() -> None:
        anna = Seat()
        anna.told(it.Connecting())
        for line in ("/help", "/ignore bob", "/ignored", "/unignore bob", "/topic", "/me waves"):
            assert "not connected" not in "".join(await anna.types(line))
        assert anna.screen.input == ""
        await anna.types("/delete")
        assert anna.screen.input == "/me waves"
        await anna.types("/join dev")
        assert anna.state.heading is not None
        await anna.types("/quit")
        assert anna.screen.closed

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
        ("/help join", "/join ROOM [password]: go to a room; a new name opens one"),
        ("/help /q", "/quit: end; a guest signs out. Ctrl-D does the same"),
        ("/help nonsense", "There is no /nonsense."),
        ("/join", "/join ROOM [password]: go to a room; a new name opens one"),
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
        assert sum(line.strip().startswith("/") for line in lines) == len(TABLE[Group.EVERYDAY])
        assert "//text" in lines[-1]
        for group in list(Group)[1:]:
            assert f"/help {group.value}" in lines[-2]
            rows = (await Seat().types(f"/help {group.value}"))[1:]
            assert [row.split()[0] for row in rows] == [f"/{one.name}" for one in TABLE[group]]
        assert await Seat().types("/help /rooms") == ["08:00 · /rooms: which rooms there are"]
        assert "There is no /x" in (await Seat().types("/help x"))[0]

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


def test_what_is_deleted_or_ignored_vanishes_from_the_screen() -> None:
    """And who is ignored is kept for the next start."""

    async def story() -> None:
        anna = Seat()
        kept = KeptNames(["Carol"])
        anna.client.ignore_as_in(kept)
        assert anna.state.ignores("carol")
        deletion = RoomEvent("r1", 3, EIGHT, ANNA, Deleted(2, BOB))
        assert anna.told(
            said(1, "bob", "one"), said(2, "bob", "two"), it.EventArrived(deletion)
        ) == ["08:00 bob: one", "08:00 bob: (message deleted)",
              "08:00 · anna deleted a message of bob"]  # fmt: skip
        anna.client.enter_line("/ignore @bob")
        assert not any("one" in line for line in anna.screen.lines)
        assert kept.names == ["Carol", "bob"]
        kept.fails = True
        assert "cannot be kept" in (await anna.types("/unignore carol"))[0]
        assert kept.names == ["Carol", "bob"]
        assert await anna.types("/ignored") == ["08:00 · ignored: bob"]

    run(story())


class KeptNames:
    """Names in memory. Obeys `ports.IgnoredNames`."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.fails = False

    def read(self) -> list[str]:
        """Give them."""
        return self.names

    def write(self, names: Iterable[str]) -> None:
        """Keep them, or fail as a full disk does."""
        if self.fails:
            raise OSError(28, "No space left on device")
        self.names = list(names)
