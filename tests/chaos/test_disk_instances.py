"""Several servers at work at once, each with its own file: every file stays whole.

SQLite before 3.51.3 can damage a file that two connections write or checkpoint at the same
time. Here each file has one writer, which alone checkpoints, and one server.
"""

import asyncio
import random
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

from tests.chaos.client import Client, Drop
from tests.chaos.figures import Figures
from tests.chaos.load import settle, talk, until
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.e2e.launched import Launched

INSTANCES = 4
CLIENTS = 3
# Posts a second of all clients of an instance: the write-ahead log is emptied every second or so.
RATE = 400


async def stress(address: str, seconds: float, chance: random.Random) -> Record:
    """Post to one server while readers come back again and again, and read from its file."""
    record = Record()

    async def come_and_go(client: Client) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await asyncio.sleep(chance.random())
            await until(lambda: client.is_connected, "it is back")
            client.drop(chance.choice((Drop.CLOSE, Drop.CANCEL, Drop.REPLACE)))

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(address, f"i{number}", "stress", record=record, chance=chance)
            )
            for number in range(CLIENTS)
        ]
        work = asyncio.gather(*(come_and_go(client) for client in clients))
        await talk(clients, RATE, work)
        # Whoever comes last reads all from the file.
        last = Client(address, "last", "stress", record=record, chance=chance)
        clients.append(await stack.enter_async_context(last))
        await settle(clients)
    return record


def test_every_file_stays_whole(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Under stress of all instances nothing is lost, and SQLite finds no fault in any file."""

    async def all_of_them(addresses: list[str]) -> list[Record]:
        return await asyncio.gather(*(stress(a, scale.stress_s, chance) for a in addresses))

    flags = ("--port", "0", "--data-dir", tmp_path, "--instances", str(INSTANCES))
    with Launched(*flags, "--no-rate-limits") as launched:
        found = launched.addresses(INSTANCES)
        records = dict(zip(found, asyncio.run(all_of_them(list(found.values()))), strict=True))
        launched.terminate()
        assert launched.wait() == 0
    for directory, record in records.items():
        record.compare_stored(directory / "chat.sqlite3")
        record.verdict()
    figures["SQLite"] = sqlite3.sqlite_version
    figures["instances"] = len(records)
    figures["seconds"] = scale.stress_s
    figures["posts acked"] = sum(len(record.acked) for record in records.values())
    figures["events delivered"] = sum(record.deliveries for record in records.values())
    figures["files that are whole"] = len(records)


def test_file_has_one_server(tmp_path: Path) -> None:
    """A second server on the same data is refused in one line, and the first does not notice."""
    flags = ("--port", "0", "--data-dir", tmp_path)
    with Launched(*flags) as first:
        first.addresses(1)
        with Launched(*flags) as second:
            assert second.wait() == 1
            assert second.stderr.rest() == [
                f"chat-server: data directory {tmp_path} is in use by another process; "
                "name another one with --data-dir"
            ]
        first.terminate()
        assert first.wait() == 0
