"""The screen without a terminal: lines in, lines out, one after the other.

For pipes and for terminals that can do nothing. Each line is done before the next is taken,
so that a file of lines behaves like a person who waits for every answer.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from chat_cli.client import Client
from chat_cli.commands import Typed, needs_connection, needs_room, parse
from chat_cli.lines import read_lines
from chat_cli.ports import Questions
from chat_cli.render import Line
from chat_cli.scrollback import Change
from chat_cli.state import Link

# Where waiting alone brings no connection back.
_OVER = (Link.SIGNED_OUT, Link.NAMELESS, Link.REPLACED, Link.KICKED, Link.STOPPED)


class PlainScreen:
    """Prints lines to stdout and reads them from stdin."""

    def __init__(self, ask: Callable[[], Questions]) -> None:
        self._ask = ask
        self._closed = asyncio.Event()

    @property
    def tells_pastes(self) -> bool:
        """Only of a pipe: a terminal that can do nothing does not mark what is pasted."""
        return not sys.stdin.isatty()

    def show(self, lines: Sequence[Line]) -> None:
        """Print lines."""
        # Whoever reads may be gone; the end of stdin then ends the client.
        with suppress(OSError):
            for line in lines:
                print(line.text)
            sys.stdout.flush()

    def amend(self, change: Change) -> None:
        """Do nothing: what was printed is out of reach."""

    def give_back(self, text: str) -> None:
        """Do nothing: what was not sent has been shown."""

    def refresh(self) -> None:
        """Do nothing: there is no prompt."""

    # The port names it; here nobody types anything that a question could disturb.
    def questions(self, unasked: bool = False) -> Questions:  # noqa: ARG002
        """Ask; no line is read meanwhile, so that an answer is no line."""
        return self._ask()

    def close(self) -> None:
        """End after the line that asked for it; `run` returns."""
        self._closed.set()

    async def painted(self) -> None:
        """Return at once."""

    def print_rest(self) -> None:
        """Do nothing: everything has been printed."""

    async def run(self, client: Client) -> None:
        """Read lines for `client` until they end or it closes the screen."""
        reading = asyncio.create_task(self._read(client))
        closing = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait([reading, closing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            closing.cancel()
            await asyncio.gather(reading, closing, return_exceptions=True)

    async def _read(self, client: Client) -> None:
        await client.wait_until(lambda: _takes_lines(client))
        if client.state.own is None and client.state.link in (Link.OFFLINE, Link.STOPPED):
            return
        # One line at a time from a terminal, where a question may be answered between two.
        ahead = not sys.stdin.isatty()
        async for line in read_lines(sys.stdin.fileno(), ahead=ahead):
            text = line.decode("utf-8", "replace")
            if ahead:
                await client.wait_until(partial(_is_time, client, parse(text)))
            client.enter_line(text)
            if self._closed.is_set():
                return
            await client.wait_until(lambda: _takes_lines(client))


def _takes_lines(client: Client) -> bool:
    link = client.state.link
    if link is Link.ONLINE:
        return not client.busy
    # While the connection is lost lines are taken: they wait in the outbox, as a person's do.
    return link is Link.OFFLINE or link in _OVER


def _is_time(client: Client, typed: Typed) -> bool:
    """Tell whether a line does now what it is meant for, or never: nobody types it again."""
    state = client.state
    if state.link in _OVER or (state.link is Link.OFFLINE and state.own is None):
        return True
    if needs_connection(typed):
        return state.link is Link.ONLINE and not client.busy
    # A text is for the room that the lines before it lead to.
    return state.heading is None or not needs_room(typed)
