"""A connection that was there before an attack, and must be answered while it lasts.

It is held by a process of its own, `python -m tests.chaos.control`, because whoever attacks
and whoever waits in one process wait for each other.
"""

import asyncio
import itertools
import math
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.figures import Figures
from tests.chaos.load import until

ALIVE_S = 5.0
"""In every run each order is answered within so many seconds. Source: the catalogue of abuse."""

CALM_BEATS = 20
# As many as it takes to know the machine that all this shares with others.
MANY_BEATS = 250
BEAT_S = 0.02
# Milliseconds that the 99th of 100 answers may take, however quick it was before; and how many
# times as long as before, where that is more. Source: the same.
P99_MS = 50.0
TIMES = 2.0


class Control:
    """Somebody who says something every 20 ms and waits for the ack.

    Entering the block measures how long that takes before; leaving it checks all after.
    """

    def __init__(self, address: str, room: str = "lobby", calm_beats: int = CALM_BEATS) -> None:
        self._arguments = (address, room)
        self._calm_beats = calm_beats
        # Seconds until each answer: before the attack, and while it lasted.
        self.calm: list[float] = []
        self.waits: list[float] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.control", *self._arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        try:
            await self._some_more(self._calm_beats)
        except BaseException:
            await self._end()
            raise
        self.calm, self.waits = self.waits, []
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                # The last answers come after the attack.
                await self._some_more(3)
        finally:
            await self._end()

    async def lives(self, seconds: float) -> None:
        """Let some time pass, in which it is answered."""
        await asyncio.sleep(seconds)
        await self._some_more(1)

    def check(self, figures: Figures, *, full: bool) -> None:
        """Note how long answers took, and hold it against what is promised."""
        figures["answers to others meanwhile"] = len(self.waits)
        calm, held = p99(self.calm) * 1000, p99(self.waits) * 1000
        figures["their p99 before, ms"] = calm
        figures["their p99 meanwhile, ms"] = held
        figures["the longest meanwhile, ms"] = max(self.waits) * 1000
        assert max(self.waits) <= ALIVE_S
        if full:
            assert held <= max(P99_MS, TIMES * calm)

    async def _some_more(self, beats: int) -> None:
        assert self._reading is not None
        reading, wanted = self._reading, len(self.waits) + beats
        await until(lambda: len(self.waits) >= wanted or reading.done(), "somebody is answered")
        assert not reading.done(), "the one who was there before is not answered any more"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.waits.append(float(line))

    async def _end(self) -> None:
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading


def p99(values: list[float]) -> float:
    """Return what 99 of 100 values do not exceed."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


# ------------------------------------------------------------------------ the process


async def beats(address: str, room: str) -> AsyncGenerator[float, None]:
    """Say one thing after the other; yield the seconds until each answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = stubs.ChatServiceStub(channel)
        joined = await stub.Join(
            pb.JoinRequest(name=f"control{os.getpid()}", room=room), timeout=ALIVE_S
        )
        # Any: a call of grpc.aio is generic in messages.
        chat: Any = stub.Chat(metadata=(("authorization", f"Bearer {joined.token}"),))
        await chat.write(pb.ChatRequest(hello=pb.Hello()))
        while not (await chat.read()).items:
            pass
        for number in itertools.count():
            order = f"beat-{number}"
            post = pb.Post(room=pb.RoomTarget(room_name=room), text=order, client_msg_id=order)
            began = time.perf_counter()
            async with asyncio.timeout(ALIVE_S):
                await chat.write(pb.ChatRequest(order_id=order, post=post))
                await answer(chat, order)
            yield time.perf_counter() - began
            await asyncio.sleep(BEAT_S)


# Any: as in `beats`.
async def answer(chat: Any, order: str) -> None:
    """Wait for the ack of an order. Raises AssertionError where it is refused."""
    while True:
        frame = await chat.read()
        assert frame is not grpc.aio.EOF, "the server ended the stream"
        for item in frame.items:
            assert item.error.order_id != order, item
            if item.ack.order_id == order:
                return


async def tell(address: str, room: str) -> None:
    """Write the seconds until each answer, a line for each, until it is killed."""
    async with aclosing(beats(address, room)) as waits:
        async for seconds in waits:
            print(seconds, flush=True)


if __name__ == "__main__":
    asyncio.run(tell(*sys.argv[1:]))
