"""One frozen reader among healthy ones: it is cut, they notice nothing, it comes back."""

import asyncio
import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.wires.wire import ReadersConfig, SendersConfig
from bench.worker import Worker
from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.frozen import NARROW, WIDE, Stopped, Unread
from tests.chaos.insight import Watched
from tests.chaos.load import PATIENCE, settle, until
from tests.chaos.record import Record

MIB = 1 << 20
FROZEN_BYTES = 4 * MIB
"""Memory that a frozen reader may cost. Source: the service's guarantees, as the next."""
GONE_S = 15.0

ROOM = "frozen"
HEALTHY = 2
TEXT_BYTES = 4000
FLOOD = 2000
"""Posts: 8 MB, more than queue and window take for a reader."""
WARM_UP = FLOOD
"""As many as in the flood: what a longer one takes for good would count as the frozen readers'."""

MANY = 10
"""Frozen readers of one kind at once."""

HEALTHY_CROWD = 50
MESSAGES = 10_000
ROUND_S = 20.0
ROUNDS = 5
"""Source: the service's guarantees, but for the length of a round: 500 posts a second."""


@dataclass
class Result:
    """What one run gave."""

    record: Record = field(default_factory=Record)
    # Streams of healthy readers that ended, by reason.
    healthy_ends: Counter[str] = field(default_factory=Counter)
    # Seconds from the freeze until the server had let go of all frozen readers, if it did.
    gone_s: float = math.inf
    # Memory that all frozen ones cost at most.
    cost_bytes: int = 0
    head: int = 0


async def flood(sender: Client, count: int) -> None:
    """Post as fast as the answers allow."""
    for _ in range(count):
        if not sender.has_room:
            await until(lambda: sender.has_room, "there is room")
        sender.say()
    await until(lambda: not sender.unanswered, "all is answered")


async def freeze(
    server: Watched,
    healthy: int,
    begin: Callable[[], None],
    *,
    posts: int = FLOOD,
    patience_s: float = GONE_S,
) -> Result:
    """Flood a room, have frozen readers begin, flood it again, and wait until they are cut.

    The first flood is taken for the memory that a flood takes for good.
    """
    result = Result()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, server.usage().rss_bytes)
            await asyncio.sleep(0.02)

    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for number in range(healthy):
            client = Client(
                server.address,
                f"healthy{number}",
                ROOM,
                record=result.record,
                chance=random.Random(number),
                text_bytes=TEXT_BYTES,
            )
            clients.append(await stack.enter_async_context(client))
        await until(lambda: all(client.is_live for client in clients), "all are live")
        watching = asyncio.create_task(watch())
        await flood(clients[0], WARM_UP)
        await settle(clients)
        before, most = most, 0
        begin()
        began = time.monotonic()
        await flood(clients[0], posts)
        await settle(clients)
        while (await server.holding()).subscriptions > healthy:
            if time.monotonic() > began + patience_s:
                break
            await asyncio.sleep(0.05)
        else:
            result.gone_s = time.monotonic() - began
        watching.cancel()
        result.cost_bytes = most - before
        result.head = clients[0].position
        for client in clients:
            result.healthy_ends += client.ends
    return result


def delays(healthy: Worker, sender: Worker) -> tuple[float, float]:
    """Post at the promise's rate; return p50 and p99 from post to all healthy readers, in ms."""
    healthy.tell(do="settle", present=HEALTHY_CROWD, timeout_s=PATIENCE)
    settled = healthy.wait_answer(2 * PATIENCE)
    assert settled["settled"], settled
    sender.tell(do="pace", rate=MESSAGES / ROUND_S, seconds=ROUND_S, bunch=1)
    healthy.tell(do="wait", events=MESSAGES, timeout_s=PATIENCE)
    told = healthy.wait_answer(2 * PATIENCE)
    sent = sender.wait_answer(PATIENCE)
    assert (sent["acked"], sent["refused"]) == (MESSAGES, 0)
    assert (told["cut"], told["behind"], told["events"]) == (0, 0, MESSAGES)
    percents = statistics.quantiles(told["delays_us"], n=100)
    return percents[49] / 1000, percents[98] / 1000


