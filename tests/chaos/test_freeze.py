"""A server that stands still for a while, by SIGSTOP, and goes on, by SIGCONT."""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.load import settle, talk, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

# Whoever has a ping under way for so long takes the server for dead, and comes back.
PING_TIMEOUT_S = 10.0
# How its stream ends then, as gRPC tells it: the second, while it was just writing. And what
# was posted in so long a time is told at once: more than a reader may owe.
MAY_END = {"unavailable", "internal", "SLOW_READER"}

# Posts go on for so long before, between and after.
TALK_S = 0.3


async def stand_still(
    server: Server, scale: Scale, chance: random.Random
) -> tuple[Record, Counter[str], float]:
    """Freeze the server while all post and read.

    Returns what they were told, how streams ended, and the seconds from the last thaw until
    nothing was behind.
    """
    record = Record()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"f{number}", "ice", record=record, chance=chance)
            )
            for number in range(scale.frozen_clients)
        ]
        await until(lambda: all(client.is_live for client in clients), "all are live")
        await talk(clients, scale.freeze_rate, asyncio.sleep(TALK_S))
        for seconds in scale.freezes_s:
            server.freeze()
            await talk(clients, scale.freeze_rate, asyncio.sleep(seconds))
            server.thaw()
            thawed = time.monotonic()
            await talk(clients, scale.freeze_rate, asyncio.sleep(TALK_S))
        await settle(clients)
        behind_s = time.monotonic() - thawed
        ends = sum((client.ends for client in clients), start=Counter[str]())
    return record, ends, behind_s


def test_clients_outlive_a_server_that_stands_still(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Nothing is lost or doubled, and whoever does not take the server for dead stays."""
    with Server(tmp_path) as server:
        record, ends, behind_s = asyncio.run(stand_still(server, scale, chance))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    figures["clients"] = scale.frozen_clients
    figures["frozen for, s"] = scale.freezes_s
    figures["streams that ended, by how"] = dict(ends)
    figures["posts acked"] = len(record.acked)
    figures["events delivered"] = record.deliveries
    figures["from the last thaw until nothing was behind, s"] = behind_s
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert ends.keys() <= (MAY_END if max(scale.freezes_s) > PING_TIMEOUT_S else set())


def test_loss_after_a_stall_is_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """A server that forgets to tell what it publishes after a stall breaks the promise."""
    with Server(tmp_path, fault="deaf-after-a-stall") as server:
        record, *_ = asyncio.run(stand_still(server, BOUNDED, chance))
    figures["breaches found"] = dict(record.breaches)
    with pytest.raises(BrokenPromiseError):
        record.verdict()
