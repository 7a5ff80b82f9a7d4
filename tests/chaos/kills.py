"""A storm of kill -9, while clients post."""

import asyncio
import random
from contextlib import AsyncExitStack

from tests.chaos.client import Client
from tests.chaos.load import settle, talk, until
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.chaos.server import Server

ROOM = "kills"
CLIENTS = 6

# How often the launcher outlives its instance and starts it again by itself; it does so at
# once only the first time, so every second kill takes it along.
LAUNCHER_LIVES = 0.5
# How often the next start is killed too, and within how many seconds.
START_IS_KILLED = 0.1
START_S = 1.0
# How many of the times between two kills are a flood.
FLOODED = 1 / 3


class Kills:
    """The kills of one storm, and how long the starts after them took.

    `own_s` is without what they waited for a processor that others had.
    """

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.count = 0
        self.starts_s: list[float] = []
        self.own_s: list[float] = []
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
        self.own_s.append(server.start_s - server.start_waited_s)


async def storm(
    server: Server,
    scale: Scale,
    chance: random.Random,
    *,
    kills_at_most: int,
    acked_at_least: int = 0,
) -> tuple[Record, Kills, list[int]]:
    """Kill the server at random moments under load; return what the clients were told.

    The last kill waits until so many posts are acknowledged. Ends when a loss is known. The
    last of the results is how many posts had been acknowledged at each kill.
    """
    record, kills = Record(), Kills(server, chance)
    acked: list[int] = []

    async def one_life() -> None:
        await asyncio.sleep(chance.random() * scale.kill_calm_s)
        # A strike kills twice at most.
        if kills.count + 2 >= kills_at_most:
            await until(lambda: len(record.acked) >= acked_at_least, "enough posts are acked")
        acked.append(len(record.acked))
        await asyncio.to_thread(kills.strike)

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"k{number}", ROOM, record=record, chance=chance)
            )
            for number in range(CLIENTS)
        ]
        while kills.count < kills_at_most and not record.breaches.keys() & {"lost", "different"}:
            flooded = chance.random() < FLOODED
            rate = scale.kill_flood if flooded else scale.kill_rate
            await talk(clients, rate, one_life())
        await settle(clients)
    return record, kills, acked
