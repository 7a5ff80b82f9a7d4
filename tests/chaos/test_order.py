"""One order: many post at once, and everybody is told the same."""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.load import settle, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

# Posts of a sender under way at once: of 50 together fewer than the 10,000 that an instance
# takes, or some are refused and overtaken by those behind them.
WINDOW = 150

# All is posted as fast as it is taken, on a machine that may have much else to do.
ALL_S = 600.0


async def crowd(
    server: Server, scale: Scale, chance: random.Random
) -> tuple[Record, Counter[str], float]:
    """Let all senders post all they have.

    Returns what the readers were told, how streams ended, and the seconds.
    """
    record = Record()
    async with AsyncExitStack() as stack:

        async def enter(name: str, *, reads: bool) -> Client:
            client = Client(
                server.address,
                name,
                "order",
                record=record,
                chance=chance,
                reads=reads,
                window=WINDOW,
            )
            return await stack.enter_async_context(client)

        readers = [await enter(f"r{number}", reads=True) for number in range(scale.subscribers)]
        senders = [await enter(f"s{number}", reads=False) for number in range(scale.senders)]
        await until(lambda: all(reader.is_live for reader in readers), "all readers are live")
        began = time.monotonic()
        for _ in range(scale.posts_of_sender):
            for sender in senders:
                sender.say()
        await settle([*readers, *senders], patience_s=ALL_S)
        took_s = time.monotonic() - began
        ends = sum((client.ends for client in (*readers, *senders)), start=Counter[str]())
        for sender in senders:
            for reason in sender.refusals:
                record.breach("ended", f"{sender.name} was refused with {reason}")
    return record, ends, took_s


def test_all_readers_are_told_one_order(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """All lists are identical and without a hole, and keep the order of each sender."""
    posts = scale.senders * scale.posts_of_sender
    with Server(tmp_path) as server:
        record, ends, took_s = asyncio.run(crowd(server, scale, chance))
        assert server.terminate() == 0
        record.compare_stored(server.database)
    figures["senders"] = scale.senders
    figures["posts acked"] = len(record.acked)
    figures["readers"] = scale.subscribers
    figures["events delivered"] = record.deliveries
    figures["streams that ended, by how"] = dict(ends)
    figures["time, s"] = took_s
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    # Where the readers are slower than all senders together, they are cut and resume.
    assert ends.keys() <= {"SLOW_READER"}
    assert len(record.acked) == posts
    assert record.deliveries == posts * scale.subscribers


def test_two_orders_are_noticed(tmp_path: Path, chance: random.Random, figures: Figures) -> None:
    """A server that tells some readers another order breaks the promise."""
    with Server(tmp_path, fault="two-orders") as server:
        record, *_ = asyncio.run(crowd(server, BOUNDED, chance))
    figures["breaches found"] = dict(record.breaches)
    with pytest.raises(BrokenPromiseError):
        record.verdict()
