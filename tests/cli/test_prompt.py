"""`chat_cli.prompt`: the scrolling screen, drawn on a terminal in memory."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input

from chat_cli import items as it
from chat_cli.client import Client
from chat_cli.model import ById, RoomInfo, RoomKind
from chat_cli.pending import PendingPost
from chat_cli.prompt import PromptScreen
from chat_cli.render import Renderer
from chat_cli.state import ChatState
from chat_cli.styles import name_class
from tests.cli.desk import DEADLINE, run
from tests.cli.glass import Glass
from tests.cli.person import (
    DEV,
    EIGHT,
    WITH_BOB,
    acked,
    connected,
    live,
    opened,
    said,
    signed_in,
)
from tests.text.test_sanitize import ATTACKS


class Window:
    """A person at a terminal: keys go in, the glass shows."""

    def __init__(self, keys: PipeInput, columns: int, rows: int) -> None:
        self.person = connected()
        self.state: ChatState = self.person.state
        self.glass = Glass(columns, rows)
        self.keys = keys
        self.running: asyncio.Task[None] | None = None
        self.screen = PromptScreen(self.state, lambda: 0.0, keys, self.glass.output())
        renderer = Renderer(UTC, date(2025, 11, 20), name_class)
        self.client = Client(self.state, self.screen, renderer, lambda: 0.0, lambda: EIGHT)

    def told(self, *items: it.Item) -> None:
        """Take in items."""
        for item in items:
            self.client.receive(item)

    def types(self, keys: str) -> None:
        """Press keys."""
        self.keys.send_text(keys)

    def pastes(self, text: str) -> None:
        """Paste a text, as terminals do that mark what is pasted."""
        self.keys.send_text(f"\x1b[200~{text}\x1b[201~")

    async def ended(self) -> None:
        """Wait until the application has ended by itself."""
        assert self.running
        async with asyncio.timeout(DEADLINE):
            await asyncio.shield(self.running)

    def texts(self) -> list[str]:
        """Give the messages that wait to be sent."""
        return [post.text for post in self.state.outbox.posts.values()]


@asynccontextmanager
async def window(columns: int = 80, rows: int = 24) -> AsyncIterator[Window]:
    """Open a window with a person in the lobby, drawn once."""
    with create_pipe_input() as keys:
        opened_window = Window(keys, columns, rows)
        running = asyncio.create_task(opened_window.screen.run(opened_window.client))
        opened_window.running = running
        try:
            await opened_window.screen.painted()
            yield opened_window
        finally:
            opened_window.screen.close()
            await running
            opened_window.screen.print_rest()


def test_a_message_never_breaks_the_line_being_typed() -> None:
    """It appears above; text and cursor stay what and where they were."""

    async def story() -> None:
        async with window() as anna:
            anna.types("half a sen")
            await anna.glass.shows("#lobby> half a sen")
            for seq in range(1, 6):
                anna.told(said(seq, "bob", f"n{seq}"))
                await anna.glass.shows(f"08:00 bob: n{seq}", "#lobby> half a sen")
            anna.types("tence")
            await anna.glass.shows("#lobby> half a sentence")
            assert anna.glass.rows()[:7] == [
                *(f"08:00 bob: n{seq}" for seq in range(1, 6)),
                "#lobby> half a sentence",
                " online  #lobby  anna on here:1",
            ]
            assert anna.glass.cursor() == (len("#lobby> half a sentence"), 5)

    run(story())


def test_an_own_message_waits_above_the_line_and_scrolls_away_marked() -> None:
    """Dimmed until it is acknowledged, then once in the scroll-back."""

    async def story() -> None:
        async with window() as anna:
            anna.types("hello\r")
            await anna.glass.shows("…     anna: hello")
            (post,) = anna.state.outbox.posts.values()
            anna.told(acked(post, 1))
            await anna.glass.shows("…     anna: hello ✓")
            anna.told(said(1, "anna", "hello", client_msg_id=post.client_msg_id))
            await anna.glass.shows("08:00 anna: hello")
            await anna.glass.until(lambda: "…" not in "".join(anna.glass.rows()))
            assert sum("hello" in row for row in anna.glass.everything()) == 1
            assert "✓" in anna.glass.rows()[0]

    run(story())


def test_a_refused_message_is_back_in_the_line() -> None:
    """Unless something else is being typed; the up arrow has it in any case."""

    async def story() -> None:
        async with window() as anna:
            for draft in ("", "other"):
                anna.types("wrong\r")
                await anna.glass.shows("…     anna: wrong")
                anna.types(draft)
                (post,) = anna.state.outbox.posts.values()
                refusal = it.Refused(3, "NO", "no", client_msg_id=post.client_msg_id)
                await anna.glass.until(
                    lambda draft=draft: any(  # type: ignore[misc]  # a default binds the loop's value
                        row.endswith(f"> {draft}".rstrip()) for row in anna.glass.rows()
                    )
                )
                anna.told(refusal)
                await anna.glass.shows("✗ not sent: wrong", f"#lobby> {draft or 'wrong'}")
                anna.types("\x15")
                await anna.glass.until(lambda: "#lobby>" in anna.glass.rows())
            anna.types("\x1b[A")
            await anna.glass.shows("#lobby> wrong")

    run(story())


def test_several_texts_come_back() -> None:
    """The first into the line, the others by the arrow up; what is cleared comes back too."""

    async def story() -> None:
        async with window() as anna:
            for text in ("one", "two", "three"):
                anna.state.outbox.adopt([PendingPost(f"old-{text}", ById("r1"), text, False, "x")])
            anna.told(signed_in())
            await anna.glass.shows("#lobby> three", "The arrow up brings back")
            anna.types("\x1b[A")
            await anna.glass.shows("#lobby> one")
            anna.types("\x1b[A")
            await anna.glass.shows("#lobby> two")
            anna.types("\x1b[B\x1b[B")
            await anna.glass.shows("#lobby> three")
            anna.types("\x03")
            await anna.glass.until(lambda: "#lobby>" in anna.glass.rows())
            anna.types("\x1b[A")
            await anna.glass.shows("#lobby> three")

    run(story())


def test_pasted_lines_are_one_message_and_no_commands() -> None:
    """Nothing happens before Enter, and then one text is sent."""

    async def story() -> None:
        async with window() as anna:
            anna.pastes("look at this\r\n/leave\r\n/kick bob\n")
            await anna.glass.shows("#lobby> look at this", "/kick bob")
            assert anna.texts() == []
            anna.types("\r")
            await anna.glass.shows("…     anna: look at this […]")
            assert anna.texts() == ["look at this\n/leave\n/kick bob"]
            assert anna.state.outbox.orders == {}

    run(story())


def test_pasted_commands_are_asked_about() -> None:
    """They stay in the line; a second Enter sends them as a text."""

    async def story() -> None:
        async with window() as anna:
            anna.pastes("/leave\n/kick bob")
            anna.types("\r")
            await anna.glass.shows("Enter again sends it as text", "#lobby> /leave")
            assert anna.texts() == []
            anna.types("\r")
            await anna.glass.shows("…     anna: /leave […]")
            assert anna.texts() == ["/leave\n/kick bob"]
            assert anna.state.outbox.orders == {}

    run(story())


def test_a_mistyped_command_is_not_sent() -> None:
    """The hint names the nearest, and the line can be put right."""

    async def story() -> None:
        async with window() as anna:
            anna.types("/hlep\r")
            await anna.glass.shows("Did you mean /help?", "#lobby> /hlep")
            assert anna.texts() == []

    run(story())


def test_tab_completes_commands_names_and_rooms() -> None:
    """One candidate is filled in, several are listed above the line."""

    async def story() -> None:
        async with window() as anna:
            anna.told(opened(DEV), live(0, DEV))
            anna.types("/jo\td\t")
            await anna.glass.shows("#lobby> /join dev")
            anna.types("\x15b\thi")
            await anna.glass.shows("#lobby> bob: hi")
            anna.types("\x15/h\t")
            await anna.glass.shows("· /help  /history", "#lobby> /h")
            anna.types("\x15/dm \t\t")
            await anna.glass.shows("#lobby> /dm bob")
            anna.types("\x15nobody\t")
            await anna.glass.shows("#lobby> nobody")

    run(story())


def test_a_line_of_several_rows_is_kept() -> None:
    """A long text wraps under itself, Alt-Enter begins a new line, both survive a message."""

    async def story() -> None:
        async with window(40, 12) as anna:
            anna.types("x" * 50 + "\x1b\r" + "second")
            await anna.glass.shows("#lobby> " + "x" * 32, "        second")
            anna.told(said(1, "bob", "hi"))
            await anna.glass.shows("08:00 bob: hi", "        second")
            anna.types("\r")
            await anna.glass.until(lambda: anna.texts() == ["x" * 50 + "\nsecond"])

    run(story())


def test_forty_columns_are_enough() -> None:
    """Long messages are folded at words, the toolbar is cut, nothing overlaps."""

    async def story() -> None:
        async with window(40, 12) as anna:
            anna.told(opened(WITH_BOB), live(0, WITH_BOB))
            anna.types("typing")
            anna.told(said(1, "bob", "a message that does not fit into forty columns"))
            anna.told(said(1, "bob", "日本語のテキストはどこでも折り返せます", WITH_BOB))
            await anna.glass.shows("#lobby> typing", "折り返せます", "conversation")
            assert anna.glass.rows() == [
                "08:00 bob: a message that does not fit",
                "      into forty columns",
                "08:00 @bob bob: 日本語のテキストはどこで",
                "      も折り返せます",
                "08:00 · /dm bob goes to this",
                "      conversation",
                "#lobby> typing",
                " online  #lobby  unread: @bob 1",
            ]

    run(story())


def test_leaving() -> None:
    """Ctrl-D on an empty line, /quit, and Ctrl-C twice end it; once only clears the line."""

    async def story() -> None:
        for keys in ("\x04", "/quit\r", "/q\r", "/EXIT\r", "text\x03\x03\x03"):
            async with window() as anna:
                anna.types(keys)
                await anna.ended()
        async with window() as anna:
            anna.types("text\x04")
            await anna.glass.shows("#lobby> text")
            anna.types("\x03")
            await anna.glass.until(lambda: "#lobby>" in anna.glass.rows())
            anna.types("\x03")
            await anna.glass.shows("Ctrl-C again, Ctrl-D or /quit leaves.")
            anna.types("x\r\x03")
            await anna.glass.until(lambda: anna.texts() == ["x"])
            assert anna.running
            assert not anna.running.done()

    run(story())


def test_the_end_of_the_keyboard_is_the_end() -> None:
    """A terminal that went away ends the application without an accident."""

    async def story() -> None:
        async with window() as anna:
            anna.keys.close()
            await anna.ended()

    run(story())


# What prompt_toolkit itself writes: colours, cursor, erasing, modes.
OURS = re.compile(
    r"\x1b\[(?:[0-9;]*m|[0-9]*[ABCD]|[JK]|\?(?:1|7|12|25|2004|1000|1003|1006|1015)[hl]|[0-9;]*H)"
    r"|\x1b\[[0-9] q"
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_remote_text_reaches_the_terminal_raw(attack: str) -> None:
    """Text, name, room, topic, error and notice: no control character of theirs is written."""

    async def story() -> None:
        async with window() as anna:
            evil = RoomInfo("r9", RoomKind.PUBLIC, f"room{attack}", topic=attack)
            anna.told(
                said(1, "bob", f"text {attack} end"),
                opened(evil),
                live(0, evil),
                said(1, "bob", attack, evil),
                it.Presence("r9", True, (), (), 0),
                it.Refused(13, "X", f"error {attack}"),
                it.Notice(f"notice {attack}"),
                it.Notice(f"announced {attack}", announcement=True),
                it.Offline(f"reason {attack}", 1.0),
            )
            await anna.glass.shows("reason", "notice", "announced", "error")
            written = OURS.sub("", anna.glass.raw)
            controls = {char for char in written if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0}
            # Carriage returns, line feeds and the step back by one are the screen's own.
            assert controls <= {"\r", "\n", "\b"}
            assert attack not in anna.glass.raw

    run(story())
