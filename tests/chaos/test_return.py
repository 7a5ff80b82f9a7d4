"""Everybody comes back at once after a crash, with the default rate limits."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.client import QUICK, USUAL, Client
from tests.chaos.figures import Figures
from tests.chaos.load import settle, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

BACK_S = 30.0
"""The longest that it may take until the last one is live again, as promised."""

# Connections that are opened at once before; more would wait in the listener's queue.
TOGETHER = 20


async def everybody_returns(
    server: Server, scale: Scale, chance: random.Random, *, fault: str = ""
) -> tuple[Record, list[float]]:
    """Kill the server under all clients and start it again; return who was live when.

    The times are seconds since it listened, in order. Ends early on a broken promise.
    """
    record = Record()
    async with AsyncExitStack() as stack:
        clients = [
            Client(
                server.address,
                f"b{number}",
                "home",
                record=record,
                chance=chance,
                back_off=USUAL if scale.full else QUICK,
            )
            for number in range(scale.returning)
        ]
        for first in range(0, len(clients), TOGETHER):
            group = clients[first : first + TOGETHER]
            await asyncio.gather(*(stack.enter_async_context(client) for client in group))
        await until(lambda: all(client.is_live for client in clients), "all are live")
        server.fault = fault
        await asyncio.to_thread(server.kill)
        clients[0].say()
        await until(lambda: not any(client.is_live for client in clients), "all have noticed")
        await asyncio.to_thread(server.start)
        listened = time.monotonic()
        live_s: list[float] = []

        def all_are_back() -> bool:
            back = sum(client.is_live for client in clients)
            live_s.extend([time.monotonic() - listened] * (back - len(live_s)))
            return back == len(clients) or bool(record.breaches)

        await until(all_are_back, "all are back", patience_s=2 * BACK_S)
        await settle(clients)
    return record, live_s


def test_everybody_comes_back(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """A crash under many clients locks nobody out, and nobody misses the first message."""
    with Server(tmp_path, rate_limits=True) as server:
        record, live_s = asyncio.run(everybody_returns(server, scale, chance))
        usage = server.usage()
    figures["clients"] = scale.returning
    figures["half were back after, s"] = live_s[len(live_s) // 2]
    figures["the last was back after, s"] = live_s[-1]
    figures["server CPU since its start, s"] = usage.cpu_s
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert record.deliveries == scale.returning
    if scale.full:
        assert live_s[-1] <= BACK_S


def test_lockout_is_noticed(tmp_path: Path, chance: random.Random, figures: Figures) -> None:
    """A server that takes returning clients for an attack breaks the promise."""
    with Server(tmp_path, rate_limits=True) as server:
        record, _ = asyncio.run(everybody_returns(server, BOUNDED, chance, fault="login-lockout"))
    figures["breaches found"] = dict(record.breaches)
    with pytest.raises(BrokenPromiseError):
        record.verdict()
