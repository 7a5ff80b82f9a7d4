"""A stop under load: everybody is told when to come back, and nothing is lost.

Between the stop and the next start nothing listens, so whoever comes back too early has to
try again, as clients of a real server have.
"""

import asyncio
import random
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.frozen import NARROW, Unread
from tests.chaos.load import PATIENCE, settle, talk, until
from tests.chaos.record import Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

STOP_S = 10.0
COME_BACK_MS = (500, 3000)
"""How long a stop takes, and when clients are asked to come back. Source: the guarantees."""

LONG_DRAIN = {"CHAT_SERVER_STOP_DRAIN": "1m"}
"""With it a stop waits 36 s for a frozen reader, unless there is a second signal."""

ROOM = "drain"
TALK_S = 0.5


@dataclass
class Result:
    """What one stop gave."""

    record: Record = field(default_factory=Record)
    stop_s: float = 0.0
    status: int = -1
    # What the server left: its process, or its port.
    left: list[str] = field(default_factory=list)
    # Of each client, what draining servers told it.
    hints_ms: list[list[int]] = field(default_factory=list)
    # From the start of the next server until nobody was behind.
    back_s: float = 0.0


def stop(server: Server, result: Result, first_heard: threading.Event | None = None) -> None:
    """Stop the server; if the first signal is to be heard of, with a second one after that."""
    instance, address = server.instance, server.address
    began = time.monotonic()
    if first_heard is not None:
        # Two of them that nobody has taken in yet are one.
        server.launcher.terminate()
        assert first_heard.wait(PATIENCE), "nobody was told of the stop"
    result.status = server.terminate()
    result.stop_s = time.monotonic() - began
    if instance.is_running():
        result.left.append("the process")
    host, _, port = address.rpartition(":")
    with socket.socket() as other:
        # Connections that are closed may linger, which is not the server's doing.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((host, int(port)))
        except OSError:
            result.left.append("the port")


async def drain(
    server: Server, scale: Scale, chance: random.Random, *, again: bool = True
) -> Result:
    """Stop the server while all post and read; start it again, and wait until all are back."""
    result = Result()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"d{number}", ROOM, record=result.record, chance=chance)
            )
            for number in range(scale.drain_clients)
        ]
        await until(lambda: all(client.is_live for client in clients), "all are live")
        await talk(clients, scale.drain_rate, asyncio.sleep(TALK_S))
        await talk(clients, scale.drain_rate, asyncio.to_thread(stop, server, result))
        if again:
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            back = until(lambda: all(client.is_live for client in clients), "all are back")
            await talk(clients, scale.drain_rate, back)
            await settle(clients)
            result.back_s = time.monotonic() - began
        result.hints_ms = [client.hints_ms for client in clients]
    return result


def check(result: Result) -> None:
    """Compare a stop with the promise. Raises AssertionError."""
    assert (result.status, result.left) == (0, [])
    assert result.stop_s < STOP_S
    result.record.verdict()
    assert all(len(hints) == 1 for hints in result.hints_ms), "not all were told once"
    hints = [hint for (hint,) in result.hints_ms]
    assert min(hints) >= COME_BACK_MS[0]
    assert max(hints) <= COME_BACK_MS[1]
    # By chance, a spread of less than a third comes once in many thousand runs.
    assert max(hints) - min(hints) > (COME_BACK_MS[1] - COME_BACK_MS[0]) / 3


def test_stop_under_load_loses_nothing(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """All are told when to come back, come back by themselves, and have missed nothing."""
    with Server(tmp_path) as server:
        result = asyncio.run(drain(server, scale, chance))
        figures["clients"] = scale.drain_clients
        figures["seconds of the stop"] = result.stop_s
        figures["exit status"] = result.status
        told = sorted(hint for hints in result.hints_ms for hint in hints)
        figures["clients that were told"] = len(told)
        if told:
            places = (0, len(told) // 4, len(told) // 2, len(told) * 3 // 4, -1)
            figures["told to come back after, ms (quartiles)"] = [told[n] for n in places]
        figures["posts acked"] = len(result.record.acked)
        figures["retries that had been stored"] = result.record.duplicates
        figures["from the next start until nobody was behind, s"] = result.back_s
        figures["breaches"] = sum(result.record.breaches.values())
        check(result)
        assert server.terminate() == 0
        result.record.compare_stored(server.database)
        result.record.verdict()


def test_drain_notices_a_stop_without_flush(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """A server that ends its streams with what is queued for them does not pass."""
    with Server(tmp_path, fault="no-flush") as server:
        result = asyncio.run(drain(server, BOUNDED, chance, again=False))
    figures["clients that were told"] = sum(map(bool, result.hints_ms))
    assert not any(result.hints_ms)
    with pytest.raises(AssertionError):
        check(result)


@asynccontextmanager
async def lingering(server: Server) -> AsyncIterator[None]:
    """Keep calls open that say nothing: a watch of the health, and a Chat without Hello."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        # Any: the stub is typed for calls that block.
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        silent = stubs.ChatServiceStub(channel).Chat()
        try:
            await watch.read()
            await silent.initial_metadata()
            yield
        finally:
            watch.cancel()
            silent.cancel()


async def held_up(server: Server, *, twice: bool) -> Result:
    """Stop a server that has a frozen reader, with much queued for it, and silent calls."""
    result = Result()
    heard = threading.Event()
    async with AsyncExitStack() as stack:
        chance = random.Random(1)
        sender = Client(
            server.address, "sender", ROOM, record=result.record, chance=chance, text_bytes=4000
        )
        await stack.enter_async_context(sender)
        await until(lambda: sender.is_live, "the sender is live")
        stack.enter_context(Unread(server.address, "frozen", ROOM, NARROW))
        await stack.enter_async_context(lingering(server))
        # More than its window, less than what it would be cut for.
        for _ in range(100):
            sender.say()
        await until(lambda: not sender.unanswered, "all is answered")
        stopping = asyncio.create_task(
            asyncio.to_thread(stop, server, result, heard if twice else None)
        )
        await until(lambda: bool(sender.hints_ms), "the sender is told")
        heard.set()
        await stopping
    return result


@pytest.mark.full_only
def test_stop_waits_for_nobody_too_long(tmp_path: Path, figures: Figures) -> None:
    """A reader that takes nothing and calls that never end do not keep a stop."""
    with Server(tmp_path) as server:
        result = asyncio.run(held_up(server, twice=False))
    figures["seconds of the stop"] = result.stop_s
    assert (result.status, result.left) == (0, [])
    assert result.stop_s < STOP_S


def test_second_signal_ends_a_stop_faster(tmp_path: Path, figures: Figures) -> None:
    """Who asks twice does not want to wait for those who do not read."""
    with Server(tmp_path, environment=LONG_DRAIN) as server:
        result = asyncio.run(held_up(server, twice=True))
    figures["seconds of the stop"] = result.stop_s
    assert (result.status, result.left) == (0, [])
    assert result.stop_s < STOP_S
