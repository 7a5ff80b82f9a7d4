"""Recovery storm: clients are torn from their streams again and again while all are posting."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.client import Client, Drop
from tests.chaos.figures import Figures
from tests.chaos.load import settle, talk, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.relay import Relay
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

# How often a stream may be torn before it is up to date, or even welcomed.
CUT_SHORT = 0.25


async def _torn(client: Client, scale: Scale, chance: random.Random) -> None:
    kinds = [Drop.CANCEL, Drop.CLOSE, Drop.REPLACE]
    if client.relay is not None:
        kinds.append(Drop.CUT)
    for _ in range(scale.storm_drops):
        if chance.random() < CUT_SHORT:
            await until(lambda: client.is_connected, f"{client.name} is back")
        else:
            await until(lambda: client.is_live, f"{client.name} is live again")
        await asyncio.sleep(chance.random() * scale.storm_calm_s)
        await until(lambda: client.is_connected, f"{client.name} is back")
        assert client.drop(chance.choice(kinds))


async def storm(server: Server, scale: Scale, chance: random.Random) -> tuple[Record, list[Client]]:
    """Let all clients post and read, tear each from its streams; return what they were told.

    Then somebody who comes last reads all from the beginning.
    """
    record = Record()
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(scale.storm_clients):
            # A relay costs as much as a client; a quarter of them have one.
            relay = None
            if number % 4 == 0:
                relay = await stack.enter_async_context(Relay(server.address))
            client = Client(
                server.address, f"c{number}", "storm", record=record, chance=chance, relay=relay
            )
            clients.append(await stack.enter_async_context(client))
        tearing = asyncio.gather(*(_torn(client, scale, chance) for client in clients))
        await talk(clients, scale.storm_rate, tearing)
        last = Client(server.address, "last", "storm", record=record, chance=chance)
        clients.append(await stack.enter_async_context(last))
        await settle(clients)
    return record, clients


def test_storm_leaves_no_gap_and_no_double(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Whoever is torn away at random moments is told every event once, in the one order."""
    with Server(tmp_path) as server:
        record, clients = asyncio.run(storm(server, scale, chance))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    ends = sum((client.ends for client in clients), start=Counter[str]())
    figures["clients"] = scale.storm_clients
    figures["streams"] = sum(client.welcomes for client in clients)
    figures["streams that ended, by how"] = dict(ends)
    figures["posts acked"] = len(record.acked)
    figures["retries that had been stored"] = record.duplicates
    figures["events delivered"] = record.deliveries
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert "SLOW_READER" not in ends
    assert len(record.acked) > scale.storm_rate


def test_storm_notices_a_torn_seam(tmp_path: Path, chance: random.Random, figures: Figures) -> None:
    """The same storm finds what is lost, and what is repeated, where replay becomes live."""
    with Server(tmp_path, fault="torn-seam,repeated-seam") as server:
        record, _ = asyncio.run(storm(server, BOUNDED, chance))
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["gap"]
    assert record.breaches["double"]
    with pytest.raises(BrokenPromiseError):
        record.verdict()


def test_storm_notices_a_lost_frame(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """The same storm finds events that were stored and not told."""
    with Server(tmp_path, fault="lost-frame") as server:
        record, _ = asyncio.run(storm(server, BOUNDED, chance))
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["gap"]
