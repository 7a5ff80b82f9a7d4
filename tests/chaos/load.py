"""Posts at a rate, and waiting for a condition."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence

from tests.chaos.client import Client

PATIENCE = 60.0
"""Seconds after which a scenario that waits in vain gives up."""

BROKEN_PATIENCE = 1.0
"""The same, where something is known to be broken."""

_STEP_S = 0.01


async def until(holds: Callable[[], bool], what: str, *, patience_s: float = PATIENCE) -> None:
    """Wait until something holds. Raises AssertionError when it does not come to be."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while not holds():
        assert loop.time() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(_STEP_S)


async def talk(clients: Sequence[Client], rate: float, work: Awaitable[object]) -> None:
    """Let clients post in turn, `rate` posts a second of all, until the work is done.

    Each has what the contract lets it have under way at most; the rate is kept as long as
    that suffices, and what could not be posted in time is not made up for.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    turns = itertools.cycle(clients)
    due = loop.time()
    while not task.done():
        now = loop.time()
        while due <= now:
            due += 1 / rate
            client = next(turns)
            if client.has_room:
                client.say()
        await asyncio.wait((task,), timeout=_STEP_S)
    await task


async def settle(clients: Sequence[Client], *, patience_s: float = PATIENCE) -> None:
    """Wait until every post is answered, and every client was told all that anybody was.

    Whoever waits in vain is a breach, kind `silent`. Once a promise is known to be broken
    there is little patience, since an event that is lost never comes.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        behind = [client for client in clients if client.is_behind]
        waited_s = loop.time() - began
        broken = any(client.record.breaches for client in behind)
        if not behind or waited_s > (min(patience_s, BROKEN_PATIENCE) if broken else patience_s):
            break
        await asyncio.sleep(_STEP_S)
    for client in behind:
        client.record.breach(
            "silent",
            f"{client.name} at {client.position} has {client.unanswered} posts without an answer",
        )