def test_frozen_readers_are_cut_and_resume(tmp_path: Path, figures: Figures) -> None:
    """Who does not read is cut, with the reason, and costs others nothing; then it resumes."""
    with Watched(tmp_path) as server, ExitStack() as stack:
        unread: list[Unread] = []
        stopped = stack.enter_context(Stopped(server.address, "stopped", ROOM))

        def begin() -> None:
            for window in (NARROW, WIDE):
                name = f"window{window}"
                unread.append(stack.enter_context(Unread(server.address, name, ROOM, window)))
            stopped.told(position=WARM_UP)
            stopped.process.suspend()

        result = asyncio.run(freeze(server, HEALTHY, begin))
        figures["seconds until all are gone"] = result.gone_s
        figures["memory of all three, MiB"] = result.cost_bytes / MIB
        assert result.gone_s < GONE_S
        assert result.cost_bytes < 3 * FROZEN_BYTES
        result.record.verdict()
        assert result.healthy_ends == Counter()
        stopped.process.resume()
        told = stopped.told(position=result.head)
        figures["the stopped one's streams ended with"] = told["ends"]
        assert told["ends"] == {"SLOW_READER": 1}
        assert told["breaches"] == {}
        for reader in unread:
            figures[f"the stream of a window of {reader.window} ended with"] = reader.catch_up()
            assert reader.events == list(range(WARM_UP + 1, result.head + 1))


def test_frozen_notices_an_unbounded_queue(tmp_path: Path, figures: Figures) -> None:
    """A server that queues whatever a reader does not take is found out by its memory."""
    with Watched(tmp_path, "unbounded-queue") as server, ExitStack() as stack:

        def begin() -> None:
            stack.enter_context(Unread(server.address, "narrow", ROOM, NARROW))

        result = asyncio.run(freeze(server, 1, begin, posts=2 * FLOOD, patience_s=0.0))
    figures["memory of one, MiB"] = result.cost_bytes / MIB
    assert result.cost_bytes > FROZEN_BYTES
    assert result.gone_s == math.inf


@pytest.mark.full_only
def test_many_frozen_readers_cost_little_memory(tmp_path: Path, figures: Figures) -> None:
    """Ten frozen readers of each kind cost at most 4 MiB each, in the worst moment."""
    for kind, window in (("narrow", NARROW), ("wide", WIDE), ("stopped", 0)):
        (tmp_path / kind).mkdir()
        with Watched(tmp_path / kind) as server, ExitStack() as stack:

            def begin(kind: str = kind, window: int = window) -> None:
                for number in range(MANY):
                    name = f"{kind}{number}"
                    if window:
                        stack.enter_context(Unread(server.address, name, ROOM, window))
                    else:
                        stopped = stack.enter_context(Stopped(server.address, name, ROOM))
                        stopped.told(position=WARM_UP)
                        stopped.process.suspend()

            result = asyncio.run(freeze(server, HEALTHY, begin))
        figures[f"{kind}: memory of each, MiB"] = result.cost_bytes / MANY / MIB
        figures[f"{kind}: seconds until all are gone"] = result.gone_s
        assert result.cost_bytes < MANY * FROZEN_BYTES
        assert result.gone_s < GONE_S
        assert result.healthy_ends == Counter()


@pytest.mark.full_only
def test_healthy_readers_notice_nothing(tmp_path: Path, figures: Figures) -> None:
    """Beside a frozen reader, 50 healthy ones are told as quickly as without it."""
    with Watched(tmp_path) as server, ExitStack() as stack:
        config = ReadersConfig(server.address, "chat", ROOM, "healthy", HEALTHY_CROWD, 16, 1, 1)
        healthy = stack.enter_context(Worker("bench.readers", config))
        posting = SendersConfig(server.address, "chat", ROOM, "sender", 1)
        sender = stack.enter_context(Worker("bench.senders", posting))
        ratios: list[tuple[float, float]] = []
        for number in range(ROUNDS):
            base = delays(healthy, sender)
            with Unread(server.address, f"frozen{number}", ROOM, NARROW) as frozen:
                beside = delays(healthy, sender)
                assert asyncio.run(server.holding()).subscriptions == HEALTHY_CROWD + 1
                assert "behind" in frozen.catch_up()
            figures[f"round {number}: p50 and p99 without, ms"] = base
            figures[f"round {number}: p50 and p99 beside, ms"] = beside
            ratios.append((beside[0] / base[0], beside[1] / base[1]))
    p50, p99 = (statistics.median(ratio) for ratio in zip(*ratios, strict=True))
    figures["p50 beside by p50 without, median"] = p50
    figures["p99 beside by p99 without, median"] = p99
    assert p50 <= 1.2
    assert p99 <= 2.0
