"""What a running server holds, told from inside.

A server that is patched with `insight` appends one line of JSON to a file for each SIGUSR1.
"""

import asyncio
import gc
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.load import until
from tests.chaos.server import Server

PATH = "CHAT_CHAOS_HOLDING"
"""The variable with the path of the file that a server appends to."""


@dataclass(frozen=True)
class Holding:
    """What a server holds at one moment: counts, after a full garbage collection."""

    # Coroutines under way on the loop.
    tasks: int
    subscriptions: int
    # Chat and Subscribe streams.
    streams: int
    # Of the directory.
    users: int
    sessions: int
    # Orders that the log has not answered.
    waiting: int
    # Events in the rings of all rooms: bounded, and slow to fill.
    ring_events: int
    # Small objects of the interpreter without those events.
    blocks: int


class Watched(Server):
    """A server that tells what it holds; `faults` are more names of `faults.FAULTS`."""

    def __init__(self, directory: Path, *faults: str) -> None:
        self._told = directory / "holding.jsonl"
        self._told.touch()
        super().__init__(
            directory / "data",
            fault=",".join(("insight", *faults)),
            environment={PATH: str(self._told)},
        )

    async def holding(self) -> Holding:
        """Ask it now. Raises AssertionError when it does not answer."""
        known = self._told.stat().st_size
        self.instance.send_signal(signal.SIGUSR1)
        await until(lambda: self._news(known).endswith("\n"), "the server told what it holds")
        return Holding(**json.loads(self._news(known)))

    def _news(self, known: int) -> str:
        return self._told.read_text()[known:]


# Any: the parts of a server of the product, which is imported only in its own process.
def holding(server: Any) -> Holding:
    """Return what a server in this process holds."""
    gc.collect()
    state = server.methods._directory.state
    ring_events = sum(len(feed.ring) for feed in server.hub.rooms._feeds.values())
    return Holding(
        tasks=len(asyncio.all_tasks()),
        subscriptions=len(server.hub.subscriptions),
        streams=len(server.streams.all()),
        users=sum(1 for _ in state.users.values()),
        sessions=sum(1 for _ in state.sessions.values()),
        waiting=len(server.methods._journal._waiting),
        ring_events=ring_events,
        blocks=sys.getallocatedblocks() - ring_events,
    )
