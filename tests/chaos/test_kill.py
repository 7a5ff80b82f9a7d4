"""Kill storm: kill -9 of the real server again and again, while clients post."""

import asyncio
import random
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.load import settle, talk
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

CLIENTS = 6

# How often the launcher outlives its instance and starts it again by itself; it does so at
# once only the first time, so every second kill takes it along.
LAUNCHER_LIVES = 0.5
# How often the next start is killed too, and within how many seconds.
START_IS_KILLED = 0.1
START_S = 1.0
# How many of the times between two kills are a flood.
FLOODED = 1 / 3

READY_S = 5.0
"""The longest that a start after a crash may take, as promised."""


class Kills:
    """The kills of one storm, and how long the starts after them took."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.count = 0
        self.starts_s: list[float] = []
        self._server = server
        self._chance = chance
        self._launcher_is_fresh = True

    def strike(self) -> None:
        """Kill, and have a server again. Blocks."""
        server, chance = self._server, self._chance
        self.count += 1
        if self._launcher_is_fresh and chance.random() < LAUNCHER_LIVES:
            self._launcher_is_fresh = False
            server.kill_instance()
            server.wait_again()
        else:
            self._launcher_is_fresh = True
            server.kill()
            if chance.random() < START_IS_KILLED:
                self.count += 1
                server.start_in_vain(chance.random() * START_S)
            server.start()
        self.starts_s.append(server.start_s)


async def storm(
    server: Server, scale: Scale, chance: random.Random, *, kills_at_most: int
) -> tuple[Record, Kills, list[int]]:
    """Kill the server at random moments under load; return what the clients were told.

    Ends when a loss is known. The last of the results is how many posts had been acknowledged
    at each kill.
    """
    record, kills = Record(), Kills(server, chance)
    acked: list[int] = []

    async def one_life() -> None:
        await asyncio.sleep(chance.random() * scale.kill_calm_s)
        acked.append(len(record.acked))
        await asyncio.to_thread(kills.strike)

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"k{number}", "kills", record=record, chance=chance)
            )
            for number in range(CLIENTS)
        ]
        while kills.count < kills_at_most and not record.breaches.keys() & {"lost", "different"}:
            flooded = chance.random() < FLOODED
            rate = scale.kill_flood if flooded else scale.kill_rate
            await talk(clients, rate, one_life())
        await settle(clients)
    return record, kills, acked


def test_kills_lose_nothing_that_was_acknowledged(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """After every kill -9 all that was acknowledged is there, and every retry has one effect."""
    with Server(tmp_path) as server:
        record, kills, acked = asyncio.run(storm(server, scale, chance, kills_at_most=scale.kills))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    figures["kill -9"] = kills.count
    figures["kills that met acks since the last one"] = sum(b > a for a, b in pairwise([0, *acked]))
    figures["posts acked"] = len(record.acked)
    figures["posts acked before the last kill"] = acked[-1]
    figures["retries that had been stored"] = record.duplicates
    figures["events delivered"] = record.deliveries
    figures["median start after a kill, s"] = median(kills.starts_s)
    figures["longest start after a kill, s"] = max(kills.starts_s)
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert acked[-1] >= scale.kill_acked
    if scale.full:
        assert max(kills.starts_s) <= READY_S


def test_kills_notice_acks_that_came_too_early(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """The same storm finds losses where acks are sent before the commit."""
    with Server(tmp_path, fault="ack-before-commit") as server:
        # The first kill may come before the first ack.
        record, kills, _ = asyncio.run(storm(server, BOUNDED, chance, kills_at_most=20))
        server.terminate()
        record.compare_stored(server.database)
    figures["kill -9"] = kills.count
    figures["posts acked"] = len(record.acked)
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["lost"]
    with pytest.raises(BrokenPromiseError):
        record.verdict()
