"""The rate limits: whoever waits as long as told loses nothing and is not cut.

In the full size they are the default ones; in the small size the burst is of one post, so that
some are refused however slow the machine is.
"""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.client import Client, Drop
from tests.chaos.figures import Figures
from tests.chaos.load import PATIENCE, settle
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

NO_BURST = {"CHAT_SERVER_RATES_SENDS_BURST": "1"}


async def obey(
    server: Server, scale: Scale, chance: random.Random, *, patience_s: float = PATIENCE
) -> tuple[Record, list[Client]]:
    """Let clients post much more than their burst, and come back once in between."""
    record = Record()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"o{number}", "calm", record=record, chance=chance)
            )
            for number in range(scale.obedient)
        ]
        for client in clients:
            for _ in range(scale.posts_of_obedient):
                client.say()
        await asyncio.sleep(0.2 + chance.random())
        assert clients[0].drop(Drop.CLOSE)
        await settle(clients, patience_s=patience_s)
        # As they are before the block ends them all.
        ends = [Counter(client.ends) for client in clients]
    for client, before in zip(clients, ends, strict=True):
        client.ends = before
    return record, clients


def test_who_waits_as_told_loses_nothing(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Refused posts are sent again after the delay and stored once, and no stream is cut."""
    environment = {} if scale.full else NO_BURST
    with Server(tmp_path, rate_limits=True, environment=environment) as server:
        record, clients = asyncio.run(obey(server, scale, chance))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    refusals = sum((client.refusals for client in clients), start=Counter[str]())
    figures["clients"] = scale.obedient
    figures["posts acked"] = len(record.acked)
    figures["refusals"] = dict(refusals)
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert len(record.acked) == scale.obedient * scale.posts_of_obedient
    assert refusals.keys() == {"RATE_LIMITED"}
    assert all(not client.ends for client in clients[1:])


def test_refusals_without_a_word_are_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """A server that drops what is too fast, and tells nobody, breaks the promise."""
    with Server(tmp_path, rate_limits=True, fault="silent-refusal", environment=NO_BURST) as server:
        # Twice as long as it takes one that tells.
        record, _ = asyncio.run(obey(server, BOUNDED, chance, patience_s=3.0))
    figures["breaches found"] = dict(record.breaches)
    with pytest.raises(BrokenPromiseError):
        record.verdict()
