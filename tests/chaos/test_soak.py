"""A crowd for half an hour: memory, tasks, threads, descriptors and subscriptions stay flat.

Counts are exact: when the crowd has gone, the server holds what it held before it came.
Memory while the crowd is there is judged by the slope of its last two thirds: the median
of the slopes between any two samples, which a garbage collection or a busy moment in a
few of them does not move. In the first third, rings of recent events, caches of SQLite and the
allocator's arenas fill up to their bounds.
"""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tests.chaos.crowd import Crowd, Habits
from tests.chaos.figures import Figures
from tests.chaos.insight import Holding, Watched
from tests.chaos.scale import Scale

MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    """What the system and the server itself told at one moment."""

    at_s: float
    rss_bytes: int
    descriptors: int
    threads: int
    inside: Holding


@dataclass(frozen=True)
class Size:
    """How long and how much."""

    warm_up_s: float
    seconds: float
    every_s: float
    # How long the server may take to let go of what clients have closed.
    settle_s: float
    habits: Habits


BUSY = Habits(
    people=30, rooms=6, rooms_each=2, posts=500, losses=10, moves=5, looks=10, farewells=2
)
BOUNDED = Size(warm_up_s=1.0, seconds=2.5, every_s=0.5, settle_s=10, habits=BUSY)
BRIEF = Size(warm_up_s=0.5, seconds=1.5, every_s=0.5, settle_s=0.5, habits=BUSY)
HALF_AN_HOUR = Size(
    warm_up_s=60,
    seconds=1800,
    every_s=10,
    settle_s=10,
    habits=Habits(
        people=120, rooms=20, rooms_each=2, posts=250, losses=6, moves=3, looks=5, farewells=1
    ),
)

BLOCKS_A_MESSAGE = 0.7
"""Small objects that may be left of a message. What keeps messages leaves at least one of
each, in practice two; what a short run leaves by chance was at most 0.25 of each."""

HISTORY_DESCRIPTORS = 4
"""Two threads that read history open the file and its journal when they are first needed."""

LINGERING = 3
"""Sockets that may be left: one in some hundred that are lost while they open is let go of
only 10 to 20 s later, by the transport. A leak leaves one of each."""

SLOPE_BYTES = 4 * MIB / 1800
"""Growth of memory, in bytes a second: at most 4 MiB in half an hour. Between the 8th and
the 21st minute the allocator still took 1 to 4, ever less; events that are kept would be
60 of them, and 1 KB of each lost connection 10."""


@dataclass
class Run:
    """What one run gave."""

    # Before anybody came, and between the two.
    idle: Sample
    before: Sample
    during: list[Sample]
    after: Sample
    messages: int
    delivered: int


async def soak(server: Watched, size: Size, chance: random.Random) -> Run:
    """Have a crowd come, live and go, twice: what the first leaves is what the second finds."""
    began = time.monotonic()

    async def sample() -> Sample:
        inside = await server.holding()
        usage = server.usage()
        return Sample(
            time.monotonic() - began, usage.rss_bytes, usage.descriptors, usage.threads, inside
        )

    async def sampled(seconds: float) -> None:
        while not living.done():
            during.append(await sample())
            await asyncio.wait((living,), timeout=seconds)

    async def settled() -> Sample:
        """Wait until what the crowd left behind has been let go of, or will not be."""
        deadline = time.monotonic() + size.settle_s
        while True:
            now = await sample()
            quiet = (
                now.inside.tasks <= idle.inside.tasks
                and now.descriptors <= idle.descriptors + HISTORY_DESCRIPTORS + LINGERING
            )
            if quiet or time.monotonic() > deadline:
                return now
            await asyncio.sleep(0.05)

    idle = await sample()
    crowd = Crowd(server.address, size.habits, chance)
    await crowd.gather()
    await crowd.live(size.warm_up_s)
    await crowd.disperse()
    before = await settled()
    during: list[Sample] = []
    messages, delivered = len(crowd.acked), crowd.delivered
    await crowd.gather()
    living = asyncio.create_task(crowd.live(size.seconds))
    await sampled(size.every_s)
    await living
    await crowd.disperse()
    after = await settled()
    run = Run(idle, before, during, after, len(crowd.acked) - messages, crowd.delivered - delivered)
    await crowd.check_acked()
    assert crowd.faults == []
    return run


def leaks(run: Run) -> list[str]:
    """Compare what the server holds with what it held; return what stayed behind."""
    before, after, inside = run.before, run.after, run.after.inside
    gone = {
        "subscriptions": inside.subscriptions,
        "streams": inside.streams,
        "users": inside.users,
        "sessions": inside.sessions,
        "waiting": inside.waiting,
        "tasks": inside.tasks - run.idle.inside.tasks,
        "descriptors": max(
            0, after.descriptors - run.idle.descriptors - HISTORY_DESCRIPTORS - LINGERING
        ),
    }
    left = inside.blocks - before.inside.blocks
    if left > run.messages * BLOCKS_A_MESSAGE:
        gone["blocks"] = left
    return [f"{count} {what} stayed behind" for what, count in gone.items() if count]


def slope(samples: list[Sample]) -> float:
    """Return the growth of memory, in bytes a second."""
    return statistics.median(
        (two.rss_bytes - one.rss_bytes) / (two.at_s - one.at_s)
        for one, two in combinations(samples, 2)
    )


def test_crowd_leaves_nothing_behind(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Whatever a crowd does, the server holds no more after it than before."""
    with Watched(tmp_path) as server:
        run = asyncio.run(soak(server, HALF_AN_HOUR if scale.full else BOUNDED, chance))
    late = run.during[len(run.during) // 3 :]
    figures["seconds"] = run.during[-1].at_s - run.during[0].at_s
    figures["posts acked"] = run.messages
    figures["events delivered"] = run.delivered
    figures["tasks idle, before, after"] = [
        one.inside.tasks for one in (run.idle, run.before, run.after)
    ]
    for what in ("descriptors", "threads"):
        ends = [getattr(one, what) for one in (run.idle, run.before, run.after)]
        figures[f"{what} idle, before, after"] = ends
        figures[f"{what} with the crowd, least and most"] = [
            pick(getattr(one, what) for one in late) for pick in (min, max)
        ]
    figures["objects left of a message"] = (
        run.after.inside.blocks - run.before.inside.blocks
    ) / run.messages
    figures["memory after each third, MiB"] = [
        run.during[len(run.during) * third // 3 - 1].rss_bytes / MIB for third in (1, 2, 3)
    ]
    assert leaks(run) == []
    if scale.full:
        figures["memory's slope, MiB in 30 minutes"] = slope(late) * 1800 / MIB
        assert slope(late) <= SLOPE_BYTES


def test_soak_notices_a_leak(tmp_path: Path, chance: random.Random, figures: Figures) -> None:
    """A server that keeps what it published, and every subscription, is found out."""
    with Watched(tmp_path, "kept-events", "kept-subscriptions") as server:
        run = asyncio.run(soak(server, BRIEF, chance))
    figures["found"] = found = leaks(run)
    assert {one.split()[1] for one in found} >= {"subscriptions", "blocks"}
