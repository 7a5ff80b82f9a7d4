"""Somebody who reads without end: others post and read as before.

The control, a server without rates, lets whoever reads so make the others wait.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.control import ALIVE_S, CALM_BEATS, MANY_BEATS, P99_MS, TIMES, Control, p99
from tests.chaos.figures import Figures
from tests.chaos.scale import Scale
from tests.chaos.server import Server

LOBBY = pb.RoomTarget(room_name="lobby")
OWN = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 16 << 20))
PAGE = 1000
# As many calls as a connection may have at once.
CALLS = 32
# What is said all the while is bounded by nothing: it is to be felt how long it takes.
TALK = {
    "CHAT_SERVER_RATES_SENDS_BURST": "100000",
    "CHAT_SERVER_RATES_SENDS_PER_SECOND": "100000",
}


class Reader:
    """Somebody who asks for the newest messages of the lobby."""

    def __init__(self, stub: "stubs.ChatServiceAsyncStub", joined: pb.JoinResponse) -> None:
        self._stub = stub
        self.metadata = (("authorization", f"Bearer {joined.token}"),)

    async def reads(self, count: int) -> float:
        """Read so many; return how long it took, in seconds."""
        request = pb.ListMessagesRequest(room=LOBBY, page_size=count)
        began = time.perf_counter()
        await self._stub.ListMessages(request, metadata=self.metadata, timeout=60)
        return time.perf_counter() - began

    async def says(self, number: int) -> None:
        """Say something long."""
        post = pb.Post(room=LOBBY, text="x" * 100, client_msg_id=f"{number}")
        await self._stub.PostMessage(pb.PostMessageRequest(post=post), metadata=self.metadata)


@asynccontextmanager
async def reader(server: Server, name: str) -> AsyncIterator[Reader]:
    """Give somebody with a connection of their own."""
    async with grpc.aio.insecure_channel(server.address, options=OWN) as channel:
        stub = stubs.ChatServiceStub(channel)
        yield Reader(stub, await stub.Join(pb.JoinRequest(name=name, room="lobby")))


async def flood(server: Server, scale: Scale, figures: Figures) -> tuple[list[float], list[float]]:
    """Read without end beside somebody who reads little and somebody who talks.

    Returns how long the small reads took before and meanwhile, in seconds.
    """
    beats = MANY_BEATS if scale.full else CALM_BEATS
    async with (
        reader(server, "greedy") as greedy,
        reader(server, "modest") as modest,
        Control(server.address, calm_beats=beats) as control,
    ):
        for first in range(0, PAGE, 50):
            await asyncio.gather(*(greedy.says(first + place) for place in range(50)))
        calm = [await modest.reads(10) for _ in range(20)]
        pages = 0

        async def read_on() -> None:
            nonlocal pages
            while True:
                await greedy.reads(PAGE)
                pages += 1

        reading = [asyncio.create_task(read_on()) for _ in range(CALLS)]
        waits: list[float] = []
        ends = time.monotonic() + scale.attack_s
        while time.monotonic() < ends or len(waits) < 3:
            waits.append(await modest.reads(10))
            await control.lives(0.1)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    figures["pages that were read"] = pages
    figures["a small read before, p99, ms"] = p99(calm) * 1000
    figures["a small read meanwhile, p99, ms"] = p99(waits) * 1000
    control.check(figures, full=scale.full)
    return calm, waits


def test_who_reads_without_end_is_not_felt(tmp_path: Path, scale: Scale, figures: Figures) -> None:
    """Others post and read as before, or nearly so."""
    with Server(tmp_path, rate_limits=True, environment=TALK) as server:
        calm, waits = asyncio.run(flood(server, scale, figures))
        assert server.terminate() == 0
    assert max(waits) <= ALIVE_S
    if scale.full:
        assert p99(waits) * 1000 <= max(P99_MS, TIMES * p99(calm) * 1000)


@pytest.mark.full_only
def test_reading_without_turns_is_felt(tmp_path: Path, scale: Scale, figures: Figures) -> None:
    """On a server without rates a small read waits behind those of whoever reads without end."""
    with Server(tmp_path) as server:
        calm, waits = asyncio.run(flood(server, scale, figures))
        assert server.terminate() == 0
    assert p99(waits) * 1000 > max(P99_MS, TIMES * p99(calm) * 1000)
