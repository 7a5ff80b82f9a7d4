"""The screen without a terminal: lines in, lines out, one after the other.

For pipes and for terminals that can do nothing. Each line is done before the next is taken,
so that a file of lines behaves like a person who waits for every answer.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from chat_cli.client import Client
from chat_cli.lines import read_lines
from chat_cli.render import Line
from chat_cli.state import Link


class PlainScreen:
    """Prints lines to stdout and reads them from stdin."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    def show(self, lines: Sequence[Line]) -> None:
        """Print lines."""
        # Whoever reads may be gone; the end of stdin then ends the client.
        with suppress(OSError):
            for line in lines:
                print(line.text)
            sys.stdout.flush()

    def give_back(self, text: str) -> None:
        """Do nothing: what was not sent has been shown."""

    def refresh(self) -> None:
        """Do nothing: there is no prompt."""

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
        if client.state.own is None and client.state.link is Link.OFFLINE:
            return
        async for line in read_lines(sys.stdin.fileno()):
            client.enter_line(line.decode("utf-8", "replace"))
            if self._closed.is_set():
                return
            await client.wait_until(lambda: _takes_lines(client))


def _takes_lines(client: Client) -> bool:
    link = client.state.link
    if link is Link.ONLINE:
        return not client.busy
    # While the connection is lost lines are taken: they wait in the outbox, as a person's do.
    return link in (Link.NAMELESS, Link.REPLACED, Link.KICKED, Link.STOPPED, Link.OFFLINE)
